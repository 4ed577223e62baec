//! Golden cases of Chinese medicine: `tests/golden/chinese_medicine/<case>/` holds `input.ndjson` (a record a line),
//! `expected.json` (what each becomes) and `about.md`. `UPDATE_EXPECT=1` rewrites what is expected: read the difference.

#![expect(clippy::expect_used, reason = "a test fails loudly")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use causeway_core::chinese_medicine::record::{
    AllergyCategory, Certainty, Form, Method, Side, Special, Status, Unit, VisitKind,
};
use causeway_core::code_table::{CodeRow, CodeTables, Target};
use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::FeedSettings;
use causeway_core::mapped::Mapped;
use causeway_core::provider::ProviderId;
use causeway_core::record::{Effect, VersionClock, effect};
use causeway_core::scope::Level;
use causeway_mappers::chinese_medicine::{NoteCode, map};
use causeway_mappers::json;
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/chinese_medicine")
}

fn feed() -> FeedSettings {
    let name = FeedName::parse("clinic").expect("a name");
    FeedSettings::new(name, Format::ChineseMedicine, ProviderId("9265486345".to_owned()))
}

fn names() -> Vec<String> {
    let folders = fs::read_dir(root()).expect("the golden cases");
    let mut names: Vec<String> =
        folders.map(|folder| folder.expect("a folder").file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

fn mapped(name: &str) -> Vec<Mapped> {
    let text = fs::read_to_string(root().join(name).join("input.ndjson")).expect("input.ndjson");
    text.lines().zip(1..).map(|(line, offset)| map(line.as_bytes(), &feed(), offset)).collect()
}

/// Everything there is to see of a mapped record.
fn show(mapped: &Mapped) -> Value {
    let versions = mapped.records.iter().map(|record| {
        json!({
            "key": record.key,
            "rank": record.clock.rank,
            "at": record.clock.at.to_string(),
            "clinical_date": record.clinical_date.map(|date| date.to_string()),
            "level": record.level,
            "retracted": record.retracted,
        })
    });
    let identity = mapped.identity.as_ref().map(|identity| {
        json!({
            "documents": identity.documents,
            "hkid_check_failed": identity.hkid_check_failed,
            "local_numbers": identity.local_numbers,
            "demographics": identity.demographics,
        })
    });
    json!({
        "line": json::line("input.ndjson", mapped),
        "identity": identity,
        "versions": versions.collect::<Vec<_>>(),
        "unmapped": mapped.unmapped,
    })
}

#[test]
fn every_record_becomes_what_its_golden_says() {
    let names = names();
    assert!(names.len() >= 12, "{names:?}");
    let mut wrong = Vec::new();
    for name in names {
        let about = fs::read_to_string(root().join(&name).join("about.md")).expect("about.md");
        assert!(about.trim().len() > 40, "{name}/about.md says too little");
        let got: Vec<Value> = mapped(&name).iter().map(show).collect();
        let file = root().join(&name).join("expected.json");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&file, serde_json::to_string_pretty(&got).expect("JSON") + "\n").expect("written");
        }
        let expected: Value = serde_json::from_slice(&fs::read(&file).expect("expected.json")).expect("JSON");
        if expected != Value::Array(got) {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "UPDATE_EXPECT=1 rewrites them; read the difference: {wrong:?}");
}

#[test]
fn every_word_of_every_list_stands_in_a_golden() {
    let read = |name: String| fs::read_to_string(root().join(name).join("input.ndjson")).expect("input");
    let inputs: String = names().into_iter().map(read).collect();
    let words = [
        Form::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>(),
        Method::ALL.iter().map(|word| word.as_str()).collect(),
        Special::ALL.iter().map(|word| word.as_str()).collect(),
        Unit::ALL.iter().map(|word| word.as_str()).collect(),
        Side::ALL.iter().map(|word| word.as_str()).collect(),
        Status::ALL.iter().map(|word| word.as_str()).collect(),
        VisitKind::ALL.iter().map(|word| word.as_str()).collect(),
        AllergyCategory::ALL.iter().map(|word| word.as_str()).collect(),
        Certainty::ALL.iter().map(|word| word.as_str()).collect(),
        vec!["bone_setting", "tui_na"],
    ];
    let missing: Vec<&str> =
        words.into_iter().flatten().filter(|word| !inputs.contains(&format!("\"{word}\""))).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn the_same_record_gives_the_same_bytes_and_every_id_is_that_of_its_key() {
    for name in names() {
        let texts = |mapped: Vec<Mapped>| mapped.iter().map(|one| show(one).to_string()).collect::<Vec<_>>();
        assert_eq!(texts(mapped(&name)), texts(mapped(&name)), "{name}");
        for one in mapped(&name) {
            let keys: BTreeSet<_> = one.records.iter().map(|record| record.key.clone()).collect();
            assert_eq!(keys.len(), one.records.len(), "{name}: a key stands twice");
            for record in &one.records {
                let resource = record.resource.value();
                assert_eq!(resource["id"], record.key.resource_id(), "{name}");
                assert_eq!(resource["resourceType"], record.key.resource_type(), "{name}");
            }
        }
    }
}

#[test]
fn every_reference_within_a_visit_leads_to_a_record_of_it() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("reference").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(list) => list.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for name in names() {
        for one in mapped(&name) {
            let ids = one.records.iter().map(|r| format!("{}/{}", r.key.resource_type(), r.key.resource_id()));
            let ids: BTreeSet<String> = ids.collect();
            for record in &one.records {
                let resource = record.resource.value();
                let mut found = Vec::new();
                references(&resource, &mut found);
                for reference in found {
                    let contained = reference.strip_prefix('#').is_some_and(|id| {
                        resource["contained"].as_array().is_some_and(|list| list.iter().any(|one| one["id"] == id))
                    });
                    assert!(contained || ids.contains(&reference), "{name}: {}: {reference}", record.key);
                }
            }
        }
    }
}

#[test]
fn a_later_version_stands_whichever_way_round_it_comes() {
    let versions = mapped("amended-and-withdrawn");
    let clocks = |at: usize| -> Vec<(String, VersionClock, bool)> {
        let records = versions[at].records.iter().filter(|record| record.key.resource_type() != "Patient");
        records.map(|record| (record.key.0.clone(), record.clock, record.retracted)).collect()
    };
    let [first, amended, withdrawn] = [clocks(0), clocks(1), clocks(2)];
    assert!(first.len() >= 5 && first.len() == amended.len() && first.len() == withdrawn.len());
    for ((first, second), last) in first.iter().zip(&amended).zip(&withdrawn) {
        assert!(first.0 == second.0 && second.0 == last.0);
        assert_eq!(effect(Some(first.1), second.1, false), Effect::Updated);
        assert_eq!(effect(Some(second.1), last.1, false), Effect::Updated);
        let late = VersionClock { offset: 99, ..first.1 };
        assert_eq!(effect(Some(last.1), late, false), Effect::Late);
        assert!(last.2 && !first.2);
    }
    assert_eq!(amended.iter().filter(|(_, _, retracted)| *retracted).count(), 1, "the second syndrome");
}

#[test]
fn the_safety_golden_has_every_finding_and_its_neighbour_has_none() {
    let of = |name: &str| -> BTreeSet<String> { mapped(name)[0].notes.iter().map(|note| note.code.clone()).collect() };
    let all = NoteCode::ALL.iter().map(|code| code.as_str().to_owned());
    // The last two need tables of the site.
    let without = ["bad-hkid", "text-alone", "unknown-code", "unknown-registration"];
    assert_eq!(of("safety"), all.filter(|code| !without.contains(&code.as_str())).collect());
    assert_eq!(of("safety-none"), BTreeSet::new());
}

#[test]
fn no_note_or_fault_holds_a_value_of_the_record() {
    for name in names() {
        for one in mapped(&name) {
            let told = format!("{:?}{:?}", one.notes, one.faults);
            for value in ["附子", "川烏", "水蛭", "海藻", "陳大文", "A123456", "C1001", "HKP-00001", "ST46"]
            {
                assert!(!told.contains(value), "{name}: {value}");
            }
        }
    }
}

#[test]
fn a_table_of_the_feed_makes_a_local_code_level_3_and_the_others_are_counted() {
    let mut tables = CodeTables::default();
    let target = Target {
        system: "urn:x".to_owned(),
        code: "T1".to_owned(),
        display: "咳嗽病".to_owned(),
        version: "2021".to_owned(),
        source: "a test".to_owned(),
    };
    let row = CodeRow { system: "L".to_owned(), code: "Z-D001".to_owned(), target, valid_from: None, valid_to: None };
    tables.insert(row).expect("a row");
    let feed = FeedSettings { code_tables: tables.into(), ..feed() };
    let text = fs::read(root().join("visit-cough/input.ndjson")).expect("input");
    let one = map(text.trim_ascii(), &feed, 1);
    let disease = one.records.iter().find(|record| record.key.0.contains("disease")).expect("the disease");
    assert_eq!(disease.level, Level::Coded);
    assert_eq!(disease.resource.value()["code"]["coding"][1]["code"], "T1");
    let unmapped: Vec<&str> = one.unmapped.iter().map(|code| code.code.as_str()).collect();
    assert_eq!(unmapped, ["Z-S014"]);
}

/// A record in which each of these stands: a code of a terminology, a registration, a herb.
fn visit(code: &str, registration: &str, herb: &str) -> Vec<u8> {
    let record = json!({
        "format": "causeway-cm-1", "version": 1, "status": "final", "issued": "2026-03-01T10:20:00+08:00",
        "patient": {"number": "C1001"}, "visit": {"number": "V-1", "start": "2026-03-01"},
        "practitioner": {"registration": "000001"},
        "disease": {"text": "甲病", "code": code, "system": "GB/T 15657-2021"},
        "prescriptions": [{
            "number": "RX-1", "form": "decoction", "packs": 1, "days": 1,
            "herbs": [{"name": herb, "dose": 1, "unit": "g"}],
            "products": [{"name": "甲丸", "registration": registration}],
        }],
    });
    record.to_string().into_bytes()
}

#[test]
fn a_loaded_terminology_register_or_list_says_what_is_in_it_on_the_day() {
    let row = |system: &str, code: &str, valid_to: Option<&str>| {
        let target = Target {
            system: "urn:x".to_owned(),
            code: code.to_owned(),
            display: String::new(),
            version: "7".to_owned(),
            source: "名單甲".to_owned(),
        };
        let valid_to = valid_to.map(|day| day.parse().expect("a day"));
        CodeRow { system: system.to_owned(), code: code.to_owned(), target, valid_from: None, valid_to }
    };
    let mut tables = CodeTables::default();
    for row in [
        row("GB/T 15657-2021", "A99.01", None),
        row("GB/T 15657-2021", "A99.02", Some("2026-02-28")),
        row("HKPCM", "HKC-99001", None),
        row("herb-toxic", "甲毒草", None),
    ] {
        tables.insert(row).expect("a row");
    }
    let with = FeedSettings { code_tables: tables.into(), ..feed() };
    let seen = |feed: &FeedSettings, code, registration, herb| {
        let one = map(&visit(code, registration, herb), feed, 1);
        let disease = one.records.iter().find(|record| record.key.0.contains("disease")).expect("the disease");
        let version = disease.resource.value()["code"]["coding"][0]["version"].clone();
        let codes: Vec<String> = one.notes.iter().map(|note| note.code.clone()).collect();
        let unmapped: Vec<String> = one.unmapped.iter().map(|code| code.code.clone()).collect();
        let texts = one.records.iter().map(|record| record.resource.value().to_string()).collect::<String>();
        (disease.level, version, codes, unmapped, texts.contains("名單甲 7"))
    };
    let good = seen(&with, "A99.01", "HKC-99001", "乙草");
    assert_eq!(good, (Level::Coded, json!("7"), vec![], vec![], false));
    let bad = seen(&with, "A99.02", "HKC-99002", "甲毒草");
    let codes = ["unknown-code", "unknown-registration", "toxic-herb"];
    let mut noted = bad.2.clone();
    noted.sort();
    let mut expected: Vec<String> = codes.map(str::to_owned).into();
    expected.sort();
    assert_eq!(
        (bad.0, &bad.1, noted, bad.3, bad.4),
        (Level::Structured, &Value::Null, expected, vec!["A99.02".to_owned()], true)
    );
    let without = seen(&feed(), "A99.02", "HKC-99002", "甲毒草");
    assert_eq!(without, (Level::Coded, Value::Null, vec![], vec![], false), "nothing is loaded, so nothing is unknown");
}

#[test]
fn the_visit_of_the_domain_page_gives_what_it_says() {
    let one = mapped("visit-cough").remove(0);
    let count = |kind: &str| one.records.iter().filter(|record| record.key.resource_type() == kind).count();
    let expected = [
        ("Patient", 1),
        ("Encounter", 1),
        ("Condition", 2),
        ("Observation", 3),
        ("MedicationRequest", 2),
        ("Procedure", 1),
    ];
    for (kind, number) in expected {
        assert_eq!(count(kind), number, "{kind}");
    }
    let find = |part: &str| {
        one.records.iter().find(|record| record.key.0.contains(part)).map(|record| record.resource.value()).expect(part)
    };
    let herbs = find("RX-1");
    let ingredients = herbs["contained"][0]["ingredient"].as_array().expect("ingredients");
    assert_eq!(ingredients.len(), 5);
    assert_eq!(ingredients[3]["strength"]["numerator"]["value"].to_string(), "6");
    assert_eq!(herbs["dosageInstruction"][0]["additionalInstruction"][0]["text"], "薄荷：後下");
    assert_eq!(herbs["dispenseRequest"]["quantity"]["value"], 3);
    let needles = find("Procedure");
    assert_eq!(needles["bodySite"][0]["coding"][0]["code"], "LU7");
    assert_eq!(needles["bodySite"][1]["text"], "LI4 左");
    assert_eq!(
        find("syndrome")["extension"][0]["valueReference"]["reference"],
        format!("Condition/{}", find("disease")["id"].as_str().expect("an id"))
    );
}
