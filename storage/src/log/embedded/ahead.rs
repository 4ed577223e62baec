//! Room laid in SQLite's write-ahead log before it is needed.
//!
//! A commit that makes its file longer has the file system write the new length beside the bytes, in a journal of its own: on
//! ext4 that more than doubles the time of the sync a sender waits for. So zeros are written ahead of SQLite, and synced, while
//! nobody waits. SQLite reads its write-ahead log up to the first frame without the salt of the header, which zeros never have,
//! and writes over what stands after the last frame it knows.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::schema;

/// Bytes laid at once: some tens of commits of one sender, and about a millisecond of a disk.
const STEP: u64 = 1 << 20;
/// What is written at once.
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

/// The write-ahead log, to lengthen it. Only the writer may, between its transactions: whoever lengthens the file beside SQLite
/// could write over a frame.
pub(super) struct Ahead {
    file: File,
    /// How far there is something in the file, as far as known.
    laid: u64,
    /// Farther than this nothing is laid, in bytes.
    most: u64,
}

impl Ahead {
    /// For the write-ahead log in `dir`, which a connection has made and keeps open. At most `most` bytes are laid.
    pub(super) fn open(dir: &Path, most: u64) -> std::io::Result<Self> {
        let file = OpenOptions::new().write(true).open(dir.join(schema::WAL_FILE))?;
        let laid = file.metadata()?.len();
        Ok(Self { file, laid, most })
    }

    /// Whether more is to be laid where about `used` bytes are written.
    pub(super) const fn is_short(&self, used: u64) -> bool {
        self.laid < self.most && self.laid < used.saturating_add(STEP / 2)
    }

    /// Lays another step after the end of the file. Where there is no room for it, what SQLite writes there later tells.
    ///
    /// # Errors
    /// Of the disk: nobody knows what is in the file.
    pub(super) fn lay(&mut self) -> std::io::Result<()> {
        // SQLite may have got farther than was thought.
        let from = self.file.metadata()?.len();
        let until = from.saturating_add(STEP).min(self.most.max(from));
        let mut at = from;
        while at < until {
            let piece = usize::try_from(until - at).map_or(ZEROS.len(), |left| left.min(ZEROS.len()));
            match self.file.write_at(ZEROS.get(..piece).unwrap_or(&ZEROS), at) {
                Ok(written) => at = at.saturating_add(written as u64),
                Err(error) if is_shortage(&error) => break,
                Err(error) => return Err(error),
            }
        }
        self.laid = at.max(until);
        self.file.sync_data()
    }
}

/// No room, which is for SQLite to find out.
fn is_shortage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}
