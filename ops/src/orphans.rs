//! Orphans: documents, images and large messages that are stored although nothing points to them.
//!
//! What points to a blob is stored after it: a document before its record, an image and a large message before their claim in
//! the log. A process that dies in between, or a decision that comes out otherwise the next time, leaves a blob behind. The
//! walk lists the addresses, asks the repository which of them something points to, and removes the rest. It never removes:
//!
//! - what was stored last less than `sweep_age` ago: it may be on its way;
//! - what was stored later than `sweep_age` before the oldest message that is not processed was received: that one, or one
//!   behind it, may point to it;
//! - what a version of a record points to, current or not, an image of the index, whether readers find it or not, what was
//!   fetched for a message, and what is a message;
//! - an image whose claim a message has that may yet be accepted (`images`); one that an operator deleted may be, as long as the
//!   log holds the claim.
//!
//! Whoever stores the same bytes meanwhile is not harmed: the repository keeps commits away while it removes, and the store
//! looks at the time of a blob once more.

mod images;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::dicom::ruling::{RulingQuery, RulingRow, Verdict};
use causeway_core::envelope::{Digest, Offset, PartitionId};
use causeway_core::port::{BlobRow, LARGE_MESSAGE_BYTES, Log, ReadLimit, SharedBlobs};
use jiff::Timestamp;

use crate::diagnostic::Diagnostic;
use crate::engines::Vault;

/// Addresses listed at once.
const PAGE: usize = 500;
/// Rulings about images read at once.
const RULINGS: u32 = 100;
/// Blobs removed at once: as long as that takes no commit begins.
const FEW: usize = 32;

/// Where orphans are looked for, and what they are judged by.
pub(crate) struct Orphans {
    /// The stores.
    pub(crate) shelves: Vec<Shelf>,
    /// The log.
    pub(crate) log: Arc<dyn Log>,
    /// The repository.
    pub(crate) repository: Arc<dyn Vault>,
    /// How long the log keeps its entries.
    pub(crate) retention: Duration,
    /// Nothing younger is removed.
    pub(crate) age: Duration,
    /// The most orphans of one walk.
    pub(crate) count_max: u64,
}

/// One store.
pub(crate) struct Shelf {
    /// What is in it.
    pub(crate) holds: Holds,
    /// The store.
    pub(crate) blobs: SharedBlobs,
}

/// What a store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// Documents and images.
    Documents,
    /// Messages too large for the log.
    Messages,
}

impl Holds {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Documents => "documents",
            Self::Messages => "messages",
        }
    }
}

/// Whether orphans are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They are told only.
    Tell,
    /// They are removed.
    Remove,
}

/// What a walk did in one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Swept {
    /// The store.
    pub(crate) holds: Holds,
    /// Blobs there were.
    pub(crate) blobs: u64,
    /// Orphans found.
    pub(crate) orphans: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// How many of them were removed.
    pub(crate) removed: u64,
    /// Whether the walk ended before the last address: at its bound, or because it was told to.
    pub(crate) cut_short: bool,
    /// Whether some that are old enough were not judged, because messages wait to be processed.
    pub(crate) held_back: bool,
}

/// When a walk is, and what of it needs looking at.
pub(crate) struct Walk<'w> {
    /// Now.
    pub(crate) now: Timestamp,
    /// Whether to remove.
    pub(crate) mode: Mode,
    /// What came of age longer ago was judged before. [`Duration::MAX`]: everything is judged.
    pub(crate) since: Duration,
    /// Whether to end early.
    pub(crate) stop: &'w dyn Fn() -> bool,
    /// Hears of each orphan.
    pub(crate) each: &'w mut dyn FnMut(Holds, &BlobRow),
}

/// Moments that blobs are judged by.
struct Ages {
    /// What was stored before is old enough to be an orphan.
    orphan: Timestamp,
    /// What was received before has left the log, or may have.
    retention: Timestamp,
    /// Nothing stored from here on is touched.
    until: Timestamp,
    since: Duration,
}

impl Ages {
    fn is_looked_into(&self, stored_at: Timestamp) -> bool {
        let came_of_age =
            |age: Timestamp| stored_at < age && stored_at >= age.checked_sub(self.since).unwrap_or(Timestamp::MIN);
        stored_at < self.until && (came_of_age(self.orphan) || came_of_age(self.retention))
    }
}

impl Orphans {
    /// Walks through every store once.
    ///
    /// # Errors
    /// Those of the stores, the log and the repository. What was removed before is gone.
    pub(crate) fn walk(&self, walk: &mut Walk<'_>) -> Result<Vec<Swept>, Diagnostic> {
        let before = |age: Duration| walk.now.checked_sub(age).unwrap_or(Timestamp::MIN);
        let (orphan, retention) = (before(self.age.min(self.retention)), before(self.retention));
        // Clocks differ, that of a store may be one of whole seconds, and the order of receiving is not quite that of the log.
        let until = self.known_until()?.min(walk.now).checked_sub(self.age).unwrap_or(Timestamp::MIN);
        let ages = Ages { orphan, retention, until: until.min(orphan), since: walk.since };
        self.shelves.iter().map(|shelf| self.sweep(shelf, &ages, walk)).collect()
    }

    /// Whether images were deleted since then: their pixels came of age before, and nobody would look into them again.
    ///
    /// # Errors
    /// Those of the repository.
    pub(crate) fn deleted_since(&self, then: Timestamp) -> Result<bool, Diagnostic> {
        deleted_since(then, |query| Ok(self.repository.rulings(query)?))
    }

    fn sweep(&self, shelf: &Shelf, ages: &Ages, walk: &mut Walk<'_>) -> Result<Swept, Diagnostic> {
        let mut swept = Swept {
            holds: shelf.holds,
            blobs: 0,
            orphans: 0,
            bytes: 0,
            removed: 0,
            cut_short: false,
            held_back: ages.until < ages.orphan,
        };
        if walk.mode == Mode::Remove {
            shelf.blobs.sweep(ages.orphan)?;
        }
        let mut after: Option<Digest> = None;
        loop {
            let page = shelf.blobs.list(after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(swept) };
            after = Some(last.blob.digest);
            swept.blobs = swept.blobs.saturating_add(page.len() as u64);
            let orphans = self.among(shelf, ages, &page)?;
            for few in orphans.chunks(FEW) {
                if (walk.stop)() || swept.orphans >= self.count_max {
                    swept.cut_short = true;
                    return Ok(swept);
                }
                swept.orphans = swept.orphans.saturating_add(few.len() as u64);
                swept.bytes = few.iter().fold(swept.bytes, |bytes, row| bytes.saturating_add(row.blob.bytes));
                few.iter().for_each(|row| (walk.each)(shelf.holds, row));
                if walk.mode == Mode::Remove {
                    swept.removed = swept.removed.saturating_add(self.remove(shelf, ages, few)?);
                }
            }
        }
    }

    /// The orphans of a page.
    fn among(&self, shelf: &Shelf, ages: &Ages, page: &[BlobRow]) -> Result<Vec<BlobRow>, Diagnostic> {
        let old: Vec<&BlobRow> = page.iter().filter(|row| ages.is_looked_into(row.stored_at)).collect();
        let pointed_to = match old.as_slice() {
            [] => BTreeSet::new(),
            old => self.repository.pointed_to(&digests(old.iter().copied()))?,
        };
        let mut orphans = Vec::new();
        for row in old.into_iter().filter(|row| !pointed_to.contains(&row.blob.digest)) {
            let has_a_right = match shelf.holds {
                // Of smaller ones the repository cannot tell; they go with the entries of their time.
                Holds::Messages => row.blob.bytes <= LARGE_MESSAGE_BYTES,
                Holds::Documents => self.has_a_right(&shelf.blobs, row, ages.retention)?,
            };
            if !has_a_right {
                orphans.push(*row);
            }
        }
        Ok(orphans)
    }

    fn remove(&self, shelf: &Shelf, ages: &Ages, few: &[BlobRow]) -> Result<u64, Diagnostic> {
        let mut remove = |digest: &Digest| shelf.blobs.remove_older(digest, ages.until);
        let removed = self.repository.remove_unless_pointed_to(&digests(few.iter()), &mut remove)?;
        Ok(removed.len() as u64)
    }

    /// What was logged before this is known to the repository.
    fn known_until(&self) -> Result<Timestamp, Diagnostic> {
        let mut known = Timestamp::MAX;
        for state in self.log.state()? {
            let next = self.repository.next_offset(state.partition)?;
            if next < state.end {
                known = known.min(self.received_at(state.partition, next)?);
            }
        }
        Ok(known)
    }

    fn received_at(&self, partition: PartitionId, offset: Offset) -> Result<Timestamp, Diagnostic> {
        let limit = ReadLimit { count_max: 1, bytes_max: 1 };
        let read = self.log.read(partition, offset, limit, Duration::ZERO)?;
        Ok(read.first().map_or(Timestamp::MIN, |entry| entry.envelope.received_at))
    }
}

/// The rulings are listed page by page, the newest first.
fn deleted_since(
    then: Timestamp,
    mut list: impl FnMut(&RulingQuery) -> Result<Vec<RulingRow>, Diagnostic>,
) -> Result<bool, Diagnostic> {
    let mut query = RulingQuery { limit: RULINGS, ..RulingQuery::default() };
    loop {
        let rows = list(&query)?;
        let since = |row: &&RulingRow| row.ruling.at >= then;
        if rows.iter().take_while(since).any(|row| row.ruling.verdict == Verdict::Deleted) {
            return Ok(true);
        }
        match rows.last().filter(since) {
            Some(last) => query.before = Some(last.row),
            None => return Ok(false),
        }
    }
}

fn digests<'r>(rows: impl Iterator<Item = &'r BlobRow>) -> Vec<Digest> {
    rows.map(|row| row.blob.digest).collect()
}

#[cfg(test)]
mod tests {
    use causeway_core::dicom::ruling::Ruling;
    use causeway_core::dicom::uid::Uid;
    use causeway_core::port::Actor;

    use super::*;

    #[test]
    fn a_deletion_is_found_behind_whole_pages_of_other_rulings_and_not_once_it_is_older() {
        let at = |second: i64| Timestamp::from_second(second).expect("in range");
        let row = |second: i64| {
            let verdict = if second == 1 { Verdict::Deleted } else { Verdict::Rejected };
            let uid = Uid::parse("1.2").expect("a uid");
            let ruling = Ruling { uid, verdict, by: Actor("test".to_owned()), at: at(second), reason: String::new() };
            RulingRow { row: second, ruling }
        };
        let since = |second: i64, last: i64| {
            deleted_since(at(second), |query| {
                let newest = query.before.map_or(last, |before| before - 1);
                Ok((1..=newest).rev().take(RULINGS as usize).map(row).collect())
            })
        };
        let pages = i64::from(RULINGS) * 2;
        for last in [1, 2, pages, pages + 1] {
            assert_eq!((since(1, last), since(2, last)), (Ok(true), Ok(false)), "{last}");
        }
        assert_eq!(since(1, 0), Ok(false), "nothing was ruled");
    }
}
