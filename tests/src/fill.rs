//! A long log, made through the log's own interface as fast as it takes messages, instead of through a door.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use causeway_core::envelope::{Digest, Envelope, FeedName, Format, TraceId};
use causeway_core::metric::Silent;
use causeway_core::phi::Phi;
use causeway_core::port::{Appended, Clock, Log as _, LogError};
use causeway_storage::log::embedded::{EmbeddedLog, EmbeddedLogSettings};
use jiff::Timestamp;
use uuid::Uuid;

use crate::patient::{Numbered, Patient};

/// Envelopes on their way at once: less than the log's queue takes.
const UNDER_WAY: u64 = 4_000;
/// Patients the messages are about; nobody of them takes part.
const PATIENTS: u64 = 10_000;
/// The first of their numbers: none is one of a load's patients.
const FIRST_PATIENT: u32 = 900_000;

/// A clock that stands: nothing in a log that is being filled depends on it.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

type Answer = Result<Appended, LogError>;

/// Appends so many messages of the feed `load` to the log in `dir`, which is made when it is not there.
///
/// # Errors
/// The log's.
pub fn fill(dir: &Path, count: u64, seed: u64) -> Result<(), LogError> {
    // What nobody knows the durability of is told by the answers, too.
    let halt = Arc::new(|_: &LogError| {});
    let log = EmbeddedLog::open(dir, EmbeddedLogSettings::default(), Arc::new(Still), Arc::new(Silent), halt)?;
    let feed = FeedName::parse("load").map_err(|error| LogError::Unavailable { cause: error.to_string() })?;
    let (done, answers) = channel::<Answer>();
    let mut waiting = 0;
    for number in 0..count {
        if waiting >= UNDER_WAY {
            heard(&answers, &mut waiting)?;
        }
        append(&log, envelope(&feed, number, seed), &done)?;
        waiting += 1;
    }
    while waiting > 0 {
        heard(&answers, &mut waiting)?;
    }
    log.close();
    Ok(())
}

fn append(log: &EmbeddedLog, envelope: Envelope, done: &Sender<Answer>) -> Result<(), LogError> {
    let done = done.clone();
    // Who filled and failed listens no more.
    log.append(envelope, Box::new(move |result| drop(done.send(result))))
}

fn heard(answers: &Receiver<Answer>, waiting: &mut u64) -> Result<(), LogError> {
    *waiting -= 1;
    answers.recv().map_err(|_gone| LogError::Closed)?.map(drop)
}

/// A message as a door seals it.
fn envelope(feed: &FeedName, number: u64, seed: u64) -> Envelope {
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let patient = Patient { number: FIRST_PATIENT + small(number % PATIENTS), participant: false };
    let counter = 1 + small(number / PATIENTS);
    let body = patient.message(counter, seed).into_bytes();
    Envelope {
        trace: TraceId(Uuid::from_u128(u128::from(seed) << 64 | u128::from(number))),
        feed: feed.clone(),
        format: Format::Hl7v2,
        sender: "LOAD|GEN".to_owned(),
        control_id: Numbered { patient: patient.number, counter }.control_id(seed),
        kind: "ADT^A08".to_owned(),
        patient_key: Phi::new(format!("HKSAR|{}", patient.hkid())),
        received_at: Timestamp::UNIX_EPOCH,
        digest: Digest::of(&body),
        refusal: None,
        body: Phi::new(Arc::from(body)),
    }
}
