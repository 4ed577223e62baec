//! A bounded set of readers. One that stands where reading goes on is preferred, so that a worker that reads on from
//! batch to batch never asks for the same bytes twice.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use causeway_core::envelope::Position;
use causeway_core::port::LogError;

use super::reader::{Reader, Use};
use super::{KafkaLogSettings, fault};

/// The set.
pub(super) struct Readers {
    settings: KafkaLogSettings,
    purpose: Use,
    max: usize,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Default)]
struct State {
    /// Those nobody uses, the one that rested longest first.
    idle: Vec<Reader>,
    /// All that there are.
    made: usize,
}

/// A reader in use. Given back when it is dropped.
pub(super) struct Taken<'a> {
    readers: &'a Readers,
    reader: Option<Reader>,
}

impl Readers {
    /// An empty set that grows to `max`.
    pub(super) fn new(settings: &KafkaLogSettings, purpose: Use, max: usize) -> Self {
        Self { settings: settings.clone(), purpose, max: max.max(1), state: Mutex::default(), freed: Condvar::new() }
    }

    /// Runs `work` with a reader, the one that stands at `at` if there is one. Waits for one until the deadline. After
    /// an error the reader is given up, because nobody knows what it still holds, unless it was only asked too much.
    pub(super) fn with<T>(
        &self,
        at: Option<Position>,
        deadline: Instant,
        work: impl FnOnce(&mut Reader) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let mut taken = self.take(at, deadline)?;
        let Some(reader) = taken.reader.as_mut() else { return Err(fault::unavailable("no reader")) };
        let result = work(reader);
        if result.as_ref().is_err_and(|error| !matches!(error, LogError::OutOfRange { .. })) {
            drop(taken.reader.take());
        }
        result
    }

    /// Takes a reader out.
    fn take(&self, at: Option<Position>, deadline: Instant) -> Result<Taken<'_>, LogError> {
        let mut state = self.lock();
        loop {
            let no_more = state.made >= self.max;
            if let Some(reader) = pick(&mut state.idle, at, no_more) {
                return Ok(Taken { readers: self, reader: Some(reader) });
            }
            if state.made < self.max {
                state.made = state.made.saturating_add(1);
                drop(state);
                // If it cannot be made, its place is given back by the drop.
                let mut taken = Taken { readers: self, reader: None };
                taken.reader = Some(Reader::new(&self.settings, self.purpose)?);
                return Ok(taken);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(fault::unavailable("all readers are busy; `readers_max` says how many there are"));
            }
            state = self.freed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The idle reader that serves best: one that stands there, else one of that partition, else, when no more can be
/// made or any will do, the one that rested longest.
fn pick(idle: &mut Vec<Reader>, at: Option<Position>, no_more: bool) -> Option<Reader> {
    let stands = |reader: &Reader| reader.at() == at;
    let lane = |reader: &Reader| reader.at().map(|at| at.partition) == at.map(|at| at.partition);
    let found = idle.iter().position(stands).or_else(|| idle.iter().position(lane));
    let found = found.or((!idle.is_empty() && (no_more || at.is_none())).then_some(0));
    found.map(|index| idle.remove(index))
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.lock();
        match self.reader.take() {
            Some(reader) => state.idle.push(reader),
            None => state.made = state.made.saturating_sub(1),
        }
        drop(state);
        self.readers.freed.notify_one();
    }
}
