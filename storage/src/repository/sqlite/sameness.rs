//! Whether messages were stored before: asked where the log cannot tell.

use causeway_core::outcome::State;
use causeway_core::port::{Lookup, MessageKey, Sameness};
use causeway_core::reason::Reason;
use rusqlite::{Connection, params};

use super::codec::{digest_of, reason_of, state_code, state_of};
use super::error::Result;
use super::posting::{self, Sort};

/// Of each lookup, in order.
pub(super) fn of(connection: &Connection, lookups: &[Lookup<'_>]) -> Result<Vec<Sameness>> {
    lookups.iter().map(|lookup| lookup.message.map_or(Ok(Sameness::New), |key| find(connection, key))).collect()
}

/// What was refused at the door is no message that was stored; an image that an operator deleted comes anew.
fn find(connection: &Connection, key: MessageKey<'_>) -> Result<Sameness> {
    let listed = posting::id_in(Sort::ControlId, "control_id = ?1").replace(":ControlId", "?2");
    let sql = format!(
        "SELECT m.digest, m.state, m.reason FROM message AS m JOIN word AS f ON f.id = m.feed \
         WHERE m.control_id = ?1 AND m.{listed} AND m.sender = ?3 AND f.text = ?4 AND m.state <> ?5 \
         AND m.reason IS NOT '{}' ORDER BY m.id",
        Reason::ImageDeleted.code()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let refused = state_code(State::Rejected);
    let bound = params![key.control_id, posting::ordered_key(key.control_id), key.sender, key.feed.as_str(), refused];
    let mut rows = statement.query(bound)?;
    let mut found = Sameness::New;
    while let Some(row) = rows.next()? {
        if digest_of(&row.get::<_, Vec<u8>>(0)?)? == key.digest {
            return Ok(Sameness::Resent { state: state_of(row.get(1)?)?, reason: reason_of(row.get(2)?)? });
        }
        found = Sameness::ControlIdReused;
    }
    Ok(found)
}
