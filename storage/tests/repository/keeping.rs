//! Backup, restore, rebuilding, and several processes on one file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use causeway_core::contract::repository::world::{
    accepted, add, at, by_document, clock, commit, history, join, messages, redo, result, result_with, try_commit,
    withheld,
};
use causeway_core::disposition::Disposition;
use causeway_core::envelope::{Digest, Offset, PartitionId, Position};
use causeway_core::outcome::Outcome;
use causeway_core::person::PersonId;
use causeway_core::port::{Pointers as _, RedoMode, Repository as _, RepositoryError};
use causeway_core::record::{Record, RecordKey, Resource};
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};
use rusqlite::Connection;

use crate::support::{Place, filled, store};

/// Ends the load when dropped.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_backup_taken_under_load_is_one_moment_and_whole() {
    let place = Place::new();
    let people = filled(&place, 200);
    let repository = place.open();
    let store = store(&repository);
    // So large that it is copied in several steps.
    let large = (200..220).map(|offset| {
        let records = vec![result(&format!("BIG{offset}"), clock(2, 0, offset), &"x".repeat(500_000))];
        accepted(offset, people[0], records)
    });
    commit(&store, large.collect());
    let stop = AtomicBool::new(false);
    let to = place.path("backup.db");
    let (mut steps, mut last) = (0, 0);
    let report = std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut offset = 220;
            while !stop.load(Ordering::Relaxed) {
                let name = format!("LOAD{offset}");
                let second = u32::try_from(offset).expect("small");
                let records = vec![result(&name, clock(2, second, offset), "loaded")];
                commit(&store, vec![accepted(offset, people[0], records)]);
                offset += 1;
            }
            offset
        });
        // Also when the copying thread fails, or the scope would wait for ever.
        let _stop = Stop(&stop);
        let deadline = Instant::now() + Duration::from_secs(60);
        while repository.next_offset(PartitionId(0)).expect("an offset").0 < 225 {
            assert!(Instant::now() < deadline, "the load does not begin");
        }
        let report = repository.backup(&to, &mut |done, total| {
            assert!(done >= last && done <= total, "{last} {done} {total}");
            (last, steps) = (done, steps + 1);
            // Something is written between the steps.
            let before = repository.next_offset(PartitionId(0)).expect("an offset");
            while repository.next_offset(PartitionId(0)).expect("an offset") == before {
                assert!(Instant::now() < deadline, "the load does not go on");
            }
        });
        stop.store(true, Ordering::Relaxed);
        let end = writing.join().expect("no panic");
        assert_eq!(repository.next_offset(PartitionId(0)).expect("an offset").0, end);
        report.expect("a backup")
    });
    assert!(steps > 2, "{steps}");
    let found = SqliteRepository::check_file(&to).expect("checked");
    assert!(found.is_sound(), "{found:?}");
    assert_eq!(found.audit.head, Some(report.audit_hash));
    assert_eq!(found.rows.persons, 4);
    assert!(found.rows.messages >= 225);
    let error = repository.backup(&to, &mut |_, _| {}).expect_err("never over another file");
    assert_eq!(error.disposition(), Disposition::Reject);
    assert!(!place.path("backup.db.partial").exists());
}

#[test]
fn a_restored_backup_goes_on_where_it_stands_and_catches_up_to_the_same() {
    let place = Place::new();
    let people = filled(&place, 20);
    let repository = place.open();
    let store_now = store(&repository);
    let backup = place.path("backup.db");
    repository.backup(&backup, &mut |_, _| {}).expect("a backup");
    let later = |offset: u64| {
        let second = u32::try_from(offset).expect("small");
        accepted(offset, people[1], vec![result("LATER", clock(2, second, offset), &format!("at {offset}"))])
    };
    commit(&store_now, vec![later(20), later(21)]);
    commit(&store_now, vec![later(22)]);
    let expected = repository.canonical_dump_hash().expect("a digest");

    let restored = place.path("restored.db");
    let report = SqliteRepository::restore(&backup, &restored, &mut |_, _| {}).expect("restored");
    assert_eq!(report.rows.messages, 20);
    let again = std::sync::Arc::new(SqliteRepository::open(&restored, SqliteSettings::default()).expect("it opens"));
    assert_eq!(again.next_offset(PartitionId(0)).expect("an offset").0, 20);
    assert_ne!(again.canonical_dump_hash().expect("a digest"), expected);
    commit(&store(&again), vec![later(20), later(21), later(22)]);
    assert_eq!(again.canonical_dump_hash().expect("a digest"), expected);
    assert!(SqliteRepository::restore(&backup, &restored, &mut |_, _| {}).is_err(), "never over another file");
}

/// How instances fell into batches is told by nothing that is compared; what the study says is.
#[test]
fn a_study_that_grew_in_other_batches_is_the_same_content() {
    let slice = |offset: u64, person: PersonId| {
        let record = result("", clock(0, 0, offset), "");
        let key = RecordKey::new("ImagingStudy", "1000000001", &["1.2"]);
        let instance = serde_json::json!([{ "uid": format!("1.2.1.{offset}"), "number": offset }]);
        let tree = serde_json::json!({
            "resourceType": "ImagingStudy", "id": key.resource_id(),
            "series": [{ "uid": "1.2.1", "numberOfInstances": 1, "instance": instance }],
        });
        accepted(offset, person, vec![Record { key, resource: Resource::of(&tree), ..record }])
    };
    let filled = |batches: &[&[u64]]| {
        let place = Place::new();
        let repository = place.open();
        let person = add(&store(&repository), 1).person.id;
        for batch in batches {
            commit(&store(&repository), batch.iter().map(|offset| slice(*offset, person)).collect());
        }
        repository.canonical_dump_hash().expect("a digest")
    };
    assert_eq!(filled(&[&[0, 1, 2]]), filled(&[&[0], &[1], &[2]]));
    assert_ne!(filled(&[&[0, 1, 2]]), filled(&[&[0, 1]]));
}

/// P14: the log brings back what a lost repository held; persons and the audit are kept.
#[test]
fn a_copy_without_records_is_filled_to_the_same_by_the_same_messages() {
    let place = Place::new();
    let repository = place.open();
    let now = store(&repository);
    let people: Vec<_> = (1..=2).map(|number| add(&now, number).person.id).collect();
    people.iter().for_each(|person| join(&now, *person));
    let message = |offset: u64| {
        let (person, second) = (people[usize::from(offset.is_multiple_of(2))], u32::try_from(offset).expect("small"));
        accepted(offset, person, vec![result("R", clock(2, second, offset), &format!("at {offset}"))])
    };
    let batches = || (0..4_u64).map(|batch| (batch * 5..batch * 5 + 5).map(message).collect::<Vec<_>>());
    batches().for_each(|batch| drop(commit(&now, batch)));
    // What was fetched is not in the log.
    let (pointer, document) = (Digest([1; 32]), Digest([2; 32]));
    repository.fetch_done(position(3), pointer, document).expect("remembered");
    let (expected, lines) =
        (repository.canonical_dump_hash().expect("a digest"), repository.audit_head().expect("a head").0);

    let actor = causeway_core::port::Actor("test".to_owned());
    let emptied =
        SqliteRepository::without_records(&place.database(), &place.path("new.db"), &actor, at(99), &mut |_, _| {});
    let again = std::sync::Arc::new(emptied.expect("copied"));
    assert_eq!(again.next_offset(PartitionId(0)).expect("an offset").0, 0);
    assert_eq!(again.fetches(position(3)).expect("rows").first().and_then(|row| row.document), Some(document));
    assert_eq!(again.audit_head().expect("a head").0, lines + 1, "the audit goes on, and says what was done");
    assert_ne!(again.canonical_dump_hash().expect("a digest"), expected);
    batches().for_each(|batch| drop(commit(&store(&again), batch)));
    assert_eq!(again.canonical_dump_hash().expect("a digest"), expected);
    let found = SqliteRepository::check_file(&place.path("new.db")).expect("checked");
    assert!(found.is_sound(), "{found:?}");
}

#[test]
fn a_damaged_backup_is_not_restored() {
    let place = Place::new();
    filled(&place, 20);
    let backup = place.path("backup.db");
    place.open().backup(&backup, &mut |_, _| {}).expect("a backup");
    Connection::open(&backup).and_then(|file| file.execute_batch("DELETE FROM audit WHERE seq = 4")).expect("altered");
    let to = place.path("restored.db");
    let error = SqliteRepository::restore(&backup, &to, &mut |_, _| {}).expect_err("refused");
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error}");
    assert!(!to.exists());
    std::fs::write(place.path("rubbish"), b"no database at all, but long enough to be looked at as one")
        .expect("written");
    assert!(SqliteRepository::restore(&place.path("rubbish"), &to, &mut |_, _| {}).is_err());
    assert!(SqliteRepository::restore(&place.path("missing"), &to, &mut |_, _| {}).is_err());
}

/// Promise P14: what was taken up later is the same in the end as what was accepted at once.
#[test]
fn a_rebuilt_repository_has_the_same_content_whenever_messages_were_taken_up() {
    let outcomes = |person: PersonId| -> Vec<Outcome> {
        let said = [("A", 1), ("B", 2), ("A", 3), ("A", 4), ("C", 2)];
        let outcome = |(offset, (content, second)): (u64, (&str, u32))| {
            let records =
                vec![result("LAB1", clock(2, second, offset), content), result("LAB2", clock(1, 9, offset), "same")];
            accepted(offset, person, records)
        };
        (0..).zip(said).map(outcome).collect()
    };
    let at_once = Place::new();
    let repository = at_once.open();
    let person = add(&store(&repository), 1).person.id;
    commit(&store(&repository), outcomes(person));
    let expected = repository.canonical_dump_hash().expect("a digest");

    let later = Place::new();
    let repository = later.open();
    let store = store(&repository);
    assert_eq!(add(&store, 1).person.id, person);
    let mut first = outcomes(person);
    let taken_up = [first[0].clone(), first[3].clone()];
    first[0] = withheld(0, &by_document(1));
    first[3] = withheld(3, &by_document(1));
    for outcome in first {
        commit(&store, vec![outcome]);
    }
    assert_ne!(repository.canonical_dump_hash().expect("a digest"), expected);
    redo(&store, RedoMode::Commit, 50, taken_up.to_vec());
    assert_eq!(repository.canonical_dump_hash().expect("a digest"), expected);
    redo(&store, RedoMode::Commit, 60, outcomes(person));
    assert_eq!(repository.canonical_dump_hash().expect("a digest"), expected, "a replay of all changes nothing");
}

#[test]
fn a_full_file_is_unavailable_and_nothing_of_the_batch_is_there() {
    let place = Place::new();
    let people = filled(&place, 20);
    let size = std::fs::metadata(place.database()).expect("a file").len();
    let small = SqliteSettings { file_max: size + (64 << 10), ..SqliteSettings::default() };
    let repository = std::sync::Arc::new(SqliteRepository::open(&place.database(), small).expect("it opens"));
    let store_small = store(&repository);
    let long = "x".repeat(1 << 20);
    let outcome = accepted(20, people[0], vec![result("LONG", clock(2, 20, 20), &long)]);
    let error = try_commit(&store_small, vec![outcome.clone()]).expect_err("full");
    assert!(matches!(error, RepositoryError::Unavailable { .. }), "{error}");
    assert_eq!(error.disposition(), Disposition::Retry);
    assert_eq!(messages(&store_small).len(), 20);
    assert_eq!(repository.next_offset(PartitionId(0)).expect("an offset").0, 20);
    let short = accepted(20, people[0], vec![result("SHORT", clock(2, 20, 20), "1")]);
    commit(&store_small, vec![short]);
    drop((repository, store_small));
    let larger = place.open();
    commit(&store(&larger), vec![Outcome { facts: withheld(21, &by_document(1)).facts, ..outcome }]);
    assert!(SqliteRepository::check_file(&place.database()).expect("checked").is_sound());
}

#[test]
fn another_process_that_writes_is_waited_for_and_then_given_up() {
    let place = Place::new();
    filled(&place, 20);
    let patient = SqliteSettings { busy_wait: Duration::from_secs(30), ..SqliteSettings::default() };
    let hasty = SqliteSettings { busy_wait: Duration::from_millis(20), ..SqliteSettings::default() };
    let other = Connection::open(place.database()).expect("another process");
    let hasty = std::sync::Arc::new(SqliteRepository::open(&place.database(), hasty).expect("it opens"));
    let waiting = std::sync::Arc::new(SqliteRepository::open(&place.database(), patient).expect("it opens"));
    other.execute_batch("BEGIN IMMEDIATE").expect("it writes");
    let error = try_commit(&store(&hasty), vec![withheld(20, &by_document(1))]).expect_err("busy");
    assert!(matches!(error, RepositoryError::Unavailable { .. }), "{error}");
    assert_eq!(hasty.next_offset(PartitionId(0)).expect("reading goes on").0, 20);
    std::thread::scope(|scope| {
        let committed = scope.spawn(|| try_commit(&store(&waiting), vec![withheld(20, &by_document(1))]));
        other.execute_batch("COMMIT").expect("it ends");
        committed.join().expect("no panic").expect("its turn came");
    });
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let place = Place::new();
    filled(&place, 20);
    let file = Connection::open(place.database()).expect("opened");
    file.pragma_update(None, "user_version", 99).expect("newer");
    drop(file);
    let before = std::fs::read(place.database()).expect("bytes");
    let error = SqliteRepository::open(&place.database(), SqliteSettings::default()).expect_err("refused");
    assert_eq!(error.disposition(), Disposition::Reject);
    assert!(error.to_string().contains("schema 99") && error.to_string().contains("newer"), "{error}");
    assert_eq!(std::fs::read(place.database()).expect("bytes"), before);
}

#[test]
fn another_programs_file_is_refused_and_left_alone() {
    let place = Place::new();
    let file = Connection::open(place.database()).expect("opened");
    file.execute_batch("CREATE TABLE theirs (a INTEGER)").expect("a table");
    drop(file);
    let before = std::fs::read(place.database()).expect("bytes");
    assert!(SqliteRepository::open(&place.database(), SqliteSettings::default()).is_err());
    assert_eq!(std::fs::read(place.database()).expect("bytes"), before);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let repository = place.open();
    add(&store(&repository), 1);
    repository.backup(&place.path("backup.db"), &mut |_, _| {}).expect("a backup");
    for name in ["causeway.db", "causeway.db-wal", "causeway.db.head", "backup.db"] {
        let mode = std::fs::metadata(place.path(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
}

#[test]
fn the_write_ahead_log_is_carried_over_while_the_hub_runs() {
    let place = Place::new();
    let settings = SqliteSettings { checkpoint_every: 64 << 10, ..SqliteSettings::default() };
    let repository = std::sync::Arc::new(SqliteRepository::open(&place.database(), settings).expect("it opens"));
    let store = store(&repository);
    let person = add(&store, 1).person.id;
    for offset in 0..200 {
        let second = u32::try_from(offset).expect("small");
        let records = vec![result(&format!("LAB{offset}"), clock(2, second, offset), &"x".repeat(2000))];
        commit(&store, vec![accepted(offset, person, records)]);
    }
    let log = std::fs::metadata(place.path("causeway.db-wal")).expect("a log").len();
    assert!(log < 1 << 20, "the log has {log} bytes");
    assert_eq!(history(&store, person).len(), 200);
    assert_eq!(repository.audit_head().expect("a head").0, repository.verify_audit().expect("checked").lines);
    assert!(at(0) < at(1));
}

fn position(offset: u64) -> Position {
    Position { partition: PartitionId(0), offset: Offset(offset) }
}

/// What was stored before there was a table of it.
#[test]
fn documents_that_versions_pointed_to_before_are_known_after_the_upgrade() {
    let place = Place::new();
    let documents = [b"one", b"two"].map(|text| Digest::of(text));
    {
        let store = store(&place.open());
        let person = add(&store, 1).person.id;
        commit(&store, vec![accepted(0, person, vec![result_with("LAB1", clock(2, 0, 0), &documents)])]);
        commit(&store, vec![accepted(1, person, vec![result("LAB1", clock(3, 1, 1), "Binary/of the stars")])]);
    }
    let file = Connection::open(place.database()).expect("opens");
    let as_before = "DROP TABLE document; DROP INDEX message_large; DROP INDEX imaging_instance_by_blob; DROP TABLE imaging_open; \
                     DROP TABLE imaging_ruling; DROP INDEX imaging_instance_by_series; \
                     DELETE FROM schema_migration WHERE number > 8; \
                     PRAGMA user_version = 8";
    file.execute_batch(as_before).expect("as before");
    drop(file);
    let asked = [documents[0], documents[1], Digest::of(b"three")];
    assert_eq!(place.open().pointed_to(&asked).expect("an answer"), documents.into());
}
