//! Every type of HL7 table 0125 in OBX-2: mapped, kept as text with a note, or a document.

use std::path::Path;

use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::FeedSettings;
use causeway_core::mapped::Mapped;
use causeway_core::provider::ProviderId;
use causeway_core::reason::Reason;
use causeway_mappers::hl7v2;
use jiff::Timestamp;
use serde_json::Value;

/// The rows of the table: code, name, what it becomes, an example.
pub(crate) fn rows() -> Vec<[String; 4]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/codes/value_type.csv");
    let text = std::fs::read_to_string(path).expect("the table");
    let row = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>().try_into().expect("four columns");
    text.lines().skip(2).map(row).collect()
}

fn map(kind: &str, before: &str, value_type: &str, value: &str) -> Mapped {
    let obx = format!("OBX|1|{value_type}|X^X^L||{value}||||||F\r");
    let message = format!("MSH|^~\\&|A|B|||20260101||{kind}|1|P|2.5\rPID|1||H1\r{before}{obx}");
    let name = FeedName::parse("any").expect("a name");
    let feed = FeedSettings::new(name, Format::Hl7v2, ProviderId("HA".to_owned()));
    hl7v2::map(message.as_bytes(), &feed, 0, Timestamp::UNIX_EPOCH)
}

fn result(value_type: &str, value: &str) -> Mapped {
    map("ORU^R01", "OBR|1||F1|X^X^L|||20260101||||||||||||||||||F\r", value_type, value)
}

fn of_type<'r>(resources: &'r [Value], kind: &str) -> Option<&'r Value> {
    resources.iter().find(|resource| resource["resourceType"] == kind)
}

fn resources(mapped: &Mapped) -> Vec<Value> {
    mapped.records.iter().map(|record| record.resource.value()).collect()
}

#[test]
fn every_value_type_becomes_what_its_row_says() {
    let rows = rows();
    assert!(rows.len() >= 80, "{}", rows.len());
    for [code, _, becomes, example] in rows {
        let mapped = result(&code, &example);
        let noted = mapped.notes.iter().any(|note| note.code == "unmapped-type");
        let all = resources(&mapped);
        let observation = of_type(&all, "Observation");
        match &*becomes {
            "document" => assert!(
                observation.is_none() && (of_type(&all, "DocumentReference").is_some() || !mapped.pending.is_empty()),
                "{code}"
            ),
            "text" => {
                let text = observation.expect(&code)["valueString"].as_str().unwrap_or_default().to_owned();
                assert!(!text.is_empty() && noted, "{code}: {text}");
            }
            member => {
                let value = &observation.expect(&code)[member];
                assert!(!value.is_null() && !noted, "{code}: {value}");
            }
        }
        assert_eq!(mapped.faults, [], "{code}");
    }
}

#[test]
fn a_type_in_no_table_is_kept_as_text_and_named_as_such() {
    let mapped = result("ZZZ", "1^2");
    let text = mapped.notes.iter().find(|note| note.code == "unmapped-type").map(|note| note.text.as_str());
    assert_eq!(text, Some("OBX-2 names no type of HL7 table 0125: the value is kept as text"));
    assert_eq!(of_type(&resources(&mapped), "Observation").expect("one")["valueString"], "1^2");
}

#[test]
fn a_document_beside_an_order_a_dose_or_a_problem_is_refused_by_name() {
    for (kind, before) in [
        ("OMP^O09", "ORC|NW|P1\rRXO|A^A^L|1||mg\r"),
        ("VXU^V04", "ORC|RE|P1|F1\rRXA|0|1|20260101||03^MMR^CVX|1||||||||||||||CP\r"),
        ("PPR^PC1", "PRB|AD|20260101|A^A^L|PB1\r"),
    ] {
        for value_type in ["ED", "RP"] {
            let mapped = map(kind, before, value_type, "LIS^TEXT^PLAIN^A^all is well");
            let faults: Vec<_> = mapped.faults.iter().map(|fault| (fault.reason, fault.place.as_str())).collect();
            assert_eq!(faults, [(Reason::Unmappable, "OBX-2")], "{kind} {value_type}");
            assert!(of_type(&resources(&mapped), "Observation").is_none(), "{kind} {value_type}");
            assert!(mapped.records.len() >= 2, "{kind}: the rest is mapped");
        }
    }
}
