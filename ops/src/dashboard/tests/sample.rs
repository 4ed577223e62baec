//! A hub in a plausible state, and a message with a full life.

use causeway_core::decision::{Decision, Verdict};
use causeway_core::dicom::change::{Change, Conflict, Hidden};
use causeway_core::dicom::instance::{Instance, InstanceRow, Search};
use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::{Digest, FeedName, Format, Offset, PartitionId, Position, TraceId};
use causeway_core::mapped::Note;
use causeway_core::outcome::{MessageFacts, State};
use causeway_core::person::PersonId;
use causeway_core::phi::Phi;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::{Actor, Effects, MessageDetail, MessageRow, RecordRow, Transition};
use causeway_core::provider::ProviderId;
use causeway_core::reason::Reason;
use causeway_core::record::{RecordKey, VersionClock};
use causeway_core::scope::Domain;
use jiff::{SignedDuration, Timestamp};

use crate::status::images::{CommitmentStatus, FailedAssociations, ImageStatus, StudiesStatus};
use crate::status::{
    FeedState, FeedStatus, Headline, HeldStatus, Pipeline, SPARK_POINTS, SPARK_STEP_SECONDS, Snapshot, Stage,
    StageStatus,
};

pub(in super::super) fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

fn name(text: &str) -> FeedName {
    FeedName::parse(text).expect("a feed name")
}

/// When the sample was taken.
pub(in super::super) fn now() -> Timestamp {
    at("2026-03-04T07:12:03.250Z")
}

/// Four feeds, one of them silent, one paused; some messages held.
pub(in super::super) fn snapshot() -> Snapshot {
    Snapshot {
        v: 1,
        at: now(),
        version: "0.1.0".to_owned(),
        started_at: Some(at("2026-03-04T05:00:00Z")),
        synthetic: true,
        headline: Headline::Silent { feed: name("clinic-b"), seconds: 845, expected_seconds: 300 },
        feeds: feeds(),
        pipeline: Pipeline {
            stages: Stage::ALL.iter().map(|stage| step(*stage)).collect(),
            partitions: Vec::new(),
            lag_messages: 3,
            lag_seconds: 0.42,
            log_bytes: 48_300_000,
        },
        images: vec![ImageStatus {
            feed: name("radiology"),
            open: 1,
            over: 318,
            stored: 20_412,
            refused: 3,
            bytes: 10_700_000_000,
            conflicts: 2,
            commitments: CommitmentStatus { open: 1, answered: 40, with_failures: 2, failed: 3 },
        }],
        studies: StudiesStatus { open: 2, completed: 1 },
        failed_associations: vec![failed(None, "rejected", 12), failed(Some("radiology"), "timed_out", 1)],
        held: held(),
        certificates: Vec::new(),
        spark_step_seconds: SPARK_STEP_SECONDS,
    }
}

fn failed(feed: Option<&str>, end: &str, count: u64) -> FailedAssociations {
    FailedAssociations { feed: feed.map(name), end: end.to_owned(), count }
}

fn step(stage: Stage) -> StageStatus {
    let lag_seconds = match stage {
        Stage::Receive | Stage::Log => 0.0,
        Stage::Map => 0.42,
        Stage::Decide => 0.008,
        Stage::Store => 0.012,
    };
    StageStatus { stage, rate_per_second: 3.25, lag_seconds }
}

fn feeds() -> Vec<FeedStatus> {
    let wave = |base: u32| (0..SPARK_POINTS).map(|n| base * u32::try_from(n % 7 + n % 5).expect("small")).collect();
    let feed = |feed: &str, state, ago_seconds, rate_per_second, spark: Vec<u32>| FeedStatus {
        name: name(feed),
        protocol: "mllp".to_owned(),
        listen: "127.0.0.1:2575".to_owned(),
        provider: ProviderId("9265486345".to_owned()),
        catch_all: false,
        state,
        connections: 2,
        expected_seconds: Some(300),
        last_message_at: Some(now() - SignedDuration::from_secs(ago_seconds)),
        rate_per_second,
        accepted: 12_408,
        withheld: 311,
        held: 0,
        rejected: 4,
        discarded: 0,
        oldest_unprocessed_seconds: None,
        ack_p99_seconds: Some(0.0038),
        spark,
    };
    vec![
        FeedStatus {
            held: 17,
            oldest_unprocessed_seconds: Some(0.42),
            ..feed("hospital-a", FeedState::Flowing, 1, 2.75, wave(3))
        },
        FeedStatus { held: 3, ..feed("clinic-b", FeedState::Silent, 845, 0.0, vec![0; SPARK_POINTS]) },
        feed("laboratory-c", FeedState::Paused, 7_500, 0.5, wave(1)),
        FeedStatus {
            catch_all: true,
            last_message_at: None,
            accepted: 0,
            withheld: 0,
            rejected: 0,
            ack_p99_seconds: None,
            ..feed("anyone", FeedState::Waiting, 0, 0.0, vec![0; SPARK_POINTS])
        },
    ]
}

fn held() -> Vec<HeldStatus> {
    let held = |reason, feed, count, first, last| HeldStatus {
        reason,
        feed: name(feed),
        count,
        first: at(first),
        last: at(last),
    };
    vec![
        held(Reason::NoDocument, "hospital-a", 14, "2026-03-02T01:00:00Z", "2026-03-04T07:02:00Z"),
        held(Reason::Undecodable, "hospital-a", 3, "2026-03-04T06:58:00Z", "2026-03-04T07:11:40Z"),
        held(Reason::NoDocument, "clinic-b", 3, "2026-03-01T22:10:05Z", "2026-03-04T04:45:00Z"),
    ]
}

/// The facts of a message; its trace tells them apart.
pub(in super::super) fn facts(number: u64, control_id: &str) -> MessageFacts {
    let trace = format!("0195602a-7c00-7000-8000-{number:012}");
    let trace: TraceId = serde_json::from_value(trace.into()).expect("a trace id");
    MessageFacts {
        position: Position { partition: PartitionId(2), offset: Offset(number) },
        trace,
        feed: name("hospital-a"),
        format: Format::Hl7v2,
        provider: ProviderId("9265486345".to_owned()),
        sender: "HIS|HOSPITAL A".to_owned(),
        control_id: control_id.to_owned(),
        kind: "ADT^A01".to_owned(),
        received_at: at("2026-03-04T07:02:00.125Z"),
        digest: Digest::of(control_id.as_bytes()),
        bytes: 1_536,
        control_id_reused: false,
    }
}

/// A message as listed.
pub(in super::super) fn row(number: u64, control_id: &str, state: State, reason: Option<Reason>) -> MessageRow {
    MessageRow {
        row: i64::try_from(number).expect("small"),
        facts: facts(number, control_id),
        state,
        reason,
        place: reason.map(|_| "PID-3".to_owned()).unwrap_or_default(),
        person: Some(PersonId(7)),
        settled_at: at("2026-03-04T07:02:00.180Z"),
        effects: Effects::default(),
    }
}

fn note(code: &str, place: &str, text: &str) -> Note {
    Note { code: code.to_owned(), place: place.to_owned(), text: text.to_owned() }
}

/// A message that was held, linked, replayed and accepted in part. Everything in it that a page must not show is
/// marked `SECRET`.
pub(in super::super) fn detail() -> MessageDetail {
    let step = |time: &str, state, reason, actor: &str| Transition {
        at: at(time),
        state,
        reason,
        actor: Actor(actor.to_owned()),
        comment: "SECRET said by a person".to_owned(),
    };
    let decision = |domain, verdict, rule: &'static str| Decision {
        domain,
        verdict,
        rule: rule.into(),
        policy: PolicyVersion::V2025,
        at: now(),
    };
    MessageDetail {
        row: row(41, "MSG00041", State::Accepted, Some(Reason::OutOfScope)),
        transitions: vec![
            step("2026-03-04T07:02:00.180Z", State::Held, Some(Reason::NoDocument), "router"),
            step("2026-03-04T07:09:30Z", State::Accepted, Some(Reason::OutOfScope), "cli:root"),
        ],
        decisions: vec![
            decision(Domain::Identification, Verdict::Permit, "D7"),
            decision(Domain::Encounter, Verdict::Withhold(Reason::OutOfScope), "D4"),
        ],
        notes: vec![
            note("unused-field", "PV1-19", "has no place in the record"),
            note("identity-name-normalised", "", "the English name agrees after normalisation only"),
        ],
        records: vec![RecordRow {
            person: PersonId(7),
            domain: Domain::Identification,
            key: RecordKey("Patient/9265486345/SECRET".to_owned()),
            version: 2,
            current: true,
            retracted: false,
            clock: VersionClock { rank: 0, at: now(), offset: 41 },
            stored_at: at("2026-03-04T07:09:30Z"),
            source: facts(41, "MSG00041").position,
            trace: facts(41, "MSG00041").trace,
            feed: name("hospital-a"),
            resource: serde_json::json!({ "name": "SECRET" }),
        }],
    }
}

/// An image in conflict, and the message it came by.
pub(in super::super) fn image(conflict: Conflict, hidden: Option<Hidden>) -> super::super::conflicts::Told {
    let uid = |text: &str| Uid::parse(text).expect("a uid");
    let facts = row(41, "1.2.840.99999.1.1.7", State::Accepted, None).facts;
    let instance = Instance {
        study: uid("1.2.840.99999.1"),
        series: uid("1.2.840.99999.1.1"),
        instance: uid("1.2.840.99999.1.1.7"),
        class: uid("1.2.840.10008.5.1.4.1.1.2"),
        transfer_syntax: uid("1.2.840.10008.1.2.1"),
        blob: Digest::of(b"image"),
        bytes: 1000,
        data_set_at: 300,
        pixels: None,
        search: Search { patient_id: Phi::new("SECRET".to_owned()), ..Search::default() },
        change: Change::default(),
        cut: false,
        metadata: Phi::default(),
    };
    let (position, provider) = (facts.position, facts.provider.clone());
    let row = InstanceRow { position, person: PersonId(1), provider, instance, hidden, conflict: Some(conflict) };
    (row, Some(facts))
}
