//! What the writer has published: where each lane begins and ends, and whether the log has stopped. Readers wait here.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use causeway_core::envelope::{Offset, PartitionId, Position};
use causeway_core::port::{LogError, PartitionState};

use super::mark::Tip;

/// Why nothing is taken any more.
#[derive(Debug, Clone)]
pub(super) enum Stop {
    /// The log is closing.
    Closed,
    /// A write or sync failed.
    Sync(String),
    /// The writer met damage.
    Damaged(PartitionId, Offset, String),
}

impl Stop {
    /// The stop that follows from an error of the writer.
    pub(super) fn of(error: &LogError) -> Self {
        match error {
            LogError::Damaged { partition, offset, what } => Self::Damaged(*partition, *offset, what.clone()),
            LogError::Sync { cause } => Self::Sync(cause.clone()),
            LogError::Busy
            | LogError::Closed
            | LogError::TooLong { .. }
            | LogError::Unavailable { .. }
            | LogError::OutOfRange { .. } => Self::Sync(error.to_string()),
        }
    }

    /// The error everyone gets.
    pub(super) fn error(&self) -> LogError {
        match self {
            Self::Closed => LogError::Closed,
            Self::Sync(cause) => LogError::Sync { cause: cause.clone() },
            Self::Damaged(partition, offset, what) => {
                LogError::Damaged { partition: *partition, offset: *offset, what: what.clone() }
            }
        }
    }
}

/// The board.
pub(super) struct Board {
    state: Mutex<State>,
    /// Of each lane: whoever waits for one is not woken by what comes to another.
    moved: Vec<Condvar>,
}

struct State {
    lanes: Vec<PartitionState>,
    stop: Option<Stop>,
}

impl Board {
    /// A board that shows these lanes.
    pub(super) fn new(lanes: Vec<PartitionState>) -> Self {
        let moved = lanes.iter().map(|_lane| Condvar::new()).collect();
        Self { state: Mutex::new(State { lanes, stop: None }), moved }
    }

    /// All lanes.
    pub(super) fn lanes(&self) -> Vec<PartitionState> {
        self.lock().lanes.clone()
    }

    /// Shows other lanes.
    pub(super) fn replace(&self, lanes: Vec<PartitionState>) {
        self.lock().lanes = lanes;
        self.moved.iter().for_each(Condvar::notify_all);
    }

    /// Waits until the lane holds `at`, the deadline is reached or the log has stopped. Offsets that are no longer,
    /// or not even next, are out of range.
    pub(super) fn wait(&self, at: Position, deadline: Instant) -> Result<PartitionState, LogError> {
        let mut state = self.lock();
        loop {
            let lane = lane(&state, at)?;
            if at.offset < lane.first || at.offset > lane.end {
                return Err(LogError::OutOfRange { position: at });
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if at.offset < lane.end || left.is_zero() {
                return Ok(lane);
            }
            let moved = self.moved.get(usize::from(at.partition.0)).ok_or(LogError::OutOfRange { position: at })?;
            (state, _) = moved.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Shows new ends.
    pub(super) fn publish(&self, tips: &[Tip]) {
        let mut state = self.lock();
        let mut waiting = Vec::with_capacity(tips.len());
        for ((lane, tip), moved) in state.lanes.iter_mut().zip(tips).zip(&self.moved) {
            if lane.end != tip.end {
                lane.end = tip.end;
                waiting.push(moved);
            }
        }
        drop(state);
        waiting.into_iter().for_each(Condvar::notify_all);
    }

    /// Shows that a lane begins later.
    pub(super) fn raise(&self, partition: PartitionId, first: Offset) {
        let mut state = self.lock();
        if let Some(lane) = state.lanes.get_mut(usize::from(partition.0)) {
            lane.first = first;
        }
    }

    /// Stops everything. The first failure stays; it outweighs being closed.
    pub(super) fn stop(&self, stop: Stop) {
        let mut state = self.lock();
        if matches!(state.stop, None | Some(Stop::Closed)) {
            state.stop = Some(stop);
        }
        drop(state);
        self.moved.iter().for_each(Condvar::notify_all);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One lane of a log that goes on.
fn lane(state: &State, at: Position) -> Result<PartitionState, LogError> {
    if let Some(stop) = &state.stop {
        return Err(stop.error());
    }
    let lane = state.lanes.get(usize::from(at.partition.0));
    lane.copied().ok_or(LogError::OutOfRange { position: at })
}
