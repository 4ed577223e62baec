//! What operators ruled about images: see the module of the same name of the embedded engine.

use causeway_core::dicom::ruling::{Ruling, RulingEffect, RulingQuery, RulingRow};
use causeway_core::dicom::uid::Uid;
use causeway_core::reason::Reason;
use postgres::Row;

use super::super::batch::Batch;
use super::super::session::{Session, get};
use super::super::text::take;
use super::super::unit::Unit;
use super::super::{steps, under_way};
use super::table::Table;
use crate::repository::error::Result;
use crate::repository::imaging;

/// Carries a ruling out.
pub(super) fn rule(unit: &mut Unit<'_>, ruling: &Ruling) -> Result<RulingEffect> {
    unit.query(&format!("SELECT {}", under_way::BEGIN), &[])?;
    let done = imaging::rule(ruling, &mut Table(unit))?;
    if !done.steps.is_empty() {
        Batch::new(ruling.by.clone(), ruling.at).add_known(unit, done.steps)?;
    }
    steps::give_up(unit, &done.deleted, Reason::ImageDeleted, ruling)?;
    done.lines.into_iter().for_each(|line| unit.audit(line));
    Ok(done.effect)
}

/// Rulings, the newest first.
pub(super) fn list(session: &mut Session, query: &RulingQuery, limit: u32) -> Result<Vec<RulingRow>> {
    let sql = "SELECT id, uid, verdict, actor, at, reason FROM imaging_ruling \
               WHERE ($1::text IS NULL OR uid = $1) AND ($2::int8 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3";
    let uid = query.uid.as_ref().map(Uid::as_str);
    session.query(sql, &[&uid, &query.before, &i64::from(limit)])?.iter().map(read).collect()
}

/// Reads a row of number, UID, verdict, actor, time and reason.
pub(super) fn read(row: &Row) -> Result<RulingRow> {
    let texts = (get(row, 1)?, get(row, 2)?, take(get(row, 3)?), get(row, 4)?, take(get(row, 5)?));
    Ok(RulingRow { row: get(row, 0)?, ruling: imaging::read_ruling(texts)? })
}
