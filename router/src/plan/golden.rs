//! The golden table of outcomes: every way a message can end, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::consent::{Registration, Standing};
use causeway_core::envelope::{Digest, FeedName, Format, Offset, PartitionId, Position, Refusal, TraceId};
use causeway_core::identity::{document_key, local_number_key};
use causeway_core::mapped::Pending;
use causeway_core::outcome::MessageFacts;
use causeway_core::person::{BirthDate, Demographics, Document, DocumentKind, LocalNumber, Person, PersonId, Sex};
use causeway_core::phi::Phi;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::Participant;
use causeway_core::provider::{ProviderId, ProviderKind, ProviderStatus};
use causeway_core::record::{Lack, Record, RecordKey, VersionClock};
use causeway_core::scope::{Domain, Level};

use super::*;

pub(super) fn now() -> Timestamp {
    "2026-06-01T12:00:00+08:00".parse().expect("a time")
}

fn hospital() -> Provider {
    Provider {
        id: ProviderId("HA".to_owned()),
        name: String::new(),
        name_zh: String::new(),
        kind: ProviderKind::Hospital,
        status: ProviderStatus::Registered,
        implied_since: None,
        domains: [Domain::Identification, Domain::Laboratory, Domain::Problem]
            .map(|domain| (domain, jiff::civil::date(2024, 1, 1)))
            .into(),
        locations: BTreeMap::from([(
            "EAST".to_owned(),
            BTreeMap::from([(Domain::Laboratory, jiff::civil::date(2026, 5, 2))]),
        )]),
    }
}

fn standing(registration: Registration, policy: PolicyVersion) -> Standing {
    let joined = Some("2026-01-01T00:00:00+08:00".parse().expect("a time"));
    let policy = Some(policy);
    Standing { registration, policy, joined_at: joined, changed_at: joined, sharing: BTreeMap::new() }
}

fn hkid(number: &str) -> Document {
    Document { kind: DocumentKind::Hkid, issuer: String::new(), number: number.into() }
}

fn number(value: &str) -> LocalNumber {
    let provider = ProviderId("HA".to_owned());
    LocalNumber { provider, authority: "QMH".to_owned(), number: value.into() }
}

fn demographics() -> Demographics {
    Demographics {
        family: "CHAN".into(),
        given: "TAI MAN".into(),
        chinese: Phi::default(),
        birth: BirthDate::parse("19830114").map(Phi::new),
        sex: Some(Sex::Male),
    }
}

fn participant(id: i64, standing: Standing) -> Arc<Participant> {
    let person = Person {
        id: PersonId(id),
        ehr_number: String::new(),
        documents: vec![hkid("A1234563")],
        demographics: demographics(),
        local_numbers: vec![number("H2001")],
    };
    Arc::new(Participant { person, standing })
}

fn active() -> Arc<Participant> {
    participant(7, standing(Registration::Active, PolicyVersion::V2025))
}

pub(super) fn record(domain: Domain, key: &str, clock: VersionClock, content: u64) -> Record {
    Record {
        domain,
        key: RecordKey::new("Observation", "HA", &[key]),
        clock,
        clinical_date: Some(jiff::civil::date(2026, 5, 1)),
        level: Level::Structured,
        lacks: None,
        retracted: false,
        resource: serde_json::json!({ "resourceType": "Observation", "content": content }).into(),
    }
}

fn laboratory() -> Record {
    record(Domain::Laboratory, "F-1", VersionClock { rank: 2, at: now(), offset: 0 }, 0)
}

pub(super) fn mapped(records: Vec<Record>) -> Mapped {
    let identity = Identity {
        documents: vec![hkid("A123456(3)")],
        local_numbers: vec![number("H2001")],
        demographics: demographics(),
        ..Identity::default()
    };
    Mapped { identity: Some(identity), records, ..Mapped::default() }
}

fn message(content: Content) -> Message {
    let facts = MessageFacts {
        position: Position { partition: PartitionId(0), offset: Offset(41) },
        trace: TraceId(uuid::Uuid::nil()),
        feed: FeedName::parse("hospital-a").expect("a name"),
        format: Format::Hl7v2,
        provider: ProviderId("HA".to_owned()),
        sender: "PAS|QMH".to_owned(),
        control_id: "1".to_owned(),
        kind: "ORU^R01".to_owned(),
        received_at: now(),
        digest: Digest([0; 32]),
        bytes: 1,
        control_id_reused: false,
    };
    let refused = matches!(content, Content::Refused(_));
    Message { facts, refused, content }
}

pub(super) fn of(mapped: Mapped) -> Message {
    message(Content::Mapped(Box::new(mapped)))
}

pub(super) fn known_by_document() -> (Provider, Candidates) {
    (hospital(), Candidates { by_document: vec![active()], ..Candidates::default() })
}

fn fault(reason: Reason) -> Fault {
    Fault { reason, place: "OBX[1]-5".to_owned(), offset: None, text: "what is wrong".to_owned() }
}

fn pending() -> Vec<Pending> {
    let (place, url) = ("OBX[1]-5".to_owned(), "ftp://files.test/a.pdf".into());
    vec![Pending { place, url, bytes: None, reason: Reason::DocumentPending, text: String::new() }]
}

/// State, reason, place, records, rules of the decisions.
fn short(outcome: &Outcome) -> String {
    let reason = outcome.reason.map_or("", Reason::code);
    let rules: Vec<_> = outcome.decisions.iter().map(|decision| decision.rule.as_ref()).collect();
    let text =
        format!("{} {reason} {} {} {}", outcome.state.as_str(), outcome.place, outcome.records.len(), rules.join(","));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn ask(message: &Message, provider: Option<&Provider>, candidates: &Candidates) -> Outcome {
    plan(message, Known { provider, candidates }, now(), Rules::default())
}

#[test]
fn what_the_door_refused_ends_as_it_said() {
    let nobody = Candidates::default();
    for (reason, expected) in [
        (Reason::Undecodable, "held UNDECODABLE MSH-18 0"),
        (Reason::CharsetUnknown, "held CHARSET_UNKNOWN MSH-18 0"),
        (Reason::UnsupportedType, "rejected UNSUPPORTED_TYPE MSH-18 0"),
        (Reason::BadSegment, "rejected BAD_SEGMENT MSH-18 0"),
        (Reason::Paused, "rejected PAUSED MSH-18 0"),
    ] {
        let refused = message(Content::Refused(Refusal { reason, place: "MSH-18".to_owned() }));
        assert_eq!(short(&ask(&refused, Some(&hospital()), &nobody)), expected);
    }
    assert_eq!(short(&ask(&message(Content::FeedUnknown), None, &nobody)), "held FEED_UNKNOWN 0");
    assert_eq!(short(&ask(&message(Content::Gone), None, &nobody)), "held LOG_ENTRY_GONE 0");
}

#[test]
fn every_way_a_mapped_message_ends_by_name() {
    let hospital = hospital();
    let suspended = Provider { status: ProviderStatus::Suspended, ..hospital.clone() };
    let by_document = |participant| Candidates { by_document: vec![participant], ..Candidates::default() };
    let look_alike = |participant| Candidates { look_alikes: vec![participant], ..Candidates::default() };
    let with = |registration| participant(7, standing(registration, PolicyVersion::V2025));
    let early = || participant(7, standing(Registration::Active, PolicyVersion::V2019));
    let known = || by_document(active());
    let nobody = Candidates::default;

    let one = || mapped(vec![laboratory()]);
    let two = |second: Record| mapped(vec![laboratory(), second]);
    let immunisation = Record { domain: Domain::Immunisation, ..laboratory() };
    let early_result = Record { clinical_date: Some(jiff::civil::date(2023, 12, 31)), ..laboratory() };
    let undated = Record { clinical_date: None, ..laboratory() };
    let free_text = Record { domain: Domain::Problem, level: Level::Document, ..laboratory() };
    let birthless = Record { lacks: Some(Lack::Element("Patient.birthDate")), ..free_text.clone() };
    let numberless = Record { level: Level::Document, lacks: Some(Lack::Numbers), ..laboratory() };
    let said = |change: fn(&mut Identity)| {
        let mut mapped = one();
        mapped.identity.iter_mut().for_each(change);
        mapped
    };
    let other_sex = said(|identity| identity.demographics.sex = Some(Sex::Female));
    let no_document = said(|identity| identity.documents.clear());
    let check_digit = said(|identity| identity.hkid_check_failed = true);
    let stranger = said(|identity| {
        identity.demographics.family = "WONG".into();
        identity.demographics.given = "SIU MING".into();
        identity.demographics.birth = None;
        identity.demographics.birth = BirthDate::parse("19911230").map(Phi::new);
    });
    let nameless = |records| Mapped { identity: None, ..mapped(records) };
    let faulty = |records| Mapped { faults: vec![fault(Reason::Unmappable)], ..mapped(records) };
    let waiting = |records| Mapped { pending: pending(), ..mapped(records) };
    let at_location = |code: &str| Mapped { location: code.to_owned(), ..one() };

    #[rustfmt::skip]
    let rows: Vec<(&str, Mapped, Option<&Provider>, Candidates, &str)> = vec![
        ("all fine",                        one(), Some(&hospital), known(), "accepted 1 D11"),
        ("two records of one domain",       two(laboratory()), Some(&hospital), known(), "accepted 2 D11"),
        ("one of two domains not enabled",  two(immunisation.clone()), Some(&hospital), known(), "accepted OUT_OF_SCOPE 1 D11,D3"),
        ("one of two before the date",      two(early_result.clone()), Some(&hospital), known(), "accepted SCOPE_DATE 1 D11,D3"),
        ("one of two too little structured", two(free_text), Some(&hospital), known(), "accepted LEVEL 1 D11,D8"),
        ("one of two without an element",   two(birthless.clone()), Some(&hospital), known(), "accepted LEVEL Patient.birthDate 1 D11,D8"),
        ("without an element",              mapped(vec![birthless.clone()]), Some(&hospital), known(), "withheld LEVEL Patient.birthDate 0 D8"),
        ("the place is that of the first",  mapped(vec![early_result.clone(), birthless]), Some(&hospital), known(), "withheld SCOPE_DATE 0 D3,D8"),
        ("a document in place of numbers",  mapped(vec![numberless]), Some(&hospital), known(), "withheld LEVEL Observation.value[x] 0 D8"),
        ("no date: that of the version",    mapped(vec![undated]), Some(&hospital), known(), "accepted 1 D11"),
        ("at a location before its date",   at_location("EAST"), Some(&hospital), known(), "withheld SCOPE_DATE 0 D3"),
        ("at another location",             at_location("WEST"), Some(&hospital), known(), "accepted 1 D11"),
        ("no domain enabled",               mapped(vec![immunisation.clone()]), Some(&hospital), known(), "withheld OUT_OF_SCOPE 0 D3"),
        ("all before the date",             mapped(vec![early_result.clone()]), Some(&hospital), known(), "withheld SCOPE_DATE 0 D3"),
        ("the first reason counts",         mapped(vec![early_result.clone(), immunisation.clone()]), Some(&hospital), known(), "withheld SCOPE_DATE 0 D3,D3"),
        ("provider suspended",              one(), Some(&suspended), known(), "withheld PROVIDER_STATUS 0 D2"),
        ("provider unknown",                one(), None, known(), "withheld PROVIDER_STATUS 0 D2"),
        ("provider suspended, no records",  mapped(vec![]), Some(&suspended), known(), "withheld PROVIDER_STATUS 0"),
        ("nobody known",                    one(), Some(&hospital), nobody(), "withheld NOT_REGISTERED 0 D5"),
        ("withdrawn",                       one(), Some(&hospital), by_document(with(Registration::Withdrawn)), "withheld NOT_REGISTERED 0 D5"),
        ("applied only",                    one(), Some(&hospital), by_document(with(Registration::Applied)), "withheld NOT_REGISTERED 0 D5"),
        ("deceased",                        one(), Some(&hospital), by_document(with(Registration::Deceased)), "withheld NOT_REGISTERED 0 D5"),
        ("joined under 2019, no sharing",   one(), Some(&hospital), by_document(early()), "withheld NO_SHARING_CONSENT 0 D6"),
        ("sex differs",                     other_sex.clone(), Some(&hospital), known(), "held IDENTITY_REVIEW 0 D4"),
        ("sex differs, not a participant",  other_sex, Some(&hospital), by_document(with(Registration::None)), "withheld NOT_REGISTERED 0 D5"),
        ("another person's number",         stranger.clone(), Some(&hospital), known(), "held IDENTITY_CONFLICT 0 D4"),
        ("another person's number, not a participant", stranger, Some(&hospital), by_document(with(Registration::None)), "withheld NOT_REGISTERED 0 D5"),
        ("no document, a participant alike", no_document.clone(), Some(&hospital), look_alike(active()), "held NO_DOCUMENT 0 D4"),
        ("no document, one alike who left", no_document.clone(), Some(&hospital), look_alike(with(Registration::Withdrawn)), "withheld NOT_REGISTERED 0 D5"),
        ("no document, provider suspended", no_document.clone(), Some(&suspended), look_alike(active()), "withheld PROVIDER_STATUS 0 D2"),
        ("in doubt, but out of scope anyway", Mapped { records: vec![immunisation.clone()], ..no_document.clone() }, Some(&hospital), look_alike(active()), "withheld OUT_OF_SCOPE 0 D3"),
        ("in doubt, one of two out of scope", Mapped { records: vec![immunisation, laboratory()], ..no_document.clone() }, Some(&hospital), look_alike(active()), "held NO_DOCUMENT 0 D3,D4"),
        ("in doubt, no records, a document pending", Mapped { records: vec![], pending: pending(), ..no_document }, Some(&hospital), look_alike(active()), "held NO_DOCUMENT 0"),
        ("wrong check digit",               check_digit.clone(), Some(&hospital), nobody(), "withheld ID_CHECK_DIGIT 0 D4"),
        ("wrong check digit, a participant alike", check_digit, Some(&hospital), look_alike(active()), "held ID_CHECK_DIGIT 0 D4"),
        ("names nobody",                    nameless(vec![laboratory()]), Some(&hospital), nobody(), "withheld NO_IDENTIFIER 0"),
        ("names nobody, says nothing",      nameless(vec![]), Some(&hospital), nobody(), "withheld NOTHING_SHARABLE 0"),
        ("nothing sharable",                mapped(vec![]), Some(&hospital), known(), "withheld NOTHING_SHARABLE 0"),
        ("nothing sharable, nobody known",  mapped(vec![]), Some(&hospital), nobody(), "withheld NOT_REGISTERED 0"),
        ("faults and no records",           faulty(vec![]), Some(&hospital), known(), "held UNMAPPABLE OBX[1]-5 0"),
        ("faults and a record",             faulty(vec![laboratory()]), Some(&hospital), known(), "accepted 1 D11"),
        ("a document pending",              waiting(vec![laboratory()]), Some(&hospital), known(), "held DOCUMENT_PENDING OBX[1]-5 0"),
        ("a document pending, no records",  waiting(vec![]), Some(&hospital), known(), "held DOCUMENT_PENDING OBX[1]-5 0"),
        ("a document pending, nobody known", waiting(vec![laboratory()]), Some(&hospital), nobody(), "withheld NOT_REGISTERED 0 D5"),
        ("a document pending, no sharing",  waiting(vec![laboratory()]), Some(&hospital), by_document(early()), "withheld NO_SHARING_CONSENT 0 D6"),
    ];
    for (row, mapped, provider, candidates, expected) in rows {
        let outcome = ask(&of(mapped), provider, &candidates);
        assert_eq!(short(&outcome), expected, "{row}");
        assert!(outcome.state == State::Accepted || outcome.records.is_empty(), "{row}: nothing clinical is kept");
        assert!(outcome.state != State::Withheld || outcome.notes.is_empty(), "{row}: nor anything about it");
    }
}

#[test]
fn a_replay_that_finds_the_same_fault_leaves_a_refused_message_refused() {
    let faulty = |reason| Mapped { faults: vec![fault(reason)], ..Mapped::default() };
    for (reason, expected) in [
        (Reason::UnsupportedType, "rejected UNSUPPORTED_TYPE OBX[1]-5 0"),
        (Reason::Undecodable, "held UNDECODABLE OBX[1]-5 0"),
    ] {
        let again = Message { refused: true, ..of(faulty(reason)) };
        assert_eq!(short(&ask(&again, Some(&hospital()), &Candidates::default())), expected);
    }
    let taken = of(faulty(Reason::UnsupportedType));
    let outcome = ask(&taken, Some(&hospital()), &Candidates::default());
    assert_eq!(short(&outcome), "held UNSUPPORTED_TYPE OBX[1]-5 0", "its sender was told it is kept");
}

#[test]
fn withheld_and_held_messages_can_be_found_again_by_their_person_and_accepted_ones_need_not() {
    let keys = {
        let mut keys = vec![document_key(&hkid("A1234563")), local_number_key(&number("H2001"))];
        keys.sort_unstable();
        keys
    };
    let message = of(mapped(vec![laboratory()]));
    let (hospital, known) = known_by_document();
    let withheld = ask(&message, Some(&hospital), &Candidates::default());
    assert_eq!((withheld.state, withheld.subject_keys), (State::Withheld, keys.clone()));
    let waiting = of(Mapped { pending: pending(), ..mapped(vec![laboratory()]) });
    let held = ask(&waiting, Some(&hospital), &known);
    assert_eq!((held.state, held.person, held.subject_keys), (State::Held, Some(PersonId(7)), keys));
    let accepted = ask(&message, Some(&hospital), &known);
    assert_eq!((accepted.state, accepted.person, accepted.subject_keys), (State::Accepted, Some(PersonId(7)), vec![]));
}

#[test]
fn a_new_number_of_the_sender_is_linked_by_a_document_and_by_nothing_less() {
    let mut mapped = mapped(vec![laboratory()]);
    mapped.identity.iter_mut().for_each(|identity| identity.local_numbers.push(number("H2002")));
    let (hospital, known) = known_by_document();
    assert_eq!(ask(&of(mapped.clone()), Some(&hospital), &known).links, vec![number("H2002")]);
    let linked = Candidates { by_local_number: vec![active()], ..Candidates::default() };
    mapped.identity.iter_mut().for_each(|identity| identity.documents.clear());
    let outcome = ask(&of(mapped), Some(&hospital), &linked);
    assert_eq!((outcome.state, outcome.links), (State::Accepted, vec![]));
}

#[test]
fn notes_tell_what_was_not_used_what_failed_and_how_the_person_was_matched() {
    let note = Note { code: "unused-field".to_owned(), place: "PID-13".to_owned(), text: String::new() };
    let mut mapped = Mapped { notes: vec![note], faults: vec![fault(Reason::BadValue)], ..mapped(vec![laboratory()]) };
    mapped.identity.iter_mut().for_each(|identity| identity.demographics.family = "Chan".into());
    let (hospital, known) = known_by_document();
    let outcome = ask(&of(mapped), Some(&hospital), &known);
    let codes: Vec<_> = outcome.notes.iter().map(|note| (note.code.as_str(), note.place.as_str())).collect();
    assert_eq!(codes, [("bad-value", "OBX[1]-5"), ("unused-field", "PID-13"), ("identity-name-normalised", "")]);
}
