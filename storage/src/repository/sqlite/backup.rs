//! Backup while the hub runs, and restore.

use std::path::Path;

use causeway_core::envelope::Digest;
use causeway_core::port::RepositoryError;
use rusqlite::backup::{Backup, StepResult};

use super::audit::Head;
use super::check::{self, FileReport};
use super::connection::{self, PAGE_BYTES};
use super::error::{Result, StoreError, damaged};
use super::head::{self, HeadFile};
use super::settings::SqliteSettings;
use super::{SqliteRepository, write_head};

/// Pages copied between two reports of progress.
const PAGES_A_STEP: i32 = 1024;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// Its size.
    pub bytes: u64,
    /// The number of the last audit line in it.
    pub audit_seq: u64,
    /// The hash of that line: note it outside, to prove later that the backup was not changed.
    pub audit_hash: Digest,
}

impl SqliteRepository {
    /// Copies the file to `to`, as it stands at one moment, while writing goes on. `progress` is told pages done and
    /// pages in all. The copy appears under its name only when it is whole.
    ///
    /// # Errors
    /// [`RepositoryError::Refused`] when `to` exists; otherwise as every reading and writing.
    pub fn backup(
        &self,
        to: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> std::result::Result<BackupReport, RepositoryError> {
        Ok(copy_to(self.path(), to, &self.settings, progress)?)
    }

    /// Checks the backup `from` and copies it to `to`, which must not exist. The hub then reads the log on from where the
    /// backup stands.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`] when the backup is not sound, [`RepositoryError::Refused`] when `to` exists.
    pub fn restore(
        from: &Path,
        to: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> std::result::Result<FileReport, RepositoryError> {
        Ok(restore(from, to, progress)?)
    }
}

fn restore(from: &Path, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<FileReport> {
    let report = check::check(from)?;
    if !report.is_sound() {
        let first = report.findings.first().map_or("its audit chain does not hold", String::as_str);
        return Err(damaged(format!("the backup is not sound: {first}")));
    }
    // What is left of a former database of this name would be taken for the log and the head of this one.
    for leftover in leftovers(to) {
        if leftover.exists() {
            return Err(StoreError::Refused(format!("{} is in the way: move it away first", leftover.display())));
        }
    }
    let copied = copy_to(from, to, &SqliteSettings::default(), progress)?;
    let mut head = HeadFile::open(to)?;
    write_head(&mut head, Head { seq: copied.audit_seq, hash: copied.audit_hash });
    Ok(report)
}

pub(super) fn leftovers(database: &Path) -> [std::path::PathBuf; 3] {
    let beside = |suffix: &str| {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        name.into()
    };
    [beside("-wal"), beside("-shm"), head::path_of(database)]
}

fn copy_to(
    from: &Path,
    to: &Path,
    settings: &SqliteSettings,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<BackupReport> {
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    if to.exists() {
        return Err(StoreError::Refused(format!("{} exists already", to.display())));
    }
    // Left over from a backup that was broken off.
    if partial.exists() {
        std::fs::remove_file(partial).map_err(|error| cannot("removed", partial, &error))?;
    }
    let result = copy(from, partial, settings, progress);
    if result.is_err() && partial.exists() {
        std::fs::remove_file(partial).map_err(|error| cannot("removed", partial, &error))?;
    }
    let report = result?;
    std::fs::rename(partial, to).map_err(|error| cannot("renamed", partial, &error))?;
    sync_folder(to)?;
    Ok(report)
}

fn copy(from: &Path, to: &Path, settings: &SqliteSettings, progress: &mut dyn FnMut(u64, u64)) -> Result<BackupReport> {
    let mut source = connection::open_reader(from, settings)?;
    // The open transaction keeps one moment for the whole copy; without it every commit would start it anew.
    let source = source.transaction()?;
    Head::read(&source)?;
    let mut target = connection::open_plain(to, settings)?;
    let backup = Backup::new(&source, &mut target)?;
    loop {
        let step = backup.step(PAGES_A_STEP)?;
        let state = backup.progress();
        let total = u64::try_from(state.pagecount).unwrap_or(0);
        progress(total.saturating_sub(u64::try_from(state.remaining).unwrap_or(0)), total);
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            _ => return Err(StoreError::Unavailable("the file is locked by another process".to_owned())),
        }
    }
    drop(backup);
    // One file, without a log beside it.
    crate::journal::change(&target, "DELETE")?;
    let head = Head::read(&target)?;
    let pages: i64 = target.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let bytes = u64::try_from(pages).unwrap_or(0).saturating_mul(PAGE_BYTES);
    Ok(BackupReport { bytes, audit_seq: head.seq, audit_hash: head.hash })
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Unavailable(format!("{} cannot be {what}: {error}", path.display()))
}

/// Makes the new name durable.
fn sync_folder(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| StoreError::Sync(format!("{} cannot be synced: {error}", folder.display())))
}
