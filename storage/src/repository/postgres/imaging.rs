//! The index of instances: see the module of the same name of the embedded engine.

use causeway_core::dicom::instance::{Instance, InstanceQuery, InstanceRow, StudyQuery, StudyRow};
use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::{Digest, Position};
use causeway_core::outcome::Outcome;
use causeway_core::person::PersonId;
use causeway_core::port::{Images, RepositoryError};
use postgres::Row;
use sha2::{Digest as _, Sha256};

use super::PostgresRepository;
use super::session::{Session, get};
use super::unit::Unit;
use crate::repository::codec::{count, int, position_of};
use crate::repository::error::{Result, damaged};
use crate::repository::imaging::{self, Touched};

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
}

/// Stores what outcomes bring, in the place of what their messages brought before, and counts their studies anew.
pub(super) fn store<'o>(unit: &mut Unit<'_>, outcomes: impl Iterator<Item = &'o Outcome>) -> Result<()> {
    let mut touched = Touched::new();
    for outcome in outcomes {
        if let Some((person, instance)) = imaging::of(outcome) {
            store_one(unit, outcome, person, instance, &mut touched)?;
        }
    }
    for (study, person) in &touched {
        let (study, person) = (study.as_str(), person.0);
        unit.execute("DELETE FROM imaging_study WHERE study = $1 AND person = $2", &[&study, &person])?;
        let sql = "INSERT INTO imaging_study (study, person, date, modalities, series, instances) \
                   SELECT $1, $2, coalesce(min(nullif(study_date, '')), ''), string_agg(DISTINCT modality, ','), \
                   count(DISTINCT series), count(DISTINCT instance) FROM imaging_instance \
                   WHERE study = $1 AND person = $2 HAVING count(*) > 0 \
                   ON CONFLICT (study, person) DO UPDATE SET date = excluded.date, modalities = excluded.modalities, \
                   series = excluded.series, instances = excluded.instances";
        unit.execute(sql, &[&study, &person])?;
    }
    Ok(())
}

fn store_one(
    unit: &mut Unit<'_>,
    outcome: &Outcome,
    person: PersonId,
    instance: &Instance,
    touched: &mut Touched,
) -> Result<()> {
    let position = outcome.facts.position;
    let (partition, offset) = (i32::from(position.partition.0), int(position.offset.0)?);
    let sql = "DELETE FROM imaging_instance WHERE partition_id = $1 AND log_offset = $2 RETURNING study, person";
    for row in unit.query(sql, &[&partition, &offset])? {
        let study = Uid::parse(get(&row, 0)?).ok().ok_or_else(|| damaged("the UID of a study"))?;
        touched.insert((study, PersonId(get(&row, 1)?)));
    }
    let Instance { study, series, instance: uid, search, .. } = instance;
    let (facts, metadata) = imaging::write(instance);
    unit.execute(
        "INSERT INTO imaging_instance (partition_id, log_offset, person, provider, study, series, instance, study_date, \
         modality, accession, patient_id, facts, metadata) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            &partition,
            &offset,
            &person.0,
            &outcome.facts.provider.0,
            &study.as_str(),
            &series.as_str(),
            &uid.as_str(),
            &search.study_date,
            &search.modality,
            search.accession.expose(),
            search.patient_id.expose(),
            &facts,
            &metadata,
        ],
    )?;
    touched.insert((study.clone(), person));
    Ok(())
}

/// Adds all instances to the digest of the content. Runs inside a transaction that sees one state.
pub(super) fn digest(session: &mut Session, records: Digest) -> Result<Digest> {
    session.batch(
        "DECLARE instances NO SCROLL CURSOR FOR SELECT partition_id, log_offset, person, provider, facts, metadata \
         FROM imaging_instance ORDER BY partition_id, log_offset",
    )?;
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

fn studies(session: &mut Session, query: &StudyQuery, limit: u32) -> Result<Vec<StudyRow>> {
    let has = |column: &str, asked: bool, parameter: u8| match asked {
        true => format!(
            " AND EXISTS (SELECT 1 FROM imaging_instance AS i WHERE i.{column} = ${parameter} AND i.{column} <> '' \
             AND i.study = s.study AND i.person = s.person)"
        ),
        false => format!(" AND ${parameter}::text IS NULL"),
    };
    let sql = format!(
        "SELECT s.study, s.person, s.date, s.modalities, s.series, s.instances FROM imaging_study AS s \
         WHERE ($1::text IS NULL OR s.study = $1) AND ($2::int8 IS NULL OR s.person = $2) \
         AND ($3::text IS NULL OR s.date >= $3) AND ($4::text IS NULL OR (s.date <= $4 AND s.date <> '')) \
         AND ($5::text IS NULL OR s.date < $5 OR (s.date = $5 AND (s.study, s.person) > ($6::text, $7::int8))){}{} \
         ORDER BY s.date DESC, s.study, s.person LIMIT $8",
        has("accession", query.accession.is_some(), 9),
        has("patient_id", query.patient_id.is_some(), 10),
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
        ],
    )?;
    let read = |row: &Row| {
        let numbers = (count(get(row, 4)?)?, count(get(row, 5)?)?);
        imaging::study((get(row, 0)?, get(row, 1)?, get(row, 2)?, get(row, 3)?, numbers.0, numbers.1))
    };
    rows.iter().map(read).collect()
}

fn instances(session: &mut Session, query: &InstanceQuery, limit: u32) -> Result<Vec<InstanceRow>> {
    let metadata = if query.metadata { "metadata" } else { "NULL::bytea" };
    let sql = format!(
        "SELECT partition_id, log_offset, person, provider, facts, {metadata} FROM imaging_instance \
         WHERE study = $1 AND ($2::text IS NULL OR series = $2) AND ($3::text IS NULL OR instance = $3) \
         AND ($4::int8 IS NULL OR person = $4) AND ($5::text IS NULL OR \
         (series, instance, partition_id, log_offset) > ($5, $6::text, $7::int4, $8::int8)) \
         ORDER BY series, instance, partition_id, log_offset LIMIT $9"
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
    let sql = "SELECT partition_id, log_offset, person, provider, facts, NULL::bytea FROM imaging_instance \
               WHERE partition_id = $1 AND log_offset = $2";
    let (partition, offset) = (i32::from(position.partition.0), int(position.offset.0)?);
    session.query(sql, &[&partition, &offset])?.first().map(instance).transpose()
}

fn instance(row: &Row) -> Result<InstanceRow> {
    let position = position_of(get::<i32>(row, 0)?.into(), get(row, 1)?)?;
    imaging::read(position, get(row, 2)?, get(row, 3)?, get(row, 4)?, get(row, 5)?)
}
