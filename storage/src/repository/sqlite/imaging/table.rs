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
use rusqlite::{OptionalExtension as _, params};
use serde_json::Value;

use super::super::codec::{int, micros};
use super::super::error::{Result, damaged};
use super::super::past::Clock;
use super::super::unit::Unit;
use super::super::{messages, records};
use super::{COLUMNS, MARKS, instance, instances_of, ruling};
use crate::repository::growing;
use crate::repository::imaging::index::Index;
use crate::repository::imaging::{read_part, write, write_part};
use crate::repository::place::place;

/// Says of `imaging_instance AS i` that readers find it.
pub(super) const SHOWN: &str = "NOT EXISTS (SELECT 1 FROM imaging_mark AS m WHERE m.partition_id = i.partition_id \
                                AND m.log_offset = i.log_offset AND m.hidden <> '')";

/// The tables.
pub(in crate::repository::sqlite) struct Table<'u, 'c>(pub(in crate::repository::sqlite) &'u Unit<'c>);

impl Index for Table<'_, '_> {
    fn owners(&mut self, studies: &BTreeSet<Uid>) -> Result<BTreeMap<Uid, BTreeSet<PersonId>>> {
        let sql = format!(
            "SELECT person FROM imaging_study WHERE study = ?1 \
             UNION SELECT person FROM imaging_mark WHERE study = ?1 AND hidden <> '' AND hidden = '{}'",
            Hidden::ByHand.as_str()
        );
        let mut statement = self.0.tx.prepare_cached(&sql)?;
        let mut owners = BTreeMap::new();
        for study in studies {
            let persons = statement.query_map([study.as_str()], |row| row.get(0).map(PersonId))?;
            owners.insert(study.clone(), persons.collect::<rusqlite::Result<_>>()?);
        }
        Ok(owners)
    }

    fn twins(&mut self, instances: &BTreeSet<Uid>) -> Result<Vec<InstanceRow>> {
        let sql = format!(
            "SELECT {COLUMNS}, NULL FROM imaging_instance AS i {MARKS} WHERE i.instance = ?1 \
             ORDER BY i.partition_id, i.log_offset"
        );
        let mut statement = self.0.tx.prepare_cached(&sql)?;
        let mut twins = Vec::new();
        for uid in instances {
            let mut rows = statement.query([uid.as_str()])?;
            while let Some(row) = rows.next()? {
                twins.push(instance(row)?);
            }
        }
        Ok(twins)
    }

    fn put(&mut self, outcome: &Outcome, person: PersonId, instance: &Instance) -> Result<Vec<(Uid, PersonId)>> {
        let position = outcome.facts.position;
        let place = params![position.partition.0, int(position.offset.0)?];
        let sql = "SELECT study, person FROM imaging_instance WHERE partition_id = ?1 AND log_offset = ?2";
        let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?));
        let former = self.0.tx.prepare_cached(sql)?.query_row(place, read).optional()?;
        let former = former.map(|(study, person)| {
            Ok((Uid::parse(&study).map_err(|_fault| damaged("the UID of a study"))?, PersonId(person)))
        });
        let sql = "DELETE FROM imaging_mark WHERE partition_id = ?1 AND log_offset = ?2";
        self.0.tx.prepare_cached(sql)?.execute(place)?;
        let Instance { study, series, instance: uid, search, .. } = instance;
        let (facts, metadata) = write(instance);
        let sql = "INSERT OR REPLACE INTO imaging_instance (partition_id, log_offset, person, provider, study, series, \
                   instance, study_date, modality, accession, patient_id, facts, metadata, part) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        self.0.tx.prepare_cached(sql)?.execute(params![
            position.partition.0,
            int(position.offset.0)?,
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
            write_part(outcome),
        ])?;
        former.into_iter().collect()
    }

    fn hides(&mut self, study: &Uid, person: PersonId) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM imaging_mark WHERE study = ?1 AND person = ?2 AND hidden <> '')";
        let values = params![study.as_str(), person.0];
        Ok(self.0.tx.prepare_cached(sql)?.query_row(values, |row| row.get(0))?)
    }

    fn of_study(&mut self, study: &Uid, person: PersonId, parts: bool) -> Result<Vec<(InstanceRow, Option<Value>)>> {
        let part = if parts { "i.part" } else { "NULL" };
        let sql = format!(
            "SELECT {COLUMNS}, NULL, {part} FROM imaging_instance AS i {MARKS} WHERE i.study = ?1 AND i.person = ?2 \
             ORDER BY i.partition_id, i.log_offset"
        );
        let mut statement = self.0.tx.prepare_cached(&sql)?;
        let mut rows = statement.query(params![study.as_str(), person.0])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let part: Option<Vec<u8>> = row.get(8)?;
            found.push((instance(row)?, part.as_deref().map(read_part).transpose()?));
        }
        Ok(found)
    }

    fn mark(&mut self, row: &InstanceRow) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO imaging_mark (partition_id, log_offset, person, study, instance, hidden, conflict) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.0.tx.prepare_cached(sql)?.execute(params![
            row.position.partition.0,
            int(row.position.offset.0)?,
            row.person.0,
            row.instance.study.as_str(),
            row.instance.instance.as_str(),
            row.hidden.map_or("", |hidden| hidden.as_str()),
            row.conflict.map_or("", |conflict| conflict.as_str()),
        ])?;
        Ok(())
    }

    fn count(&mut self, study: &Uid, person: PersonId, uneven: bool) -> Result<()> {
        let values = params![study.as_str(), person.0];
        self.0.tx.prepare_cached("DELETE FROM imaging_study WHERE study = ?1 AND person = ?2")?.execute(values)?;
        let shown = if uneven { format!("AND {SHOWN}") } else { String::new() };
        let sql = format!(
            "INSERT INTO imaging_study (study, person, date, modalities, series, instances) \
             SELECT ?1, ?2, coalesce(min(nullif(study_date, '')), ''), group_concat(DISTINCT modality), \
             count(DISTINCT series), count(DISTINCT instance) FROM imaging_instance AS i \
             WHERE study = ?1 AND person = ?2 {shown} HAVING count(*) > 0"
        );
        self.0.tx.prepare_cached(&sql)?.execute(values)?;
        Ok(())
    }

    fn open(&mut self, study: &OpenStudy) -> Result<()> {
        let sql = "INSERT INTO imaging_open (study, person, provider, partition_id, log_offset, at, told) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0) ON CONFLICT (study, person, provider) DO UPDATE SET \
                   partition_id = excluded.partition_id, log_offset = excluded.log_offset, at = excluded.at \
                   WHERE excluded.at >= imaging_open.at";
        self.0.tx.prepare_cached(sql)?.execute(params![
            study.study.as_str(),
            study.person.0,
            study.provider.0,
            study.position.partition.0,
            int(study.position.offset.0)?,
            micros(study.at),
        ])?;
        Ok(())
    }

    fn tell(&mut self, person: PersonId, provider: &ProviderId, accession: &str) -> Result<()> {
        let sql = "UPDATE imaging_open SET told = 1 WHERE person = ?1 AND provider = ?2 AND study IN \
                   (SELECT study FROM imaging_instance WHERE accession = ?3 AND accession <> '' AND person = ?1)";
        self.0.tx.prepare_cached(sql)?.execute(params![person.0, provider.0, accession])?;
        Ok(())
    }

    fn standing(&mut self, person: PersonId, key: &RecordKey) -> Result<Option<RecordRow>> {
        let Some(row) = records::list(&self.0.tx, &growing::query(person, key), 1)?.into_iter().next() else {
            return Ok(None);
        };
        let sql = "SELECT rank, at, log_offset FROM record WHERE person = ?1 AND place = ?2";
        let read = |row: &rusqlite::Row<'_>| Ok(Clock { rank: row.get(0)?, at: row.get(1)?, offset: row.get(2)? });
        let clock = self.0.tx.prepare_cached(sql)?.query_row(params![person.0, place(key)], read)?;
        Ok(Some(RecordRow { clock: clock.public()?, ..row }))
    }

    fn ruled(&mut self, uids: &BTreeSet<Uid>) -> Result<BTreeMap<Uid, Verdict>> {
        let mut ruled = BTreeMap::new();
        for uid in uids {
            let last = self.last_ruling(uid)?.map(|ruling| ruling.verdict).filter(|verdict| verdict.hides());
            ruled.extend(last.map(|verdict| (uid.clone(), verdict)));
        }
        Ok(ruled)
    }

    fn alone(&mut self) -> Result<()> {
        // Nobody else writes until the transaction ends.
        Ok(())
    }

    fn last_ruling(&mut self, uid: &Uid) -> Result<Option<Ruling>> {
        let sql =
            "SELECT id, uid, verdict, actor, at, reason FROM imaging_ruling WHERE uid = ?1 ORDER BY id DESC LIMIT 1";
        let mut statement = self.0.tx.prepare_cached(sql)?;
        let mut rows = statement.query([uid.as_str()])?;
        rows.next()?.map(|row| Ok(ruling::read(row)?.ruling)).transpose()
    }

    fn rule(&mut self, ruling: &Ruling) -> Result<()> {
        let Ruling { uid, verdict, by, at, reason } = ruling;
        let sql = "INSERT INTO imaging_ruling (uid, verdict, actor, at, reason) VALUES (?1, ?2, ?3, ?4, ?5)";
        let values = params![uid.as_str(), verdict.as_str(), by.0, micros(*at), reason];
        self.0.tx.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    fn under(&mut self, uid: &Uid) -> Result<Vec<InstanceRow>> {
        let sql = format!(
            "SELECT {COLUMNS}, NULL FROM imaging_instance AS i {MARKS} \
             WHERE i.study = ?1 OR i.series = ?1 OR i.instance = ?1 ORDER BY i.partition_id, i.log_offset"
        );
        instances_of(self.0.tx.prepare_cached(&sql)?.query([uid.as_str()])?)
    }

    fn remove(&mut self, positions: &[Position]) -> Result<()> {
        for table in ["imaging_instance", "imaging_mark", "imaging_open"] {
            let sql = format!("DELETE FROM {table} WHERE partition_id = ?1 AND log_offset = ?2");
            let mut statement = self.0.tx.prepare_cached(&sql)?;
            for position in positions {
                statement.execute(params![position.partition.0, int(position.offset.0)?])?;
            }
        }
        Ok(())
    }

    fn message(&mut self, position: Position) -> Result<Option<MessageDetail>> {
        let found = messages::trace(&self.0.tx, &position.to_string())?;
        Ok(found.into_iter().find(|message| message.row.facts.position == position))
    }
}
