//! The process that is killed: appends, says what was acknowledged, and ends as the hub would.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;

use causeway_core::contract::log as contract;
use causeway_core::envelope::{Envelope, Offset, PartitionId, Position};
use causeway_core::port::{Log, LogError};
use causeway_storage::log::embedded::EmbeddedLogSettings;

use crate::support;

/// The variable that makes this binary the child, with its folder.
pub(crate) const DIR: &str = "CAUSEWAY_LOG_CHILD";
/// The exit code of a process that halts.
pub(crate) const HALTED: i32 = 74;
/// The exit code of a child that could not open the log.
pub(crate) const NOT_OPENED: i32 = 3;
/// The exit code of a child that was told that the disk failed when it opened the log.
pub(crate) const NOT_OPENED_BY_DISK: i32 = 4;
/// Senders that wait for each answer.
pub(crate) const SENDERS: u64 = 5;
/// Messages in all.
pub(crate) const MESSAGES: u64 = 200;
/// How often a sender tries again when it is refused.
const TRIES_MAX: usize = 1000;

/// What the child said.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Control ids and their places, in the order of their acknowledgement.
    pub(crate) acked: Vec<(String, Position)>,
    /// Appends refused because nothing could be written.
    pub(crate) refused: usize,
    /// Appends of which nobody knows.
    pub(crate) sync_errors: usize,
    /// Something was acknowledged after that.
    pub(crate) acked_after_error: bool,
    /// Its exit code; none when it was killed.
    pub(crate) code: Option<i32>,
}

/// Bounds so small that checkpoints and runs of identities happen within a few messages.
pub(crate) fn settings() -> EmbeddedLogSettings {
    EmbeddedLogSettings { partitions: 2, run_count_max: 50, wal_bytes_max: 150_000, ..EmbeddedLogSettings::default() }
}

/// The message of this number.
pub(crate) fn envelope(number: u64) -> Envelope {
    let body = number.to_string().repeat(50 + usize::try_from(number % 40).expect("small"));
    contract::envelope(number, body.as_bytes())
}

/// The number of a control id.
pub(crate) fn number(control_id: &str) -> u64 {
    control_id.trim_start_matches('M').parse().expect("a control id of these tests")
}

/// The child.
pub(crate) fn append(dir: &Path) {
    let halt = Arc::new(|error: &LogError| {
        println!("halt {error}");
        std::process::exit(HALTED);
    });
    let log = match support::open_with(dir, &settings(), halt) {
        Ok(log) => log,
        Err(error) => {
            println!("closed {error}");
            std::process::exit(if matches!(error, LogError::Sync { .. }) { NOT_OPENED_BY_DISK } else { NOT_OPENED });
        }
    };
    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let (log, stopped) = (&*log, &stopped);
            scope.spawn(move || {
                for number in (sender..MESSAGES).step_by(usize::try_from(SENDERS).expect("small")) {
                    let done = (0..TRIES_MAX).any(|_| send(log, number, stopped));
                    assert!(done || stopped.load(Ordering::SeqCst), "M{number} got through in the end");
                }
            });
        }
    });
    // After a failure the halting thread ends the process; this one only must not be faster.
    if stopped.load(Ordering::SeqCst) {
        loop {
            std::thread::park();
        }
    }
    log.close();
}

/// Sends once. The answer is told from the completion itself: at the earliest moment it could be acknowledged. True
/// when it was.
fn send(log: &dyn Log, number: u64, stopped: &AtomicBool) -> bool {
    if stopped.load(Ordering::SeqCst) {
        return false;
    }
    let (done, answer) = channel();
    let tell = move |result: Result<causeway_core::port::Appended, LogError>| {
        match &result {
            Ok(appended) => println!("acked M{number} {}", appended.position),
            Err(LogError::Unavailable { .. }) => println!("refused M{number}"),
            Err(error) => println!("error M{number} {error}"),
        }
        drop(done.send(result));
    };
    let result = match log.append(envelope(number), Box::new(tell)) {
        Ok(()) => answer.recv().unwrap_or(Err(LogError::Closed)),
        Err(error) => Err(error),
    };
    stopped.fetch_or(matches!(result, Err(LogError::Sync { .. } | LogError::Damaged { .. })), Ordering::SeqCst);
    result.is_ok()
}

/// Runs the child under `strace` with these options, in `dir`.
pub(crate) fn run(dir: &Path, strace: &[&str]) -> Said {
    let program = std::env::current_exe().expect("own path");
    let trace = ["-f", "-qq", "-o", "/dev/null", "-e", "signal=none"];
    let output = Command::new("strace").args(trace).args(strace).arg(program).env(DIR, dir).output();
    let output = output.expect("strace must be installed");
    let mut said = read(&String::from_utf8_lossy(&output.stdout));
    said.code = output.status.code();
    said
}

/// Reads what the child said.
pub(crate) fn read(text: &str) -> Said {
    let mut said = Said::default();
    // A line that its end cut short was not said.
    for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
        let mut words = line.split(' ');
        match words.next() {
            Some("acked") => {
                said.acked_after_error |= said.sync_errors > 0;
                let control_id = words.next().expect("control id").to_owned();
                said.acked.push((control_id, position(words.next().expect("position"))));
            }
            Some("refused") => said.refused += 1,
            Some("error" | "halt") => said.sync_errors += 1,
            _ => {}
        }
    }
    said
}

/// Reads `partition:offset`.
fn position(text: &str) -> Position {
    let (partition, offset) = text.split_once(':').expect("a position");
    let partition = PartitionId(partition.parse().expect("a partition"));
    Position { partition, offset: Offset(offset.parse().expect("an offset")) }
}
