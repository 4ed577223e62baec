//! Medicines and vaccinations: what is taken back stays so whatever arrives late, every order control says what its table
//! says, and Chinese text is the same from three encodings.

use std::fs;
use std::path::Path;

use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::FeedSettings;
use causeway_core::mapped::Mapped;
use causeway_core::provider::ProviderId;
use causeway_core::record::{Effect, Record, VersionClock, effect};
use causeway_mappers::hl7v2;
use jiff::Timestamp;

use crate::case::Case;

/// The record of a type in a message.
fn of<'a>(mapped: &'a Mapped, kind: &str) -> &'a Record {
    mapped.records.iter().find(|record| record.key.resource_type() == kind).expect(kind)
}

#[test]
fn chinese_medicines_and_vaccines_are_the_same_from_utf_8_big5_and_gb_18030() {
    for name in ["medication-chinese", "dispense-chinese", "immunization-chinese", "herbal-decoction"] {
        let mapped = |encoding: &str| Case::named(&format!("{name}-{encoding}")).map().remove(0);
        let utf8 = mapped("utf8");
        assert!(utf8.records.len() > 1 && utf8.faults.is_empty(), "{name}");
        for encoding in ["big5", "gb18030"] {
            let other = mapped(encoding);
            assert_eq!((&utf8.records, &utf8.identity), (&other.records, &other.identity), "{name} {encoding}");
        }
    }
}

#[test]
fn what_is_stopped_cancelled_or_deleted_stays_so_when_the_original_arrives_late() {
    for (case, kind, taken_back, status) in [
        ("medication-life-of-an-order", "MedicationRequest", 4, "stopped"),
        ("herbal-changed-and-stopped", "MedicationRequest", 2, "stopped"),
        ("dispense-cancelled", "MedicationDispense", 1, "cancelled"),
        ("administration-not-given", "MedicationAdministration", 3, "entered-in-error"),
        ("immunization-corrected-and-deleted", "Immunization", 2, "entered-in-error"),
    ] {
        let messages = Case::named(case).map();
        let (first, last) = (of(&messages[0], kind), of(&messages[taken_back], kind));
        assert_eq!((&first.key, last.resource.value()["status"].as_str()), (&last.key, Some(status)), "{case}");
        assert_eq!(effect(Some(first.clock), last.clock, false), Effect::Updated, "{case}");
        // The ladder holds it down, even where the sender's clock does not.
        let late = VersionClock { offset: last.clock.offset + 1, at: last.clock.at, ..first.clock };
        assert_eq!(effect(Some(last.clock), late, false), Effect::Late, "{case}");
    }
}

#[test]
fn a_hold_and_its_release_are_decided_by_the_clock() {
    let messages = Case::named("medication-life-of-an-order").map();
    let [held, released] = [1, 2].map(|n| of(&messages[n], "MedicationRequest").clock);
    assert_eq!(effect(Some(held), released, false), Effect::Updated);
    assert_eq!(effect(Some(released), VersionClock { offset: 99, ..held }, false), Effect::Late);
}

#[test]
fn the_copy_of_an_order_never_stands_above_the_order() {
    let copy = Case::named("dispense-full").map();
    let order = Case::named("medication-life-of-an-order").map();
    let (copy, order) = (of(&copy[0], "MedicationRequest").clock, of(&order[0], "MedicationRequest").clock);
    assert_eq!(effect(Some(order), VersionClock { at: Timestamp::MAX, ..copy }, false), Effect::Late);
}

#[test]
fn every_order_control_and_order_status_says_what_its_table_says() {
    let path = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("src/codes").join(name);
    for (file, place) in [("medication_control.csv", "1"), ("medication_status.csv", "5")] {
        let table = fs::read_to_string(path(file)).expect("the table");
        let rows: Vec<Vec<&str>> = table.lines().skip(2).map(|line| line.split(',').collect()).collect();
        assert!(rows.len() > 8, "{file}");
        for row in rows {
            let orc = if place == "1" { format!("ORC|{}|P1", row[0]) } else { format!("ORC|SC|P1|||{}", row[0]) };
            let mapped = map(&orc);
            let record = of(&mapped, "MedicationRequest");
            let said = (record.resource.value()["status"].clone(), record.clock.rank.to_string(), record.retracted);
            assert_eq!(said, (row[1].into(), row[2].to_owned(), row[3] == "y"), "{file}: {}", row[0]);
        }
    }
    for (control, status, expected) in [
        ("NW", "HD", "on-hold"),
        ("CA", "IP", "cancelled"),
        ("HD", "IP", "on-hold"),
        ("HD", "CM", "completed"),
        ("ZZ", "IP", "active"),
        ("ZZ", "ZZ", "unknown"),
    ] {
        let mapped = map(&format!("ORC|{control}|P1|||{status}"));
        assert_eq!(of(&mapped, "MedicationRequest").resource.value()["status"], expected, "{control} {status}");
    }
}

fn map(orc: &str) -> Mapped {
    let name = FeedName::parse("any").expect("a name");
    let feed = FeedSettings::new(name, Format::Hl7v2, ProviderId("HA".to_owned()));
    let head = "MSH|^~\\&|A|B|||20260101||OMP^O09|1|P|2.5\rPID|1||H1^^^QMH^MR";
    hl7v2::map(format!("{head}\r{orc}\rRXO|A^A^L\r").as_bytes(), &feed, 0, Timestamp::UNIX_EPOCH)
}
