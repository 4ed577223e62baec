//! The mappers as the router sees them, and what the door asks of them.

use std::sync::Arc;

use causeway_core::envelope::{Digest, Envelope, FeedName, Format, TraceId};
use causeway_core::feed::FeedSettings;
use causeway_core::mapped::Mapped;
use causeway_core::phi::Phi;
use causeway_core::port::Map;
use causeway_core::provider::ProviderId;
use causeway_core::reason::Reason;
use causeway_mappers::Mappers;
use causeway_mappers::hl7v2::{self, Support, supported};
use jiff::Timestamp;

use crate::case::Case;

fn feed(name: &str) -> FeedSettings {
    FeedSettings::new(FeedName::parse(name).expect("a name"), Format::Hl7v2, ProviderId("9265486345".to_owned()))
}

fn envelope(feed: &str, format: Format) -> Envelope {
    let body = Case::named("lab-final").messages()[0].clone();
    Envelope {
        trace: TraceId(Default::default()),
        feed: FeedName::parse(feed).expect("a name"),
        format,
        sender: "LIS|LABX".to_owned(),
        control_id: "LABX-000001".to_owned(),
        kind: "ORU^R01".to_owned(),
        patient_key: Phi::new(String::new()),
        received_at: Timestamp::UNIX_EPOCH,
        digest: Digest::of(&body),
        refusal: None,
        body: Phi::new(Arc::from(body.as_slice())),
    }
}

fn reasons(mapped: &Mapped) -> Vec<Reason> {
    assert_eq!((mapped.control_id.as_str(), mapped.kind.as_str()), ("LABX-000001", "ORU^R01"));
    assert!(mapped.records.is_empty());
    mapped.faults.iter().map(|fault| fault.reason).collect()
}

#[test]
fn an_envelope_is_mapped_by_the_settings_of_its_feed() {
    let utc = FeedSettings { time_zone: "UTC".to_owned(), ..feed("utc") };
    let mappers = Mappers::new(vec![feed("lab"), utc]);
    let [hong_kong, utc] = ["lab", "utc"].map(|name| mappers.map(&envelope(name, Format::Hl7v2)));
    assert_eq!((hong_kong.faults.len(), hong_kong.records.len()), (0, 3));
    // Times with an offset are the same in every zone.
    assert_eq!(hong_kong, utc);
}

#[test]
fn the_location_of_a_message_is_that_of_its_visit_or_else_of_its_sender() {
    for (pv1, expected) in [
        ("PV1|1|I|8A^3^2^EAST&1.2.3&ISO", "EAST"),
        ("PV1|1|I|8A^3^2^ EAST ~9A^^^WEST", "EAST"),
        ("PV1|1|I|8A", "HEAD"),
        ("PV1|1|I", "HEAD"),
        ("NTE|1", "HEAD"),
    ] {
        let message = format!("MSH|^~\\&|A|HEAD^1.2^ISO|||20260101||ADT^A28|1|P|2.5\rPID|1||H1\r{pv1}\r");
        assert_eq!(hl7v2::map(message.as_bytes(), &feed("lab"), 0, Timestamp::UNIX_EPOCH).location, expected, "{pv1}");
    }
}

#[test]
fn a_feed_that_is_not_configured_is_a_fault() {
    let mappers = Mappers::new(vec![feed("lab")]);
    assert_eq!(reasons(&mappers.map(&envelope("other", Format::Hl7v2))), [Reason::FeedUnknown]);
}

#[test]
fn a_format_without_a_mapper_is_a_fault() {
    let mappers = Mappers::new(vec![feed("lab")]);
    assert_eq!(reasons(&mappers.map(&envelope("lab", Format::ChineseMedicine))), [Reason::BadValue]);
}

#[test]
fn a_time_zone_that_is_not_known_is_a_fault_and_never_another_zone() {
    let mappers = Mappers::new(vec![FeedSettings { time_zone: "Asia/Atlantis".to_owned(), ..feed("lab") }]);
    assert_eq!(reasons(&mappers.map(&envelope("lab", Format::Hl7v2))), [Reason::Unmappable]);
}

#[test]
fn an_event_that_is_refused_by_name_is_not_taken_and_says_what_to_send_instead() {
    for refused in hl7v2::REFUSED {
        let kind = format!("{}^{}", refused.code, refused.event);
        assert_eq!(supported(refused.code, refused.event), Support::UnknownEvent, "{kind}");
        let message = format!("MSH|^~\\&|A|B|||20260101||{kind}|1|P|2.5\rPID|1||H1\r");
        let mapped = hl7v2::map(message.as_bytes(), &feed("lab"), 0, Timestamp::UNIX_EPOCH);
        let said: Vec<_> = mapped.faults.iter().map(|fault| (fault.reason, fault.text.as_str())).collect();
        assert_eq!(said, [(Reason::UnsupportedEvent, refused.advice)], "{kind}");
    }
}

#[test]
fn the_door_learns_whether_a_type_or_an_event_is_not_taken() {
    for (code, event, support) in [
        ("ADT", "A01", Support::Yes),
        ("ORU", "R01", Support::Yes),
        ("ORU", "", Support::Yes),
        ("ADT", "", Support::Yes),
        ("ADT", "A17", Support::UnknownEvent),
        ("ORU", "R30", Support::UnknownEvent),
        ("MDM", "T02", Support::Yes),
        ("MDM", "T12", Support::UnknownEvent),
        ("PGL", "PC6", Support::UnknownType),
        ("ACK", "", Support::UnknownType),
        ("", "", Support::UnknownType),
    ] {
        assert_eq!(supported(code, event), support, "{code}^{event}");
    }
}
