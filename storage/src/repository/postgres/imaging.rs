//! The index of instances: see the module of the same name of the embedded engine.

mod ruling;
pub(super) mod table;

use causeway_core::dicom::instance::{ConflictQuery, InstanceQuery, InstanceRow, OpenStudy, StudyQuery, StudyRow};
use causeway_core::dicom::ruling::{Ruling, RulingEffect, RulingQuery, RulingRow};
use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::{Digest, Position};
use causeway_core::port::{Images, RedoMode, RepositoryError};
use jiff::Timestamp;
use postgres::Row;
use sha2::{Digest as _, Sha256};

use super::session::{Session, get};
use super::{Ending, PostgresRepository};
use crate::repository::codec::{count, int, micros, position_of};
use crate::repository::error::Result;
use crate::repository::imaging;

/// Instances read at once for the digest.
const PART: &str = "FETCH FORWARD 200 FROM instances";

impl Images for PostgresRepository {
    fn studies(&self, query: &StudyQuery) -> std::result::Result<Vec<StudyRow>, RepositoryError> {
        Ok(self.read(|session| studies(session, query, self.bounded(query.limit)))?)
    }

    fn instances(&self, query: &InstanceQuery) -> std::result::Result<Vec<InstanceRow>, RepositoryError> {
        Ok(self.read(|session| instances(session, query, self.bounded(query.limit)))?)
    }

    fn instance_of(&self, position: Position) -> std::result::Result<Option<InstanceRow>, RepositoryError> {
        Ok(self.read(|session| instance_of(session, position))?)
    }

    fn conflicts(&self, query: &ConflictQuery) -> std::result::Result<Vec<InstanceRow>, RepositoryError> {
        Ok(self.read(|session| conflicts(session, query, self.bounded(query.limit)))?)
    }

    fn open_studies(&self, before: Timestamp, limit: u32) -> std::result::Result<Vec<OpenStudy>, RepositoryError> {
        Ok(self.read(|session| open_studies(session, before, self.bounded(limit)))?)
    }

    fn open_study_count(&self) -> std::result::Result<u64, RepositoryError> {
        let sql = "SELECT count(*) FROM imaging_open";
        Ok(self.read(|session| session.first(sql, &[])?.map_or(Ok(0), |row| count(get(&row, 0)?)))?)
    }

    fn close_study(&self, study: &OpenStudy) -> std::result::Result<(), RepositoryError> {
        let OpenStudy { study, person, provider, position, at } = study;
        let sql = "DELETE FROM imaging_open WHERE study = $1 AND person = $2 AND provider = $3 AND partition_id = $4 \
                   AND log_offset = $5 AND at = $6";
        Ok(self.write(|unit| {
            let (partition, offset) = (i32::from(position.partition.0), int(position.offset.0)?);
            unit.execute(sql, &[&study.as_str(), &person.0, &provider.0, &partition, &offset, &micros(*at)])?;
            Ok(())
        })?)
    }

    fn rule(&self, ruling: &Ruling, mode: RedoMode) -> std::result::Result<RulingEffect, RepositoryError> {
        Ok(self.write_or_not(Ending::of(mode), |unit| ruling::rule(unit, ruling))?.0)
    }

    fn rulings(&self, query: &RulingQuery) -> std::result::Result<Vec<RulingRow>, RepositoryError> {
        Ok(self.read(|session| ruling::list(session, query, self.bounded(query.limit)))?)
    }

    fn conflicting(&self) -> std::result::Result<u64, RepositoryError> {
        let sql = "SELECT count(DISTINCT instance) FROM imaging_mark WHERE conflict <> '' AND conflict <> 'corrected'";
        Ok(self.read(|session| session.first(sql, &[])?.map_or(Ok(0), |row| count(get(&row, 0)?)))?)
    }
}

/// The columns of [`instance`], from `imaging_instance AS i` and [`MARKS`], but for the metadata.
const COLUMNS: &str = "i.partition_id, i.log_offset, i.person, i.provider, i.facts, m.hidden, m.conflict";
/// What belongs to it.
const MARKS: &str = "LEFT JOIN imaging_mark AS m ON m.partition_id = i.partition_id AND m.log_offset = i.log_offset";

/// Adds all instances to the digest of the content. Runs inside a transaction that sees one state.
pub(super) fn digest(session: &mut Session, records: Digest) -> Result<Digest> {
    session.batch(&format!(
        "DECLARE instances NO SCROLL CURSOR FOR SELECT {COLUMNS}, i.metadata FROM imaging_instance AS i {MARKS} \
         ORDER BY i.partition_id, i.log_offset"
    ))?;
    let mut hasher = None;
    loop {
        let rows = session.query_once(PART, &[])?;
        if rows.is_empty() {
            session.batch("CLOSE instances")?;
            return Ok(imaging::together(records, hasher));
        }
        for row in &rows {
            imaging::add(hasher.get_or_insert_with(Sha256::new), &instance(row)?);
        }
    }
}

fn open_studies(session: &mut Session, before: Timestamp, limit: u32) -> Result<Vec<OpenStudy>> {
    let sql = "SELECT study, person, provider, partition_id, log_offset, at FROM imaging_open \
               WHERE at < $1 OR told ORDER BY at, study, person, provider LIMIT $2";
    let one = |row: &Row| {
        let position = position_of(get::<i32>(row, 3)?.into(), get(row, 4)?)?;
        imaging::open((get(row, 0)?, get(row, 1)?, get(row, 2)?, position, get(row, 5)?))
    };
    session.query(sql, &[&micros(before), &i64::from(limit)])?.iter().map(one).collect()
}

fn studies(session: &mut Session, query: &StudyQuery, limit: u32) -> Result<Vec<StudyRow>> {
    let has = |column: &str, asked: bool, parameter: u8| match asked {
        true => format!(
            " AND EXISTS (SELECT 1 FROM imaging_instance AS i WHERE i.{column} = ${parameter} AND i.{column} <> '' \
             AND i.study = s.study AND i.person = s.person AND {})",
            table::SHOWN
        ),
        false => format!(" AND ${parameter}::text IS NULL"),
    };
    let sql = format!(
        "SELECT s.study, s.person, s.date, s.modalities, s.series, s.instances FROM imaging_study AS s \
         WHERE ($1::text IS NULL OR s.study = $1) AND ($2::int8 IS NULL OR s.person = $2) \
         AND ($3::text IS NULL OR s.date >= $3) AND ($4::text IS NULL OR (s.date <= $4 AND s.date <> '')) \
         AND ($5::text IS NULL OR s.date < $5 OR (s.date = $5 AND (s.study, s.person) > ($6::text, $7::int8))){}{}{} \
         ORDER BY s.date DESC, s.study, s.person LIMIT $8",
        has("accession", query.accession.is_some(), 9),
        has("patient_id", query.patient_id.is_some(), 10),
        has("modality", query.modality.is_some(), 11),
    );
    let after = query.after.as_ref();
    let rows = session.query(
        &sql,
        &[
            &query.study.as_ref().map(Uid::as_str),
            &query.person.map(|person| person.0),
            &query.since,
            &query.until,
            &after.map(|(date, _, _)| date.as_str()),
            &after.map(|(_, study, _)| study.as_str()),
            &after.map(|(_, _, person)| person.0),
            &i64::from(limit),
            &query.accession.as_ref().map(|text| text.expose().as_str()),
            &query.patient_id.as_ref().map(|text| text.expose().as_str()),
            &query.modality,
        ],
    )?;
    let read = |row: &Row| {
        let numbers = (count(get(row, 4)?)?, count(get(row, 5)?)?);
        imaging::study((get(row, 0)?, get(row, 1)?, get(row, 2)?, get(row, 3)?, numbers.0, numbers.1))
    };
    rows.iter().map(read).collect()
}

fn instances(session: &mut Session, query: &InstanceQuery, limit: u32) -> Result<Vec<InstanceRow>> {
    let metadata = if query.metadata { "i.metadata" } else { "NULL::bytea" };
    let shown = if query.hidden { "" } else { "AND (m.hidden IS NULL OR m.hidden = '')" };
    let sql = format!(
        "SELECT {COLUMNS}, {metadata} FROM imaging_instance AS i {MARKS} \
         WHERE i.study = $1 AND ($2::text IS NULL OR i.series = $2) AND ($3::text IS NULL OR i.instance = $3) \
         AND ($4::int8 IS NULL OR i.person = $4) AND ($5::text IS NULL OR \
         (i.series, i.instance, i.partition_id, i.log_offset) > ($5, $6::text, $7::int4, $8::int8)) {shown} \
         ORDER BY i.series, i.instance, i.partition_id, i.log_offset LIMIT $9"
    );
    let after = query.after.as_ref();
    let offset = after.map(|(_, _, position)| int(position.offset.0)).transpose()?;
    let rows = session.query(
        &sql,
        &[
            &query.study.as_str(),
            &query.series.as_ref().map(Uid::as_str),
            &query.instance.as_ref().map(Uid::as_str),
            &query.person.map(|person| person.0),
            &after.map(|(series, _, _)| series.as_str()),
            &after.map(|(_, instance, _)| instance.as_str()),
            &after.map(|(_, _, position)| i32::from(position.partition.0)),
            &offset,
            &i64::from(limit),
        ],
    )?;
    rows.iter().map(instance).collect()
}

fn instance_of(session: &mut Session, position: Position) -> Result<Option<InstanceRow>> {
    let sql = format!(
        "SELECT {COLUMNS}, NULL::bytea FROM imaging_instance AS i {MARKS} \
         WHERE i.partition_id = $1 AND i.log_offset = $2"
    );
    let (partition, offset) = (i32::from(position.partition.0), int(position.offset.0)?);
    session.query(&sql, &[&partition, &offset])?.first().map(instance).transpose()
}

fn conflicts(session: &mut Session, query: &ConflictQuery, limit: u32) -> Result<Vec<InstanceRow>> {
    let sql = format!(
        "SELECT {COLUMNS}, NULL::bytea FROM imaging_mark AS m JOIN imaging_instance AS i \
         ON i.partition_id = m.partition_id AND i.log_offset = m.log_offset \
         WHERE m.conflict <> '' AND ($1::text IS NULL OR m.instance = $1) AND ($2::text IS NULL OR \
         (m.instance, m.partition_id, m.log_offset) > ($2, $3::int4, $4::int8)) \
         ORDER BY m.instance, m.partition_id, m.log_offset LIMIT $5"
    );
    let after = query.after.as_ref();
    let offset = after.map(|(_, position)| int(position.offset.0)).transpose()?;
    let rows = session.query(
        &sql,
        &[
            &query.instance.as_ref().map(Uid::as_str),
            &after.map(|(instance, _)| instance.as_str()),
            &after.map(|(_, position)| i32::from(position.partition.0)),
            &offset,
            &i64::from(limit),
        ],
    )?;
    rows.iter().map(instance).collect()
}

fn instance(row: &Row) -> Result<InstanceRow> {
    let position = position_of(get::<i32>(row, 0)?.into(), get(row, 1)?)?;
    imaging::read((position, get(row, 2)?, get(row, 3)?), get(row, 4)?, get(row, 7)?, (get(row, 5)?, get(row, 6)?))
}
