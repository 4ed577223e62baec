//! What is changed on disk is noticed.

use causeway_core::contract::repository::world::{ALL, at, history, operator, withheld};
use causeway_core::envelope::{Digest, PartitionId};
use causeway_core::mapped::Identity;
use causeway_core::outcome::Outcome;
use causeway_core::port::{
    AccessGrant, AuditQuery, MessageQuery, PersonQuery, RecordQuery, Registry as _, Repository as _, RepositoryError,
};
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};
use rusqlite::Connection;

use crate::support::{Place, copy, filled, store};

/// Lines of the chain that [`filled`] writes for twenty messages: a provider, four persons, four events, sixteen deposits.
const LINES: u64 = 25;

/// Changes the file with another program.
fn alter(place: &Place, sql: &str) {
    let connection = Connection::open(place.database()).expect("opened");
    connection.pragma_update(None, "foreign_keys", false).expect("off");
    connection.execute_batch(sql).expect("altered");
}

fn first_bad(place: &Place) -> Option<u64> {
    place.open().verify_audit().expect("checked").first_bad
}

#[test]
fn an_untouched_chain_holds() {
    let place = Place::new();
    filled(&place, 20);
    let report = place.open().verify_audit().expect("checked");
    assert_eq!((report.lines, report.first_bad), (LINES, None));
}

#[test]
fn an_edited_line_is_named() {
    for sql in [
        "UPDATE audit SET entry = replace(entry, 'router', 'nobody') WHERE seq = 12",
        "UPDATE audit SET person = person + 1 WHERE seq = 12",
        "UPDATE audit SET action = 'other' WHERE seq = 12",
        "UPDATE audit SET at = at + 1 WHERE seq = 12",
        "UPDATE audit SET hash = zeroblob(32) WHERE seq = 12",
        "UPDATE audit SET entry = NULL WHERE seq = 12",
    ] {
        let place = Place::new();
        filled(&place, 20);
        alter(&place, &sql.replace("entry = NULL", "entry = x'00'"));
        assert_eq!(first_bad(&place), Some(12), "{sql}");
    }
}

#[test]
fn an_edited_line_with_a_hash_of_its_own_breaks_the_next_one() {
    let place = Place::new();
    filled(&place, 20);
    let file = Connection::open(place.database()).expect("opened");
    let read = |seq: u64| -> (Vec<u8>, String) {
        let sql = "SELECT hash, entry FROM audit WHERE seq = ?1";
        file.query_row(sql, [i64::try_from(seq).expect("small")], |row| Ok((row.get(0)?, row.get(1)?))).expect("a line")
    };
    let ((former, _), (_, entry)) = (read(11), read(12));
    let entry = entry.replace("router", "nobody");
    let hash = Digest::of(&[&[0][..], &12_u64.to_be_bytes()[..], &former[..], entry.as_bytes()].concat());
    file.execute("UPDATE audit SET hash = ?1, entry = ?2 WHERE seq = 12", (hash.0, entry)).expect("altered");
    drop(file);
    assert_eq!(first_bad(&place), Some(13));
}

#[test]
fn a_deleted_line_is_named() {
    let place = Place::new();
    filled(&place, 20);
    alter(&place, "DELETE FROM audit WHERE seq = 7");
    assert_eq!(first_bad(&place), Some(7));
    alter(&place, "UPDATE audit SET seq = -seq WHERE seq > 7; UPDATE audit SET seq = -seq - 1 WHERE seq < 0");
    assert_eq!(first_bad(&place), Some(7), "also when the others close ranks");
}

#[test]
fn lines_in_another_order_are_named() {
    let place = Place::new();
    filled(&place, 20);
    alter(&place, "UPDATE audit SET seq = 1000 WHERE seq = 12; UPDATE audit SET seq = 12 WHERE seq = 13;");
    alter(&place, "UPDATE audit SET seq = 13 WHERE seq = 1000");
    assert_eq!(first_bad(&place), Some(12));
}

#[test]
fn a_cut_tail_is_noticed_by_the_head_inside_and_the_note_beside() {
    let place = Place::new();
    filled(&place, 20);
    let connection = Connection::open(place.database()).expect("opened");
    connection.execute_batch("DELETE FROM audit WHERE seq > 20").expect("cut");
    let report = SqliteRepository::check_file(&place.database()).expect("checked");
    assert_eq!(report.audit.first_bad, Some(21));
    // The cutter knows of the head as well.
    let sql = "UPDATE audit_head SET seq = 20, hash = (SELECT hash FROM audit WHERE seq = 20)";
    connection.execute_batch(sql).expect("cut");
    drop(connection);
    let error = SqliteRepository::open(&place.database(), SqliteSettings::default()).expect_err("noticed");
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("line 20") && error.to_string().contains("line 25"), "{error}");
    let report = SqliteRepository::check_file(&place.database()).expect("checked");
    assert_eq!(report.audit.first_bad, Some(21));
}

#[test]
fn a_chain_written_anew_is_noticed_against_a_head_kept_outside() {
    let (honest, forged) = (Place::new(), Place::new());
    filled(&honest, 20);
    filled(&forged, 15);
    let repository = honest.open();
    let (seq, hash) = repository.audit_head().expect("a head");
    assert_eq!(repository.verify_audit_against(seq, hash).expect("checked").first_bad, None);
    let whole = forged.open();
    assert_eq!(whole.verify_audit().expect("checked").first_bad, None, "the forged chain is sound in itself");
    assert!(whole.verify_audit_against(seq, hash).expect("checked").first_bad.is_some());
    let wrong = whole.verify_audit_against(3, Digest::of(b"another")).expect("checked");
    assert_eq!(wrong.first_bad, Some(3));
}

#[test]
fn a_changed_record_is_not_shown() {
    for sql in [
        "UPDATE record_version SET resource = replace(resource, 'value 5', 'value 6')",
        "UPDATE record_version SET record_key = record_key || 'x'",
        "UPDATE record_version SET retracted = 1",
        "UPDATE record_version SET at = at + 1",
        "UPDATE record_version SET rank = 3",
        "UPDATE record_version SET domain = 'RADR'",
        "UPDATE record_version SET person = 3 - person WHERE person < 3",
        "UPDATE record SET current = (SELECT max(id) FROM record_version)",
    ] {
        let place = Place::new();
        let people = filled(&place, 20);
        alter(&place, sql);
        let grant = AccessGrant::operator(operator(), "test".to_owned());
        let repository = place.open();
        let outcomes = people.iter().map(|person| {
            let query = RecordQuery { person: Some(*person), limit: ALL, ..RecordQuery::default() };
            repository.records(&grant, &query, at(0))
        });
        let damaged = outcomes.filter(|read| matches!(read, Err(RepositoryError::Damaged { .. }))).count();
        assert!(damaged > 0, "{sql}");
        assert!(!SqliteRepository::check_file(&place.database()).expect("checked").is_sound(), "{sql}");
    }
}

#[test]
fn a_changed_message_person_or_count_is_found_by_the_check() {
    for sql in [
        "UPDATE message SET person = 2 WHERE person = 1",
        "UPDATE message SET sender = 'OTHER|HHH' WHERE id = 3",
        "UPDATE message SET state = 2 WHERE id = 5",
        "UPDATE message SET decisions = '' WHERE id = 3",
        "UPDATE word SET text = 'ward' WHERE text = 'lab'",
        "UPDATE person SET snapshot = replace(snapshot, 'CHAN', 'WONG') WHERE id = 1",
        "UPDATE person SET ehr_number = '000000000000' WHERE id = 1",
        "UPDATE provider SET snapshot = replace(snapshot, '2016', '2015')",
        "UPDATE subject SET person = 2 WHERE person = 1",
        "DELETE FROM subject WHERE person = 1 AND sort = 0",
        "UPDATE consent_event SET kind = 'Activate' WHERE person = 1",
        "DELETE FROM consent_event WHERE person = 1",
        "UPDATE feed_count SET count = count + 1",
        "DELETE FROM feed_count WHERE state = 1",
        "UPDATE record_count SET count = count + 1",
        "DELETE FROM record WHERE person = 1",
        "DELETE FROM record_version WHERE id = 2",
        "DELETE FROM message WHERE id = 2",
        "DELETE FROM waiting WHERE 1; INSERT INTO waiting VALUES (1, 1)",
        "UPDATE posting_mark SET upto = 1000000 WHERE source = 'record'",
        "UPDATE partition_offset SET next = 3",
    ] {
        let place = Place::new();
        filled(&place, 20);
        assert!(SqliteRepository::check_file(&place.database()).expect("checked").is_sound(), "before");
        alter(&place, sql);
        let report = SqliteRepository::check_file(&place.database()).expect("checked");
        assert!(!report.is_sound(), "{sql}");
    }
}

/// Everything a reader can see, or the first error.
fn everything(path: &std::path::Path) -> Result<String, RepositoryError> {
    let repository = SqliteRepository::open(path, SqliteSettings::default())?;
    let messages = repository.messages(&MessageQuery { limit: ALL, ..MessageQuery::default() })?;
    let people = repository
        .persons(&PersonQuery { limit: ALL, ..PersonQuery::default() })
        .map_err(|error| RepositoryError::Damaged { what: error.to_string() })?;
    let lines = repository.audit_lines(&AuditQuery { limit: ALL, ..AuditQuery::default() })?;
    let grant = AccessGrant::operator(operator(), "test".to_owned());
    let query = RecordQuery { history: true, retracted: true, limit: ALL, ..RecordQuery::default() };
    let records = repository.records(&grant, &query, at(0))?;
    let offset = repository.next_offset(PartitionId(0))?;
    let counts = (repository.feed_counts()?, repository.count_records()?, repository.held()?);
    let names: Vec<_> = people.iter().map(|found| serde_json::to_string(&**found).unwrap_or_default()).collect();
    Ok(format!("{messages:?} {names:?} {lines:?} {records:?} {offset:?} {counts:?}"))
}

/// Promise P13: a flipped bit that changes anything a reader sees is reported: by the read itself, or by the check.
/// `CAUSEWAY_FLIPS` says how many are tried.
#[test]
fn a_flipped_bit_is_reported_or_changes_nothing() {
    let place = Place::new();
    filled(&place, 40);
    let (original, flipped) = (place.database(), place.path("flipped.db"));
    let expected = {
        copy(&original, &flipped);
        everything(&flipped).expect("readable")
    };
    let bytes = std::fs::read(&original).expect("bytes");
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut seen = 0_usize;
    let flips: usize = std::env::var("CAUSEWAY_FLIPS").ok().and_then(|flips| flips.parse().ok()).unwrap_or(200);
    for _ in 0..flips {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let bit = usize::try_from(random % (8 * u64::try_from(bytes.len()).expect("small"))).expect("small");
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        for suffix in ["-wal", "-shm"] {
            let leftover = place.path(&format!("flipped.db{suffix}"));
            drop(std::fs::remove_file(leftover));
        }
        copy(&original, &flipped);
        std::fs::write(&flipped, changed).expect("written");
        let checked = SqliteRepository::check_file(&flipped);
        let read = everything(&flipped);
        let silent = read.as_ref().is_ok_and(|read| *read != expected);
        let reported = !checked.is_ok_and(|report| report.is_sound());
        let shown = read.as_deref().unwrap_or_default();
        let differ = shown.chars().zip(expected.chars()).take_while(|(a, b)| a == b).count();
        let around: String = shown.chars().skip(differ.saturating_sub(80)).take(120).collect();
        assert!(!silent || reported, "bit {bit} changed what is read, and nobody said so: {around}");
        seen += usize::from(reported || read.is_err());
    }
    assert!(seen > flips / 10, "the flips must hit something: {seen}");
}

#[test]
fn a_deleted_write_ahead_log_is_noticed() {
    let place = Place::new();
    let repository = place.open();
    let store = store(&repository);
    causeway_core::contract::repository::world::add(&store, 1);
    // Carried over into the file; what follows is in the log only.
    drop((repository, store));
    let repository = place.open();
    let store = crate::support::store(&repository);
    causeway_core::contract::repository::world::add(&store, 2);
    let copied = place.path("copied.db");
    copy(&place.database(), &copied);
    assert!(SqliteRepository::open(&copied, SqliteSettings::default()).is_ok(), "with its log it is whole");
    let bare = place.path("bare.db");
    copy(&place.database(), &bare);
    std::fs::remove_file(place.path("bare.db-wal")).expect("removed");
    let error = SqliteRepository::open(&bare, SqliteSettings::default()).expect_err("noticed");
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error}");
}

#[test]
fn a_panic_while_deciding_leaves_nothing_behind() {
    let place = Place::new();
    let people = filled(&place, 20);
    let repository = place.open();
    let fence = causeway_core::port::Fence {
        partition: PartitionId(0),
        expect: causeway_core::envelope::Offset(20),
        next: causeway_core::envelope::Offset(21),
    };
    let hospital = causeway_core::contract::repository::world::hospital();
    let lookup = causeway_core::port::Lookup { provider: &hospital, identity: None, message: None };
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        repository.commit(fence, &[lookup], at(0), &mut |_| panic!("a fault in the plan"))
    }));
    assert!(panicked.is_err());
    assert_eq!(repository.next_offset(PartitionId(0)).expect("an offset").0, 20);
    let outcome: Outcome = withheld(20, &Identity::default());
    repository.commit(fence, &[lookup], at(0), &mut |_| Ok(vec![outcome.clone()])).expect("it goes on");
    assert_eq!(history(&store(&repository), people[0]).len(), 4);
}
