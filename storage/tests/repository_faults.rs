//! The promises of the SQLite repository when the process is killed, a sync fails or the disk is full: what was committed
//! is there once, with its offset; what was not is not; and after a failed sync nothing is committed any more.
//!
//! A child process commits under `strace`, which kills it or makes a system call fail at a chosen moment; the parent reads
//! what the child said was committed, opens the file and compares. Needs `strace` (the package of that name). This file
//! has its own `main`, because it is both parent and child.

#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]
#![expect(clippy::exit, reason = "the child ends as the binary would")]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use causeway_core::contract::repository::Store;
use causeway_core::contract::repository::world::{accepted, add, clock, history, join, messages, result, try_commit};
use causeway_core::envelope::PartitionId;
use causeway_core::outcome::Outcome;
use causeway_core::person::PersonId;
use causeway_core::port::{PersonQuery, Registry as _, Repository as _, RepositoryError};
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};

/// A test: its name and what it does.
type Case = (&'static str, fn());

const CASES: &[Case] = &[
    ("without_a_fault_everything_is_committed", without_a_fault_everything_is_committed),
    ("a_kill_at_any_sync_leaves_whole_batches", a_kill_at_any_sync_leaves_whole_batches),
    ("a_kill_at_any_write_leaves_whole_batches", a_kill_at_any_write_leaves_whole_batches),
    (
        "a_kill_while_the_schema_is_made_leaves_a_file_that_opens",
        a_kill_while_the_schema_is_made_leaves_a_file_that_opens,
    ),
    ("a_failed_sync_ends_every_commit", a_failed_sync_ends_every_commit),
    ("a_failed_write_or_read_ends_every_commit_too", a_failed_write_or_read_ends_every_commit_too),
    ("a_full_disk_is_waited_for_and_nothing_is_stored_twice", a_full_disk_is_waited_for_and_nothing_is_stored_twice),
];

/// The variable that makes this binary the child, with its folder.
const DIR: &str = "CAUSEWAY_REPOSITORY_CHILD";
/// The exit code of a process that halts.
const HALTED: i32 = 74;
/// The exit code of a child that could not open the file.
const NOT_OPENED: i32 = 3;
/// Batches in all.
const BATCHES: u64 = 40;
/// Messages in a batch.
const BATCH: u64 = 3;
/// How often a batch is tried again when the repository is unavailable.
const TRIES_MAX: usize = 1000;

fn main() {
    if let Some(dir) = std::env::var_os(DIR) {
        return child(Path::new(&dir));
    }
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    if std::env::args().any(|arg| arg == "--list") {
        CASES.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    for (name, case) in CASES {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
            println!("test {name} ...");
            case();
            println!("test {name} ... ok");
        }
    }
}

/// Everything gets through, or the other tests prove nothing.
fn without_a_fault_everything_is_committed() {
    let dir = tempfile::tempdir().expect("folder");
    let said = run(dir.path(), &[]);
    assert_eq!((said.code, said.committed), (Some(0), BATCHES * BATCH), "{said:?}");
    check(dir.path(), &said);
}

/// P7: killed at the n-th sync, for every n until the child gets through.
fn a_kill_at_any_sync_leaves_whole_batches() {
    let mut partly = 0;
    for nth in 1..40 {
        let dir = tempfile::tempdir().expect("folder");
        let said = run(dir.path(), &["-e", &format!("inject=fsync,fdatasync:signal=KILL:when={nth}")]);
        check(dir.path(), &said);
        partly += usize::from(said.code.is_none() && said.committed > 0);
    }
    assert!(partly > 10, "killed {partly} times with something committed");
}

/// P7: killed at the n-th write, for many n.
fn a_kill_at_any_write_leaves_whole_batches() {
    let mut partly = 0;
    for nth in (150..1500).step_by(37) {
        let dir = tempfile::tempdir().expect("folder");
        let said = run(dir.path(), &["-e", &format!("inject=pwrite64,write,ftruncate:signal=KILL:when={nth}")]);
        check(dir.path(), &said);
        partly += usize::from(said.code.is_none() && said.committed > 0);
    }
    assert!(partly > 10, "killed {partly} times with something committed");
}

/// P28: killed at the n-th write from the first one on.
fn a_kill_while_the_schema_is_made_leaves_a_file_that_opens() {
    for nth in (1..140).step_by(6) {
        let dir = tempfile::tempdir().expect("folder");
        let said = run(dir.path(), &["-e", &format!("inject=pwrite64,ftruncate:signal=KILL:when={nth}")]);
        assert_eq!((said.code, said.committed), (None, 0), "{nth}");
        check(dir.path(), &said);
    }
}

/// P12: a sync that fails, at a commit or when the write-ahead log is carried over.
fn a_failed_sync_ends_every_commit() {
    let mut halted = 0;
    for nth in (1..60).step_by(2) {
        let dir = tempfile::tempdir().expect("folder");
        let said = run(dir.path(), &["-e", &format!("inject=fsync,fdatasync:error=EIO:when={nth}")]);
        halted += check_halt(dir.path(), &said);
    }
    assert!(halted > 10, "halted {halted} times");
}

/// P12: the same for writes and reads.
fn a_failed_write_or_read_ends_every_commit_too() {
    let mut halted = 0;
    for (call, from, step) in [("pwrite64", 160, 60), ("pread64", 4, 7)] {
        for nth in (from..from + 10 * step).step_by(step) {
            let dir = tempfile::tempdir().expect("folder");
            let said = run(dir.path(), &["-e", &format!("inject={call}:error=EIO:when={nth}")]);
            halted += check_halt(dir.path(), &said);
        }
    }
    assert!(halted > 5, "halted {halted} times");
}

/// P11: no space for the write-ahead log, for the file itself, and again space.
fn a_full_disk_is_waited_for_and_nothing_is_stored_twice() {
    let mut refused = 0;
    for (file, from) in [("causeway.db-wal", 400), ("causeway.db-wal", 533), ("causeway.db", 3), ("causeway.db", 60)] {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join(file);
        let path = path.to_str().expect("a path of text");
        let range = format!("inject=pwrite64:error=ENOSPC:when={from}..{}", from + 40);
        let said = run(dir.path(), &["-P", path, "-e", &range]);
        assert_eq!((said.code, said.committed), (Some(0), BATCHES * BATCH), "{file} {from}: {said:?}");
        refused += said.refused;
        check(dir.path(), &said);
    }
    assert!(refused > 5, "refused {refused} times");
}

/// What the child said.
#[derive(Debug, Default)]
struct Said {
    /// Messages of which the commit returned.
    committed: u64,
    /// Commits that were refused, to be tried again.
    refused: usize,
    /// It halted, and after that nothing was committed.
    halted: bool,
    /// Its exit code; none when it was killed.
    code: Option<i32>,
}

/// Runs the child under `strace` with these options, in `dir`.
fn run(dir: &Path, strace: &[&str]) -> Said {
    let program = std::env::current_exe().expect("own path");
    let trace = ["-f", "-qq", "-o", "/dev/null", "-e", "signal=none"];
    let output = Command::new("strace").args(trace).args(strace).arg(program).env(DIR, dir).output();
    let output = output.expect("strace must be installed");
    let mut said = Said { code: output.status.code(), ..Said::default() };
    let text = String::from_utf8_lossy(&output.stdout);
    // A line that its end cut short was not said.
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        match line.split_once(' ') {
            Some(("committed", next)) => {
                assert!(!said.halted, "committed after a failed sync: {text}");
                said.committed = next.parse().expect("a number");
            }
            Some(("later", _)) => said.refused += 1,
            Some(("halt", _)) => said.halted = true,
            _ => panic!("the child said {line}"),
        }
    }
    said
}

/// Opens what the child left and compares it with what the child said: whole batches, each once, none lost.
fn check(dir: &Path, said: &Said) {
    let path = dir.join("causeway.db");
    let repository = SqliteRepository::open(&path, settings()).unwrap_or_else(|error| panic!("{error} {said:?}"));
    let repository = Arc::new(repository);
    let store = store(&repository);
    let next = repository.next_offset(PartitionId(0)).expect("an offset").0;
    assert!(next >= said.committed && next.is_multiple_of(BATCH), "{next} {said:?}");
    let mut offsets: Vec<u64> = messages(&store).iter().map(|row| row.facts.position.offset.0).collect();
    offsets.sort_unstable();
    assert_eq!(offsets, (0..next).collect::<Vec<_>>(), "each message once: {said:?}");
    let people = repository.persons(&PersonQuery { limit: 10, ..PersonQuery::default() }).expect("people");
    let versions: usize = people.iter().map(|found| history(&store, found.person.id).len()).sum();
    // Each message brings a record of its own and a version of the one they share.
    assert_eq!(u64::try_from(versions).expect("few"), next * 2, "each record once: {said:?}");
    let report = SqliteRepository::check_file(&path).expect("checked");
    assert!(report.is_sound(), "{report:?} {said:?}");
}

/// Either the fault hit while the file was being opened, or never; or the child halted and committed nothing afterwards.
/// 1 when it halted.
fn check_halt(dir: &Path, said: &Said) -> usize {
    check(dir, said);
    match said.code {
        Some(0) => assert_eq!(said.committed, BATCHES * BATCH),
        Some(NOT_OPENED) => assert_eq!(said.committed, 0),
        Some(HALTED) => assert!(said.halted, "{said:?}"),
        code => panic!("the child ended with {code:?}"),
    }
    usize::from(said.code == Some(HALTED))
}

/// Bounds so small that checkpoints and sweeps of the index happen within a few batches.
fn settings() -> SqliteSettings {
    SqliteSettings { checkpoint_every: 128 << 10, index_every: 20, ..SqliteSettings::default() }
}

fn store(repository: &Arc<SqliteRepository>) -> Store {
    Store {
        repository: repository.clone(),
        registry: repository.clone(),
        images: repository.clone(),
        commitments: repository.clone(),
        pointers: repository.clone(),
        keep: Arc::new(()),
    }
}

/// The child: commits batch after batch, and says what came of each.
fn child(dir: &Path) {
    let repository = match SqliteRepository::open(&dir.join("causeway.db"), settings()) {
        Ok(repository) => Arc::new(repository),
        Err(_) => std::process::exit(NOT_OPENED),
    };
    let store = store(&repository);
    let registered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let person = add(&store, 1).person.id;
        join(&store, person);
        person
    }));
    let Ok(person) = registered else { std::process::exit(NOT_OPENED) };
    for batch in 0..BATCHES {
        let outcomes: Vec<Outcome> = (0..BATCH).map(|step| message(batch * BATCH + step, person)).collect();
        let done = (0..TRIES_MAX).any(|_| match try_commit(&store, outcomes.clone()) {
            Ok(_) => true,
            Err(RepositoryError::Unavailable { cause }) => {
                println!("later {cause}");
                false
            }
            Err(error) => halt(&store, &error, &outcomes),
        });
        assert!(done, "the batch got through in the end");
        println!("committed {}", (batch + 1) * BATCH);
    }
}

/// Nothing may be committed after a failed sync, even by a caller that goes on.
fn halt(store: &Store, error: &RepositoryError, outcomes: &[Outcome]) -> ! {
    println!("halt {error}");
    if try_commit(store, outcomes.to_vec()).is_ok() {
        println!("committed 999999");
    }
    std::process::exit(HALTED)
}

fn message(offset: u64, person: PersonId) -> Outcome {
    let second = u32::try_from(offset).expect("small");
    let own = result(&format!("LAB{offset}"), clock(2, second, offset), &"x".repeat(500));
    let shared = result("SHARED", clock(2, second, offset), &format!("as of {offset}"));
    accepted(offset, person, vec![own, shared])
}
