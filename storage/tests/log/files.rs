//! Filling a log.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use causeway_core::envelope::Envelope;
use causeway_core::port::{Appended, Log, LogError};

/// The files of a log that matter after a crash; SQLite makes the index of its write-ahead log anew.
pub(crate) const FILES: [&str; 3] = ["log.db", "log.db-wal", "log.mark"];

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
