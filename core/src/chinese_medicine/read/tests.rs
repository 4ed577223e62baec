//! The bad inputs of a record: each has its place, its kind, and nothing of the value.

use serde_json::{Value, json};

use super::*;

fn good() -> Value {
    json!({
        "format": "causeway-cm-1", "version": 1, "status": "final", "issued": "2026-03-01T10:00:00+08:00",
        "patient": {"number": "P1"},
        "visit": {"number": "CM-1", "start": "2026-03-01"},
        "practitioner": {"registration": "000001"},
        "disease": {"text": "咳嗽"},
        "prescriptions": [{"number": "RX-1", "form": "decoction", "packs": 3, "days": 3,
            "herbs": [{"name": "麻黃", "dose": 6, "unit": "g"}]}],
        "acupuncture": [{"method": "needling", "points": [{"code": "LU7", "side": "both"}]}]
    })
}

/// The faults of the good record with a value at a pointer; `/-` puts it into its object.
fn with(pointer: &str, value: Value) -> Vec<(String, &'static str)> {
    let mut record = good();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    match record.pointer_mut(parent).expect("a place") {
        Value::Object(object) => drop(object.insert(name.to_owned(), value)),
        Value::Array(list) => list[name.parse::<usize>().expect("an index")] = value,
        other => panic!("{other}"),
    }
    told(record.to_string().as_bytes())
}

fn told(bytes: &[u8]) -> Vec<(String, &'static str)> {
    let faults = read(bytes).err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.pointer, fault.code.as_str())).collect()
}

fn one(pointer: &str, code: &'static str) -> Vec<(String, &'static str)> {
    vec![(pointer.to_owned(), code)]
}

#[test]
fn a_good_record_is_read_and_written_as_it_was() {
    let record = read(good().to_string().as_bytes()).expect("good");
    let again = serde_json::to_vec(&record).expect("JSON");
    assert_eq!(read(&again), Ok(record));
    let marked = format!("\u{feff}{}", good());
    assert!(read(marked.as_bytes()).is_ok(), "with a byte order mark");
}

#[test]
fn wrong_and_missing_fields_have_their_place() {
    assert_eq!(with("/visit/number", Value::Null), one("/visit/number", "wrong-type"));
    assert_eq!(with("/visit/start", json!("2026-02-30")), one("/visit/start", "bad-value"));
    assert_eq!(with("/status", json!("done")), one("/status", "bad-value"));
    assert_eq!(with("/version", json!(0)), one("/version", "out-of-range"));
    assert_eq!(with("/visit", json!({"start": "2026-03-01"})), one("/visit/number", "missing-field"));
    assert_eq!(with("/patient", json!({})), one("/patient", "no-patient"));
    assert_eq!(with("/visit/seen", json!(1)), one("/visit", "unknown-field"));
    assert_eq!(with("/disease", json!("咳嗽")), one("/disease", "wrong-type"));
    let mut record = good();
    record["visit"] = json!("CM-1");
    let faults = read(record.to_string().as_bytes()).expect_err("a visit is an object");
    assert!(faults.iter().any(|fault| fault.pointer == "/visit" && fault.detail == "expected an object"), "{faults:?}");
}

#[test]
fn an_array_is_no_object_even_with_the_values_of_its_fields_in_their_order() {
    assert_eq!(told(br#"["causeway-cm-1", 1, "final"]"#), one("", "wrong-type"));
    assert_eq!(with("/practitioner", json!(["000001", "CHAN"])), one("/practitioner", "wrong-type"));
    assert_eq!(with("/disease", json!(["咳嗽"])), one("/disease", "wrong-type"));
    assert_eq!(
        with("/prescriptions/0/herbs/0", json!([{"text": "麻黃"}])),
        one("/prescriptions/0/herbs/0", "wrong-type")
    );
    assert_eq!(with("/prescriptions", json!({})), one("/prescriptions", "wrong-type"));
}

#[test]
fn points_that_do_not_exist_are_refused_with_those_that_do() {
    let place = "/acupuncture/0/points/0/code";
    assert_eq!(with(place, json!("ST46")), one(place, "unknown-point"));
    let mut record = good();
    *record.pointer_mut(place).expect("a code") = json!("ST46");
    let faults = read(record.to_string().as_bytes()).expect_err("refused");
    assert!(faults[0].detail.contains("ST1 to ST45"), "{faults:?}");
}

#[test]
fn negative_and_absurd_doses_are_refused() {
    for dose in [json!(-6), json!(0), json!(1_000_000), json!(1e9), json!(0.000_01)] {
        let place = "/prescriptions/0/herbs/0/dose";
        assert_eq!(with(place, dose.clone()), one(place, "out-of-range"), "{dose}");
    }
    assert_eq!(with("/prescriptions/0/herbs/0/dose", json!("6")), one("/prescriptions/0/herbs/0/dose", "wrong-type"));
}

#[test]
fn a_key_that_stands_twice_is_refused() {
    let text = good().to_string();
    let twice = text.replacen("\"number\":\"CM-1\"", "\"number\":\"CM-1\",\"number\":\"CM-2\"", 1);
    assert_eq!(told(twice.as_bytes()), one("/visit/number", "duplicate-field"));
    let twice = text.replacen("\"version\":1", "\"version\":1,\"version\":2", 1);
    assert_eq!(told(twice.as_bytes()), one("/version", "duplicate-field"));
}

#[test]
fn a_nesting_bomb_is_refused_where_it_begins() {
    let bomb = "[".repeat(100_000);
    assert_eq!(told(bomb.as_bytes()).len(), 1);
    let text = good().to_string().replacen("\"咳嗽\"", &bomb, 1);
    assert_eq!(told(text.as_bytes()), one("/disease/text", "wrong-type"));
    let unknown = good().to_string().replacen("{", &format!("{{\"x\":{bomb},"), 1);
    assert_eq!(told(unknown.as_bytes()), one("", "unknown-field"));
}

#[test]
fn a_record_cut_in_the_middle_is_refused_as_cut() {
    let text = good().to_string();
    let codes: std::collections::BTreeSet<_> = (1..text.len())
        .filter(|at| text.is_char_boundary(*at))
        .flat_map(|at| told(&text.as_bytes()[..at]))
        .map(|(_, code)| code)
        .collect();
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), ["cut-short"]);
    assert_eq!(told(format!("{text}{text}").as_bytes()), one("", "not-json"));
}

#[test]
fn bytes_of_another_encoding_are_refused_and_long_ones_unread() {
    let mut bytes = good().to_string().into_bytes();
    let at = bytes.windows(6).position(|part| part == "咳嗽".as_bytes()).expect("the word");
    bytes.splice(at..at + 6, [0xab, 0xad, 0xb9, 0xc2]);
    assert_eq!(told(&bytes), one("", "encoding"));
    assert_eq!(told(&vec![b' '; RECORD_BYTES_MAX + 1]), one("", "too-long"));
}

#[test]
fn all_that_is_wrong_with_the_content_is_told_at_once() {
    let mut record = good();
    record["prescriptions"][0]["products"] = json!([{"name": "丸", "registration": "HKX-1"}]);
    record["acupuncture"][0]["points"] = json!([{"code": "XX1"}, {}]);
    record["dispensings"] = json!([{"number": "D1", "prescription": "RX-9", "at": "2026-03-01"}]);
    let told: Vec<_> = told(record.to_string().as_bytes()).into_iter().map(|(_, code)| code).collect();
    assert_eq!(told, ["bad-value", "unknown-reference", "unknown-point", "missing-field"]);
}

#[test]
fn no_fault_holds_a_value() {
    let secret = "陳大文A1234563";
    for pointer in [
        "/status",
        "/visit/start",
        "/version",
        "/disease",
        "/acupuncture/0/points/0/code",
        "/patient/birth",
        "/patient/sex",
        "/issued",
        "/prescriptions/0/form",
        "/visit/陳大文A1234563",
        "/practitioner/registered_until",
    ] {
        let mut record = good();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        record.pointer_mut(parent).expect("a place")[name] = json!(secret);
        let faults = read(record.to_string().as_bytes()).expect_err(pointer);
        assert!(!format!("{faults:?}").contains("1234563"), "{pointer}: {faults:?}");
    }
}
