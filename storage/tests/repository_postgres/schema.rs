//! The schema: made whole or not at all, once, and not by an older program; and what each role may do to it.

use causeway_core::contract::repository::Subject as _;
use causeway_core::contract::repository::world::{accepted, add, clock, commit, result, result_with};
use causeway_core::envelope::Digest;
use causeway_core::port::{AuditQuery, RepositoryError};
use postgres::error::SqlState;

use super::support::{PostgresRepository, Schema, client, fresh, settings};

#[test]
fn a_schema_that_is_not_there_is_not_opened_and_says_what_to_do() {
    let error = PostgresRepository::open(settings()).expect_err("no schema");
    assert!(matches!(&error, RepositoryError::Refused(why) if why.contains("causeway db migrate")), "{error}");
}

#[test]
fn a_newer_schema_is_refused_by_an_older_program() {
    let fresh = fresh(settings());
    let sql = "INSERT INTO schema_migration (number, name, checksum) VALUES (99, 'from the future', '')";
    fresh.client().batch_execute(sql).expect("inserted");
    for error in [
        PostgresRepository::open(fresh.settings.clone()).map(drop).expect_err("newer"),
        PostgresRepository::migrate(&fresh.settings).map(drop).expect_err("newer"),
    ] {
        assert!(matches!(&error, RepositoryError::Refused(why) if why.contains("schema 99")), "{error}");
    }
}

#[test]
fn a_migration_that_was_changed_after_it_had_been_applied_is_refused() {
    let fresh = fresh(settings());
    fresh.client().batch_execute("UPDATE schema_migration SET checksum = 'other' WHERE number = 1").expect("changed");
    let error = PostgresRepository::open(fresh.settings.clone()).expect_err("changed");
    assert!(error.to_string().contains("migration 1 was changed"), "{error}");
}

#[test]
fn two_migrations_at_once_make_one_schema() {
    let settings = settings();
    let _schema = Schema(settings.schema.clone());
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..4).map(|_| scope.spawn(|| PostgresRepository::migrate(&settings))).collect();
        for one in all {
            let version = one.join().expect("no panic").expect("migrated");
            assert_eq!((version, version), PostgresRepository::schema_version(&settings).expect("told"));
        }
    });
    PostgresRepository::open(settings).expect("opens");
}

/// The server ends the connection while the migration waits in the middle of its work: a table of the last step is held
/// by another transaction, which makes a table of the same name.
#[test]
fn a_migration_killed_in_the_middle_leaves_nothing_and_is_done_again() {
    let settings = settings();
    let _schema = Schema(settings.schema.clone());
    let mut beside = client();
    let schema = &settings.schema;
    beside.batch_execute(&format!("CREATE SCHEMA \"{schema}\"")).expect("a schema");
    let mut holder = beside.transaction().expect("a transaction");
    holder.batch_execute(&format!("CREATE TABLE \"{schema}\".worker (a INTEGER)")).expect("a table");
    std::thread::scope(|scope| {
        let migrating = scope.spawn(|| PostgresRepository::migrate(&settings));
        let mut killer = client();
        let held_by = pid(&mut holder);
        wait_until(|| {
            let sql = "SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity AS a \
                       WHERE $1 = ANY (pg_blocking_pids(a.pid))";
            let killed: i64 = killer.query_one(sql, &[&held_by]).expect("killed").get(0);
            killed > 0
        });
        let error = migrating.join().expect("no panic").expect_err("killed");
        assert!(matches!(error, RepositoryError::Unavailable { .. }), "{error}");
    });
    holder.rollback().expect("rolled back");
    let sql =
        "SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1";
    let left: i64 = beside.query_one(sql, &[&schema]).expect("a count").get(0);
    assert_eq!(left, 0, "whole or nothing");
    let version = PostgresRepository::migrate(&settings).expect("done again");
    assert_eq!((version, version), PostgresRepository::schema_version(&settings).expect("told"));
    PostgresRepository::open(settings.clone()).expect("opens");
}

fn pid(transaction: &mut postgres::Transaction<'_>) -> i32 {
    transaction.query_one("SELECT pg_backend_pid()", &[]).expect("a pid").get(0)
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !done() {
        assert!(std::time::Instant::now() < deadline, "it never happened");
    }
}

/// What a program that was broken into could do with the audit: add to it.
#[test]
fn the_ingest_role_works_and_cannot_change_the_audit_nor_the_history() {
    let fresh = fresh(settings());
    let schema = fresh.settings.schema.clone();
    let mut admin = fresh.client();
    let sql = include_str!("../../migrations/postgres/roles.sql").replace("\"causeway\"", &format!("\"{schema}\""));
    // Roles are the cluster's: two tests that make them at once would collide.
    admin.batch_execute("SELECT pg_advisory_lock(4711)").expect("a lock");
    let applied = admin.batch_execute(&sql);
    admin.batch_execute("SELECT pg_advisory_unlock(4711)").expect("unlocked");
    applied.expect("the roles are made");
    let ingest = format!("{}?options=-c%20role%3Dcauseway_ingest", fresh.settings.url);
    let settings = super::support::PostgresSettings { url: ingest, ..fresh.settings.clone() };
    let as_ingest = super::support::Fresh { settings, schema: fresh.schema.clone() };
    let store = as_ingest.open();
    let person = add(&store, 1).person.id;
    commit(&store, vec![accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")])]);
    let lines = store.repository.audit_lines(&AuditQuery { limit: 10, ..AuditQuery::default() }).expect("lines");
    assert_eq!(lines.len(), 2);
    let mut ingest = fresh.client();
    ingest.batch_execute("SET ROLE causeway_ingest").expect("the role");
    for forbidden in [
        "UPDATE audit SET action = 'other'",
        "DELETE FROM audit",
        "TRUNCATE audit",
        "UPDATE record_version SET resource = '{}'",
        "DELETE FROM record_version",
        "DELETE FROM consent_event",
        "DELETE FROM message",
        "DROP TABLE audit",
        "CREATE TABLE mine (a INTEGER)",
    ] {
        let error = ingest.batch_execute(forbidden).expect_err(forbidden);
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{forbidden}: {error}");
    }
    ingest.batch_execute("SET ROLE causeway_read").expect("the role");
    assert!(ingest.batch_execute("SELECT count(*) FROM record_version").is_ok());
    assert!(ingest.batch_execute("INSERT INTO paused_feed (feed) VALUES ('x')").is_err());
    assert_eq!(store.repository.verify_audit().expect("checked").first_bad, None);
}

/// The sequences as the schema before had them: each value one number.
#[test]
fn numbers_given_one_by_one_are_not_given_again_by_the_block() {
    let fresh = fresh(settings());
    let as_before = "ALTER SEQUENCE message_id MINVALUE 0 INCREMENT BY 1; SELECT setval('message_id', 100); \
                     ALTER SEQUENCE version_id MINVALUE 0 INCREMENT BY 1; SELECT setval('version_id', 1, FALSE); \
                     DROP TABLE feed_sequence; DROP TABLE commitment; DROP TABLE imaging_mark; \
                     DROP INDEX imaging_instance_by_uid; ALTER TABLE imaging_instance DROP COLUMN part; \
                     ALTER TABLE document_fetch DROP COLUMN failure; \
                     DROP TABLE document; DROP INDEX message_large; DROP INDEX imaging_instance_by_blob; DROP TABLE imaging_open; \
                     DROP TABLE imaging_ruling; DROP INDEX imaging_instance_by_series; \
                     DELETE FROM schema_migration WHERE number > 4";
    fresh.client().batch_execute(as_before).expect("as before");
    PostgresRepository::migrate(&fresh.settings).expect("migrated");
    let store = fresh.open();
    let person = add(&store, 1).person.id;
    commit(&store, vec![accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")])]);
    commit(&store, vec![accepted(1, person, vec![result("LAB2", clock(2, 0, 1), "1")])]);
    let numbers = |sql: &str| -> Vec<i64> {
        fresh.client().query(sql, &[]).expect("rows").iter().map(|row| row.get(0)).collect()
    };
    assert_eq!(numbers("SELECT id FROM message ORDER BY log_offset"), [101, 165]);
    assert_eq!(numbers("SELECT id FROM record_version ORDER BY id"), [1, 65]);
}

/// What was stored before there was a table of it.
#[test]
fn documents_that_versions_pointed_to_before_are_known_after_the_upgrade() {
    let fresh = fresh(settings());
    let (store, documents) = (fresh.open(), [b"one", b"two"].map(|text| Digest::of(text)));
    let person = add(&store, 1).person.id;
    commit(&store, vec![accepted(0, person, vec![result_with("LAB1", clock(2, 0, 0), &documents)])]);
    commit(&store, vec![accepted(1, person, vec![result("LAB1", clock(3, 1, 1), "Binary/of the stars")])]);
    let as_before = "DROP TABLE document; DROP INDEX message_large; DROP INDEX imaging_instance_by_blob; DROP TABLE imaging_open; \
                     DROP TABLE imaging_ruling; DROP INDEX imaging_instance_by_series; \
                     DELETE FROM schema_migration WHERE number > 9";
    fresh.client().batch_execute(as_before).expect("as before");
    PostgresRepository::migrate(&fresh.settings).expect("migrated");
    let asked = [documents[0], documents[1], Digest::of(b"three")];
    assert_eq!(fresh.open().pointers.pointed_to(&asked).expect("an answer"), documents.into());
}
