//! Which commits are under way: told by locks, so that a process that dies takes no lie with it into the table.

use super::session::{Session, get};
use crate::repository::error::{Result, damaged};

/// What a commit begins with. It waits while a ticket is being opened; then it is under way until its transaction ends,
/// and so is the number that the numbers of its messages will be greater than.
pub(super) const BEGIN: &str = "pg_advisory_lock_shared(hashtextextended('causeway tickets ' || current_schema(), 0)), \
     pg_advisory_xact_lock_shared(hashtextextended('causeway commits ' || current_schema(), 0)), \
     pg_advisory_unlock_shared(hashtextextended('causeway tickets ' || current_schema(), 0)), \
     (SELECT pg_advisory_xact_lock_shared(hashtext('causeway messages ' || current_schema()), \
        ((last_value - (NOT is_called)::int4) % 2147483647)::int4) FROM message_id)";

/// What waits for the commits that are under way, and keeps others from beginning until the transaction ends.
pub(super) const ALONE: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('causeway commits ' || current_schema(), 0))";

/// What keeps commits from beginning until the transaction ends.
pub(super) const OPENING: &str =
    "SELECT pg_advisory_xact_lock(hashtextextended('causeway tickets ' || current_schema(), 0))";

/// The commits of others that are under way.
pub(super) const OTHERS: &str = "ARRAY(SELECT l.virtualtransaction FROM pg_locks AS l WHERE l.locktype = 'advisory' \
     AND l.objsubid = 1 AND l.pid <> pg_backend_pid() \
     AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
     AND ((l.classid::int8 << 32) | l.objid::int8) = hashtextextended('causeway commits ' || current_schema(), 0))";

/// The last number given to a message below which none is still to come. Numbers are given at the beginning of a commit
/// and seen at its end: who follows the messages by their numbers must not run ahead of a commit that is under way.
///
/// A lock has room for 31 bits of the number before the first one of its commit; the others are those of the last number
/// given, which is at most so many greater.
pub(super) fn settled_messages(session: &mut Session) -> Result<i64> {
    let sql = "SELECT least(s.last, (\
                 SELECT min(s.last - ((s.last - l.objid::int8) % 2147483647 + 2147483647) % 2147483647) \
                   FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.objsubid = 2 \
                    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                    AND l.classid::int8 = (hashtext('causeway messages ' || current_schema())::int8 & 4294967295))) \
               FROM (SELECT last_value - (NOT is_called)::int4 AS last FROM message_id) AS s";
    let row = session.first(sql, &[])?.ok_or_else(|| damaged("the numbers of messages are missing"))?;
    get(&row, 0)
}
