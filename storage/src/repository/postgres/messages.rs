//! Finding messages: lists, counts, and all that is known of one.

use std::collections::BTreeMap;

use causeway_core::envelope::{FeedName, Position, TraceId};
use causeway_core::mapped::Note;
use causeway_core::outcome::{MessageFacts, State};
use causeway_core::person::PersonId;
use causeway_core::port::{
    Actor, Effects, FeedCount, HeldGroup, MessageDetail, MessageQuery, MessageRow, RecordRow, Transition, UnmappedCount,
};
use causeway_core::provider::ProviderId;
use causeway_core::reason::Reason;
use postgres::Row;

use super::commit::ROUTER;
use super::conditions::Conditions;
use super::session::{Session, get};
use super::text::{put, take};
use super::{records, under_way};
use crate::repository::codec::{
    count, digest_of, feed_of, format_of, int, micros, position_of, read_decisions, read_notes, reason_of, state_code,
    state_of, timestamp,
};
use crate::repository::error::{Result, damaged};
use crate::repository::unmapped;

/// At most so many messages are traced by one id: a control id can have been used again and again.
const TRACED_MAX: i64 = 50;
/// At most so many record versions of one message are listed.
const VERSIONS_MAX: i64 = 1000;

/// What [`read`] reads.
const COLUMNS: &str = "m.id, m.partition_id, m.log_offset, m.trace, m.feed, m.provider, m.format, m.sender, m.control_id, \
     m.kind, m.received_at, m.digest, m.bytes, m.reused, m.state::int8, m.reason, m.place, m.person, m.settled_at, \
     m.created, m.updated, m.unchanged, m.late, m.first_version, m.last_version, m.decisions, m.notes, m.steps";

/// A message row with all that is in it.
pub(super) struct Stored {
    pub(super) row: MessageRow,
    pub(super) steps: i32,
    /// The first and the last version of the last step.
    pub(super) versions: (i64, i64),
    decisions: String,
    notes: Option<Vec<u8>>,
}

impl Stored {
    /// The number of the step to come.
    pub(super) const fn next_step(&self) -> i32 {
        self.steps.saturating_add(1)
    }
}

/// Messages that fulfil a query.
pub(super) fn list(session: &mut Session, query: &MessageQuery, limit: u32) -> Result<Vec<MessageRow>> {
    let order = if query.after_row.is_some() { "ASC" } else { "DESC" };
    let (values, limit) = (Values::of(query), i64::from(limit));
    let mut conditions = values.conditions(query);
    // A tail goes no further than what no commit can still fill.
    let settled = query.after_row.map(|_| under_way::settled_messages(session)).transpose()?;
    conditions.given("m.id <= ?", settled.as_ref());
    let limit = conditions.param(&limit);
    let condition = conditions.sql();
    let sql = format!("SELECT {COLUMNS} FROM message AS m WHERE {condition} ORDER BY m.id {order} LIMIT {limit}");
    let rows = session.query(&sql, conditions.params())?;
    rows.iter().map(|row| read(row).map(|stored| stored.row)).collect()
}

/// How many messages a query finds.
pub(super) fn count_all(session: &mut Session, query: &MessageQuery) -> Result<u64> {
    let counted =
        MessageQuery { limit: query.limit, feed: query.feed.clone(), state: query.state, ..Default::default() };
    let values = Values::of(query);
    let mut conditions = Conditions::default();
    let (what, table) = if counted == *query {
        // The counters know.
        conditions.given("feed = ?", values.feed.as_ref());
        conditions.given("state = ?::int8", values.state.as_ref());
        ("coalesce(sum(count), 0)::int8", "feed_count")
    } else {
        conditions = values.conditions(query);
        ("count(*)", "message AS m")
    };
    let sql = format!("SELECT {what} FROM {table} WHERE {}", conditions.sql());
    match session.first(&sql, conditions.params())? {
        Some(row) => count(get(&row, 0)?),
        None => Ok(0),
    }
}

/// All about the messages of a trace id, a control id or a position.
pub(super) fn trace(session: &mut Session, id: &str) -> Result<Vec<MessageDetail>> {
    let control_id = put(id);
    let trace = uuid::Uuid::try_parse(id).ok();
    let position = parse_position(id);
    // One search each, since no index serves all three; a message found twice counts once.
    let sql = format!(
        "SELECT {COLUMNS} FROM message AS m WHERE m.id IN (SELECT id FROM message WHERE control_id = $1 \
         UNION SELECT id FROM message WHERE trace = $2 \
         UNION SELECT id FROM message WHERE partition_id = $3 AND log_offset = $4) ORDER BY m.id DESC LIMIT $5"
    );
    let (partition, offset) = (position.map(|(partition, _)| partition), position.map(|(_, offset)| offset));
    let rows = session.query(&sql, &[&control_id, &trace, &partition, &offset, &TRACED_MAX])?;
    rows.iter().map(|row| detail(session, read(row)?)).collect()
}

/// Counts of feeds and states.
pub(super) fn feed_counts(session: &mut Session) -> Result<Vec<FeedCount>> {
    let sql = "SELECT feed, state::int8, count, last_received_at FROM feed_count ORDER BY feed COLLATE \"C\", state";
    let one = |row: &Row| {
        Ok(FeedCount {
            feed: feed_of(get(row, 0)?)?,
            state: state_of(get(row, 1)?)?,
            count: count(get(row, 2)?)?,
            last_received_at: get::<Option<i64>>(row, 3)?.map(timestamp).transpose()?,
        })
    };
    session.query(sql, &[])?.iter().map(one).collect()
}

/// Local codes no table knew; the most frequent first.
pub(super) fn unmapped_codes(session: &mut Session, feed: Option<&FeedName>, limit: u32) -> Result<Vec<UnmappedCount>> {
    let sql = "SELECT feed, domain, field, system, code, display, count, last_seen FROM unmapped_code \
               WHERE $1::text IS NULL OR feed = $1 ORDER BY count DESC, feed COLLATE \"C\", domain COLLATE \"C\", \
               field COLLATE \"C\", system COLLATE \"C\", code COLLATE \"C\" LIMIT $2";
    let rows = session.query(sql, &[&feed.map(FeedName::as_str), &i64::from(limit)])?;
    let one = |row: &Row| {
        let (feed, domain, field, system) = (get(row, 0)?, get(row, 1)?, get(row, 2)?, get(row, 3)?);
        unmapped::read((feed, domain, field, system, get(row, 4)?, get(row, 5)?, get(row, 6)?, get(row, 7)?))
    };
    rows.iter().map(one).collect()
}

/// What is held, by reason and feed; the most first.
pub(super) fn held(session: &mut Session, limit: u32) -> Result<Vec<HeldGroup>> {
    let sql = format!(
        "SELECT reason, feed, count(*), min(received_at), max(received_at) FROM message WHERE state = {} \
         GROUP BY reason, feed ORDER BY 3 DESC, reason COLLATE \"C\", feed COLLATE \"C\" LIMIT $1",
        state_code(State::Held)
    );
    let one = |row: &Row| {
        Ok(HeldGroup {
            reason: reason_of(get(row, 0)?)?.ok_or_else(|| damaged("a held message has no reason"))?,
            feed: feed_of(get(row, 1)?)?,
            count: count(get(row, 2)?)?,
            first: timestamp(get(row, 3)?)?,
            last: timestamp(get(row, 4)?)?,
        })
    };
    session.query(&sql, &[&i64::from(limit)])?.iter().map(one).collect()
}

/// The messages at some positions, locked until the transaction ends, in one order for all.
pub(super) fn lock(session: &mut Session, positions: &[Position]) -> Result<BTreeMap<Position, Stored>> {
    let partitions: Vec<i32> = positions.iter().map(|position| i32::from(position.partition.0)).collect();
    let offsets: Vec<i64> = positions.iter().map(|position| int(position.offset.0)).collect::<Result<_>>()?;
    let sql = format!(
        "SELECT {COLUMNS} FROM unnest($1::int4[], $2::int8[]) AS k (partition_id, log_offset) \
         JOIN message AS m ON m.partition_id = k.partition_id AND m.log_offset = k.log_offset \
         ORDER BY m.partition_id, m.log_offset FOR NO KEY UPDATE OF m"
    );
    let rows = session.query(&sql, &[&partitions, &offsets])?;
    rows.iter().map(|row| read(row).map(|stored| (stored.row.facts.position, stored))).collect()
}

/// The values of a query as columns have them.
struct Values<'q> {
    feed: Option<&'q str>,
    state: Option<i64>,
    reason: Option<&'static str>,
    control_id: Option<std::borrow::Cow<'q, str>>,
    since: Option<i64>,
    person: Option<i64>,
}

impl<'q> Values<'q> {
    fn of(query: &'q MessageQuery) -> Self {
        Self {
            feed: query.feed.as_ref().map(|feed| feed.as_str()),
            state: query.state.map(state_code),
            reason: query.reason.map(Reason::code),
            control_id: query.control_id.as_deref().map(put),
            since: query.since.map(micros),
            person: query.person.map(|person| person.0),
        }
    }

    fn conditions<'v>(&'v self, query: &'v MessageQuery) -> Conditions<'v> {
        let mut conditions = Conditions::default();
        if let Some(state) = self.state {
            // Written out, so that the partial indexes can serve.
            conditions.fixed(format!("m.state = {state}"));
        }
        conditions.given("m.feed = ?", self.feed.as_ref());
        conditions.given("m.reason = ?", self.reason.as_ref());
        conditions.given("m.control_id = ?", self.control_id.as_ref());
        conditions.given("m.received_at >= ?", self.since.as_ref());
        conditions.given("m.person = ?", self.person.as_ref());
        conditions.given("m.id > ?", query.after_row.as_ref());
        conditions.given("m.id < ?", query.before_row.as_ref());
        conditions
    }
}

/// Reads a row of [`COLUMNS`].
fn read(row: &Row) -> Result<Stored> {
    let facts = MessageFacts {
        position: position_of(get::<i32>(row, 1)?.into(), get(row, 2)?)?,
        trace: TraceId(get(row, 3)?),
        feed: feed_of(get(row, 4)?)?,
        provider: ProviderId(get(row, 5)?),
        format: format_of(get(row, 6)?)?,
        sender: take(get(row, 7)?),
        control_id: take(get(row, 8)?),
        kind: take(get(row, 9)?),
        received_at: timestamp(get(row, 10)?)?,
        digest: digest_of(get(row, 11)?)?,
        bytes: count(get(row, 12)?)?,
        control_id_reused: get(row, 13)?,
    };
    let effects = Effects {
        created: count(get(row, 19)?)?,
        updated: count(get(row, 20)?)?,
        unchanged: count(get(row, 21)?)?,
        late: count(get(row, 22)?)?,
    };
    let message = MessageRow {
        row: get(row, 0)?,
        facts,
        state: state_of(get(row, 14)?)?,
        reason: reason_of(get(row, 15)?)?,
        place: take(get(row, 16)?),
        person: get::<Option<i64>>(row, 17)?.map(PersonId),
        settled_at: timestamp(get(row, 18)?)?,
        effects,
    };
    Ok(Stored {
        row: message,
        versions: (get(row, 23)?, get(row, 24)?),
        decisions: get(row, 25)?,
        notes: get(row, 26)?,
        steps: get(row, 27)?,
    })
}

/// All that is known of a message.
fn detail(session: &mut Session, stored: Stored) -> Result<MessageDetail> {
    let (transitions, mut ranges) = steps(session, &stored.row)?;
    if ranges.is_empty() {
        ranges.push((stored.row.person.map(|person| person.0), stored.versions.0, stored.versions.1));
    }
    Ok(MessageDetail {
        decisions: read_decisions(&stored.decisions, stored.row.settled_at)?,
        notes: notes(session, stored.notes.as_deref())?,
        records: written(session, stored.row.row, &ranges)?,
        transitions,
        row: stored.row,
    })
}

/// Whose versions a step wrote: the person, the first and the last.
type Range = (Option<i64>, i64, i64);

/// The steps of a message, with the versions they wrote.
fn steps(session: &mut Session, message: &MessageRow) -> Result<(Vec<Transition>, Vec<Range>)> {
    let rows = session.query(
        "SELECT at, state::int8, reason, actor, comment, person, first_version, last_version FROM message_step \
         WHERE message = $1 ORDER BY number",
        &[&message.row],
    )?;
    let (mut transitions, mut ranges) = (Vec::new(), Vec::new());
    for row in &rows {
        transitions.push(Transition {
            at: timestamp(get(row, 0)?)?,
            state: state_of(get(row, 1)?)?,
            reason: reason_of(get(row, 2)?)?,
            actor: Actor(take(get(row, 3)?)),
            comment: take(get(row, 4)?),
        });
        ranges.push((get(row, 5)?, get(row, 6)?, get(row, 7)?));
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

fn notes(session: &mut Session, digest: Option<&[u8]>) -> Result<Vec<Note>> {
    let Some(digest) = digest else { return Ok(Vec::new()) };
    let row = session.first("SELECT notes FROM note_list WHERE digest = $1", &[&digest])?;
    let row = row.ok_or_else(|| damaged("a list of notes is missing"))?;
    let text: &str = get(&row, 0)?;
    if causeway_core::envelope::Digest::of(text.as_bytes()).0.as_slice() != digest {
        return Err(damaged("a list of notes was changed on disk"));
    }
    read_notes(text)
}

/// The versions of some ranges, without their content.
fn written(session: &mut Session, message: i64, ranges: &[Range]) -> Result<Vec<RecordRow>> {
    let sql = format!(
        "SELECT {} FROM record_version AS v {} \
         WHERE v.person = $1 AND v.id >= $2 AND v.id <= $3 AND v.message = $4 ORDER BY v.id LIMIT $5",
        records::COLUMNS,
        records::JOINS
    );
    let mut found = Vec::new();
    for (person, first, last) in ranges.iter().filter(|(_, first, _)| *first > 0) {
        let rows = session.query(&sql, &[person, first, last, &message, &VERSIONS_MAX])?;
        for row in &rows {
            found.push(records::read(row, false)?);
        }
    }
    // Which one is current is asked in one go, since a place is made of the key and is no column of the version.
    let persons: Vec<i64> = found.iter().map(|(version, _)| version.person.0).collect();
    let numbers: Vec<i64> = found.iter().map(|(_, number)| *number).collect();
    let places: Vec<_> = found.iter().map(|(version, _)| crate::repository::place::place(&version.key)).collect();
    let places: Vec<&[u8]> = places.iter().map(<[u8; 16]>::as_slice).collect();
    let rows = session.query(
        "SELECT r.current FROM unnest($1::int8[], $2::bytea[], $3::int8[]) AS k (person, place, id) \
         JOIN record AS r ON r.person = k.person AND r.place = k.place AND r.current = k.id",
        &[&persons, &places, &numbers],
    )?;
    let current: Vec<i64> = rows.iter().map(|row| get(row, 0)).collect::<Result<_>>()?;
    let mark = |(version, number)| RecordRow { current: current.contains(&number), ..version };
    Ok(found.into_iter().map(mark).collect())
}

/// `partition:offset`.
fn parse_position(text: &str) -> Option<(i32, i64)> {
    let (partition, offset) = text.split_once(':')?;
    Some((i32::from(partition.parse::<u16>().ok()?), int(offset.parse().ok()?).ok()?))
}
