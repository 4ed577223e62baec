//! The bounded queue between the appending threads and the writer.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use causeway_core::envelope::{Envelope, Position};
use causeway_core::port::{Completion, LogError};
use jiff::Timestamp;

use super::EmbeddedLogSettings;
use super::board::Stop;
use super::header::Stub;
use super::identity::Key;

/// An envelope on its way, with all that could be computed before its place is known.
pub(super) struct Queued {
    /// What is appended.
    pub(super) envelope: Envelope,
    /// Its header but for the place.
    pub(super) stub: Stub,
    /// The checksum of its body.
    pub(super) body_crc: u32,
    /// What makes it a resend of another.
    pub(super) key: Key,
    /// Whom to tell.
    pub(super) done: Completion,
}

impl Queued {
    /// Bytes it takes in the log.
    pub(super) fn bytes(&self) -> u64 {
        bytes(self.stub.header_len(), self.envelope.body.expose().len())
    }
}

/// Bytes an entry takes in the log.
pub(super) fn bytes(header: usize, body: usize) -> u64 {
    u64::try_from(header.saturating_add(body)).unwrap_or(u64::MAX)
}

/// One step of pruning.
pub(super) struct Prune {
    /// The time by which age is counted.
    pub(super) now: Timestamp,
    /// The next offset to be processed of each lane that may be pruned.
    pub(super) processed: Vec<Position>,
    /// Gets how many entries went; 0 when nothing is left to prune.
    pub(super) reply: SyncSender<Result<u64, LogError>>,
}

/// What the writer has to do next.
pub(super) enum Work {
    /// Make these durable.
    Group(Vec<Queued>),
    /// Give up old entries.
    Prune(Prune),
    /// Nothing more will come.
    End,
}

/// The queue.
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    count_max: usize,
    bytes_max: u64,
    group_count_max: usize,
    group_bytes_max: u64,
}

#[derive(Default)]
struct State {
    envelopes: VecDeque<Queued>,
    bytes: u64,
    prunes: VecDeque<Prune>,
    stop: Option<Stop>,
    writer_waits: bool,
}

impl Queue {
    /// An empty queue with the bounds of `settings`.
    pub(super) fn new(settings: &EmbeddedLogSettings) -> Self {
        Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            count_max: settings.queue_max,
            bytes_max: settings.queue_bytes_max,
            group_count_max: settings.group_count_max,
            group_bytes_max: settings.group_bytes_max,
        }
    }

    /// Queues an envelope, or says why not.
    pub(super) fn push(&self, queued: Queued) -> Result<(), LogError> {
        let mut state = self.lock();
        if let Some(stop) = &state.stop {
            return Err(stop.error());
        }
        let bytes = state.bytes.saturating_add(queued.bytes());
        let full = state.envelopes.len() >= self.count_max || bytes > self.bytes_max && !state.envelopes.is_empty();
        if full {
            return Err(LogError::Busy);
        }
        state.bytes = bytes;
        state.envelopes.push_back(queued);
        self.wake(state);
        Ok(())
    }

    /// Queues a step of pruning.
    pub(super) fn prune(&self, prune: Prune) -> Result<(), LogError> {
        let mut state = self.lock();
        if let Some(stop) = &state.stop {
            return Err(stop.error());
        }
        state.prunes.push_back(prune);
        self.wake(state);
        Ok(())
    }

    /// Waits for work. Envelopes and pruning take turns, so that neither keeps the other waiting for long.
    pub(super) fn next(&self, prune_first: bool) -> Work {
        let mut state = self.lock();
        loop {
            let prune = if prune_first || state.envelopes.is_empty() { state.prunes.pop_front() } else { None };
            if let Some(prune) = prune {
                return Work::Prune(prune);
            }
            if !state.envelopes.is_empty() {
                return Work::Group(self.group(&mut state));
            }
            if state.stop.is_some() {
                return Work::End;
            }
            state.writer_waits = true;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.writer_waits = false;
        }
    }

    /// Takes no more; what is queued is still done.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.stop.get_or_insert(Stop::Closed);
        self.wake(state);
    }

    /// Takes no more, and gives back what is queued: it will not be done. A prune that waits learns it by its reply
    /// being dropped.
    pub(super) fn fail(&self, stop: Stop) -> Vec<Queued> {
        let mut state = self.lock();
        state.stop = Some(stop);
        state.bytes = 0;
        state.prunes.clear();
        let left = state.envelopes.drain(..).collect();
        self.wake(state);
        left
    }

    /// Why nothing is taken any more.
    pub(super) fn stopped(&self) -> LogError {
        self.lock().stop.as_ref().map_or(LogError::Closed, Stop::error)
    }

    /// As many as one sync may cover.
    fn group(&self, state: &mut State) -> Vec<Queued> {
        let mut group = Vec::with_capacity(state.envelopes.len().min(self.group_count_max));
        let mut bytes = 0_u64;
        while group.len() < self.group_count_max {
            let Some(next) = state.envelopes.front() else { break };
            bytes = bytes.saturating_add(next.bytes());
            if bytes > self.group_bytes_max && !group.is_empty() {
                break;
            }
            let Some(next) = state.envelopes.pop_front() else { break };
            state.bytes = state.bytes.saturating_sub(next.bytes());
            group.push(next);
        }
        group
    }

    fn wake(&self, state: MutexGuard<'_, State>) {
        let waits = state.writer_waits;
        drop(state);
        if waits {
            self.filled.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
