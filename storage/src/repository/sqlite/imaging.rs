//! The index of instances.

use causeway_core::dicom::instance::{Instance, InstanceQuery, InstanceRow, StudyQuery, StudyRow};
use causeway_core::envelope::{Digest, Position};
use causeway_core::outcome::Outcome;
use causeway_core::port::{Images, RepositoryError};
use rusqlite::{Connection, named_params, params};
use sha2::{Digest as _, Sha256};

use super::SqliteRepository;
use super::codec::{count, int, position_of};
use super::error::Result;
use super::unit::Unit;
use crate::repository::imaging::{self, Touched};

impl Images for SqliteRepository {
    fn studies(&self, query: &StudyQuery) -> std::result::Result<Vec<StudyRow>, RepositoryError> {
        Ok(self.read(|connection| studies(connection, query, self.bounded(query.limit)))?)
    }

    fn instances(&self, query: &InstanceQuery) -> std::result::Result<Vec<InstanceRow>, RepositoryError> {
        Ok(self.read(|connection| instances(connection, query, self.bounded(query.limit)))?)
    }

    fn instance_of(&self, position: Position) -> std::result::Result<Option<InstanceRow>, RepositoryError> {
        Ok(self.read(|connection| instance_of(connection, position))?)
    }
}

/// Stores what an outcome brings, in the place of what its message brought before.
pub(super) fn store(unit: &Unit<'_>, outcome: &Outcome, touched: &mut Touched) -> Result<()> {
    let Some((person, instance)) = imaging::of(outcome) else { return Ok(()) };
    let position = outcome.facts.position;
    let (partition, offset) = (position.partition.0, int(position.offset.0)?);
    let sql = "SELECT study, person, facts, provider FROM imaging_instance WHERE partition_id = ?1 AND log_offset = ?2";
    let mut find = unit.tx.prepare_cached(sql)?;
    let mut rows = find.query(params![partition, offset])?;
    while let Some(row) = rows.next()? {
        let facts: String = row.get(2)?;
        let former = imaging::read(position, row.get(1)?, row.get(3)?, &facts, None)?;
        touched.insert((former.instance.study, former.person));
    }
    let Instance { study, series, instance: uid, search, .. } = instance;
    let (facts, metadata) = imaging::write(instance);
    unit.tx
        .prepare_cached(
            "INSERT OR REPLACE INTO imaging_instance (partition_id, log_offset, person, provider, study, series, instance, \
             study_date, modality, accession, patient_id, facts, metadata) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            partition,
            offset,
            person.0,
            outcome.facts.provider.0,
            study.as_str(),
            series.as_str(),
            uid.as_str(),
            search.study_date,
            search.modality,
            search.accession.expose(),
            search.patient_id.expose(),
            facts,
            metadata,
        ])?;
    touched.insert((study.clone(), person));
    Ok(())
}

/// Counts the studies anew whose instances changed.
pub(super) fn count_anew(unit: &Unit<'_>, touched: &Touched) -> Result<()> {
    for (study, person) in touched {
        let values = params![study.as_str(), person.0];
        unit.tx.prepare_cached("DELETE FROM imaging_study WHERE study = ?1 AND person = ?2")?.execute(values)?;
        let sql = "INSERT INTO imaging_study (study, person, date, modalities, series, instances) \
                   SELECT ?1, ?2, coalesce(min(nullif(study_date, '')), ''), group_concat(DISTINCT modality), \
                   count(DISTINCT series), count(DISTINCT instance) FROM imaging_instance \
                   WHERE study = ?1 AND person = ?2 HAVING count(*) > 0";
        unit.tx.prepare_cached(sql)?.execute(values)?;
    }
    Ok(())
}

/// Adds all instances to the digest of the content.
pub(super) fn digest(connection: &Connection, records: Digest) -> Result<Digest> {
    let sql = "SELECT partition_id, log_offset, person, provider, facts, metadata FROM imaging_instance \
               ORDER BY partition_id, log_offset";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut hasher = None;
    while let Some(row) = rows.next()? {
        imaging::add(hasher.get_or_insert_with(Sha256::new), &instance(row)?);
    }
    Ok(imaging::together(records, hasher))
}

fn studies(connection: &Connection, query: &StudyQuery, limit: u32) -> Result<Vec<StudyRow>> {
    // Conditions that are not asked are left out, so that each question finds its index.
    let has = |column: &str, asked: bool| match asked {
        true => format!(
            " AND EXISTS (SELECT 1 FROM imaging_instance AS i WHERE i.{column} = :{column} AND i.{column} <> '' \
             AND i.study = s.study AND i.person = s.person)"
        ),
        false => String::new(),
    };
    let study = if query.study.is_some() { " AND s.study = :study" } else { "" };
    let person = if query.person.is_some() { " AND s.person = :person" } else { "" };
    let sql = format!(
        "SELECT s.study, s.person, s.date, s.modalities, s.series, s.instances FROM imaging_study AS s \
         WHERE (:since IS NULL OR s.date >= :since) AND (:until IS NULL OR (s.date <= :until AND s.date <> '')) \
         AND (:after IS NULL OR s.date < :after OR (s.date = :after AND (s.study, s.person) > (:after_study, :after_person)))\
         {study}{person}{}{} ORDER BY s.date DESC, s.study, s.person LIMIT :limit",
        has("accession", query.accession.is_some()),
        has("patient_id", query.patient_id.is_some()),
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut binder = super::posting::Binder::new(&mut statement);
    binder.set(":study", query.study.as_ref().map(|uid| uid.as_str()))?;
    binder.set(":person", query.person.map(|person| person.0))?;
    binder.set(":accession", query.accession.as_ref().map(|text| text.expose().as_str()))?;
    binder.set(":patient_id", query.patient_id.as_ref().map(|text| text.expose().as_str()))?;
    binder.set(":since", query.since.as_deref())?;
    binder.set(":until", query.until.as_deref())?;
    binder.set(":after", query.after.as_ref().map(|(date, _, _)| date.as_str()))?;
    binder.set(":after_study", query.after.as_ref().map(|(_, study, _)| study.as_str()))?;
    binder.set(":after_person", query.after.as_ref().map(|(_, _, person)| person.0))?;
    binder.set(":limit", Some(limit))?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (study, modalities): (String, String) = (row.get(0)?, row.get(3)?);
        let numbers = (count(row.get(4)?)?, count(row.get(5)?)?);
        found.push(imaging::study((&study, row.get(1)?, row.get(2)?, &modalities, numbers.0, numbers.1))?);
    }
    Ok(found)
}

fn instances(connection: &Connection, query: &InstanceQuery, limit: u32) -> Result<Vec<InstanceRow>> {
    let metadata = if query.metadata { "metadata" } else { "NULL" };
    let sql = format!(
        "SELECT partition_id, log_offset, person, provider, facts, {metadata} FROM imaging_instance \
         WHERE study = :study AND (:series IS NULL OR series = :series) AND (:instance IS NULL OR instance = :instance) \
         AND (:person IS NULL OR person = :person) AND (:after IS NULL OR \
         (series, instance, partition_id, log_offset) > (:after, :after_instance, :partition, :offset)) \
         ORDER BY series, instance, partition_id, log_offset LIMIT :limit"
    );
    let after = query.after.as_ref();
    let offset = after.map(|(_, _, position)| int(position.offset.0)).transpose()?;
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(named_params! {
        ":study": query.study.as_str(),
        ":series": query.series.as_ref().map(|uid| uid.as_str()),
        ":instance": query.instance.as_ref().map(|uid| uid.as_str()),
        ":person": query.person.map(|person| person.0),
        ":after": after.map(|(series, _, _)| series.as_str()),
        ":after_instance": after.map(|(_, instance, _)| instance.as_str()),
        ":partition": after.map(|(_, _, position)| position.partition.0),
        ":offset": offset,
        ":limit": limit,
    })?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(instance(row)?);
    }
    Ok(found)
}

fn instance_of(connection: &Connection, position: Position) -> Result<Option<InstanceRow>> {
    let sql = "SELECT partition_id, log_offset, person, provider, facts, NULL FROM imaging_instance \
               WHERE partition_id = ?1 AND log_offset = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![position.partition.0, int(position.offset.0)?])?;
    rows.next()?.map(instance).transpose()
}

fn instance(row: &rusqlite::Row<'_>) -> Result<InstanceRow> {
    let facts: String = row.get(4)?;
    let metadata: Option<Vec<u8>> = row.get(5)?;
    imaging::read(position_of(row.get(0)?, row.get(1)?)?, row.get(2)?, row.get(3)?, &facts, metadata.as_deref())
}
