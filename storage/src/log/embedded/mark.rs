//! The high-water mark: how far each lane was acknowledged, kept outside the database file, so that a lost tail is
//! noticed. SQLite drops what it cannot read at the end of its write-ahead log without a word; this file remembers.
//!
//! Six pages of 4,096 bytes: three slots, each twice. A new mark goes, in both copies, into a slot that is neither the
//! last one known to be on disk nor the one being synced: a write torn by a power cut spares the mark before it, and a
//! single flipped bit spares the other copy. A slot: magic (8) · log id (16) · generation (8) · lanes (2) · per lane
//! end (8) and chain (32) · CRC32C (4), numbers big-endian.
//!
//! The order is what counts. A mark is written after the entries it covers are durable, so it never claims more than
//! there is; and before they are acknowledged, so that whatever ends the process, the mark covers all that was
//! acknowledged. It is synced by a thread of its own afterwards, not on the way of the acknowledgement: only when the
//! power fails can the mark on disk be behind, by what was acknowledged in the last hundredth of a second or two.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use causeway_core::envelope::Offset;
use causeway_core::port::LogError;

use super::fault;
use super::seal::{Chain, LogId};

/// The name of the file.
pub(super) const FILE: &str = "log.mark";
/// One copy of a slot; a multiple of every sector size in use.
const PAGE: usize = 4096;
/// The slots.
pub(super) const SLOTS: usize = 3;
/// The whole file.
const FILE_BYTES: usize = SLOTS * 2 * PAGE;
/// How a slot begins.
const MAGIC: &[u8; 8] = b"CWMARK01";

/// How far one lane goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tip {
    /// The next offset to be given.
    pub(super) end: Offset,
    /// The link of the last entry, or what stands before the first.
    pub(super) chain: Chain,
}

/// What a mark says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    /// Whose mark it is.
    pub(super) log: LogId,
    /// Grows by one with each mark.
    pub(super) generation: u64,
    /// How far each lane was acknowledged.
    pub(super) tips: Vec<Tip>,
}

/// What the file holds.
#[derive(Debug)]
pub(super) struct Found {
    /// The newest mark.
    pub(super) claim: Claim,
    /// The slot it stands in.
    pub(super) slot: usize,
    /// Copies that cannot be read; they are written anew when the log is opened for writing.
    pub(super) bad_copies: usize,
}

/// The open file, and what it says.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    claim: Claim,
    /// The slot written last.
    written: usize,
    /// The slot known to be on disk.
    durable: usize,
    /// The slot being synced.
    syncing: Option<usize>,
}

/// Reads the mark in `dir`. `None`: there is no file.
pub(super) fn read(dir: &Path) -> Result<Option<Found>, LogError> {
    let mut bytes = Vec::with_capacity(FILE_BYTES);
    match File::open(dir.join(FILE)).and_then(|file| file.take(1 << 20).read_to_end(&mut bytes)) {
        Ok(_) => find(&bytes).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault::damaged_file(format!("the high-water mark cannot be read: {error}"))),
    }
}

impl Mark {
    /// Writes the first mark of a new log. The file appears whole or not at all.
    pub(super) fn create(dir: &Path, claim: &Claim) -> io::Result<()> {
        let draft = dir.join("log.mark.new");
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all_at(&page(claim).repeat(2 * SLOTS), 0)?;
        file.sync_all()?;
        std::fs::rename(&draft, dir.join(FILE))?;
        File::open(dir)?.sync_all()
    }

    /// Opens the file to go on from what was found in it.
    pub(super) fn open(dir: &Path, found: Found) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(dir.join(FILE))?;
        Ok(Self { file, claim: found.claim, written: found.slot, durable: found.slot, syncing: None })
    }

    /// Writes the next mark. It outlives the process at once, and the machine once it is synced.
    pub(super) fn record(&mut self, tips: impl Iterator<Item = Tip>) -> io::Result<()> {
        self.claim.generation = self.claim.generation.wrapping_add(1);
        self.claim.tips.clear();
        self.claim.tips.extend(tips);
        let taken = |slot: usize| slot == self.durable || Some(slot) == self.syncing;
        let next = (1..=SLOTS).map(|step| (self.durable + step) % SLOTS).find(|slot| !taken(*slot));
        self.written = next.unwrap_or(self.written);
        let place = u64::try_from(self.written * 2 * PAGE).map_err(io::Error::other)?;
        self.file.write_all_at(&page(&self.claim).repeat(2), place)
    }

    /// Says that the file is going to be synced: the slot written last is left alone until [`Mark::end_sync`].
    pub(super) const fn begin_sync(&mut self) {
        self.syncing = Some(self.written);
    }

    /// Says that it was.
    pub(super) const fn end_sync(&mut self) {
        if let Some(slot) = self.syncing.take() {
            self.durable = slot;
        }
    }

    /// A second handle of the file, to sync it from another thread.
    pub(super) fn sync_handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Checks that all copies can be read and that the newest is what was written last.
    pub(super) fn verify(&self) -> Result<(), LogError> {
        let mut bytes = vec![0; FILE_BYTES];
        let read = self.file.read_exact_at(&mut bytes, 0);
        read.map_err(|error| fault::damaged_file(format!("the high-water mark cannot be read: {error}")))?;
        let found = find(&bytes)?;
        if found.bad_copies == 0 && found.claim == self.claim { Ok(()) } else { Err(changed()) }
    }
}

/// The mark is not as it was written.
pub(super) fn changed() -> LogError {
    fault::damaged_file("the high-water mark was changed")
}

/// One copy of a slot, filled up with zeros.
fn page(claim: &Claim) -> Vec<u8> {
    let mut page = Vec::with_capacity(PAGE);
    page.extend_from_slice(MAGIC);
    page.extend_from_slice(&claim.log);
    page.extend_from_slice(&claim.generation.to_be_bytes());
    page.extend_from_slice(&u16::try_from(claim.tips.len()).unwrap_or(u16::MAX).to_be_bytes());
    for tip in &claim.tips {
        page.extend_from_slice(&tip.end.0.to_be_bytes());
        page.extend_from_slice(&tip.chain.0);
    }
    page.extend_from_slice(&crc32c::crc32c(&page).to_be_bytes());
    page.resize(PAGE, 0);
    page
}

/// The newest mark among the copies.
fn find(bytes: &[u8]) -> Result<Found, LogError> {
    if bytes.len() != FILE_BYTES {
        return Err(fault::damaged_file("the high-water mark is cut"));
    }
    let mut newest: Option<(usize, Claim)> = None;
    let mut bad_copies = 0;
    for (slot, copies) in bytes.chunks(2 * PAGE).enumerate() {
        let mut copies = copies.chunks(PAGE).map(claim);
        let (one, other) = (copies.next().flatten(), copies.next().flatten());
        bad_copies += match (&one, &other) {
            (Some(one), Some(other)) => usize::from(one != other),
            (Some(_), None) | (None, Some(_)) => 1,
            (None, None) => 2,
        };
        for claim in [one, other].into_iter().flatten() {
            if newest.as_ref().is_none_or(|(_, newest)| claim.generation > newest.generation) {
                newest = Some((slot, claim));
            }
        }
    }
    let (slot, claim) = newest.ok_or_else(|| fault::damaged_file("the high-water mark cannot be read"))?;
    Ok(Found { claim, slot, bad_copies })
}

/// Reads one copy. `None` when its checksum or form does not hold.
fn claim(page: &[u8]) -> Option<Claim> {
    let (fixed, rest) = page.split_at_checked(34)?;
    let (magic, fixed) = fixed.split_at_checked(8)?;
    let (log, fixed) = fixed.split_at_checked(16)?;
    let (generation, lanes) = fixed.split_at_checked(8)?;
    let lanes = usize::from(u16::from_be_bytes(lanes.try_into().ok()?));
    let (tips, rest) = rest.split_at_checked(lanes.checked_mul(40)?)?;
    let (crc, zeros) = rest.split_at_checked(4)?;
    let covered = page.get(..34 + tips.len())?;
    let whole = magic == MAGIC
        && u32::from_be_bytes(crc.try_into().ok()?) == crc32c::crc32c(covered)
        && zeros.iter().all(|byte| *byte == 0);
    if !whole {
        return None;
    }
    let tips = tips.chunks_exact(40).map(|tip| {
        let (end, chain) = tip.split_at_checked(8)?;
        Some(Tip { end: Offset(u64::from_be_bytes(end.try_into().ok()?)), chain: Chain::read(chain)? })
    });
    Some(Claim {
        log: log.try_into().ok()?,
        generation: u64::from_be_bytes(generation.try_into().ok()?),
        tips: tips.collect::<Option<_>>()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim_at(generation: u64, end: u64) -> Claim {
        Claim { log: [7; 16], generation, tips: vec![Tip { end: Offset(end), chain: Chain([9; 32]) }; 3] }
    }

    fn file(dir: &Path) -> Vec<u8> {
        std::fs::read(dir.join(FILE)).expect("mark")
    }

    fn opened(dir: &Path) -> Mark {
        Mark::create(dir, &claim_at(0, 0)).expect("create");
        Mark::open(dir, read(dir).expect("read").expect("some")).expect("open")
    }

    fn record(mark: &mut Mark, end: u64) {
        mark.record(claim_at(0, end).tips.into_iter()).expect("record");
    }

    #[test]
    fn the_newest_slot_counts() {
        let dir = tempfile::tempdir().expect("dir");
        assert!(read(dir.path()).expect("no file is no fault").is_none());
        let mut mark = opened(dir.path());
        for end in 1..=9 {
            record(&mut mark, end);
            let found = read(dir.path()).expect("read").expect("some");
            assert_eq!((found.claim, found.bad_copies), (claim_at(end, end), 0));
            if end % 2 == 0 {
                mark.begin_sync();
            }
            if end % 3 == 0 {
                mark.end_sync();
            }
        }
        mark.verify().expect("as it was written");
        std::fs::write(dir.path().join(FILE), page(&claim_at(4, 4)).repeat(6)).expect("write");
        assert!(mark.verify().is_err());
    }

    #[test]
    fn no_single_flipped_bit_moves_the_mark_back_and_each_is_noticed() {
        let dir = tempfile::tempdir().expect("dir");
        let mut mark = opened(dir.path());
        record(&mut mark, 1);
        record(&mut mark, 2);
        let whole = file(dir.path());
        for bit in (0..whole.len() * 8).step_by(7) {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let found = find(&flipped).expect("five copies are whole");
            assert_eq!((found.claim, found.bad_copies), (claim_at(2, 2), 1), "bit {bit}");
        }
    }

    #[test]
    fn however_writes_are_torn_the_last_synced_mark_or_a_later_one_is_left() {
        let dir = tempfile::tempdir().expect("dir");
        let mut mark = opened(dir.path());
        record(&mut mark, 1);
        mark.begin_sync();
        mark.end_sync();
        record(&mut mark, 2);
        mark.begin_sync();
        let synced = file(dir.path());
        record(&mut mark, 3);
        mark.end_sync();
        record(&mut mark, 4);
        let pending = file(dir.path());
        for torn in 0..64_usize {
            // Of each sixteen bytes that differ, any may have reached the disk.
            let mut mixed = synced.clone();
            for (part, (to, from)) in mixed.chunks_mut(16).zip(pending.chunks(16)).enumerate() {
                if (part * 7 + torn).is_multiple_of(torn + 1) {
                    to.copy_from_slice(from);
                }
            }
            let end = find(&mixed).expect("one slot is whole").claim.tips[0].end.0;
            assert!((2..=4).contains(&end), "torn {torn}: {end}");
        }
    }

    #[test]
    fn a_mark_of_which_nothing_can_be_read_is_damage() {
        assert!(matches!(find(&[0; FILE_BYTES]), Err(LogError::Damaged { .. })));
        let whole = page(&claim_at(1, 1)).repeat(6);
        assert!(find(&whole).is_ok());
        for cut in [0, 1, PAGE, FILE_BYTES - 1] {
            assert!(matches!(find(&whole[..cut]), Err(LogError::Damaged { .. })), "cut at {cut}");
        }
    }
}
