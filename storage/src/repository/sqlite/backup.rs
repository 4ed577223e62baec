//! Backup while the hub runs, restore, and the check of a file.

use std::path::Path;

use causeway_core::envelope::Digest;
use causeway_core::port::{AuditReport, RepositoryError};
use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use serde::Serialize;

use super::audit::{self, Head};
use super::connection::{self, PAGE_BYTES};
use super::error::{Result, StoreError, damaged};
use super::head::{self, HeadFile};
use super::migrate;
use super::settings::SqliteSettings;
use super::{SqliteRepository, write_head};

/// Pages copied between two reports of progress.
const PAGES_A_STEP: i32 = 1024;
/// At most so many findings of the integrity check are listed.
const FINDINGS_MAX: u32 = 20;

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

/// What a check of a file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// The schema of the file.
    pub schema: i64,
    /// The schema this program knows.
    pub schema_known: i64,
    /// Its size with its write-ahead log.
    pub bytes: u64,
    /// What SQLite's integrity check and the check for rows that point nowhere found; empty for a sound file.
    pub findings: Vec<String>,
    /// What the walk along the audit chain found.
    pub audit: AuditReport,
    /// How many rows the main tables have.
    pub rows: RowCounts,
}

/// How many rows the main tables have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct RowCounts {
    /// Messages.
    pub messages: u64,
    /// Records.
    pub records: u64,
    /// Record versions.
    pub versions: u64,
    /// Persons.
    pub persons: u64,
    /// Providers.
    pub providers: u64,
}

impl FileReport {
    /// Whether nothing was found.
    pub const fn is_sound(&self) -> bool {
        self.findings.is_empty() && self.audit.first_bad.is_none()
    }
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

    /// Checks a file: that it is ours, sound, and that its audit chain holds.
    ///
    /// # Errors
    /// As [`SqliteRepository::open`]; what the check finds is in the report.
    pub fn check_file(path: &Path) -> std::result::Result<FileReport, RepositoryError> {
        Ok(check(path)?)
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
    let report = check(from)?;
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
    let (mut head, _) = HeadFile::open(to)?;
    write_head(&mut head, Head { seq: copied.audit_seq, hash: copied.audit_hash })?;
    Ok(report)
}

fn leftovers(database: &Path) -> [std::path::PathBuf; 3] {
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
    target.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    let head = Head::read(&target)?;
    let pages: i64 = target.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let bytes = u64::try_from(pages).unwrap_or(0).saturating_mul(PAGE_BYTES);
    Ok(BackupReport { bytes, audit_seq: head.seq, audit_hash: head.hash })
}

fn check(path: &Path) -> Result<FileReport> {
    if !path.exists() {
        return Err(StoreError::Refused(format!("there is no file {}", path.display())));
    }
    let mut connection = connection::open_reader(path, &SqliteSettings::default())?;
    let transaction = connection.transaction()?;
    let schema = migrate::check(&transaction, migrate::MIGRATIONS)?;
    if schema != migrate::known() {
        return Err(StoreError::Refused(format!("the file has schema {schema}: open it once to bring it up to date")));
    }
    let mut findings = integrity(&transaction)?;
    if findings.is_empty() {
        findings = dangling(&transaction)?;
    }
    let audit = audit::verify(&transaction, None)?;
    let rows = count_rows(&transaction)?;
    let sizes = std::iter::once(path.to_owned()).chain(leftovers(path).into_iter().take(1));
    let bytes = sizes.filter_map(|file| std::fs::metadata(file).ok()).map(|data| data.len()).sum();
    Ok(FileReport { schema, schema_known: migrate::known(), bytes, findings, audit, rows })
}

fn integrity(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))?;
    let rows = statement.query_map([], |row| row.get(0))?;
    let findings: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
    Ok(findings.into_iter().filter(|finding| finding != "ok").collect())
}

/// Rows that point nowhere, in the tables that carry no foreign keys.
fn dangling(connection: &Connection) -> Result<Vec<String>> {
    let checks = [
        ("records without their current version", "record AS a LEFT JOIN record_version AS b ON b.id = a.current"),
        ("records without their latest version", "record AS a LEFT JOIN record_version AS b ON b.id = a.latest"),
        ("versions without their message", "record_version AS a LEFT JOIN message AS b ON b.id = a.message"),
        ("messages without their feed", "message AS a LEFT JOIN word AS b ON b.id = a.feed"),
        ("messages without their provider", "message AS a LEFT JOIN word AS b ON b.id = a.provider"),
        ("steps without their message", "message_step AS a LEFT JOIN message AS b ON b.id = a.message"),
        ("waiting keys without their message", "waiting AS a LEFT JOIN message AS b ON b.id = a.message"),
    ];
    let mut findings = Vec::new();
    for (what, from) in checks {
        let sql = format!("SELECT count(*) FROM {from} WHERE b.id IS NULL");
        let count: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
        if count > 0 {
            findings.push(format!("{count} {what}"));
        }
    }
    Ok(findings)
}

fn count_rows(connection: &Connection) -> Result<RowCounts> {
    let count = |table: &str| -> Result<u64> {
        let sql = format!("SELECT count(*) FROM {table}");
        super::codec::count(connection.query_row(&sql, [], |row| row.get(0))?)
    };
    Ok(RowCounts {
        messages: count("message")?,
        records: count("record")?,
        versions: count("record_version")?,
        persons: count("person")?,
        providers: count("provider")?,
    })
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
