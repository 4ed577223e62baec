//! The index of instances.

mod ruling;
pub(super) mod table;

use causeway_core::dicom::instance::{ConflictQuery, InstanceQuery, InstanceRow, OpenStudy, StudyQuery, StudyRow};
use causeway_core::dicom::ruling::{Ruling, RulingEffect, RulingQuery, RulingRow};
use causeway_core::envelope::{Digest, Position};
use causeway_core::port::{Images, RedoMode, RepositoryError};
use jiff::Timestamp;
use rusqlite::{Connection, named_params, params};
use sha2::{Digest as _, Sha256};

use super::codec::{count, int, micros, position_of};
use super::error::Result;
use super::{Ending, SqliteRepository};
use crate::repository::imaging;

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

    fn conflicts(&self, query: &ConflictQuery) -> std::result::Result<Vec<InstanceRow>, RepositoryError> {
        Ok(self.read(|connection| conflicts(connection, query, self.bounded(query.limit)))?)
    }

    fn open_studies(&self, before: Timestamp, limit: u32) -> std::result::Result<Vec<OpenStudy>, RepositoryError> {
        Ok(self.read(|connection| open_studies(connection, before, self.bounded(limit)))?)
    }

    fn open_study_count(&self) -> std::result::Result<u64, RepositoryError> {
        let sql = "SELECT count(*) FROM imaging_open";
        Ok(self.read(|connection| count(connection.query_row(sql, [], |row| row.get(0))?))?)
    }

    fn close_study(&self, study: &OpenStudy) -> std::result::Result<(), RepositoryError> {
        let OpenStudy { study, person, provider, position, at } = study;
        let sql = "DELETE FROM imaging_open WHERE study = ?1 AND person = ?2 AND provider = ?3 AND partition_id = ?4 \
                   AND log_offset = ?5 AND at = ?6";
        Ok(self.write(|unit| {
            let (partition, offset) = (position.partition.0, int(position.offset.0)?);
            let values = params![study.as_str(), person.0, provider.0, partition, offset, micros(*at)];
            unit.tx.prepare_cached(sql)?.execute(values)?;
            Ok(())
        })?)
    }

    fn rule(&self, ruling: &Ruling, mode: RedoMode) -> std::result::Result<RulingEffect, RepositoryError> {
        Ok(self.write_or_not(Ending::of(mode), |unit| ruling::rule(unit, ruling))?)
    }

    fn rulings(&self, query: &RulingQuery) -> std::result::Result<Vec<RulingRow>, RepositoryError> {
        Ok(self.read(|connection| ruling::list(connection, query, self.bounded(query.limit)))?)
    }

    fn conflicting(&self) -> std::result::Result<u64, RepositoryError> {
        let sql = "SELECT count(DISTINCT instance) FROM imaging_mark WHERE conflict <> '' AND conflict <> 'corrected'";
        Ok(self.read(|connection| count(connection.query_row(sql, [], |row| row.get(0))?))?)
    }
}

/// The columns of [`instance`], from `imaging_instance AS i` and [`MARKS`], but for the metadata.
const COLUMNS: &str = "i.partition_id, i.log_offset, i.person, i.provider, i.facts, m.hidden, m.conflict";
/// What belongs to it.
const MARKS: &str = "LEFT JOIN imaging_mark AS m ON m.partition_id = i.partition_id AND m.log_offset = i.log_offset";

/// Adds all instances to the digest of the content.
pub(super) fn digest(connection: &Connection, records: Digest) -> Result<Digest> {
    let sql = format!(
        "SELECT {COLUMNS}, i.metadata FROM imaging_instance AS i {MARKS} ORDER BY i.partition_id, i.log_offset"
    );
    let mut statement = connection.prepare(&sql)?;
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
             AND i.study = s.study AND i.person = s.person AND {})",
            table::SHOWN
        ),
        false => String::new(),
    };
    let study = if query.study.is_some() { " AND s.study = :study" } else { "" };
    let person = if query.person.is_some() { " AND s.person = :person" } else { "" };
    let sql = format!(
        "SELECT s.study, s.person, s.date, s.modalities, s.series, s.instances FROM imaging_study AS s \
         WHERE (:since IS NULL OR s.date >= :since) AND (:until IS NULL OR (s.date <= :until AND s.date <> '')) \
         AND (:after IS NULL OR s.date < :after OR (s.date = :after AND (s.study, s.person) > (:after_study, :after_person)))\
         {study}{person}{}{}{} ORDER BY s.date DESC, s.study, s.person LIMIT :limit",
        has("accession", query.accession.is_some()),
        has("patient_id", query.patient_id.is_some()),
        has("modality", query.modality.is_some()),
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut binder = super::posting::Binder::new(&mut statement);
    binder.set(":study", query.study.as_ref().map(|uid| uid.as_str()))?;
    binder.set(":person", query.person.map(|person| person.0))?;
    binder.set(":accession", query.accession.as_ref().map(|text| text.expose().as_str()))?;
    binder.set(":patient_id", query.patient_id.as_ref().map(|text| text.expose().as_str()))?;
    binder.set(":modality", query.modality.as_deref())?;
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

fn open_studies(connection: &Connection, before: Timestamp, limit: u32) -> Result<Vec<OpenStudy>> {
    let sql = "SELECT study, person, provider, partition_id, log_offset, at FROM imaging_open \
               WHERE at < ?1 OR told = 1 ORDER BY at, study, person, provider LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![micros(before), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let study: String = row.get(0)?;
        let position = position_of(row.get(3)?, row.get(4)?)?;
        found.push(imaging::open((&study, row.get(1)?, row.get(2)?, position, row.get(5)?))?);
    }
    Ok(found)
}

fn instances(connection: &Connection, query: &InstanceQuery, limit: u32) -> Result<Vec<InstanceRow>> {
    let metadata = if query.metadata { "i.metadata" } else { "NULL" };
    let shown = if query.hidden { "" } else { "AND (m.hidden IS NULL OR m.hidden = '')" };
    let sql = format!(
        "SELECT {COLUMNS}, {metadata} FROM imaging_instance AS i {MARKS} \
         WHERE i.study = :study AND (:series IS NULL OR i.series = :series) \
         AND (:instance IS NULL OR i.instance = :instance) \
         AND (:person IS NULL OR i.person = :person) AND (:after IS NULL OR \
         (i.series, i.instance, i.partition_id, i.log_offset) > (:after, :after_instance, :partition, :offset)) {shown} \
         ORDER BY i.series, i.instance, i.partition_id, i.log_offset LIMIT :limit"
    );
    let after = query.after.as_ref();
    let offset = after.map(|(_, _, position)| int(position.offset.0)).transpose()?;
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(named_params! {
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
    instances_of(rows)
}

fn instances_of(mut rows: rusqlite::Rows<'_>) -> Result<Vec<InstanceRow>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(instance(row)?);
    }
    Ok(found)
}

fn instance_of(connection: &Connection, position: Position) -> Result<Option<InstanceRow>> {
    let sql = format!(
        "SELECT {COLUMNS}, NULL FROM imaging_instance AS i {MARKS} WHERE i.partition_id = ?1 AND i.log_offset = ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![position.partition.0, int(position.offset.0)?])?;
    rows.next()?.map(instance).transpose()
}

fn conflicts(connection: &Connection, query: &ConflictQuery, limit: u32) -> Result<Vec<InstanceRow>> {
    let named = if query.instance.is_some() { "AND m.instance = :instance" } else { "AND :instance IS NULL" };
    let sql = format!(
        "SELECT {COLUMNS}, NULL FROM imaging_mark AS m JOIN imaging_instance AS i \
         ON i.partition_id = m.partition_id AND i.log_offset = m.log_offset WHERE m.conflict <> '' {named} \
         AND (:after IS NULL OR (m.instance, m.partition_id, m.log_offset) > (:after, :partition, :offset)) \
         ORDER BY m.instance, m.partition_id, m.log_offset LIMIT :limit"
    );
    let after = query.after.as_ref();
    let offset = after.map(|(_, position)| int(position.offset.0)).transpose()?;
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query(named_params! {
        ":instance": query.instance.as_ref().map(|uid| uid.as_str()),
        ":after": after.map(|(instance, _)| instance.as_str()),
        ":partition": after.map(|(_, position)| position.partition.0),
        ":offset": offset,
        ":limit": limit,
    })?;
    instances_of(rows)
}

fn instance(row: &rusqlite::Row<'_>) -> Result<InstanceRow> {
    let (facts, hidden, conflict): (String, Option<String>, Option<String>) = (row.get(4)?, row.get(5)?, row.get(6)?);
    let metadata: Option<Vec<u8>> = row.get(7)?;
    let place = (position_of(row.get(0)?, row.get(1)?)?, row.get(2)?, row.get(3)?);
    imaging::read(place, &facts, metadata.as_deref(), (hidden.as_deref(), conflict.as_deref()))
}
