//! Sequence numbers of feeds.

use causeway_core::envelope::FeedName;
use causeway_core::port::Sequence;

use super::session::{Session, get};
use super::unit::Unit;
use crate::repository::codec::{count, digest_of, int};
use crate::repository::error::Result;

/// The number last taken from a feed.
pub(super) fn of(session: &mut Session, feed: &FeedName) -> Result<Option<Sequence>> {
    let rows = session.query("SELECT number, digest FROM feed_sequence WHERE feed = $1", &[&feed.as_str()])?;
    let Some(row) = rows.first() else { return Ok(None) };
    let digest: Option<&[u8]> = get(row, 1)?;
    Ok(Some(Sequence { number: count(get(row, 0)?)?, digest: digest.map(digest_of).transpose()? }))
}

/// Remembers or forgets it.
pub(super) fn set(unit: &mut Unit<'_>, feed: &FeedName, sequence: Option<&Sequence>) -> Result<()> {
    let Some(Sequence { number, digest }) = sequence else {
        return unit.execute("DELETE FROM feed_sequence WHERE feed = $1", &[&feed.as_str()]).map(|_| ());
    };
    let sql = "INSERT INTO feed_sequence (feed, number, digest) VALUES ($1, $2, $3) \
               ON CONFLICT (feed) DO UPDATE SET number = excluded.number, digest = excluded.digest";
    let digest = digest.as_ref().map(|digest| digest.0.as_slice());
    unit.execute(sql, &[&feed.as_str(), &int(*number)?, &digest]).map(|_| ())
}
