//! The 1,013 messages of google/simhospital: everything that is supported maps without a fault, into the shape of R4.

use std::collections::BTreeMap;
use std::path::Path;

use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::FeedSettings;
use causeway_core::provider::ProviderId;
use causeway_core::reason::Reason;
use causeway_mappers::hl7v2::{self, Support, supported};
use jiff::Timestamp;

use crate::shape;

fn messages() -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/simhospital/messages.out");
    let text = std::fs::read_to_string(path).expect("the messages of simhospital");
    text.split("\n\n").filter(|message| !message.trim().is_empty()).map(|message| message.as_bytes().to_vec()).collect()
}

#[test]
fn every_supported_message_of_the_simulated_hospital_is_mapped_without_a_fault() {
    let feed = FeedSettings::new(
        FeedName::parse("simhospital").expect("a name"),
        Format::Hl7v2,
        ProviderId("9265486345".to_owned()),
    );
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut resources: BTreeMap<String, usize> = BTreeMap::new();
    for (message, offset) in messages().iter().zip(0..) {
        let mapped = hl7v2::map(message, &feed, offset, Timestamp::UNIX_EPOCH);
        *kinds.entry(mapped.kind.clone()).or_default() += 1;
        let (code, event) = mapped.kind.split_once('^').unwrap_or((&mapped.kind, ""));
        if supported(code, event) == Support::Yes {
            assert_eq!(mapped.faults, [], "message {offset}");
            assert!(mapped.identity.is_some() && !mapped.records.is_empty(), "message {offset}");
            assert_eq!(shape::check(&mapped), Vec::<String>::new(), "message {offset}");
        } else {
            let reasons: Vec<Reason> = mapped.faults.iter().map(|fault| fault.reason).collect();
            assert_eq!((reasons.as_slice(), mapped.records.len()), ([Reason::UnsupportedType].as_slice(), 0));
        }
        for record in &mapped.records {
            assert_eq!(record.lacks, None, "message {offset}: {}", record.key.resource_type());
            *resources.entry(record.key.resource_type().to_owned()).or_default() += 1;
        }
    }
    let kinds: Vec<(&str, usize)> = kinds.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(kinds, [("ADT^A01", 400), ("ADT^A34", 1), ("MDM^T02", 2), ("ORU^R01", 610)]);
    // One patient a message and two for the merge; every order a report, every OBX an observation, every AL1 an allergy.
    assert_eq!(resources["Patient"], 1014);
    assert_eq!(resources["DocumentReference"], 2);
    assert_eq!(resources["DiagnosticReport"], 610);
    assert_eq!(resources["Observation"], 3323);
    assert_eq!(resources["AllergyIntolerance"], 162);
}
