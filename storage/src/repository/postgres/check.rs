//! The check of a whole schema: every count, reference and digest, every person's standing, and the audit chain. Disk
//! damage is found by the server itself, by its page checksums.

use causeway_core::consent::{Standing, replay};
use causeway_core::identity::{document_key, local_number_key};
use causeway_core::person::PersonId;
use causeway_core::port::RepositoryError;
use causeway_core::provider::Provider;
use postgres::Row;

use super::session::{Session, get};
use super::{PostgresRepository, audit, consents, dump, migrate, providers};
use crate::repository::codec::count;
use crate::repository::error::{Result, damaged};
use crate::repository::snapshot::read_participant;
use crate::repository::sqlite::{FileReport, RowCounts};
use crate::repository::wanted::{DOCUMENT, LOCAL_NUMBER};

/// At most so many findings are listed.
const FINDINGS_MAX: usize = 20;

/// What must not be found, as the query that finds it.
const WRONG: &[(&str, &str)] = &[
    (
        "records without their current version",
        "SELECT 1 FROM record AS r LEFT JOIN record_version AS v ON v.person = r.person AND v.id = r.current \
         WHERE v.id IS NULL",
    ),
    (
        "records without their latest version",
        "SELECT 1 FROM record AS r LEFT JOIN record_version AS v ON v.person = r.person AND v.id = r.latest \
         WHERE v.id IS NULL",
    ),
    (
        "versions without the one before",
        "SELECT 1 FROM record_version AS a LEFT JOIN record_version AS b ON b.person = a.person AND b.id = a.former \
         WHERE a.former IS NOT NULL AND b.id IS NULL",
    ),
    (
        "versions without their message",
        "SELECT 1 FROM record_version AS v LEFT JOIN message AS m ON m.id = v.message WHERE m.id IS NULL",
    ),
    (
        "messages without their notes",
        "SELECT 1 FROM message AS m LEFT JOIN note_list AS n ON n.digest = m.notes \
         WHERE m.notes IS NOT NULL AND n.digest IS NULL",
    ),
    ("lists of notes that were changed", "SELECT 1 FROM note_list WHERE digest <> sha256(convert_to(notes, 'UTF8'))"),
    (
        "steps without their message",
        "SELECT 1 FROM message_step AS s LEFT JOIN message AS m ON m.id = s.message WHERE m.id IS NULL",
    ),
    (
        "waiting keys of messages that do not wait",
        "SELECT 1 FROM waiting AS w LEFT JOIN message AS m ON m.id = w.message AND m.state IN (1, 2) WHERE m.id IS NULL",
    ),
    (
        "messages beyond the offset of their partition",
        "SELECT 1 FROM message AS m LEFT JOIN partition_offset AS p ON p.partition_id = m.partition_id \
         AND p.next > m.log_offset WHERE p.next IS NULL",
    ),
    (
        "records whose number of versions is wrong",
        "SELECT 1 FROM record AS r JOIN record_version AS v ON v.person = r.person AND v.id = r.latest \
         WHERE v.number <> r.versions",
    ),
    (
        "counts of messages",
        "SELECT 1 FROM (SELECT feed, state, count(*) AS n FROM message GROUP BY feed, state) AS m \
         FULL JOIN (SELECT feed, state, count AS n FROM feed_count WHERE count <> 0) AS c \
         ON c.feed = m.feed AND c.state = m.state WHERE m.n IS DISTINCT FROM c.n",
    ),
    (
        "counts of records",
        "SELECT 1 FROM (SELECT domain, count(*) AS n FROM record WHERE NOT retracted GROUP BY domain) AS r \
         FULL JOIN (SELECT domain, count AS n FROM record_count WHERE count <> 0) AS c ON c.domain = r.domain \
         WHERE r.n IS DISTINCT FROM c.n",
    ),
];

impl PostgresRepository {
    /// Checks the whole schema, also while hubs work on it: counts, references and digests, that every person's events
    /// add up to the standing, and the audit chain. Reads everything, in one transaction.
    ///
    /// # Errors
    /// As every reading; what the check finds is in the report.
    pub fn check(&self) -> std::result::Result<FileReport, RepositoryError> {
        Ok(self.read_at_once(check)?)
    }
}

/// Goes through one sort of rows and notes what it finds.
type Walk = fn(&mut Session, &mut Vec<String>) -> Result<()>;

fn check(session: &mut Session) -> Result<FileReport> {
    // One statement may take as long as it must: nobody waits for this transaction.
    session.batch("SET LOCAL statement_timeout = 0")?;
    let known = migrate::known(migrate::MIGRATIONS);
    let sql = "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::int8, (SELECT max(number) FROM schema_migration) \
               FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'S')";
    let rows = session.query_once(sql, &[])?;
    let row = rows.first().ok_or_else(|| damaged("the server says nothing"))?;
    let mut findings = Vec::new();
    for (what, sql) in WRONG {
        let rows = session.query_once(&format!("SELECT count(*) FROM ({sql}) AS wrong"), &[])?;
        match rows.first().map(|row| get::<i64>(row, 0)).transpose()? {
            Some(found) if found > 0 => note(&mut findings, &format!("{what}: {found}")),
            Some(_) | None => {}
        }
    }
    let walks: [Walk; 2] = [walk_records, walk_persons];
    for walk in walks {
        if let Err(error) = walk(session, &mut findings) {
            note(&mut findings, &error);
        }
    }
    Ok(FileReport {
        schema: get(row, 1)?,
        schema_known: known,
        bytes: count(get(row, 0)?)?,
        findings,
        audit: audit::verify(session, None)?,
        rows: count_rows(session)?,
    })
}

fn note(findings: &mut Vec<String>, finding: &impl ToString) {
    if findings.len() < FINDINGS_MAX {
        findings.push(finding.to_string());
    }
}

fn walk_records(session: &mut Session, _: &mut Vec<String>) -> Result<()> {
    dump::hash(session).map(|_| ())
}

/// Every person: the snapshot, the keys under which messages find it, and the events that made its standing.
fn walk_persons(session: &mut Session, findings: &mut Vec<String>) -> Result<()> {
    let providers = providers::all(session, u32::MAX)?;
    let (mut after, mut keys) = (0_i64, 0_i64);
    loop {
        let sql = "SELECT id, snapshot, seal, ehr_number, ARRAY(SELECT s.key FROM subject AS s WHERE s.person = p.id \
                   AND s.sort = 0), ARRAY(SELECT s.key FROM subject AS s WHERE s.person = p.id AND s.sort = 1) \
                   FROM person AS p WHERE id > $1 ORDER BY id LIMIT 1000";
        let rows = session.query(sql, &[&after])?;
        let Some(last) = rows.last() else { break };
        after = get(last, 0)?;
        for row in &rows {
            match walk_person(session, &providers, row, findings) {
                Ok(found) => keys = keys.saturating_add(found),
                Err(error) => note(findings, &error),
            }
        }
    }
    let rows = session.query("SELECT count(*) FROM subject WHERE sort < 2", &[])?;
    if rows.first().map(|row| get::<i64>(row, 0)).transpose()? != Some(keys) {
        note(findings, &"numbers that belong to nobody".to_owned());
    }
    Ok(())
}

/// How many numbers the person has.
fn walk_person(session: &mut Session, providers: &[Provider], row: &Row, findings: &mut Vec<String>) -> Result<i64> {
    let id = PersonId(get(row, 0)?);
    let participant = read_participant(id, get(row, 1)?, get(row, 2)?)?;
    let person = &participant.person;
    let stored: [Vec<i64>; 2] = [get(row, 4)?, get(row, 5)?];
    let documents = person.documents.iter().map(|document| (document_key(document).0, DOCUMENT));
    let numbers = person.local_numbers.iter().map(|number| (local_number_key(number).0, LOCAL_NUMBER));
    let mut keys = 0_i64;
    for (key, sort) in documents.chain(numbers) {
        keys = keys.saturating_add(1);
        let [documents, numbers] = &stored;
        if !(if sort == DOCUMENT { documents } else { numbers }).contains(&key) {
            note(findings, &format!("person {id} is not found by one of its numbers"));
        }
    }
    if get::<Option<&str>>(row, 3)? != Some(person.ehr_number.as_str()) {
        note(findings, &format!("person {id} has two eHR numbers"));
    }
    check_standing(session, providers, id, &participant.standing)?;
    Ok(keys)
}

/// A provider put on the implied list later changes what a replay gives for sharing: the registration is compared.
fn check_standing(session: &mut Session, providers: &[Provider], id: PersonId, standing: &Standing) -> Result<()> {
    let events = consents::events(session, id)?;
    let replayed = replay(&events, |id| providers.iter().find(|provider| provider.id == *id)).standing;
    let of = |standing: &Standing| (standing.registration, standing.policy, standing.joined_at, standing.changed_at);
    if of(&replayed) == of(standing) {
        return Ok(());
    }
    Err(damaged(format!("the events of person {id} do not add up to the standing")))
}

fn count_rows(session: &mut Session) -> Result<RowCounts> {
    let sql = "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM record), \
               (SELECT count(*) FROM record_version), (SELECT count(*) FROM person), (SELECT count(*) FROM provider)";
    let rows = session.query_once(sql, &[])?;
    let row = rows.first().ok_or_else(|| damaged("the server says nothing"))?;
    let number = |column| count(get(row, column)?);
    Ok(RowCounts {
        messages: number(0)?,
        records: number(1)?,
        versions: number(2)?,
        persons: number(3)?,
        providers: number(4)?,
    })
}
