//! The promises of the embedded log when the process is killed, a sync fails, the disk is full or the power goes:
//! what was acknowledged is there, and after a failed sync nothing is acknowledged any more.
//!
//! A child process appends under `strace`, which kills it or makes a system call fail at a chosen moment; the parent
//! reads what the child said was acknowledged, opens the log and compares. Needs `strace` (the package of that name).
//! This file has its own `main`, because it is both parent and child.

#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test fails loudly")]
#![expect(clippy::exit, reason = "the child ends as the binary would")]
#![expect(clippy::indexing_slicing, reason = "a test fails loudly")]

#[path = "log/child.rs"]
mod child;
#[path = "log/power.rs"]
mod power;
#[path = "log/reading.rs"]
mod reading;
#[path = "log/support.rs"]
mod support;

use std::path::Path;

use causeway_core::port::Log;

use child::{HALTED, MESSAGES, Said, run};

/// A test: its name and what it does.
type Case = (&'static str, fn());

const CASES: &[Case] = &[
    ("without_a_fault_everything_is_acknowledged", without_a_fault_everything_is_acknowledged),
    ("a_kill_at_any_sync_loses_nothing_acknowledged", a_kill_at_any_sync_loses_nothing_acknowledged),
    ("a_kill_at_any_write_loses_nothing_acknowledged", a_kill_at_any_write_loses_nothing_acknowledged),
    (
        "a_failed_sync_stops_every_acknowledgement_and_the_process",
        a_failed_sync_stops_every_acknowledgement_and_the_process,
    ),
    ("a_failed_write_or_read_stops_every_acknowledgement_too", a_failed_write_or_read_stops_every_acknowledgement_too),
    ("a_full_disk_is_answered_and_overcome_without_a_restart", a_full_disk_is_answered_and_overcome_without_a_restart),
    (
        "a_power_cut_at_any_moment_loses_nothing_acknowledged",
        power::a_power_cut_at_any_moment_loses_nothing_acknowledged,
    ),
];

fn main() {
    if let Some(dir) = std::env::var_os(child::DIR) {
        return child::append(Path::new(&dir));
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

/// Opens what the child left and compares it with what the child said.
fn check(dir: &Path, said: &Said) {
    let log = support::open(dir, &child::settings()).unwrap_or_else(|error| panic!("{error}\n{said:?}"));
    let entries = reading::read_everything(&*log).expect("what is there can be read");
    log.verify().expect("whole");
    for (control_id, position) in &said.acked {
        let entry = entries.iter().find(|entry| entry.position == *position);
        let entry = entry.unwrap_or_else(|| panic!("{control_id} was acknowledged at {position} and is lost"));
        assert_eq!(&entry.envelope.control_id, control_id);
        assert_eq!(entry.envelope, child::envelope(child::number(control_id)), "{control_id} was changed");
    }
    for (lane, sender) in (0..log.partitions()).flat_map(|lane| (0..child::SENDERS).map(move |sender| (lane, sender))) {
        let of_lane = entries.iter().filter(|entry| entry.position.partition.0 == lane);
        let numbers = of_lane.map(|entry| child::number(&entry.envelope.control_id));
        let of_sender = numbers.filter(|number| number % child::SENDERS == sender);
        assert!(of_sender.is_sorted(), "a sender's messages keep their order within a lane");
    }
    let mut seen: Vec<_> = entries.iter().map(|entry| child::number(&entry.envelope.control_id)).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), entries.len(), "nothing is stored twice");
}

fn without_a_fault_everything_is_acknowledged() {
    let dir = tempfile::tempdir().expect("folder");
    let said = run(dir.path(), &[]);
    assert_eq!((said.code, said.acked.len() as u64), (Some(0), MESSAGES));
    check(dir.path(), &said);
}

/// P2: killed at the n-th sync of each thread, for every n until the child gets through.
fn a_kill_at_any_sync_loses_nothing_acknowledged() {
    let (mut killed, mut partly) = (0, 0);
    for nth in 1..60 {
        let dir = tempfile::tempdir().expect("folder");
        let said = run(dir.path(), &["-e", &format!("inject=fsync,fdatasync:signal=KILL:when={nth}")]);
        check(dir.path(), &said);
        killed += usize::from(said.code.is_none());
        partly += usize::from(!said.acked.is_empty() && said.code.is_none());
    }
    assert!(killed > 10 && partly > 5, "killed {killed} times, {partly} times with something acknowledged");
}

/// P2: killed at the n-th write to one of the files, for many n.
fn a_kill_at_any_write_loses_nothing_acknowledged() {
    let mut partly = 0;
    for nth in (1..400).step_by(9) {
        let dir = tempfile::tempdir().expect("folder");
        let said = run(dir.path(), &["-e", &format!("inject=pwrite64,ftruncate,rename,unlink:signal=KILL:when={nth}")]);
        check(dir.path(), &said);
        partly += usize::from(!said.acked.is_empty() && said.code.is_none());
    }
    assert!(partly > 10, "{partly} times killed with something acknowledged");
}

/// P12: a sync that fails, of the database or of the mark.
fn a_failed_sync_stops_every_acknowledgement_and_the_process() {
    let (mut halted, mut not_opened) = (0, 0);
    for (call, end) in [("fsync", 14), ("fdatasync", 28)] {
        for nth in 1..end {
            let dir = tempfile::tempdir().expect("folder");
            let said = run(dir.path(), &["-e", &format!("inject={call}:error=EIO:when={nth}")]);
            halted += check_halt(dir.path(), &said);
            assert_ne!(
                said.code,
                Some(child::NOT_OPENED),
                "{call} {nth} of a new log: a disk that fails is told as one"
            );
            not_opened += usize::from(said.code == Some(child::NOT_OPENED_BY_DISK));
        }
    }
    assert!(halted > 8 && not_opened > 2, "halted {halted} times, not opened {not_opened} times");
}

/// P12: the same for reads and writes.
fn a_failed_write_or_read_stops_every_acknowledgement_too() {
    let mut halted = 0;
    for (call, from) in [("pwrite64", 40), ("pread64", 8)] {
        for nth in (from..from + 40).step_by(5) {
            let dir = tempfile::tempdir().expect("folder");
            let said = run(dir.path(), &["-e", &format!("inject={call}:error=EIO:when={nth}")]);
            halted += check_halt(dir.path(), &said);
        }
    }
    assert!(halted > 8, "halted {halted} times");
}

/// Either the fault hit while the log was being opened, or never; or the child halted with the right code and
/// acknowledged nothing afterwards. In any case everything acknowledged is there. 1 when it halted.
fn check_halt(dir: &Path, said: &Said) -> usize {
    check(dir, said);
    match said.code {
        Some(0) => assert_eq!(said.acked.len() as u64, MESSAGES),
        Some(child::NOT_OPENED | child::NOT_OPENED_BY_DISK) => assert!(said.acked.is_empty()),
        Some(HALTED) => assert!(said.sync_errors > 0 && !said.acked_after_error, "{said:?}"),
        code => panic!("the child ended with {code:?}"),
    }
    usize::from(said.code == Some(HALTED))
}

/// P11: no space for the write-ahead log, for the main file, and again space. Senders are refused and try again.
fn a_full_disk_is_answered_and_overcome_without_a_restart() {
    let (mut refused, mut overcome) = (0, 0);
    for (file, from) in [("log.db-wal", 60), ("log.db-wal", 95), ("log.db-wal", 133), ("log.db", 9)] {
        let dir = tempfile::tempdir().expect("folder");
        let path = dir.path().join(file);
        let path = path.to_str().expect("a path of text");
        let range = format!("inject=pwrite64:error=ENOSPC:when={from}..{}", from + 25);
        let said = run(dir.path(), &["-P", path, "-e", &range]);
        assert_eq!((said.code, said.acked.len() as u64), (Some(0), MESSAGES), "{file} {from}: {said:?}");
        refused += said.refused;
        overcome += usize::from(said.refused > 0);
        check(dir.path(), &said);
    }
    assert!(refused > 0 && overcome >= 3, "refused {refused} appends in {overcome} runs");
}
