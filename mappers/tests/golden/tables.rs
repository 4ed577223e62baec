//! Feed code tables: the recognised code goes beside the local one, and what no table knows is counted.

use std::sync::Arc;

use causeway_core::code_table::{CodeRow, CodeTables, Target};
use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::FeedSettings;
use causeway_core::mapped::Mapped;
use causeway_core::provider::ProviderId;
use causeway_core::scope::{Domain, Level};
use causeway_mappers::hl7v2;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

const RESULT: &str = "MSH|^~\\&|LIS|LABX|||20260301093000+0800||ORU^R01|M1|P|2.5\rPID|1||H1^^^QMH^MR\r\
    OBR|1|P1|F1|ELEC^Electrolytes^L|||20260301||||||||||||||||||F\rOBX|1|NM|NA^Sodium^L||140||||||F\r\
    OBX|2|CE|ORG^Organism||CHAN TAI MAN^He said so||||||F\rOBX|3|NM|K^Potassium^99LAB^2823-3^Potassium^LN||4||||||F\r";

fn row(system: &str, code: &str, target: &str, from: Option<Date>) -> CodeRow {
    let target = Target {
        system: "urn:example:terms".to_owned(),
        code: target.to_owned(),
        display: "A term".to_owned(),
        version: "7".to_owned(),
        source: "us".to_owned(),
    };
    CodeRow { system: system.to_owned(), code: code.to_owned(), target, valid_from: from, valid_to: None }
}

fn map(rows: Vec<CodeRow>) -> Mapped {
    map_of(RESULT, rows)
}

fn map_of(text: &str, rows: Vec<CodeRow>) -> Mapped {
    let mut tables = CodeTables::default();
    rows.into_iter().for_each(|row| tables.insert(row).expect("a row"));
    let name = FeedName::parse("lab").expect("a name");
    let feed = FeedSettings::new(name, Format::Hl7v2, ProviderId("HA".to_owned()));
    let feed = FeedSettings { code_tables: Arc::new(tables), ..feed };
    hl7v2::map(text.as_bytes(), &feed, 0, Timestamp::UNIX_EPOCH)
}

/// The codings and the level of the observation of a code.
fn observed(mapped: &Mapped, code: &str) -> (Value, Level) {
    let of = |value: &Value| value["resourceType"] == "Observation" && value["code"]["coding"][0]["code"] == code;
    let found = mapped.records.iter().map(|record| (record.resource.value(), record.level));
    let (resource, level) = found.into_iter().find(|(value, _)| of(value)).expect(code);
    (resource["code"]["coding"].clone(), level)
}

#[test]
fn a_recognised_code_stands_behind_the_local_one_and_raises_the_level() {
    let (before, level) = observed(&map(Vec::new()), "NA");
    let local = json!({"system": "urn:causeway:HA:code:L", "code": "NA", "display": "Sodium"});
    assert_eq!((&before, level), (&json!([local]), Level::Structured));
    let (after, level) = observed(&map(vec![row("L", "NA", "T-1", Some(date(2026, 3, 1)))]), "NA");
    let term = json!({"system": "urn:example:terms", "code": "T-1", "display": "A term", "version": "7"});
    assert_eq!((&after, level), (&json!([local, term]), Level::Coded));
    let (late, _) = observed(&map(vec![row("L", "NA", "T-1", Some(date(2026, 3, 2)))]), "NA");
    assert_eq!(late, before, "the row holds from the day after the message on");
}

#[test]
fn the_keys_of_records_do_not_hang_on_the_tables_so_that_a_replay_makes_a_new_version() {
    let keys = |mapped: &Mapped| mapped.records.iter().map(|record| record.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&map(Vec::new())), keys(&map(vec![row("L", "NA", "T-1", None), row("L", "ELEC", "T-2", None)])));
}

#[test]
fn what_no_table_knows_is_counted_once_and_holds_no_words_of_a_value() {
    let told = |mapped: &Mapped| {
        assert!(mapped.unmapped.iter().all(|code| code.domain == Domain::Laboratory));
        let told = mapped.unmapped.iter().map(|c| [&*c.field, &c.system, &c.code, &c.display].join("|"));
        told.collect::<Vec<_>>()
    };
    let organism = ["OBX-3|L|ORG|Organism", "OBX-5|L|(text)|"];
    let all = ["OBR-4|L|ELEC|Electrolytes", "OBX-3|L|NA|Sodium"];
    assert_eq!(told(&map(Vec::new())), [all, organism].concat());
    let rows = vec![row("L", "NA", "T-1", None), row("L", "ELEC", "T-2", None)];
    assert_eq!(told(&map(rows)), organism, "a code that has another, recognised one is none of them");
}

/// The guide maps these to SNOMED CT, which is loaded and not shipped.
#[test]
fn a_code_of_an_hl7_table_stands_for_what_the_site_s_table_says_beside_the_concept_of_the_table() {
    let visit = "MSH|^~\\&|HIS|QMH|||20260301093000+0800||ADT^A01|M2|P|2.5\rEVN|A01|20260301093000+0800\r\
        PID|1||H1^^^QMH^MR\rPV1|1|I|8A^^^QMH||||||||||||||||V1\rROL|1|AD|PP|D1^CHEUNG\r";
    let types = |rows| {
        let mapped = map_of(visit, rows);
        let encounter = mapped.records.iter().map(|record| record.resource.value());
        let encounter = encounter.into_iter().find(|value| value["resourceType"] == "Encounter").expect("a visit");
        let parts = encounter["participant"].as_array().expect("participants").clone();
        let primary = parts.into_iter().find(|part| part["type"][0]["coding"][0]["code"] == "PP").expect("PP");
        primary["type"][0]["coding"].clone()
    };
    let system = "http://terminology.hl7.org/CodeSystem/v2-0443";
    let own = json!({"system": system, "code": "PP", "display": "Primary Care Provider"});
    assert_eq!(types(Vec::new()), json!([own]));
    let term = json!({"system": "urn:example:terms", "code": "T-9", "display": "A term", "version": "7"});
    assert_eq!(types(vec![row("HL70443", "PP", "T-9", None)]), json!([own, term]));
}
