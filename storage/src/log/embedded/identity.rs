//! Which entries an envelope may be a resend of.
//!
//! Two envelopes are the same when feed, sender, control id, digest and refusal are. A 64-bit key stands for them:
//! its upper half for feed, sender and control id, its lower half for the rest, so that one order of keys finds both
//! the same envelope and the same control id with other bytes. A key only proposes; the entry itself decides.
//!
//! Keys of recent entries are kept in memory, rebuilt at start from the entries themselves. When they become
//! many they are written out as one sorted run, and a filter in memory says which runs are worth a look. That way an
//! append costs no random write however long the log is, and a run is dropped whole once its entries are pruned.

mod filter;
mod recent;
mod run;

use std::ops::RangeInclusive;

use causeway_core::envelope::{Envelope, Offset, PartitionId, Position};
use causeway_core::port::LogError;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use self::recent::Recent;
use self::run::Run;
use super::lane::Lane;
use super::seal::LogId;

/// Entries of one key that are looked at before an envelope is taken for new. More share a key only when someone
/// builds them to.
const CANDIDATES_MAX: usize = 64;
/// Bits of a position that hold the offset.
const OFFSET_BITS: u32 = 48;

/// What stands for the identity of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    value: u64,
    /// Without a control id only the bytes tell.
    has_control_id: bool,
}

impl Key {
    /// The key of an envelope. The log's id keeps senders from choosing keys that collide.
    pub(super) fn of(log: &LogId, envelope: &Envelope) -> Self {
        let mut hash = Sha256::new().chain_update(log);
        for text in [envelope.feed.as_str(), &envelope.sender, &envelope.control_id] {
            hash.update(text.len().to_be_bytes());
            hash.update(text);
        }
        let has_control_id = !envelope.control_id.is_empty();
        if !has_control_id {
            hash.update(envelope.digest.0);
        }
        let refusal = envelope.refusal.as_ref().map_or(0, |refusal| crc32c::crc32c(refusal.reason.code().as_bytes()));
        let upper = half(&hash.finalize());
        let lower = half(&envelope.digest.0) ^ u64::from(refusal);
        Self { value: upper << 32 | lower, has_control_id }
    }

    /// The keys of all envelopes with this control id.
    const fn same_control_id(self) -> RangeInclusive<u64> {
        let upper = self.value >> 32 << 32;
        upper..=(upper | 0xFFFF_FFFF)
    }
}

/// The first 32 bits.
fn half(bytes: &[u8]) -> u64 {
    bytes.iter().take(4).fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// What an entry is to an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    /// Another one.
    Other,
    /// The same control id, other bytes or another refusal.
    ControlId,
    /// The same.
    Same,
}

/// Whether an envelope was seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// Never.
    Never,
    /// Its control id was, with other bytes.
    ControlId,
    /// Yes, there.
    At(Position),
}

/// The keys of all entries that are held.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Key and packed position of entries that are in no run yet.
    recent: Recent,
    /// Bytes of those entries.
    recent_bytes: u64,
    /// Oldest first.
    runs: Vec<Run>,
}

impl Index {
    /// Loads the runs, checking every block.
    pub(super) fn load(store: &Connection, lanes: usize) -> Result<Self, LogError> {
        Ok(Self { runs: run::load(store, lanes)?, ..Self::default() })
    }

    /// Asks `judge` about each entry that may be the same.
    pub(super) fn find(
        &self,
        store: &Connection,
        key: Key,
        mut judge: impl FnMut(Position) -> Result<Likeness, LogError>,
    ) -> Result<Seen, LogError> {
        let mut search = Search { judge: &mut judge, seen: Seen::Never, left: CANDIDATES_MAX };
        let same = key.value..=key.value;
        // The same envelope has the same control id: where nothing has, which is nearly always, one look is enough.
        let known = |found: bool| !key.has_control_id || found;
        if known(self.recent.of_control_id(key.value).next().is_some()) {
            if search.all(self.recent.of(key.value))? {
                return Ok(search.seen);
            }
            if key.has_control_id {
                search.any(self.recent.of_control_id(key.value))?;
            }
        }
        for run in self.runs.iter().rev().filter(|run| known(run.may_hold_control_id(key.value))) {
            if run.may_hold(key.value) && search.all(run.find(store, &same)?.into_iter())? {
                return Ok(search.seen);
            }
            if key.has_control_id && search.seen == Seen::Never {
                search.any(run.find(store, &key.same_control_id())?.into_iter())?;
            }
        }
        Ok(search.seen)
    }

    /// Adds an entry of so many bytes.
    pub(super) fn insert(&mut self, key: Key, position: Position, bytes: u64) {
        self.recent.insert((key.value, pack(position)));
        self.recent_bytes = self.recent_bytes.saturating_add(bytes);
    }

    /// Takes an entry back that did not become durable.
    pub(super) fn remove(&mut self, key: Key, position: Position, bytes: u64) {
        self.recent.remove((key.value, pack(position)));
        self.recent_bytes = self.recent_bytes.saturating_sub(bytes);
    }

    /// Whether it is time to write a run.
    pub(super) fn is_ripe(&self, count_max: usize, bytes_max: u64) -> bool {
        self.recent.len() > 0 && (self.recent.len() >= count_max || self.recent_bytes >= bytes_max)
    }

    /// Writes the recent keys as a run, inside the caller's transaction. `Index::ripened` follows its commit.
    pub(super) fn write_run(&self, store: &Connection, lanes: &[Lane]) -> rusqlite::Result<Ripe> {
        let ends = lanes.iter().map(|lane| lane.tip.end).collect();
        let number = self.runs.last().map_or(0, Run::number).saturating_add(1);
        run::write(store, number, ends, &self.recent.sorted()).map(Ripe)
    }

    /// Takes the run over into memory.
    pub(super) fn ripened(&mut self, ripe: Ripe) {
        self.runs.push(ripe.0);
        self.recent.clear();
        self.recent_bytes = 0;
    }

    /// Deletes the runs all of whose entries are pruned, inside the caller's transaction. Recent keys of pruned entries
    /// stay until they are written out; `judge` knows that their entries are gone.
    /// Gives how many; `Index::pruned` follows its commit.
    pub(super) fn prune(&self, store: &Connection, lanes: &[Lane]) -> rusqlite::Result<usize> {
        let mut gone = 0;
        for run in self.runs.iter().take_while(|run| run.is_gone(lanes)) {
            run.delete(store)?;
            gone += 1;
        }
        Ok(gone)
    }

    /// Forgets the oldest runs.
    pub(super) fn pruned(&mut self, runs: usize) {
        self.runs.drain(..runs.min(self.runs.len()));
    }
}

/// A run that is written and not yet committed.
#[derive(Debug)]
pub(super) struct Ripe(Run);

/// A search that goes on.
struct Search<'a, F> {
    judge: &'a mut F,
    seen: Seen,
    left: usize,
}

impl<F: FnMut(Position) -> Result<Likeness, LogError>> Search<'_, F> {
    /// Looks at all candidates. True when one is the same.
    fn all(&mut self, candidates: impl Iterator<Item = u64>) -> Result<bool, LogError> {
        for candidate in candidates {
            let Some(left) = self.left.checked_sub(1) else { return Ok(false) };
            self.left = left;
            let position = unpack(candidate);
            match (self.judge)(position)? {
                Likeness::Same => {
                    self.seen = Seen::At(position);
                    return Ok(true);
                }
                Likeness::ControlId => self.seen = Seen::ControlId,
                Likeness::Other => {}
            }
        }
        Ok(false)
    }

    /// Looks until one has the control id.
    fn any(&mut self, candidates: impl Iterator<Item = u64>) -> Result<(), LogError> {
        for candidate in candidates.take(CANDIDATES_MAX) {
            if self.seen != Seen::Never {
                return Ok(());
            }
            if (self.judge)(unpack(candidate))? != Likeness::Other {
                self.seen = Seen::ControlId;
            }
        }
        Ok(())
    }
}

/// A position in 64 bits, ordered as positions are.
fn pack(position: Position) -> u64 {
    u64::from(position.partition.0) << OFFSET_BITS | position.offset.0
}

/// The position again.
fn unpack(packed: u64) -> Position {
    let partition = u16::try_from(packed >> OFFSET_BITS).unwrap_or(u16::MAX);
    Position { partition: PartitionId(partition), offset: Offset(packed & ((1 << OFFSET_BITS) - 1)) }
}
