//! Sequence numbers of feeds.

use causeway_core::envelope::FeedName;
use causeway_core::port::Sequence;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::codec::{count, digest_of, int};
use super::error::Result;
use super::unit::Unit;

/// The number last taken from a feed.
pub(super) fn of(connection: &Connection, feed: &FeedName) -> Result<Option<Sequence>> {
    let mut statement = connection.prepare_cached("SELECT number, digest FROM feed_sequence WHERE feed = ?1")?;
    let row = statement.query_row([feed.as_str()], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((number, digest)): Option<(i64, Option<Vec<u8>>)> = row else { return Ok(None) };
    let digest = digest.map(|digest| digest_of(&digest)).transpose()?;
    Ok(Some(Sequence { number: count(number)?, digest }))
}

/// Remembers or forgets it, if `expect` is what is remembered. Whether it was: no other transaction writes meanwhile.
pub(super) fn set(
    unit: &Unit<'_>,
    feed: &FeedName,
    expect: Option<&Sequence>,
    sequence: Option<&Sequence>,
) -> Result<bool> {
    if of(&unit.tx, feed)?.as_ref() != expect {
        return Ok(false);
    }
    let Some(Sequence { number, digest }) = sequence else {
        unit.tx.prepare_cached("DELETE FROM feed_sequence WHERE feed = ?1")?.execute([feed.as_str()])?;
        return Ok(true);
    };
    let sql = "INSERT INTO feed_sequence (feed, number, digest) VALUES (?1, ?2, ?3) \
               ON CONFLICT (feed) DO UPDATE SET number = excluded.number, digest = excluded.digest";
    let digest = digest.map(|digest| digest.0);
    unit.tx.prepare_cached(sql)?.execute(params![feed.as_str(), int(*number)?, digest])?;
    Ok(true)
}
