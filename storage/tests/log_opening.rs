//! How the embedded log is opened, shared, closed, and refused.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

#[path = "log/files.rs"]
mod files;
#[path = "log/reading.rs"]
mod reading;
#[path = "log/support.rs"]
mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use causeway_core::contract::log::{PATIENCE, envelope};
use causeway_core::envelope::{Offset, PartitionId, Position};
use causeway_core::port::{Freshness, Log, LogError, PartitionState, ReadLimit};
use causeway_storage::log::embedded::{EmbeddedLog, EmbeddedLogSettings};
use jiff::Timestamp;
use rusqlite::Connection;

const LIMIT: ReadLimit = ReadLimit { count_max: 100, bytes_max: 1 << 20 };

fn one_lane() -> EmbeddedLogSettings {
    EmbeddedLogSettings { partitions: 1, ..EmbeddedLogSettings::default() }
}

/// Everything of a lane was processed.
fn end(lane: &PartitionState) -> Position {
    Position { partition: lane.partition, offset: lane.end }
}

/// What it was refused with; it must not have been called damage.
fn refusal<T>(result: Result<T, LogError>) -> String {
    match result {
        Err(LogError::Unavailable { cause }) => cause,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was not refused"),
    }
}

#[test]
fn a_second_writer_is_refused_until_the_first_has_gone() {
    let dir = tempfile::tempdir().expect("folder");
    let first = support::open(dir.path(), &one_lane()).expect("open");
    assert!(refusal(support::open(dir.path(), &one_lane())).contains("another process writes the log"));
    drop(first);
    assert!(support::open(dir.path(), &one_lane()).is_ok());
}

#[test]
fn other_partitions_than_at_creation_are_refused_by_name() {
    let dir = tempfile::tempdir().expect("folder");
    drop(support::open(dir.path(), &one_lane()).expect("open"));
    let three = EmbeddedLogSettings { partitions: 3, ..EmbeddedLogSettings::default() };
    let cause = refusal(support::open(dir.path(), &three));
    assert_eq!(cause, "the log has 1 partitions and the setting says 3; a log keeps those it was created with");
}

#[test]
fn a_newer_file_and_a_foreign_file_are_refused_and_left_alone() {
    for (sql, expected) in [
        ("PRAGMA user_version = 2", "written by a newer version of Causeway (format 2, this one knows 1)"),
        ("PRAGMA application_id = 7", "is no log of Causeway"),
    ] {
        let dir = tempfile::tempdir().expect("folder");
        drop(support::open(dir.path(), &one_lane()).expect("open"));
        let change = Connection::open(dir.path().join("log.db")).and_then(|store| store.execute_batch(sql));
        change.expect("the change itself works");
        let before = std::fs::read(dir.path().join("log.db")).expect("read");
        let cause = refusal(support::open(dir.path(), &one_lane()));
        assert!(cause.contains(expected), "{cause}");
        assert!(std::fs::read(dir.path().join("log.db")).expect("read") == before);
    }
}

#[test]
fn a_log_whose_creation_was_cut_short_is_created_when_it_is_opened_again() {
    let dir = tempfile::tempdir().expect("folder");
    drop(support::open(dir.path(), &one_lane()).expect("open"));
    for file in ["log.db", "log.db-wal", "log.db-shm"] {
        // Whether SQLite leaves the other two behind is its own business.
        drop(std::fs::remove_file(dir.path().join(file)));
    }
    let log = support::open(dir.path(), &one_lane()).expect("only the mark was there, and nothing acknowledged");
    assert!(files::put_all(&*log, (0..3).map(|number| envelope(number, b"x"))).iter().all(Result::is_ok));
}

#[test]
fn nobody_else_may_read_the_files() {
    let outer = tempfile::tempdir().expect("folder");
    let dir = outer.path().join("new");
    let log = support::open(&dir, &one_lane()).expect("open");
    files::put_all(&*log, std::iter::once(envelope(1, b"x")));
    let mode = |path: &std::path::Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for file in files::FILES {
        assert_eq!(mode(&dir.join(file)), 0o600, "{file}");
    }
}

#[test]
fn a_reader_beside_the_writer_sees_what_is_written_and_writes_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    assert!(refusal(EmbeddedLog::open_read_only(dir.path(), 2)).contains("there is no log in"));
    let writer = support::open(dir.path(), &one_lane()).expect("open");
    files::put_all(&*writer, (0..5).map(|number| envelope(number, b"x")));
    let reader = EmbeddedLog::open_read_only(dir.path(), 2).expect("open");
    assert_eq!(reader.partitions(), 1);
    assert_eq!(reading::read_everything(&*reader).expect("read").len(), 5);
    assert_eq!(reader.verify().expect("whole"), 5);

    assert!(refusal(reader.append(envelope(9, b"x"), Box::new(|_| {}))).contains("for reading only"));
    assert!(refusal(reader.prune(Timestamp::MAX, &[])).contains("for reading only"));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| reader.read(PartitionId(0), Offset(5), LIMIT, PATIENCE));
        files::put_all(&*writer, std::iter::once(envelope(5, b"x")));
        assert_eq!(waiting.join().expect("reader").expect("read").len(), 1);
    });
    drop(writer);
    assert_eq!(reading::read_everything(&*reader).expect("read").len(), 6, "also when the writer has gone");
    assert!(matches!(reader.read(PartitionId(0), Offset(7), LIMIT, PATIENCE), Err(LogError::OutOfRange { .. })));
}

#[test]
fn closing_makes_durable_what_is_queued_and_then_takes_no_more() {
    let dir = tempfile::tempdir().expect("folder");
    let log = support::open(dir.path(), &one_lane()).expect("open");
    let (done, answers) = channel();
    for number in 0..500 {
        let done = done.clone();
        log.append(envelope(number, b"x"), Box::new(move |result| drop(done.send(result)))).expect("room");
    }
    log.close();
    assert_eq!(answers.try_iter().filter(Result::is_ok).count(), 500, "all are answered when close returns");
    assert!(matches!(log.append(envelope(1, b"x"), Box::new(|_| {})), Err(LogError::Closed)));
    assert!(matches!(log.prune(Timestamp::MAX, &[]), Err(LogError::Closed)));
    assert!(matches!(log.read(PartitionId(0), Offset(500), LIMIT, PATIENCE), Err(LogError::Closed)));
    drop(log);
    assert_eq!(support::open(dir.path(), &one_lane()).expect("open").verify().expect("whole"), 500);
}

#[test]
fn a_completion_may_hold_the_last_reference_to_the_log() {
    let dir = tempfile::tempdir().expect("folder");
    let log = support::open(dir.path(), &one_lane()).expect("open");
    let (done, answer) = channel();
    let (release, released) = channel();
    let last = Arc::clone(&log);
    let keep = move |result: Result<_, LogError>| {
        assert!(released.recv_timeout(PATIENCE).is_ok(), "released");
        drop(last);
        done.send(result.is_ok()).expect("the test listens");
    };
    log.append(envelope(1, b"x"), Box::new(keep)).expect("room");
    drop(log);
    release.send(()).expect("the completion waits");
    assert_eq!(answer.recv_timeout(PATIENCE), Ok(true));
    // The thread that dropped it goes on to its end by itself.
    let deadline = Instant::now() + PATIENCE;
    while support::open(dir.path(), &one_lane()).is_err() {
        assert!(Instant::now() < deadline, "the log is closed before long");
        std::thread::yield_now();
    }
}

#[test]
fn a_completion_that_panics_stops_the_log_and_halts_the_process() {
    let dir = tempfile::tempdir().expect("folder");
    let (halted, halts) = channel();
    let halt = move |error: &LogError| halted.send(error.to_string()).expect("the test listens");
    let log = support::open_with(dir.path(), &one_lane(), Arc::new(halt)).expect("open");
    log.append(envelope(1, b"x"), Box::new(|_| panic!("a fault of the caller"))).expect("room");
    let said = halts.recv_timeout(PATIENCE).expect("the process is halted");
    assert_eq!(said, "the log could not be made durable: a thread of the log panicked");
    assert!(matches!(log.append(envelope(2, b"x"), Box::new(|_| {})), Err(LogError::Sync { .. })));
    assert!(matches!(log.read(PartitionId(0), Offset(1), LIMIT, PATIENCE), Err(LogError::Sync { .. })));
    drop(log);
    assert_eq!(halts.try_iter().count(), 0, "once");
    let log = support::open(dir.path(), &one_lane()).expect("open");
    assert_eq!(log.verify().expect("whole"), 1, "what was durable is there");
}

#[test]
fn a_disk_that_is_too_full_refuses_what_is_new_and_still_answers_resends() {
    let dir = tempfile::tempdir().expect("folder");
    let log = support::open(dir.path(), &one_lane()).expect("open");
    files::put_all(&*log, (0..3).map(|number| envelope(number, b"x")));
    drop(log);
    let full = EmbeddedLogSettings { disk_used_percent_max: 1, disk_free_enough: u64::MAX, ..one_lane() };
    let log = support::open(dir.path(), &full).expect("a full disk is no reason not to start");
    let answers = files::put_all(&*log, (2..4).map(|number| envelope(number, b"x")));
    let mut answers = answers.into_iter();
    let resent = answers.next().expect("two").expect("what is there needs no room");
    assert_eq!(resent.freshness, Freshness::Resent);
    let refused = answers.next().expect("two");
    assert!(matches!(&refused, Err(LogError::Unavailable { cause }) if cause.contains("full")), "{refused:?}");
    assert_eq!(reading::read_everything(&*log).expect("read").len(), 3);
}

#[test]
fn a_foreign_program_that_holds_the_file_is_only_a_delay() {
    let dir = tempfile::tempdir().expect("folder");
    let log = support::open(dir.path(), &one_lane()).expect("open");
    let foreign = Connection::open(dir.path().join("log.db")).expect("open");
    foreign.execute_batch("BEGIN IMMEDIATE").expect("hold");
    let refused = files::put_all(&*log, (0..3).map(|number| envelope(number, b"x")));
    assert!(refused.iter().all(|answer| matches!(answer, Err(LogError::Unavailable { .. }))), "{refused:?}");
    foreign.execute_batch("ROLLBACK").expect("let go");
    let taken = files::put_all(&*log, (0..3).map(|number| envelope(number, b"x")));
    assert!(taken.iter().flatten().all(|answer| answer.freshness == Freshness::New), "{taken:?}");
    assert_eq!(log.verify().expect("whole"), 3);
}

#[test]
fn a_folder_that_is_taken_away_refuses_what_is_new() {
    let outer = tempfile::tempdir().expect("folder");
    let dir = outer.path().join("log");
    let log = support::open(&dir, &one_lane()).expect("open");
    std::fs::remove_dir_all(&dir).expect("remove");
    let answer = files::put_all(&*log, std::iter::once(envelope(1, b"x"))).pop();
    assert!(matches!(answer, Some(Err(LogError::Unavailable { .. }))), "{answer:?}");
}

#[test]
fn what_is_too_much_is_pruned_and_its_pages_are_used_again() {
    let dir = tempfile::tempdir().expect("folder");
    let settings = EmbeddedLogSettings { retention_bytes: 400_000, wal_bytes_max: 50_000, ..one_lane() };
    let log = support::open(dir.path(), &settings).expect("open");
    for round in 0..40 {
        let numbers = round * 100..(round + 1) * 100;
        files::put_all(&*log, numbers.map(|number| envelope(number, &[b'x'; 2000])));
        let all: Vec<_> = log.state().expect("state").iter().map(end).collect();
        // Nothing is old: only its size counts.
        log.prune(Timestamp::UNIX_EPOCH, &all).expect("prune");
        let held = reading::read_everything(&*log).expect("whole").len();
        assert!((100..=200).contains(&held) || round == 0, "{held}");
    }
    // Nine megabytes were written, and less than half a one is held.
    let file = dir.path().join("log.db").metadata().expect("there").len();
    assert!(file < 2_000_000, "{file}");
    assert!(log.size_bytes().expect("size") > file, "the other files count, too");
    log.verify().expect("whole");
}

/// Nothing of a pruned message is left in the main file; the write-ahead log is overwritten as it is used.
#[test]
fn what_was_pruned_is_overwritten() {
    let dir = tempfile::tempdir().expect("folder");
    let log = support::open(dir.path(), &one_lane()).expect("open");
    let secret = b"a name that must not stay".repeat(100);
    files::put_all(&*log, (0..20).map(|number| envelope(number, &secret)));
    let holds = || {
        let file = std::fs::read(dir.path().join("log.db")).expect("read");
        file.windows(25).any(|window| window == b"a name that must not stay")
    };
    drop(log);
    assert!(holds(), "it was there");
    let log = support::open(dir.path(), &one_lane()).expect("open");
    let all: Vec<_> = log.state().expect("state").iter().map(end).collect();
    assert_eq!(log.prune(Timestamp::MAX, &all).expect("prune"), 20);
    drop(log);
    assert!(!holds(), "it is not there any more");
}

#[test]
fn resends_are_known_over_many_runs_of_identities_and_forgotten_with_them() {
    let dir = tempfile::tempdir().expect("folder");
    let settings = EmbeddedLogSettings { run_count_max: 40, prune_count_max: 100, ..one_lane() };
    let log = support::open(dir.path(), &settings).expect("open");
    // One control id for everything, as some senders have it, and the same without any.
    let same = |number: u64| {
        let mut same = envelope(7, number.to_string().as_bytes());
        if number.is_multiple_of(2) {
            same.control_id = String::new();
        }
        same
    };
    let started = Instant::now();
    for from in (0..1000).step_by(20) {
        assert!(files::put_all(&*log, (from..from + 20).map(same)).iter().all(Result::is_ok));
    }
    assert!(started.elapsed() < PATIENCE, "one control id for all does not make it slow");
    let runs = || -> u64 {
        let store = Connection::open(dir.path().join("log.db")).expect("open");
        store
            .query_row("SELECT count(*) FROM identity_run", [], |row| row.get::<_, i64>(0))
            .expect("count")
            .unsigned_abs()
    };
    let before = runs();
    assert!((10..=25).contains(&before), "{before}");
    for (number, answer) in (0_u64..).zip(files::put_all(&*log, (0..1000).map(same))) {
        let answer = answer.expect("durable");
        assert_eq!((answer.freshness, answer.position.offset), (Freshness::Resent, Offset(number)));
    }
    let until = Position { partition: PartitionId(0), offset: Offset(500) };
    assert_eq!(log.prune(Timestamp::MAX, &[until]).expect("prune"), 500);
    assert!(runs() <= before / 2 + 2, "runs whose entries are gone go, too: {} of {before}", runs());
    let again = files::put_all(&*log, (499..501).map(same));
    let freshness: Vec<_> = again.iter().flatten().map(|answer| answer.freshness).collect();
    assert_eq!(freshness, [Freshness::ControlIdReused, Freshness::Resent]);
    log.verify().expect("whole");
    assert!(log.read(PartitionId(0), Offset(500), LIMIT, Duration::ZERO).is_ok_and(|batch| batch.len() == 100));
}
