//! What the schema holds is what the embedded engine would hold, and a change made behind its back is found.

use causeway_core::contract::repository::world::{
    accepted, add, by_document, clock, commit, join, operator, redo, result, withheld,
};
use causeway_core::contract::repository::{Store, Subject as _};
use causeway_core::person::PersonId;
use causeway_core::port::RedoMode;
use causeway_core::record::Record;
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};

use super::support::{Fresh, fresh, settings};

/// Persons, versions in and out of order, a retraction, a late version, a message taken up.
fn fill(store: &Store) -> PersonId {
    let (one, two) = (add(store, 1).person.id, add(store, 2).person.id);
    join(store, one);
    let taken_back = Record { retracted: true, ..result("LAB3", clock(3, 9, 3), "9") };
    commit(
        store,
        vec![
            accepted(0, one, vec![result("LAB1", clock(2, 5, 0), "13.5"), result("LAB3", clock(2, 1, 0), "9")]),
            accepted(1, two, vec![result("LAB1", clock(2, 5, 1), "hers")]),
            accepted(2, one, vec![result("LAB1", clock(2, 4, 2), "late"), result("LAB10", clock(2, 4, 2), "陳")]),
            accepted(3, one, vec![taken_back]),
            withheld(4, &by_document(2)),
        ],
    );
    let found = store.repository.take_ups(10).expect("tickets");
    assert!(found.is_empty());
    redo(store, RedoMode::Commit, 9, vec![accepted(4, two, vec![result("LAB2", clock(2, 6, 4), "then")])]);
    store
        .repository
        .pause_feed(
            &causeway_core::contract::repository::world::feed("lab"),
            true,
            &operator(),
            causeway_core::contract::repository::world::at(9),
        )
        .expect("paused");
    one
}

#[test]
fn the_canonical_dump_is_that_of_the_embedded_engine() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    fill(&store);
    let folder = tempfile::tempdir().expect("folder");
    let embedded =
        SqliteRepository::open(&folder.path().join("causeway.db"), SqliteSettings::default()).expect("opens");
    let embedded = std::sync::Arc::new(embedded);
    fill(&Store {
        repository: embedded.clone(),
        registry: embedded.clone(),
        images: embedded.clone(),
        commitments: embedded.clone(),
        pointers: embedded.clone(),
        keep: std::sync::Arc::new(()),
    });
    let dumped = fresh.repository().canonical_dump_hash().expect("dumped");
    assert_eq!(dumped, embedded.canonical_dump_hash().expect("dumped"));
    fresh
        .client()
        .batch_execute("UPDATE record SET log_offset = log_offset + 1 WHERE domain = 'LABR'")
        .expect("changed");
    assert_ne!(fresh.repository().canonical_dump_hash().expect("dumped"), dumped);
}

#[test]
fn a_sound_schema_is_found_sound() {
    let fresh = fresh(settings());
    fill(&fresh.open());
    let report = fresh.repository().check().expect("checked");
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.rows.messages, report.rows.persons, report.rows.versions), (5, 2, 7));
    assert!(report.bytes > 0 && report.schema == report.schema_known);
}

#[test]
fn what_is_changed_behind_its_back_is_found_and_named() {
    for (change, word) in [
        ("UPDATE record_version SET resource = replace(resource, '13.5', '31.5')", "changed on disk"),
        ("UPDATE record_version SET retracted = NOT retracted WHERE number = 1", "changed on disk"),
        ("UPDATE record SET current = latest, versions = 9 WHERE versions = 2", "number of versions"),
        ("DELETE FROM message WHERE log_offset = 0", "without their message"),
        ("UPDATE feed_count SET count = count + 1", "counts of messages"),
        ("UPDATE record_count SET count = count + 1", "counts of records"),
        ("UPDATE person SET snapshot = replace(snapshot, 'CHAN', 'WONG')", "person 1"),
        ("DELETE FROM subject WHERE sort = 0 AND person = 1", "not found by one of its numbers"),
        ("UPDATE consent_event SET channel = 'OTHER'", "event 1 of person 1"),
        ("UPDATE partition_offset SET next = 2", "beyond the offset"),
    ] {
        let fresh = fresh(settings());
        fill(&fresh.open());
        let report = damaged(&fresh, change);
        assert!(report.findings.iter().any(|finding| finding.contains(word)), "{change}: {report:?}");
    }
    for change in [
        "UPDATE audit SET entry = replace(entry, 'deposit', 'nothing') WHERE seq = 4",
        "DELETE FROM audit WHERE seq = 4",
        "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)",
        "UPDATE audit SET person = 99 WHERE seq = 4",
    ] {
        let fresh = fresh(settings());
        fill(&fresh.open());
        assert!(damaged(&fresh, change).audit.first_bad.is_some(), "{change}");
    }
}

/// The whole chain written anew holds in itself, and not against a head that was noted.
#[test]
fn an_audit_written_anew_does_not_go_through_the_head_that_was_noted() {
    let (first, second) = (fresh(settings()), fresh(settings()));
    fill(&first.open());
    let (seq, hash) = first.repository().audit_head().expect("a head");
    assert_eq!(first.repository().verify_audit_against(seq, hash).expect("checked").first_bad, None);
    add(&second.open(), 9);
    fill(&second.open());
    let report = second.repository().verify_audit_against(seq, hash).expect("checked");
    assert_eq!(report.first_bad, Some(seq));
    assert_eq!(second.repository().verify_audit_against(seq + 99, hash).expect("checked").first_bad, Some(seq + 2));
    let offsets = first.repository().next_offsets().expect("offsets");
    assert_eq!(offsets, vec![(causeway_core::envelope::PartitionId(0), causeway_core::envelope::Offset(5))]);
}

fn damaged(fresh: &Fresh, change: &str) -> causeway_storage::repository::sqlite::FileReport {
    assert!(fresh.client().execute(change, &[]).expect("changed") > 0, "{change}");
    fresh.repository().check().expect("checked")
}
