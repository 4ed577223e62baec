//! Sequence numbers of feeds.

use causeway_core::envelope::FeedName;
use causeway_core::port::Sequence;

use super::session::{Session, get};
use super::unit::Unit;
use crate::repository::codec::{count, digest_of, int};
use crate::repository::error::Result;

/// The number last taken from a feed.
pub(super) fn of(session: &mut Session, feed: &str) -> Result<Option<Sequence>> {
    let rows = session.query("SELECT number, digest FROM feed_sequence WHERE feed = $1", &[&feed])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let digest: Option<&[u8]> = get(row, 1)?;
    Ok(Some(Sequence { number: count(get(row, 0)?)?, digest: digest.map(digest_of).transpose()? }))
}

/// Remembers or forgets it, if `expect` is what is remembered. Whether it was: the condition is part of the statement, which
/// waits for whoever else changes the row.
pub(super) fn set(
    unit: &mut Unit<'_>,
    feed: &FeedName,
    expect: Option<&Sequence>,
    sequence: Option<&Sequence>,
) -> Result<bool> {
    let number = |of: Option<&Sequence>| of.map(|of| int(of.number)).transpose();
    let (known, taken) = (number(expect)?, number(sequence)?);
    let (known_bytes, bytes) = (digest(expect), digest(sequence));
    let feed = feed.as_str();
    let changed = match (known, taken) {
        (None, None) => return Ok(of(unit.session, feed)?.is_none()),
        (None, Some(taken)) => {
            let sql = "INSERT INTO feed_sequence (feed, number, digest) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            unit.execute(sql, &[&feed, &taken, &bytes])?
        }
        (Some(known), Some(taken)) => {
            let sql = "UPDATE feed_sequence SET number = $4, digest = $5 \
                        WHERE feed = $1 AND number = $2 AND digest IS NOT DISTINCT FROM $3";
            unit.execute(sql, &[&feed, &known, &known_bytes, &taken, &bytes])?
        }
        (Some(known), None) => {
            let sql = "DELETE FROM feed_sequence WHERE feed = $1 AND number = $2 AND digest IS NOT DISTINCT FROM $3";
            unit.execute(sql, &[&feed, &known, &known_bytes])?
        }
    };
    Ok(changed == 1)
}

fn digest(of: Option<&Sequence>) -> Option<&[u8]> {
    of?.digest.as_ref().map(|digest| digest.0.as_slice())
}
