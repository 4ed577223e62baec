//! The head of the audit in a small file beside the database.
//!
//! A write-ahead log that was deleted, an older copy put in its place, or a tail cut off with its head row leave a database
//! that is sound in itself. The file `<database>.head` remembers how far it had been: it is written after each commit,
//! so it never runs ahead of what is durable, and at the next start the database must reach at least that far.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::audit::Head;
use super::error::{Result, StoreError, damaged};

/// The open file.
#[derive(Debug)]
pub(super) struct HeadFile {
    file: File,
}

impl HeadFile {
    /// Opens the file beside `database`, or makes it.
    pub(super) fn open(database: &Path) -> Result<Self> {
        let path = path_of(database);
        let fail =
            |error: std::io::Error| StoreError::Unavailable(format!("{} cannot be opened: {error}", path.display()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&path).map(|file| Self { file }).map_err(fail)
    }

    /// Writes the head over the former one.
    pub(super) fn write(&mut self, head: Head) -> std::io::Result<()> {
        // Always of one length: twenty digits, a blank, 64 digits, a line end.
        let line = format!("{:020} {}\n", head.seq, head.hash);
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(line.as_bytes())
    }
}

/// Where the head of a database is kept.
pub(super) fn path_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".head");
    PathBuf::from(name)
}

/// The head noted beside a database, if there is one.
pub(super) fn noted(database: &Path) -> Result<Option<Head>> {
    let path = path_of(database);
    match std::fs::read(&path) {
        Ok(bytes) => Ok(std::str::from_utf8(&bytes).ok().and_then(parse).filter(|head| head.seq > 0)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::Unavailable(format!("{} cannot be read: {error}", path.display()))),
    }
}

/// Compares what the database says of itself with what was seen of it before.
pub(super) fn check(connection: &rusqlite::Connection, seen: Option<Head>) -> Result<()> {
    let Some(seen) = seen else { return Ok(()) };
    let stored = Head::read(connection)?;
    let there = if stored.seq == seen.seq { Some(stored.hash) } else { hash_at(connection, seen.seq)? };
    if seen.seq == 0 || (stored.seq >= seen.seq && there == Some(seen.hash)) {
        return Ok(());
    }
    Err(damaged(format!(
        "the audit ends at line {} but had reached line {}: the write-ahead log was deleted, or an older copy was put in \
         place of the file; use `causeway db restore` for a backup",
        stored.seq, seen.seq
    )))
}

fn hash_at(connection: &rusqlite::Connection, seq: u64) -> Result<Option<causeway_core::envelope::Digest>> {
    use rusqlite::OptionalExtension as _;
    let seq = super::codec::int(seq)?;
    let hash: Option<Vec<u8>> =
        connection.query_row("SELECT hash FROM audit WHERE seq = ?1", [seq], |row| row.get(0)).optional()?;
    hash.map(|hash| super::codec::digest_of(&hash)).transpose()
}

fn parse(text: &str) -> Option<Head> {
    let (seq, hash) = text.trim_end().split_once(' ')?;
    let mut bytes = [0_u8; 32];
    if hash.len() != 64 {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        let from = index.saturating_mul(2);
        *byte = u8::from_str_radix(hash.get(from..from.saturating_add(2))?, 16).ok()?;
    }
    Some(Head { seq: seq.parse().ok()?, hash: causeway_core::envelope::Digest(bytes) })
}

#[cfg(test)]
mod tests {
    use causeway_core::envelope::Digest;

    use super::*;

    #[test]
    fn the_head_reads_back_and_rubbish_counts_as_none() {
        let folder = tempfile::tempdir().expect("folder");
        let database = folder.path().join("a.db");
        let mut file = HeadFile::open(&database).expect("new");
        assert_eq!(noted(&database).expect("empty"), None);
        let head = Head { seq: 7, hash: Digest::of(b"seven") };
        file.write(Head { seq: 123_456, hash: Digest::of(b"former") }).expect("written");
        file.write(head).expect("written");
        assert_eq!(noted(&database).expect("again"), Some(head));
        std::fs::write(path_of(&database), [0xff, 0, 1]).expect("rubbish");
        assert_eq!(noted(&database).expect("again"), None);
    }
}
