//! Finding messages: lists, counts, and all that is known of one.

use causeway_core::envelope::{FeedName, Position, TraceId};
use causeway_core::outcome::{MessageFacts, State};
use causeway_core::person::PersonId;
use causeway_core::port::{
    Actor, Effects, FeedCount, HeldGroup, MessageDetail, MessageQuery, MessageRow, RecordRow, Transition, UnmappedCount,
};
use causeway_core::provider::ProviderId;
use causeway_core::reason::Reason;
use rusqlite::{Connection, OptionalExtension as _, Row, Statement, params};

use super::codec::{
    count, digest_of, feed_of, first_eight, format_of, hash_key, int, micros, position_of, read_decisions, read_notes,
    reason_of, state_code, state_of, timestamp, trace_of,
};
use super::commit::ROUTER;
use super::error::{Result, damaged};
use super::message::{Contents, NOTES_ALIKE_MAX, Settled, step_seal};
use super::posting::{self, Binder, Sort};
use super::seal;
use super::versions;
use crate::repository::unmapped;

/// At most so many messages are traced by one id: a control id can have been used again and again.
const TRACED_MAX: u32 = 50;
/// At most so many record versions of one message are listed.
const VERSIONS_MAX: u32 = 1000;

/// What [`read`] reads.
pub(super) const COLUMNS: &str = "m.id, m.partition_id, m.log_offset, m.trace, f.text, p.text, m.format, m.sender, m.control_id, \
     m.kind, m.received_at, m.digest, m.bytes, m.reused, m.state, m.reason, m.place, m.person, m.settled_at, m.created, \
     m.updated, m.unchanged, m.late, m.first_version, m.versions, m.decisions, m.notes, m.steps, m.seal, m.feed";
/// Where it is found.
pub(super) const FROM: &str = "message AS m JOIN word AS f ON f.id = m.feed JOIN word AS p ON p.id = m.provider";

/// Messages that fulfil a query.
pub(super) fn list(connection: &Connection, query: &MessageQuery, limit: u32) -> Result<Vec<MessageRow>> {
    let order = if query.after_row.is_some() { "ASC" } else { "DESC" };
    let condition = condition(query);
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE {condition} ORDER BY m.id {order} LIMIT :limit");
    let mut statement = connection.prepare_cached(&sql)?;
    bind(&mut statement, query)?;
    Binder::new(&mut statement).set(":limit", Some(limit))?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?.row);
    }
    Ok(found)
}

/// How many messages a query finds.
pub(super) fn count_all(connection: &Connection, query: &MessageQuery) -> Result<u64> {
    let counted =
        MessageQuery { limit: query.limit, feed: query.feed.clone(), state: query.state, ..Default::default() };
    if counted == *query {
        // The counters know.
        let sql = "SELECT coalesce(sum(c.count), 0) FROM feed_count AS c JOIN word AS f ON f.id = c.feed \
                   WHERE (?1 IS NULL OR f.text = ?1) AND (?2 IS NULL OR c.state = ?2)";
        let bound = params![query.feed.as_ref().map(|feed| feed.as_str()), query.state.map(state_code)];
        return count(connection.prepare_cached(sql)?.query_row(bound, |row| row.get(0))?);
    }
    let sql = format!("SELECT count(*) FROM message AS m WHERE {}", condition(query));
    let mut statement = connection.prepare_cached(&sql)?;
    bind(&mut statement, query)?;
    let mut rows = statement.raw_query();
    match rows.next()? {
        Some(row) => count(row.get(0)?),
        None => Ok(0),
    }
}

/// All about the messages of a trace id, a control id or a position.
pub(super) fn trace(connection: &Connection, id: &str) -> Result<Vec<MessageDetail>> {
    let mut conditions = vec![format!(
        "(m.control_id = :control_id AND m.{})",
        posting::id_in(Sort::ControlId, "control_id = :control_id")
    )];
    let trace = uuid::Uuid::try_parse(id).ok().map(TraceId);
    if trace.is_some() {
        conditions.push(format!("(m.trace = :trace AND m.{})", posting::id_in(Sort::Trace, "trace = :trace")));
    }
    let position = parse_position(id);
    if position.is_some() {
        conditions.push("(m.partition_id = :partition AND m.log_offset = :offset)".to_owned());
    }
    // One search each, since no index serves all three; a message found twice counts once.
    let searches: Vec<String> =
        conditions.iter().map(|condition| format!("SELECT m.id FROM message AS m WHERE {condition}")).collect();
    let sql = format!(
        "SELECT {COLUMNS} FROM {FROM} \
         WHERE m.id IN ({}) ORDER BY m.id DESC LIMIT :limit",
        searches.join(" UNION ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut binder = Binder::new(&mut statement);
    binder.set(":control_id", Some(id))?;
    binder.set(":ControlId", Some(posting::ordered_key(id)))?;
    binder.set(":trace", trace.map(|trace| *trace.0.as_bytes()))?;
    binder.set(":Trace", trace.map(|trace| first_eight(trace.0.as_bytes())))?;
    binder.set(":partition", position.map(|(partition, _)| partition))?;
    binder.set(":offset", position.map(|(_, offset)| offset))?;
    binder.set(":limit", Some(TRACED_MAX))?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(detail(connection, row)?);
    }
    Ok(found)
}

/// Counts of feeds and states.
pub(super) fn feed_counts(connection: &Connection) -> Result<Vec<FeedCount>> {
    let mut statement = connection.prepare_cached(
        "SELECT f.text, c.state, c.count, c.last_received_at FROM feed_count AS c JOIN word AS f ON f.id = c.feed \
         ORDER BY f.text, c.state",
    )?;
    let mut rows = statement.query([])?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next()? {
        let last: Option<i64> = row.get(3)?;
        counts.push(FeedCount {
            feed: feed_of(&row.get::<_, String>(0)?)?,
            state: state_of(row.get(1)?)?,
            count: count(row.get(2)?)?,
            last_received_at: last.map(timestamp).transpose()?,
        });
    }
    Ok(counts)
}

/// Local codes no table knew; the most frequent first.
pub(super) fn unmapped_codes(
    connection: &Connection,
    feed: Option<&FeedName>,
    limit: u32,
) -> Result<Vec<UnmappedCount>> {
    let mut statement = connection.prepare_cached(
        "SELECT feed, domain, field, system, code, display, count, last_seen FROM unmapped_code \
         WHERE ?1 IS NULL OR feed = ?1 ORDER BY count DESC, feed, domain, field, system, code LIMIT ?2",
    )?;
    let one = |row: &Row<'_>| {
        let (feed, domain, field, system) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        Ok((feed, domain, field, system, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?))
    };
    let rows = statement.query_map(params![feed.map(FeedName::as_str), limit], one)?;
    rows.map(|row| unmapped::read(row?)).collect()
}

/// What is held, by reason and feed; the most first.
pub(super) fn held(connection: &Connection, limit: u32) -> Result<Vec<HeldGroup>> {
    let sql = format!(
        "SELECT h.reason, f.text, h.count, h.first, h.last FROM (\
            SELECT reason, feed, count(*) AS count, min(received_at) AS first, max(received_at) AS last \
              FROM message WHERE state = {} GROUP BY reason, feed) AS h \
         JOIN word AS f ON f.id = h.feed ORDER BY h.count DESC, h.reason, f.text LIMIT ?1",
        state_code(State::Held)
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([limit])?;
    let mut groups = Vec::new();
    while let Some(row) = rows.next()? {
        groups.push(HeldGroup {
            reason: reason_of(row.get(0)?)?.ok_or_else(|| damaged("a held message has no reason"))?,
            feed: feed_of(&row.get::<_, String>(1)?)?,
            count: count(row.get(2)?)?,
            first: timestamp(row.get(3)?)?,
            last: timestamp(row.get(4)?)?,
        });
    }
    Ok(groups)
}

/// The first version a step wrote, and how many.
type Range = (i64, i64);

fn condition(query: &MessageQuery) -> String {
    let mut conditions = vec!["1 = 1".to_owned()];
    if query.feed.is_some() {
        conditions.push("m.feed = (SELECT id FROM word WHERE text = :feed)".to_owned());
    }
    if let Some(state) = query.state {
        // Written out, so that the partial indexes can serve.
        conditions.push(format!("m.state = {}", state_code(state)));
    }
    if query.reason.is_some() {
        conditions.push("m.reason = :reason".to_owned());
    }
    if query.control_id.is_some() {
        let listed = posting::id_in(Sort::ControlId, "control_id = :control_id");
        conditions.push(format!("m.control_id = :control_id AND m.{listed}"));
    }
    if query.since.is_some() {
        conditions.push("m.received_at >= :since".to_owned());
    }
    if query.person.is_some() {
        conditions
            .push(format!("m.person = :person AND m.{}", posting::id_in(Sort::MessagePerson, "person = :person")));
    }
    if query.after_row.is_some() {
        conditions.push("m.id > :after".to_owned());
    }
    if query.before_row.is_some() {
        conditions.push("m.id < :before".to_owned());
    }
    conditions.join(" AND ")
}

fn bind(statement: &mut Statement<'_>, query: &MessageQuery) -> Result<()> {
    let mut binder = Binder::new(statement);
    binder.set(":feed", query.feed.as_ref().map(|feed| feed.as_str()))?;
    binder.set(":reason", query.reason.map(Reason::code))?;
    binder.set(":control_id", query.control_id.as_deref())?;
    binder.set(":ControlId", query.control_id.as_deref().map(posting::ordered_key))?;
    binder.set(":since", query.since.map(micros))?;
    binder.set(":person", query.person.map(|person| person.0))?;
    binder.set(":MessagePerson", query.person.map(|person| person.0))?;
    binder.set(":after", query.after_row)?;
    binder.set(":before", query.before_row)
}

/// The message at a position.
pub(super) fn find(connection: &Connection, position: Position) -> Result<Option<Stored>> {
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE m.partition_id = ?1 AND m.log_offset = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![position.partition.0, int(position.offset.0)?])?;
    rows.next()?.map(read).transpose()
}

/// A message row with all that is in it.
pub(super) struct Stored {
    pub(super) row: MessageRow,
    pub(super) feed: i64,
    pub(super) steps: i64,
    first_version: i64,
    versions: i64,
    decisions: String,
    notes: i64,
}

impl Stored {
    /// What became of its records in the last step.
    pub(super) const fn settled(&self) -> Settled {
        let Self { first_version, versions, .. } = *self;
        Settled { at: self.row.settled_at, effects: self.row.effects, first_version, versions }
    }

    /// What its seal covers.
    pub(super) fn contents(&self) -> Contents<'_> {
        Contents {
            id: self.row.row,
            facts: &self.row.facts,
            state: self.row.state,
            reason: self.row.reason,
            place: &self.row.place,
            person: self.row.person.map(|person| person.0),
            settled: self.settled(),
            decisions: &self.decisions,
            notes: self.notes,
            steps: self.steps,
        }
    }
}

/// Reads a row of [`COLUMNS`], and checks its seal.
pub(super) fn read(row: &Row<'_>) -> Result<Stored> {
    let facts = MessageFacts {
        position: position_of(row.get(1)?, row.get(2)?)?,
        trace: trace_of(&row.get::<_, Vec<u8>>(3)?)?,
        feed: feed_of(&row.get::<_, String>(4)?)?,
        format: format_of(&row.get::<_, String>(6)?)?,
        provider: ProviderId(row.get(5)?),
        sender: row.get(7)?,
        control_id: row.get(8)?,
        kind: row.get(9)?,
        received_at: timestamp(row.get(10)?)?,
        digest: digest_of(&row.get::<_, Vec<u8>>(11)?)?,
        bytes: count(row.get(12)?)?,
        control_id_reused: row.get(13)?,
    };
    let effects = Effects {
        created: count(row.get(19)?)?,
        updated: count(row.get(20)?)?,
        unchanged: count(row.get(21)?)?,
        late: count(row.get(22)?)?,
    };
    let message = MessageRow {
        row: row.get(0)?,
        facts,
        state: state_of(row.get(14)?)?,
        reason: reason_of(row.get(15)?)?,
        place: row.get(16)?,
        person: row.get::<_, Option<i64>>(17)?.map(PersonId),
        settled_at: timestamp(row.get(18)?)?,
        effects,
    };
    let stored = Stored {
        row: message,
        first_version: row.get(23)?,
        versions: row.get(24)?,
        decisions: row.get(25)?,
        notes: row.get(26)?,
        steps: row.get(27)?,
        feed: row.get(29)?,
    };
    let seal = row.get_ref(28)?.as_blob().unwrap_or_default();
    seal::check(seal, stored.contents().seal()?, || format!("message {}", stored.row.facts.position))?;
    Ok(stored)
}

/// All that is known of the message of a row, every seal checked.
pub(super) fn detail(connection: &Connection, row: &Row<'_>) -> Result<MessageDetail> {
    let stored = read(row)?;
    let (transitions, mut ranges) = steps(connection, &stored.row)?;
    if ranges.is_empty() {
        ranges.push((stored.first_version, stored.versions));
    }
    Ok(MessageDetail {
        decisions: read_decisions(&stored.decisions, stored.row.settled_at)?,
        notes: notes(connection, stored.notes)?,
        records: written(connection, stored.row.row, &ranges)?,
        transitions,
        row: stored.row,
    })
}

/// The steps of a message, with the ranges of versions they wrote.
fn steps(connection: &Connection, message: &MessageRow) -> Result<(Vec<Transition>, Vec<Range>)> {
    let mut statement = connection.prepare_cached(
        "SELECT at, state, reason, actor, comment, first_version, versions, number, seal FROM message_step \
         WHERE message = ?1 ORDER BY number",
    )?;
    let mut rows = statement.query([message.row])?;
    let (mut transitions, mut ranges) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        check_step(message, row)?;
        transitions.push(Transition {
            at: timestamp(row.get(0)?)?,
            state: state_of(row.get(1)?)?,
            reason: reason_of(row.get(2)?)?,
            actor: Actor(row.get(3)?),
            comment: row.get(4)?,
        });
        ranges.push((row.get(5)?, row.get(6)?));
    }
    if transitions.is_empty() {
        // The only step is in the row of the message itself.
        transitions.push(Transition {
            at: message.settled_at,
            state: message.state,
            reason: message.reason,
            actor: Actor(ROUTER.to_owned()),
            comment: String::new(),
        });
    }
    Ok((transitions, ranges))
}

fn check_step(message: &MessageRow, row: &Row<'_>) -> Result<()> {
    let numbers = [message.row, row.get(7)?, row.get(0)?, row.get(1)?, row.get(5)?, row.get(6)?];
    let texts: [Option<String>; 3] = [row.get(2)?, row.get(3)?, row.get(4)?];
    let seal = step_seal(numbers, texts.each_ref().map(Option::as_deref));
    seal::check(row.get_ref(8)?.as_blob().unwrap_or_default(), seal, || {
        format!("a step of message {}", message.facts.position)
    })
}

fn notes(connection: &Connection, list: i64) -> Result<Vec<causeway_core::mapped::Note>> {
    if list == 0 {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare_cached("SELECT notes FROM note_list WHERE id = ?1")?;
    let text: Option<String> = statement.query_row([list], |row| row.get(0)).optional()?;
    let text = text.ok_or_else(|| damaged("a list of notes is missing"))?;
    // It stands under its hash, or a few places on.
    if !(0..NOTES_ALIKE_MAX).contains(&list.wrapping_sub(hash_key(text.as_bytes()))) {
        return Err(damaged("a list of notes was changed on disk"));
    }
    read_notes(&text)
}

/// The versions of some ranges, without their content.
fn written(connection: &Connection, message: i64, ranges: &[Range]) -> Result<Vec<RecordRow>> {
    let sql = format!(
        "SELECT {} FROM record_version AS v {} WHERE v.id >= ?1 AND v.id < ?2 AND v.message = ?3 ORDER BY v.id LIMIT ?4",
        versions::columns("0"),
        versions::JOINS
    );
    let mut found = Vec::new();
    for (first, number) in ranges {
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query([*first, first.saturating_add(*number), message, i64::from(VERSIONS_MAX)])?;
        while let Some(row) = rows.next()? {
            let mut version = versions::read(row, false)?;
            version.current = versions::is_current(connection, &version, row.get(17)?)?;
            found.push(version);
        }
    }
    Ok(found)
}

/// `partition:offset`.
fn parse_position(text: &str) -> Option<(i64, i64)> {
    let (partition, offset) = text.split_once(':')?;
    Some((i64::from(partition.parse::<u16>().ok()?), int(offset.parse().ok()?).ok()?))
}
