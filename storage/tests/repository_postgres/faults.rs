//! Faults of servers, connections and other processes: whole batches, once, with their offsets.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use causeway_core::contract::repository::world::{
    accepted, add, at, by_document, clock, facts, hospital, join, messages, place, records, result, withheld,
};
use causeway_core::contract::repository::{Store, Subject as _};
use causeway_core::disposition::Disposition;
use causeway_core::envelope::{Offset, PartitionId, Position};
use causeway_core::outcome::Outcome;
use causeway_core::person::PersonId;
use causeway_core::port::{
    Committed, Decide, Fence, Lookup, MessageQuery, RecordQuery, Registry as _, Repository as _, RepositoryError,
    Resolved,
};
use postgres::Client;

use super::support::{PostgresRepository, PostgresSettings, fresh, settings, wait_for_locks};

/// A batch of one message at an offset of a partition.
fn fence(partition: u16, offset: u64) -> Fence {
    Fence { partition: PartitionId(partition), expect: Offset(offset), next: Offset(offset + 1) }
}

/// An accepted message with one record.
fn outcome(partition: u16, offset: u64, person: PersonId, text: &str) -> Outcome {
    let position = Position { partition: PartitionId(partition), offset: Offset(offset) };
    let record = result(&format!("LAB{partition}x{offset}"), clock(2, 0, offset), text);
    Outcome { facts: facts(position), ..accepted(0, person, vec![record]) }
}

fn commit(
    repository: &PostgresRepository,
    fence: Fence,
    decide: &mut Decide<'_>,
) -> Result<Committed, RepositoryError> {
    let provider = hospital();
    let identity = by_document(1);
    let lookups = [Lookup { provider: &provider, identity: Some(&identity), message: None }];
    repository.commit(fence, &lookups, at(1), decide)
}

/// Ends the connections of this schema's repositories that are inside a transaction, except the one asking. How many.
fn kill(client: &mut Client, schema: &str) -> i64 {
    let sql = "SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity AS a \
               WHERE a.application_name = 'causeway ' || $1::text AND a.pid <> pg_backend_pid() AND a.pid IN (\
                   SELECT l.pid FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation \
                   JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1::text)";
    client.query_one(sql, &[&schema]).expect("killed").get(0)
}

#[test]
fn of_two_writers_with_the_same_fence_one_wins_and_the_other_is_fenced() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let person = add(&store, 1).person.id;
    for offset in 0..8 {
        let (start, wins) = (Barrier::new(2), AtomicU32::new(0));
        std::thread::scope(|scope| {
            for name in ["one", "two"] {
                let (repository, start, wins) = (fresh.repository(), &start, &wins);
                scope.spawn(move || {
                    start.wait();
                    match commit(&repository, fence(0, offset), &mut |_| Ok(vec![outcome(0, offset, person, name)])) {
                        Ok(_) => drop(wins.fetch_add(1, Ordering::SeqCst)),
                        Err(RepositoryError::Fenced { found, .. }) => assert_eq!(found, Offset(offset + 1)),
                        Err(other) => panic!("{other}"),
                    }
                });
            }
        });
        assert_eq!(wins.load(Ordering::SeqCst), 1);
    }
    assert_eq!(messages(&store).len(), 8);
    assert_eq!(store.repository.next_offset(PartitionId(0)).expect("an offset"), Offset(8));
}

/// The server ends the connection when the batch is half done: it is done again, whole, on another one.
#[test]
fn a_batch_whose_connection_is_ended_in_the_middle_is_done_again() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let person = add(&store, 1).person.id;
    let (repository, mut killer) = (fresh.repository(), fresh.client());
    let mut calls = 0;
    let committed = commit(&repository, fence(0, 0), &mut |resolved| {
        assert_eq!(resolved.candidates.len(), 1);
        calls += 1;
        if calls == 1 {
            assert_eq!(kill(&mut killer, &fresh.settings.schema), 1);
        }
        Ok(vec![outcome(0, 0, person, "1")])
    });
    assert_eq!(committed.expect("done again").outcomes.len(), 1);
    assert_eq!(calls, 2);
    assert_eq!((messages(&store).len(), repository.next_offset(PartitionId(0)).expect("an offset")), (1, Offset(1)));
    assert_eq!(store.repository.verify_audit().expect("checked").first_bad, None);
}

/// Where it is ended every time, the caller is told to come back, and nothing is there.
#[test]
fn a_batch_that_is_ended_again_and_again_is_unavailable_and_leaves_nothing() {
    let fresh = fresh(PostgresSettings { retries_max: 2, ..settings() });
    let store: Store = fresh.open();
    let person = add(&store, 1).person.id;
    let (repository, mut killer) = (fresh.repository(), fresh.client());
    let error = commit(&repository, fence(0, 0), &mut |_| {
        kill(&mut killer, &fresh.settings.schema);
        Ok(vec![outcome(0, 0, person, "1")])
    });
    let error = error.expect_err("killed");
    assert_eq!(error.disposition(), Disposition::Retry, "{error}");
    assert!(messages(&store).is_empty());
    assert_eq!(repository.next_offset(PartitionId(0)).expect("an offset"), Offset(0));
    commit(&repository, fence(0, 0), &mut |_| Ok(vec![outcome(0, 0, person, "1")])).expect("then it goes on");
}

/// Four partitions at once, each with lines of its own: one chain, without a gap.
#[test]
fn the_audit_is_one_chain_without_a_gap_under_parallel_partitions() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let people: Vec<PersonId> = (1..=4).map(|number| add(&store, number).person.id).collect();
    std::thread::scope(|scope| {
        for (partition, person) in (0_u16..).zip(&people) {
            let repository = fresh.repository();
            scope.spawn(move || {
                for offset in 0..15 {
                    let mut decide = |_: &Resolved| Ok(vec![outcome(partition, offset, *person, "1")]);
                    commit(&repository, fence(partition, offset), &mut decide).expect("committed");
                }
            });
        }
    });
    let report = store.repository.verify_audit().expect("checked");
    assert_eq!((report.lines, report.first_bad), (4 + 4 * 15, None));
    assert_eq!(store.repository.count_records().expect("counts").iter().map(|(_, count)| count).sum::<u64>(), 60);
    assert_eq!(store.repository.feed_counts().expect("counts").iter().map(|count| count.count).sum::<u64>(), 60);
}

/// Promise 3: a commit that was decided by a registration holds a withdrawal off until it is there; one that begins after
/// the withdrawal knows of it.
#[test]
fn a_withdrawal_waits_for_the_commit_that_went_by_the_registration() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let person = add(&store, 1).person.id;
    join(&store, person);
    let (repository, desk) = (fresh.repository(), fresh.repository());
    let withdrawn = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let mut watch = fresh.client();
        commit(&repository, fence(0, 0), &mut |resolved| {
            assert!(resolved.candidates[0].by_document.iter().any(|found| found.person.id == person));
            scope.spawn(|| {
                let event = causeway_core::consent::ConsentEventKind::Withdraw;
                let event = causeway_core::contract::repository::world::event(person, event, 5);
                desk.record_event(&event, &causeway_core::port::Actor("desk".to_owned())).expect("withdrawn");
                withdrawn.store(true, Ordering::SeqCst);
            });
            wait_for_locks(&mut watch, &fresh, 1);
            assert!(!withdrawn.load(Ordering::SeqCst), "the withdrawal did not wait");
            Ok(vec![outcome(0, 0, person, "1")])
        })
        .expect("committed");
    });
    assert!(withdrawn.load(Ordering::SeqCst));
    let lines = store.repository.audit_lines(&causeway_core::port::AuditQuery { limit: 2, ..Default::default() });
    let actions: Vec<String> = lines.expect("lines").into_iter().map(|line| line.entry.action).collect();
    assert_eq!(actions, vec!["consent", "deposit"], "newest first");
}

/// A person is added while a message of the person is being withheld: neither saw the other, and the ticket finds it.
#[test]
fn what_is_withheld_while_its_person_is_added_is_taken_up() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let repository = fresh.repository();
    commit(&repository, fence(0, 0), &mut |resolved| {
        assert!(resolved.candidates[0].by_document.is_empty());
        add(&store, 1);
        assert_eq!(store.repository.take_ups(10).expect("tickets"), vec![], "the commit is still under way");
        Ok(vec![withheld(0, &by_document(1))])
    })
    .expect("committed");
    let found = store.repository.take_ups(10).expect("tickets");
    assert_eq!(found.iter().flat_map(|ticket| ticket.positions.clone()).collect::<Vec<_>>(), vec![place(0)]);
}

/// A tail that shows a message shows every earlier number before it: one whose commit is still under way is waited for.
#[test]
fn a_tail_does_not_run_ahead_of_a_commit_that_is_under_way() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let (one, two) = (add(&store, 1).person.id, add(&store, 2).person.id);
    let (slow, quick) = (fresh.repository(), fresh.repository());
    commit(&slow, fence(0, 0), &mut |_| Ok(vec![outcome(0, 0, one, "1")])).expect("committed");
    let tail = || {
        let query = MessageQuery { after_row: Some(0), limit: 10, ..MessageQuery::default() };
        let rows = store.repository.messages(&query).expect("a tail");
        rows.iter().map(|row| row.facts.position.to_string()).collect::<Vec<_>>()
    };
    let mut holder = fresh.client();
    let mut watch = fresh.client();
    std::thread::scope(|scope| {
        let mut held = holder.transaction().expect("a transaction");
        held.execute("SELECT 1 FROM record FOR UPDATE", &[]).expect("locked");
        // The same record again: it has its number and waits for the row.
        let again = Outcome { facts: facts(place(1)), ..outcome(0, 0, one, "2") };
        let waiting = scope.spawn(move || commit(&slow, fence(0, 1), &mut |_| Ok(vec![again.clone()])).map(drop));
        wait_for_locks(&mut watch, &fresh, 1);
        commit(&quick, fence(1, 0), &mut |_| Ok(vec![outcome(1, 0, two, "1")])).expect("committed");
        assert_eq!(messages(&store).len(), 2, "it is there");
        assert_eq!(tail(), vec!["0:0"], "and not shown yet");
        held.rollback().expect("released");
        waiting.join().expect("no panic").expect("committed");
    });
    assert_eq!(tail(), vec!["0:0", "0:1", "1:0"]);
}

/// Two partitions bring the first version of one record at the same time: one becomes the first, the other the second.
#[test]
fn one_record_made_by_two_partitions_at_once_has_two_versions() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let person = add(&store, 1).person.id;
    for round in 0..6 {
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            for partition in [0_u16, 1] {
                let (repository, start) = (fresh.repository(), &start);
                scope.spawn(move || {
                    let position = Position { partition: PartitionId(partition), offset: Offset(round) };
                    let clock = clock(2, u32::from(partition), round);
                    let record = result(&format!("LAB{round}"), clock, &format!("of partition {partition}"));
                    let outcome = Outcome { facts: facts(position), ..accepted(0, person, vec![record]) };
                    start.wait();
                    commit(&repository, fence(partition, round), &mut |_| Ok(vec![outcome.clone()]))
                        .expect("committed");
                });
            }
        });
    }
    let query = RecordQuery { person: Some(person), ..RecordQuery::default() };
    let current = records(&store, &query);
    assert_eq!(current.len(), 6);
    let newest = |row: &causeway_core::port::RecordRow| row.resource["valueString"] == "of partition 1";
    assert!(current.iter().all(newest), "{current:?}");
    assert_eq!(records(&store, &RecordQuery { history: true, ..query }).len(), 12);
}

/// Text that PostgreSQL cannot hold as it is.
#[test]
fn a_zero_character_in_what_a_sender_chose_is_kept() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let mut outcome = withheld(0, &by_document(1));
    outcome.facts.control_id = "M\0-1".to_owned();
    outcome.facts.sender = "\u{F8FF}LAB|\0".to_owned();
    commit(&fresh.repository(), fence(0, 0), &mut |_| Ok(vec![outcome.clone()])).expect("committed");
    assert_eq!(store.repository.trace("M\0-1").expect("a trace")[0].row.facts, outcome.facts);
}

/// No error repeats what the server quotes, nor the password.
#[test]
fn errors_name_the_cause_and_no_values() {
    let fresh = fresh(PostgresSettings { lock_timeout: std::time::Duration::from_millis(50), ..settings() });
    let mut holder = fresh.client();
    let store: Store = fresh.open();
    let person = add(&store, 1).person.id;
    holder.batch_execute("BEGIN; LOCK TABLE audit_head").expect("locked");
    let error =
        commit(&fresh.repository(), fence(0, 0), &mut |_| Ok(vec![outcome(0, 0, person, "1")])).expect_err("locked");
    assert!(error.to_string().contains("a lock was not given in time (PostgreSQL ERROR 55P03"), "{error}");
    assert_eq!(error.disposition(), Disposition::Retry);
    let url = "postgresql://someone:secret@127.0.0.1:1/nowhere".to_owned();
    let error = PostgresRepository::open(PostgresSettings { url, ..settings() }).expect_err("nobody listens");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    let url = "postgresql://someone:secret@localhost/x?sslmode=require".to_owned();
    let error = PostgresRepository::open(PostgresSettings { url, ..settings() }).expect_err("no authority");
    assert!(error.to_string().contains("no ca_file") && !error.to_string().contains("secret"), "{error}");
}

/// A standby, a server without a connection left, a statement that takes too long, a right that is missing: each by its
/// name, nothing is there, and it may be tried again.
#[test]
fn a_server_that_cannot_take_the_work_is_named_and_waited_for() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let person = add(&store, 1).person.id;
    let role = format!("{}_full", fresh.settings.schema);
    let mut admin = fresh.client();
    admin.batch_execute(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 0")).expect("a role");
    let full = PostgresRepository::open(PostgresSettings {
        url: fresh.settings.url.replace("causeway@", &format!("{role}@")),
        ..fresh.settings.clone()
    });
    admin.batch_execute(&format!("DROP ROLE {role}")).expect("dropped");
    let full = full.expect_err("no connection left");
    assert!(full.to_string().contains("too many connections (PostgreSQL FATAL 53300"), "{full}");
    let with = |options: &str| {
        let url = format!("{}?options={options}", fresh.settings.url);
        PostgresRepository::open(PostgresSettings { url, ..fresh.settings.clone() }).expect("opens")
    };
    let standby = with("-c%20default_transaction_read_only%3Don");
    let read_only =
        commit(&standby, fence(0, 0), &mut |_| Ok(vec![outcome(0, 0, person, "1")])).expect_err("read-only");
    assert!(read_only.to_string().contains("a standby, or read-only (PostgreSQL ERROR 25006"), "{read_only}");
    admin.batch_execute("BEGIN; LOCK TABLE audit_head").expect("locked");
    let impatient = PostgresRepository::open(PostgresSettings {
        statement_timeout: std::time::Duration::from_secs(1),
        ..fresh.settings.clone()
    });
    let impatient = impatient.expect("opens");
    let slow = commit(&impatient, fence(0, 0), &mut |_| Ok(vec![outcome(0, 0, person, "1")])).expect_err("too long");
    assert!(slow.to_string().contains("longer than it may (PostgreSQL ERROR 57014"), "{slow}");
    admin.batch_execute("ROLLBACK").expect("released");
    for error in [full, read_only, slow] {
        assert_eq!(error.disposition(), Disposition::Retry, "{error}");
    }
    assert!(messages(&store).is_empty());
    commit(&impatient, fence(0, 0), &mut |_| Ok(vec![outcome(0, 0, person, "1")])).expect("then it goes on");
}

/// What a server says whose disk is full, made by a trigger: at the records of the batch, in the middle of its rows.
#[test]
fn a_full_disk_of_the_database_is_waited_for_with_nothing_stored_and_gone_on_after() {
    let fresh = fresh(settings());
    let store: Store = fresh.open();
    let person = add(&store, 1).person.id;
    let (repository, mut admin) = (fresh.repository(), fresh.client());
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS \
                $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END$$; \
                CREATE TRIGGER full_disk BEFORE INSERT ON record_version FOR EACH ROW EXECUTE FUNCTION full_disk()";
    admin.batch_execute(full).expect("a trigger");
    let mut work = |_: &Resolved| Ok(vec![outcome(0, 0, person, "1")]);
    let error = commit(&repository, fence(0, 0), &mut work).expect_err("full");
    assert_eq!(error.disposition(), Disposition::Retry, "{error}");
    assert!(error.to_string().contains("the disk of the database is full"), "{error}");
    assert!(messages(&store).is_empty());
    assert_eq!(repository.next_offset(PartitionId(0)).expect("an offset"), Offset(0));
    admin.batch_execute("DROP TRIGGER full_disk ON record_version").expect("room again");
    commit(&repository, fence(0, 0), &mut work).expect("goes on");
    assert_eq!((messages(&store).len(), records(&store, &RecordQuery::default()).len()), (1, 1));
    assert_eq!(store.repository.verify_audit().expect("checked").first_bad, None);
}

/// A role that may have one connection, which somebody else has.
#[test]
fn a_server_with_too_many_connections_says_so_and_is_asked_again_later() {
    let fresh = fresh(settings());
    let role = format!("few_{}", fresh.settings.schema);
    let mut admin = fresh.client();
    let sql = format!(
        "CREATE ROLE {role} LOGIN CONNECTION LIMIT 1; GRANT USAGE ON SCHEMA \"{schema}\" TO {role}; \
         GRANT SELECT ON ALL TABLES IN SCHEMA \"{schema}\" TO {role}",
        schema = fresh.settings.schema
    );
    admin.batch_execute(&sql).expect("a role");
    let url = fresh.settings.url.replacen("causeway@", &format!("{role}@"), 1);
    let holder = Client::connect(&url, postgres::NoTls).expect("the only connection");
    let opened = PostgresRepository::open(PostgresSettings { url, ..fresh.settings.clone() });
    drop(holder);
    let dropped = admin.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    let error = opened.expect_err("no connection is left");
    assert_eq!(error.disposition(), Disposition::Retry, "{error}");
    assert!(error.to_string().contains("too many connections"), "{error}");
    dropped.expect("the role goes");
}
