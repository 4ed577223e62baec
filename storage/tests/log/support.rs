//! What the tests of the embedded log share.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use causeway_core::envelope::Envelope;
use causeway_core::metric::Silent;
use causeway_core::port::{Appended, Clock, Entry, Log, LogError, ReadLimit};
use causeway_storage::log::embedded::{EmbeddedLog, EmbeddedLogSettings, Halt};
use jiff::Timestamp;

/// A clock that stands still.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// Opens a log whose failures fail the test.
pub(crate) fn open(dir: &Path, settings: &EmbeddedLogSettings) -> Result<Arc<EmbeddedLog>, LogError> {
    open_with(dir, settings, Arc::new(|error| panic!("the log halted: {error}")))
}

/// Opens a log.
pub(crate) fn open_with(dir: &Path, settings: &EmbeddedLogSettings, halt: Halt) -> Result<Arc<EmbeddedLog>, LogError> {
    EmbeddedLog::open(dir, settings.clone(), Arc::new(Still), Arc::new(Silent), halt)
}

/// The files of a log that matter after a crash; SQLite makes the index of its write-ahead log anew.
pub(crate) const FILES: [&str; 3] = ["log.db", "log.db-wal", "log.mark"];

/// Copies the files of a log that nobody writes at this moment: what is left after the process was killed.
pub(crate) fn copy(from: &Path, to: &Path) {
    for file in FILES {
        if from.join(file).exists() {
            std::fs::copy(from.join(file), to.join(file)).expect("copy");
        }
    }
}

/// Appends envelopes all at once, waits for all, gives the answers in order.
pub(crate) fn put_all(log: &dyn Log, envelopes: impl Iterator<Item = Envelope>) -> Vec<Result<Appended, LogError>> {
    let answers: Vec<_> = envelopes
        .map(|envelope| {
            let (done, answer) = channel();
            let refused = log.append(envelope, Box::new(move |result| drop(done.send(result)))).err();
            (refused, answer)
        })
        .collect();
    answers.into_iter().map(|(refused, answer)| refused.map_or_else(|| receive(&answer), Err)).collect()
}

/// Waits for one answer.
fn receive(answer: &Receiver<Result<Appended, LogError>>) -> Result<Appended, LogError> {
    answer.recv_timeout(Duration::from_secs(60)).expect("every append that was taken is answered")
}

/// Reads all that is held, as a reader does who goes on from batch to batch.
pub(crate) fn read_everything(log: &dyn Log) -> Result<Vec<Entry>, LogError> {
    let limit = ReadLimit { count_max: 64, bytes_max: 1 << 20 };
    let mut entries = Vec::new();
    for lane in log.state()? {
        let mut at = lane.first;
        while at < lane.end {
            let batch = log.read(lane.partition, at, limit, Duration::from_secs(60))?;
            at = batch.last().expect("what is held is given").position.offset.next();
            entries.extend(batch);
        }
    }
    Ok(entries)
}
