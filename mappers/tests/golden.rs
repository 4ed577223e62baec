//! Golden cases: `tests/golden/hl7v2/<case>/` holds `input.hl7` (one message or several), `expected.json` (what each
//! becomes), `about.md` (what the case is for) and, where the defaults do not do, `feed.json`.
//! `UPDATE_EXPECT=1 cargo test -p causeway-mappers --test golden` rewrites what is expected: read the difference.

#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

#[path = "golden/case.rs"]
mod case;
#[path = "golden/census.rs"]
mod census;
#[path = "golden/concept_maps.rs"]
mod concept_maps;
#[path = "golden/docs.rs"]
mod docs;
#[path = "golden/explain.rs"]
mod explain;
#[path = "golden/medicines.rs"]
mod medicines;
#[path = "golden/port.rs"]
mod port;
#[path = "golden/robust.rs"]
mod robust;
#[path = "golden/shape.rs"]
mod shape;
#[path = "golden/simhospital.rs"]
mod simhospital;
#[path = "golden/statement.rs"]
mod statement;
#[path = "golden/tables.rs"]
mod tables;
#[path = "golden/value_types.rs"]
mod value_types;

use case::{Case, cases};
use causeway_core::mapped::Mapped;
use causeway_core::record::{Effect, VersionClock, effect};
use serde_json::Value;

#[test]
fn every_message_becomes_what_its_golden_says() {
    let mut wrong = Vec::new();
    for case in cases() {
        let got = case.map().iter().map(case::show).collect::<Vec<_>>();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            case.expect(&got);
        } else if let Some(difference) = difference("", &Value::Array(case.expected()), &Value::Array(got)) {
            wrong.push(format!("{}: {difference}", case.name));
        }
    }
    assert!(wrong.is_empty(), "UPDATE_EXPECT=1 rewrites them; read the difference\n{}", wrong.join("\n"));
}

#[test]
fn every_case_says_what_it_is_for() {
    let cases = cases();
    assert!(cases.len() >= 50, "only {} cases were found", cases.len());
    for case in cases {
        assert!(case.about().trim().len() > 40, "{}/about.md says too little", case.name);
    }
}

#[test]
fn everything_mapped_has_the_shape_of_fhir_r4() {
    let mut wrong = Vec::new();
    for case in cases() {
        for mapped in case.map() {
            wrong.extend(shape::check(&mapped).into_iter().map(|fault| format!("{}: {fault}", case.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_same_message_gives_the_same_bytes_again() {
    for case in cases() {
        let bytes = |mapped: &Mapped| case::show(mapped).to_string();
        let (first, second): (Vec<_>, Vec<_>) =
            case.map().iter().zip(&case.map()).map(|(a, b)| (bytes(a), bytes(b))).unzip();
        assert_eq!(first, second, "{}", case.name);
    }
}

#[test]
fn no_resource_holds_the_control_id_so_that_a_resend_is_no_change() {
    for case in cases() {
        for (mapped, again) in case.map().iter().zip(case.renumbered().map()) {
            assert!(mapped.control_id != again.control_id || mapped.control_id.is_empty(), "{}", case.name);
            let resources = |mapped: &Mapped| mapped.records.iter().map(|r| r.resource.clone()).collect::<Vec<_>>();
            let derived = mapped.notes.iter().any(|note| note.code == "derived-id");
            assert!(derived || resources(mapped) == resources(&again), "{}", case.name);
        }
    }
}

#[test]
fn a_correction_stands_whichever_way_round_it_comes() {
    let both = Case::named("lab-correction").map();
    let [first, corrected] = both.as_slice() else { panic!("two messages are expected") };
    let of = |mapped: &Mapped, kind: &str| {
        let record = mapped.records.iter().find(|r| r.key.resource_type() == kind).expect(kind);
        (record.key.clone(), record.clock, record.resource.value())
    };
    for kind in ["Observation", "DiagnosticReport"] {
        let ((key, first, _), (same_key, corrected, resource)) = (of(first, kind), of(corrected, kind));
        assert_eq!(key, same_key);
        assert_eq!(effect(Some(first), corrected, false), Effect::Updated);
        // The original comes last, further on in the log.
        let late = VersionClock { offset: corrected.offset + 1, ..first };
        assert_eq!(effect(Some(corrected), late, false), Effect::Late);
        assert_eq!(resource["status"], "corrected");
    }
    assert_eq!(of(corrected, "Observation").2["valueQuantity"]["value"].to_string(), "8.5");
}

/// Where two values differ first.
fn difference(at: &str, expected: &Value, got: &Value) -> Option<String> {
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => {
            let only = |x: &serde_json::Map<String, Value>, y: &serde_json::Map<String, Value>| {
                x.keys().find(|key| !y.contains_key(*key)).cloned()
            };
            if let Some(key) = only(a, b) {
                return Some(format!("{at}/{key} is missing"));
            }
            if let Some(key) = only(b, a) {
                return Some(format!("{at}/{key} is not expected: {}", b[&key]));
            }
            a.iter().find_map(|(key, value)| difference(&format!("{at}/{key}"), value, &b[key]))
        }
        (Value::Array(a), Value::Array(b)) => {
            let found = a.iter().zip(b).zip(0..).find_map(|((x, y), n)| difference(&format!("{at}/{n}"), x, y));
            found.or_else(|| (a.len() != b.len()).then(|| format!("{at}: {} expected, {} found", a.len(), b.len())))
        }
        _ => (expected != got).then(|| format!("{at}: {expected} expected, {got} found")),
    }
}
