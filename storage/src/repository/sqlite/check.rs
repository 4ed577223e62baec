//! The check of a whole file: SQLite's own, every seal, every count, every chain.

use std::path::Path;

use causeway_core::consent::replay;
use causeway_core::identity::{document_key, local_number_key};
use causeway_core::person::PersonId;
use causeway_core::port::{AuditReport, RepositoryError};
use causeway_core::provider::Provider;
use rusqlite::Connection;
use serde::Serialize;

use super::backup::leftovers;
use super::error::{Result, StoreError, damaged};
use super::resolve::read_participant;
use super::settings::SqliteSettings;
use super::{SqliteRepository, audit, codec, connection, consents, dump, head, messages, migrate, providers};
use crate::repository::wanted::{DOCUMENT, LOCAL_NUMBER};

/// At most so many findings are listed.
const FINDINGS_MAX: usize = 20;

/// What a check of a file found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileReport {
    /// The schema of the file.
    pub schema: i64,
    /// The schema this program knows.
    pub schema_known: i64,
    /// Its size with its write-ahead log.
    pub bytes: u64,
    /// What does not hold, without protected text; empty for a sound file.
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
    /// Checks a file, also while a hub works on it: that it is ours, that SQLite finds it sound, that every seal, count
    /// and reference holds, that every person's events add up to the standing, and the audit chain. Reads everything.
    ///
    /// # Errors
    /// [`RepositoryError::Refused`] for a file that is not there, not ours, or of another schema; what the check finds is
    /// in the report.
    pub fn check_file(path: &Path) -> std::result::Result<FileReport, RepositoryError> {
        Ok(check(path)?)
    }
}

pub(super) fn check(path: &Path) -> Result<FileReport> {
    if !path.exists() {
        return Err(StoreError::Refused(format!("there is no file {}", path.display())));
    }
    // The note is read first, so that the chain is at least as long.
    let noted = head::noted(path)?;
    let mut connection = connection::open_reader(path, &SqliteSettings::default())?;
    let transaction = connection.transaction()?;
    let schema = migrate::check(&transaction, migrate::MIGRATIONS)?;
    if schema != migrate::known() {
        return Err(StoreError::Refused(format!("the file has schema {schema}: open it once to bring it up to date")));
    }
    let findings = findings(&transaction)?;
    let audit = audit::verify(&transaction, noted)?;
    let rows = count_rows(&transaction)?;
    let sizes = std::iter::once(path.to_owned()).chain(leftovers(path).into_iter().take(1));
    let bytes = sizes.filter_map(|file| std::fs::metadata(file).ok()).map(|data| data.len()).sum();
    Ok(FileReport { schema, schema_known: migrate::known(), bytes, findings, audit, rows })
}

/// Goes through one sort of rows and notes what it finds.
type Walk = fn(&Connection, &mut Vec<String>) -> Result<()>;

fn findings(connection: &Connection) -> Result<Vec<String>> {
    let mut findings = integrity(connection)?;
    // In a file that SQLite itself finds broken, the rest would be guessing.
    if !findings.is_empty() {
        return Ok(findings);
    }
    counted(connection, &mut findings)?;
    let walks: [Walk; 4] = [walk_messages, walk_records, walk_providers, walk_persons];
    for walk in walks {
        match walk(connection, &mut findings) {
            Ok(()) => {}
            Err(error) => note(&mut findings, &error),
        }
    }
    Ok(findings)
}

fn note(findings: &mut Vec<String>, finding: &impl ToString) {
    if findings.len() < FINDINGS_MAX {
        findings.push(finding.to_string());
    }
}

fn integrity(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("PRAGMA integrity_check({FINDINGS_MAX})"))?;
    let rows = statement.query_map([], |row| row.get(0))?;
    let mut findings: Vec<String> = rows.collect::<rusqlite::Result<_>>()?;
    findings.retain(|finding| finding != "ok");
    let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
    if statement.exists([])? {
        findings.push("a row of the registry points nowhere".to_owned());
    }
    Ok(findings)
}

/// What must not be found: rows that point nowhere, counts that do not add up.
fn counted(connection: &Connection, findings: &mut Vec<String>) -> Result<()> {
    let lost = |from: &str, to: &str| format!("SELECT 1 FROM {from} AS a LEFT JOIN {to} WHERE b.id IS NULL");
    let wrong = [
        ("records without their current version", lost("record", "record_version AS b ON b.id = a.current")),
        ("records without their latest version", lost("record", "record_version AS b ON b.id = a.latest")),
        ("versions without the one before", {
            let former = lost("record_version", "record_version AS b ON b.id = a.former");
            format!("{former} AND a.former IS NOT NULL")
        }),
        ("versions without their message", lost("record_version", "message AS b ON b.id = a.message")),
        ("messages without their feed", lost("message", "word AS b ON b.id = a.feed")),
        ("messages without their provider", lost("message", "word AS b ON b.id = a.provider")),
        ("messages without their notes", {
            let notes = lost("message", "note_list AS b ON b.id = a.notes");
            format!("{notes} AND a.notes <> 0")
        }),
        ("steps without their message", lost("message_step", "message AS b ON b.id = a.message")),
        ("waiting keys of messages that do not wait", {
            let waits = "message AS b ON b.id = a.message AND b.state IN (1, 2)";
            lost("waiting", waits)
        }),
        (
            "messages beyond the offset of their partition",
            "SELECT 1 FROM message AS m LEFT JOIN partition_offset AS p ON p.partition_id = m.partition_id \
             AND p.next > m.log_offset WHERE p.next IS NULL"
                .to_owned(),
        ),
        (
            "records whose number of versions is wrong",
            "SELECT 1 FROM record AS r JOIN record_version AS v ON v.id = r.latest WHERE v.number <> r.versions"
                .to_owned(),
        ),
        (
            "counts of messages",
            "SELECT 1 FROM (SELECT feed, state, count(*) AS n FROM message GROUP BY feed, state) AS m \
             FULL JOIN (SELECT feed, state, count AS n FROM feed_count WHERE count <> 0) AS c \
             ON c.feed = m.feed AND c.state = m.state WHERE m.n IS NOT c.n"
                .to_owned(),
        ),
        (
            "times of the last message of a feed",
            "SELECT 1 FROM feed_count AS c WHERE c.count > 0 AND (NOT EXISTS (SELECT 1 FROM message AS m \
             WHERE m.feed = c.feed AND m.received_at = c.last_received_at) OR c.last_received_at < (SELECT \
             max(m.received_at) FROM message AS m WHERE m.feed = c.feed AND m.state = c.state))"
                .to_owned(),
        ),
        (
            "counts of records",
            "SELECT 1 FROM (SELECT domain, count(*) AS n FROM record WHERE retracted = 0 GROUP BY domain) AS r \
             FULL JOIN (SELECT domain, count AS n FROM record_count WHERE count <> 0) AS c ON c.domain = r.domain \
             WHERE r.n IS NOT c.n"
                .to_owned(),
        ),
        (
            "messages whose search keys are missing",
            "SELECT 1 FROM message AS m WHERE m.id <= (SELECT upto FROM posting_mark WHERE source = 'message') \
             AND m.person IS NOT NULL AND NOT EXISTS (SELECT 1 FROM posting AS p WHERE p.sort = 3 AND p.key = m.person \
             AND p.target = m.id)"
                .to_owned(),
        ),
        (
            "records that their person's list lacks",
            "SELECT 1 FROM record AS r WHERE r.id <= (SELECT upto FROM posting_mark WHERE source = 'record') \
             AND NOT EXISTS (SELECT 1 FROM posting AS p WHERE p.sort = 6 AND p.key = r.person AND p.target = r.id)"
                .to_owned(),
        ),
    ];
    for (what, sql) in wrong {
        let count: i64 = connection.query_row(&format!("SELECT count(*) FROM ({sql})"), [], |row| row.get(0))?;
        if count > 0 {
            note(findings, &format!("{what}: {count}"));
        }
    }
    Ok(())
}

/// Every message with its steps, decisions, notes and versions.
fn walk_messages(connection: &Connection, findings: &mut Vec<String>) -> Result<()> {
    let sql = format!("SELECT {} FROM {}", messages::COLUMNS, messages::FROM);
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Err(error) = messages::detail(connection, row) {
            note(findings, &error);
        }
    }
    Ok(())
}

fn walk_records(connection: &Connection, _: &mut Vec<String>) -> Result<()> {
    dump::hash(connection).map(|_| ())
}

fn walk_providers(connection: &Connection, _: &mut Vec<String>) -> Result<()> {
    providers::all(connection, u32::MAX).map(|_| ())
}

/// Every person: the snapshot, the keys under which messages find it, and the events that made its standing.
fn walk_persons(connection: &Connection, findings: &mut Vec<String>) -> Result<()> {
    let providers = providers::all(connection, u32::MAX)?;
    let mut statement = connection.prepare("SELECT id, snapshot, seal, ehr_number FROM person")?;
    let mut rows = statement.query([])?;
    let mut keys = 0_i64;
    while let Some(row) = rows.next()? {
        let id = PersonId(row.get(0)?);
        let participant = match read_participant(id, row.get_ref(1)?, row.get_ref(2)?) {
            Ok(participant) => participant,
            Err(error) => {
                note(findings, &error);
                continue;
            }
        };
        let person = &participant.person;
        let documents = person.documents.iter().map(|document| (document_key(document).0, DOCUMENT));
        let numbers = person.local_numbers.iter().map(|number| (local_number_key(number).0, LOCAL_NUMBER));
        for (key, sort) in documents.chain(numbers) {
            keys = keys.saturating_add(1);
            if super::persons::owner(connection, sort, key)? != Some(id) {
                note(findings, &format!("person {id} is not found by one of its numbers"));
            }
        }
        if row.get::<_, String>(3)? != person.ehr_number {
            note(findings, &format!("person {id} has two eHR numbers"));
        }
        if let Err(error) = check_standing(connection, &providers, id, &participant.standing) {
            note(findings, &error);
        }
    }
    let stored: i64 = connection.query_row("SELECT count(*) FROM subject WHERE sort < 2", [], |row| row.get(0))?;
    if stored != keys {
        note(findings, &"numbers that belong to nobody".to_owned());
    }
    Ok(())
}

/// A provider put on the implied list later changes what a replay gives for sharing: the registration is compared.
fn check_standing(
    connection: &Connection,
    providers: &[Provider],
    id: PersonId,
    standing: &causeway_core::consent::Standing,
) -> Result<()> {
    let events = consents::events(connection, id)?;
    let replayed = replay(&events, |id| providers.iter().find(|provider| provider.id == *id)).standing;
    let of = |standing: &causeway_core::consent::Standing| {
        (standing.registration, standing.policy, standing.joined_at, standing.changed_at)
    };
    if of(&replayed) == of(standing) {
        return Ok(());
    }
    Err(damaged(format!("the events of person {id} do not add up to the standing")))
}

fn count_rows(connection: &Connection) -> Result<RowCounts> {
    let count = |table: &str| -> Result<u64> {
        let sql = format!("SELECT count(*) FROM {table}");
        codec::count(connection.query_row(&sql, [], |row| row.get(0))?)
    };
    Ok(RowCounts {
        messages: count("message")?,
        records: count("record")?,
        versions: count("record_version")?,
        persons: count("person")?,
        providers: count("provider")?,
    })
}
