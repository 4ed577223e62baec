//! What operators ruled about images.

use causeway_core::dicom::ruling::{Ruling, RulingEffect, RulingQuery, RulingRow};
use causeway_core::reason::Reason;
use rusqlite::{Connection, Row, params};

use super::super::error::Result;
use super::super::unit::Unit;
use super::super::{commit, message};
use super::table::Table;
use crate::repository::imaging;

/// Carries a ruling out.
pub(super) fn rule(unit: &mut Unit<'_>, ruling: &Ruling) -> Result<RulingEffect> {
    let done = imaging::rule(ruling, &mut Table(unit))?;
    commit::step(unit, &ruling.by, ruling.at, done.steps)?;
    for position in done.deleted {
        message::give_up(unit, position, Reason::ImageDeleted, ruling)?;
    }
    done.lines.iter().try_for_each(|line| unit.audit(line))?;
    Ok(done.effect)
}

/// Rulings, the newest first.
pub(super) fn list(connection: &Connection, query: &RulingQuery, limit: u32) -> Result<Vec<RulingRow>> {
    let sql = "SELECT id, uid, verdict, actor, at, reason FROM imaging_ruling \
               WHERE (?1 IS NULL OR uid = ?1) AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![query.uid.as_ref().map(|uid| uid.as_str()), query.before, limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Reads a row of number, UID, verdict, actor, time and reason.
pub(super) fn read(row: &Row<'_>) -> Result<RulingRow> {
    let (uid, verdict): (String, String) = (row.get(1)?, row.get(2)?);
    let ruling = imaging::read_ruling((&uid, &verdict, row.get(3)?, row.get(4)?, row.get(5)?))?;
    Ok(RulingRow { row: row.get(0)?, ruling })
}
