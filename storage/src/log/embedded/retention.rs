//! Giving up old entries: by age, and by size when the log holds too much; never one that was not processed.
//!
//! One step is one transaction of at most `prune_count_max` entries of one lane, so that senders never wait for long.
//! Entries are checked before they go, and the link before the first one kept is stored, so that the chain can still
//! be checked. Their pages are overwritten with zeros and used again for new entries; the file does not shrink.

use causeway_core::envelope::{Offset, Position};
use causeway_core::port::{Entry, LogError, ReadLimit};
use jiff::Timestamp;

use super::lane::{Lane, sql_offset};
use super::queue::{self, Prune};
use super::writer::{Writer, processed};
use super::{entries, fault, schema};

/// Bytes of bodies that one step reads at once.
const STEP_BYTES_MAX: usize = 16 << 20;

impl Writer {
    /// Does one step and replies how many entries went.
    pub(super) fn prune(&mut self, prune: &Prune) -> Result<(), LogError> {
        let outcome = self.step(prune);
        let halted = match &outcome {
            Err(LogError::Sync { cause }) => Err(fault::sync(cause)),
            Ok(_) | Err(_) => Ok(()),
        };
        // Whoever asked may have gone; the step is done all the same.
        drop(prune.reply.try_send(outcome));
        halted
    }

    fn step(&mut self, prune: &Prune) -> Result<u64, LogError> {
        let cutoff = prune.now.saturating_sub(self.settings.retention_age).unwrap_or(Timestamp::MIN);
        let surplus = self.surplus()?;
        let Some((lane, until)) = self.oldest(&prune.processed)? else { return Ok(0) };
        let limit = ReadLimit { count_max: self.settings.prune_count_max, bytes_max: STEP_BYTES_MAX };
        let from = Position { partition: lane.partition, offset: lane.first };
        let (old, _) = entries::range(&self.store, from, until, limit, lane.anchor)?;
        let count = going(&old, cutoff, surplus);
        if count == 0 {
            return Ok(0);
        }
        let first = Offset(lane.first.0.saturating_add(count));
        let anchor = entries::link_before(&self.store, &lane, first)?;
        self.give_up(Lane { first, anchor, ..lane }, lane.first).map(|done| if done { count } else { 0 })
    }

    /// Bytes in use beyond what may be held. Pages that were given up do not count.
    fn surplus(&self) -> Result<u64, LogError> {
        let pages = |name| self.store.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let used = pages("page_count").and_then(|all| pages("freelist_count").map(|free| all.saturating_sub(free)));
        let used = used.map_err(|error| schema::opening(&error))?;
        let used = u64::try_from(used).unwrap_or(0);
        Ok(used.saturating_mul(schema::PAGE_BYTES.into()).saturating_sub(self.settings.retention_bytes))
    }

    /// The lane whose first entry is the oldest among those that may go, and up to where it may.
    fn oldest(&self, done: &[Position]) -> Result<Option<(Lane, Offset)>, LogError> {
        let mut oldest: Option<(Timestamp, Lane, Offset)> = None;
        for lane in &self.lanes {
            let until = processed(lane, done);
            if until <= lane.first {
                continue;
            }
            let at = Position { partition: lane.partition, offset: lane.first };
            let Some((entry, _)) = entries::one(&self.store, at)? else {
                return Err(fault::damaged(at.partition, at.offset, "the entry is missing"));
            };
            if oldest.as_ref().is_none_or(|(time, _, _)| entry.appended_at < *time) {
                oldest = Some((entry.appended_at, *lane, until));
            }
        }
        Ok(oldest.map(|(_, lane, until)| (lane, until)))
    }

    /// Deletes what stands before the lane's new first entry. False when there is no room even for that.
    fn give_up(&mut self, lane: Lane, first_before: Offset) -> Result<bool, LogError> {
        let mut lanes = self.lanes.clone();
        if let Some(slot) = lanes.get_mut(usize::from(lane.partition.0)) {
            *slot = lane;
        }
        // Shown before it is done: a reader that misses an entry looks here before it cries damage.
        self.board.raise(lane.partition, lane.first);
        let done = self.transaction(|writer| {
            let sql = format!("DELETE FROM entry_{} WHERE offset < ?1", lane.partition.0);
            writer.store.prepare_cached(&sql)?.execute([sql_offset(lane.first)])?;
            lane.store(&writer.store)?;
            writer.index.prune(&writer.store, &lanes)
        })?;
        let Some(gone) = done else {
            self.board.raise(lane.partition, first_before);
            return Ok(false);
        };
        self.index.pruned(gone);
        self.lanes = lanes;
        self.count_wal(std::iter::once(self.settings.wal_bytes_max / 4));
        Ok(true)
    }
}

/// How many of the entries go: the old ones, and as many as make up the surplus.
fn going(entries: &[Entry], cutoff: Timestamp, mut surplus: u64) -> u64 {
    let mut count = 0;
    for entry in entries {
        if entry.appended_at >= cutoff && surplus == 0 {
            break;
        }
        // Header, checksum and chain come to about 300 bytes; too little freed is made up for by the next step.
        surplus = surplus.saturating_sub(queue::bytes(300, entry.envelope.body.expose().len()));
        count += 1;
    }
    count
}
