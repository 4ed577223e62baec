//! The index of instances inside a writing transaction.

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::dicom::change::Hidden;
use causeway_core::dicom::instance::{Instance, InstanceRow, OpenStudy};
use causeway_core::dicom::ruling::{Ruling, Verdict};
use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::Position;
use causeway_core::outcome::Outcome;
use causeway_core::person::PersonId;
use causeway_core::port::{MessageDetail, RecordRow};
use causeway_core::provider::ProviderId;
use causeway_core::record::RecordKey;
use postgres::Row;
use serde_json::Value;

use super::super::clock::Clock;
use super::super::session::get;
use super::super::text::put;
use super::super::unit::Unit;
use super::super::{messages, records};
use super::{COLUMNS, MARKS, instance, ruling};
use crate::repository::codec::{int, micros};
use crate::repository::error::{Result, damaged};
use crate::repository::growing;
use crate::repository::imaging::index::Index;
use crate::repository::imaging::{read_part, write, write_part};
use crate::repository::place::place;

/// Says of `imaging_instance AS i` that readers find it.
pub(super) const SHOWN: &str = "NOT EXISTS (SELECT 1 FROM imaging_mark AS m WHERE m.partition_id = i.partition_id \
                                AND m.log_offset = i.log_offset AND m.hidden <> '')";

/// The tables.
pub(in crate::repository::postgres) struct Table<'t, 'u>(pub(in crate::repository::postgres) &'t mut Unit<'u>);

impl Index for Table<'_, '_> {
    fn owners(&mut self, studies: &BTreeSet<Uid>) -> Result<BTreeMap<Uid, BTreeSet<PersonId>>> {
        let uids: Vec<&str> = studies.iter().map(Uid::as_str).collect();
        // In order, so that two transactions do not wait for each other crosswise; and before anything is read, so that of
        // two lanes with one study for two persons one sees the other's. A ruling that is being made is waited for.
        let sql = "SELECT pg_advisory_xact_lock_shared(hashtextextended('causeway rulings ' || current_schema(), 0)), \
                   pg_advisory_xact_lock(hashtextextended('causeway study ' || study, 0)) \
                   FROM (SELECT unnest($1::text[]) AS study ORDER BY 1) AS s";
        self.0.query(sql, &[&uids])?;
        let sql = format!(
            "SELECT study, person FROM imaging_study WHERE study = ANY ($1::text[]) \
             UNION SELECT study, person FROM imaging_mark \
                    WHERE study = ANY ($1::text[]) AND hidden <> '' AND hidden = '{}'",
            Hidden::ByHand.as_str()
        );
        let mut owners: BTreeMap<Uid, BTreeSet<PersonId>> = BTreeMap::new();
        for row in self.0.query(&sql, &[&uids])? {
            owners.entry(study_of(&row)?).or_default().insert(PersonId(get(&row, 1)?));
        }
        Ok(owners)
    }

    fn twins(&mut self, instances: &BTreeSet<Uid>) -> Result<Vec<InstanceRow>> {
        let uids: Vec<&str> = instances.iter().map(Uid::as_str).collect();
        let sql = format!(
            "SELECT {COLUMNS}, NULL::bytea FROM imaging_instance AS i {MARKS} WHERE i.instance = ANY ($1::text[]) \
             ORDER BY i.partition_id, i.log_offset"
        );
        self.0.query(&sql, &[&uids])?.iter().map(instance).collect()
    }

    fn put(&mut self, outcome: &Outcome, person: PersonId, instance: &Instance) -> Result<Vec<(Uid, PersonId)>> {
        let position = outcome.facts.position;
        let (partition, offset) = (i32::from(position.partition.0), int(position.offset.0)?);
        let sql = "WITH mark AS (DELETE FROM imaging_mark WHERE partition_id = $1 AND log_offset = $2) \
                   DELETE FROM imaging_instance WHERE partition_id = $1 AND log_offset = $2 RETURNING study, person";
        let former = self.0.query(sql, &[&partition, &offset])?;
        let Instance { study, series, instance: uid, search, .. } = instance;
        let (facts, metadata) = write(instance);
        self.0.execute(
            "INSERT INTO imaging_instance (partition_id, log_offset, person, provider, study, series, instance, \
             study_date, modality, accession, patient_id, facts, metadata, part) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
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
                &write_part(outcome),
            ],
        )?;
        former.iter().map(|row| Ok((study_of(row)?, PersonId(get(row, 1)?)))).collect()
    }

    fn hides(&mut self, study: &Uid, person: PersonId) -> Result<bool> {
        let sql = "SELECT 1 FROM imaging_mark WHERE study = $1 AND person = $2 AND hidden <> '' LIMIT 1";
        Ok(!self.0.query(sql, &[&study.as_str(), &person.0])?.is_empty())
    }

    fn of_study(&mut self, study: &Uid, person: PersonId, parts: bool) -> Result<Vec<(InstanceRow, Option<Value>)>> {
        let part = if parts { "i.part" } else { "NULL::bytea" };
        let sql = format!(
            "SELECT {COLUMNS}, NULL::bytea, {part} FROM imaging_instance AS i {MARKS} \
             WHERE i.study = $1 AND i.person = $2 ORDER BY i.partition_id, i.log_offset"
        );
        let rows = self.0.query(&sql, &[&study.as_str(), &person.0])?;
        let read = |row: &Row| {
            let part: Option<&[u8]> = get(row, 8)?;
            Ok((instance(row)?, part.map(read_part).transpose()?))
        };
        rows.iter().map(read).collect()
    }

    fn mark(&mut self, row: &InstanceRow) -> Result<()> {
        let sql = "INSERT INTO imaging_mark (partition_id, log_offset, person, study, instance, hidden, conflict) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (partition_id, log_offset) DO UPDATE SET \
                   person = excluded.person, study = excluded.study, instance = excluded.instance, \
                   hidden = excluded.hidden, conflict = excluded.conflict";
        let position = row.position;
        self.0.execute(
            sql,
            &[
                &i32::from(position.partition.0),
                &int(position.offset.0)?,
                &row.person.0,
                &row.instance.study.as_str(),
                &row.instance.instance.as_str(),
                &row.hidden.map_or("", |hidden| hidden.as_str()),
                &row.conflict.map_or("", |conflict| conflict.as_str()),
            ],
        )?;
        Ok(())
    }

    fn count(&mut self, study: &Uid, person: PersonId, uneven: bool) -> Result<()> {
        let (study, person) = (study.as_str(), person.0);
        self.0.execute("DELETE FROM imaging_study WHERE study = $1 AND person = $2", &[&study, &person])?;
        let shown = if uneven { format!("AND {SHOWN}") } else { String::new() };
        let sql = format!(
            "INSERT INTO imaging_study (study, person, date, modalities, series, instances) \
             SELECT $1, $2, coalesce(min(nullif(study_date, '')), ''), string_agg(DISTINCT modality, ','), \
             count(DISTINCT series), count(DISTINCT instance) FROM imaging_instance AS i \
             WHERE study = $1 AND person = $2 {shown} HAVING count(*) > 0 \
             ON CONFLICT (study, person) DO UPDATE SET date = excluded.date, modalities = excluded.modalities, \
             series = excluded.series, instances = excluded.instances"
        );
        self.0.execute(&sql, &[&study, &person])?;
        Ok(())
    }

    fn open(&mut self, study: &OpenStudy) -> Result<()> {
        let sql = "INSERT INTO imaging_open (study, person, provider, partition_id, log_offset, at, told) \
                   VALUES ($1, $2, $3, $4, $5, $6, FALSE) ON CONFLICT (study, person, provider) DO UPDATE SET \
                   partition_id = excluded.partition_id, log_offset = excluded.log_offset, at = excluded.at \
                   WHERE excluded.at >= imaging_open.at";
        self.0.execute(
            sql,
            &[
                &study.study.as_str(),
                &study.person.0,
                &study.provider.0,
                &i32::from(study.position.partition.0),
                &int(study.position.offset.0)?,
                &micros(study.at),
            ],
        )?;
        Ok(())
    }

    fn tell(&mut self, person: PersonId, provider: &ProviderId, accession: &str) -> Result<()> {
        let sql = "UPDATE imaging_open SET told = TRUE WHERE person = $1 AND provider = $2 AND study IN \
                   (SELECT study FROM imaging_instance WHERE accession = $3 AND accession <> '' AND person = $1)";
        self.0.execute(sql, &[&person.0, &provider.0, &accession])?;
        Ok(())
    }

    fn standing(&mut self, person: PersonId, key: &RecordKey) -> Result<Option<RecordRow>> {
        // Whoever else has something of it waits for us.
        let place: &[u8] = &place(key);
        let sql = "SELECT rank, at, log_offset FROM record WHERE person = $1 AND place = $2 FOR NO KEY UPDATE";
        let clock =
            self.0.query(sql, &[&person.0, &place])?.first().map(|row| Clock::read(row, 0)?.public()).transpose()?;
        let row = records::list(self.0.session, &growing::query(person, key), 1)?.into_iter().next();
        Ok(row.map(|row| RecordRow { clock: clock.unwrap_or(row.clock), ..row }))
    }

    fn ruled(&mut self, uids: &BTreeSet<Uid>) -> Result<BTreeMap<Uid, Verdict>> {
        let uids: Vec<&str> = uids.iter().map(Uid::as_str).collect();
        let sql = "SELECT DISTINCT ON (uid) id, uid, verdict, actor, at, reason FROM imaging_ruling \
                   WHERE uid = ANY ($1::text[]) ORDER BY uid, id DESC";
        let mut ruled = BTreeMap::new();
        for row in self.0.query(sql, &[&uids])? {
            let Ruling { uid, verdict, .. } = ruling::read(&row)?.ruling;
            if verdict.hides() {
                ruled.insert(uid, verdict);
            }
        }
        Ok(ruled)
    }

    fn alone(&mut self) -> Result<()> {
        let sql = "SELECT pg_advisory_xact_lock(hashtextextended('causeway rulings ' || current_schema(), 0))";
        self.0.query(sql, &[]).map(drop)
    }

    fn last_ruling(&mut self, uid: &Uid) -> Result<Option<Ruling>> {
        let sql =
            "SELECT id, uid, verdict, actor, at, reason FROM imaging_ruling WHERE uid = $1 ORDER BY id DESC LIMIT 1";
        let rows = self.0.query(sql, &[&uid.as_str()])?;
        rows.first().map(|row| Ok(ruling::read(row)?.ruling)).transpose()
    }

    fn rule(&mut self, ruling: &Ruling) -> Result<()> {
        let Ruling { uid, verdict, by, at, reason } = ruling;
        let sql = "INSERT INTO imaging_ruling (uid, verdict, actor, at, reason) VALUES ($1, $2, $3, $4, $5)";
        let values: [&(dyn postgres::types::ToSql + Sync); 5] =
            [&uid.as_str(), &verdict.as_str(), &put(&by.0), &micros(*at), &put(reason)];
        self.0.execute(sql, &values).map(drop)
    }

    fn under(&mut self, uid: &Uid) -> Result<Vec<InstanceRow>> {
        let sql = format!(
            "SELECT {COLUMNS}, NULL::bytea FROM imaging_instance AS i {MARKS} \
             WHERE i.study = $1 OR i.series = $1 OR i.instance = $1 ORDER BY i.partition_id, i.log_offset"
        );
        self.0.query(&sql, &[&uid.as_str()])?.iter().map(instance).collect()
    }

    fn remove(&mut self, positions: &[Position]) -> Result<()> {
        let partitions: Vec<i32> = positions.iter().map(|position| i32::from(position.partition.0)).collect();
        let offsets: Vec<i64> = positions.iter().map(|position| int(position.offset.0)).collect::<Result<_>>()?;
        for table in ["imaging_instance", "imaging_mark", "imaging_open"] {
            let sql = format!(
                "DELETE FROM {table} WHERE (partition_id, log_offset) IN (SELECT * FROM unnest($1::int4[], $2::int8[]))"
            );
            self.0.execute(&sql, &[&partitions, &offsets])?;
        }
        Ok(())
    }

    fn message(&mut self, position: Position) -> Result<Option<MessageDetail>> {
        let found = messages::trace(self.0.session, &position.to_string())?;
        Ok(found.into_iter().find(|message| message.row.facts.position == position))
    }
}

fn study_of(row: &Row) -> Result<Uid> {
    Uid::parse(get(row, 0)?).ok().ok_or_else(|| damaged("the UID of a study"))
}
