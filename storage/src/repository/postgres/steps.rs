//! The steps of messages that had more than one, and giving a message up.

use causeway_core::dicom::ruling::{REASON_BYTES_MAX, Ruling};
use causeway_core::envelope::Position;
use causeway_core::outcome::State;
use causeway_core::port::{Actor, AuditEntry};
use causeway_core::reason::Reason;
use jiff::Timestamp;

use super::batch::{Entry, forget_waiting, recount};
use super::commit::ROUTER;
use super::messages::{self, Stored};
use super::text::put;
use super::unit::Unit;
use crate::repository::codec::{micros, state_code};
use crate::repository::error::{Result, StoreError, damaged};
use crate::repository::plan::check_comment;

/// A step to be written.
struct Step<'s> {
    message: i64,
    number: i32,
    at: i64,
    state: State,
    reason: Option<Reason>,
    actor: &'s str,
    comment: &'s str,
    person: Option<i64>,
    versions: (i64, i64),
}

impl<'s> Step<'s> {
    /// The only step of a message so far, which is in its row.
    fn first(known: &Stored) -> Self {
        Self {
            message: known.row.row,
            number: 1,
            at: micros(known.row.settled_at),
            state: known.row.state,
            reason: known.row.reason,
            actor: ROUTER,
            comment: "",
            person: known.row.person.map(|person| person.0),
            versions: known.versions,
        }
    }
}

/// Keeps the steps of entries, and the first one of each message that had no other.
pub(super) fn insert(
    unit: &mut Unit<'_>,
    entries: &[Entry<'_>],
    known: &[&Stored],
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    let first = known.iter().filter(|known| known.steps == 1).map(|known| Step::first(known));
    let next = entries.iter().map(|entry| Step {
        message: entry.id,
        number: entry.steps,
        at: micros(now),
        state: entry.outcome.state,
        reason: entry.outcome.reason,
        actor: &actor.0,
        comment: "",
        person: entry.outcome.person.map(|person| person.0),
        versions: (entry.settled.first_version, entry.settled.last_version),
    });
    write(unit, &first.chain(next).collect::<Vec<_>>())
}

/// Gives a message up.
pub(super) fn discard(
    unit: &mut Unit<'_>,
    position: Position,
    comment: &str,
    actor: &Actor,
    now: Timestamp,
) -> Result<()> {
    check_comment(comment, REASON_BYTES_MAX)?;
    let known = messages::lock(unit.session, &[position])?
        .remove(&position)
        .ok_or_else(|| StoreError::Refused(format!("no message stands at {position}")))?;
    match known.row.state {
        State::Held | State::Rejected => {}
        State::Accepted | State::Withheld | State::Discarded => {
            return Err(StoreError::Refused(format!(
                "message {position} is {}; only what is held or rejected can be discarded",
                known.row.state.as_str()
            )));
        }
    }
    end(unit, &[&known], known.row.reason, now, (actor, comment))?;
    let detail = [("message".to_owned(), position.to_string()), ("comment".to_owned(), comment.to_owned())];
    let (actor, action) = (actor.clone(), "discard".to_owned());
    unit.audit(AuditEntry { at: now, actor, action, person: known.row.person, detail: detail.into() });
    Ok(())
}

/// Gives messages up that had been accepted, because of a ruling.
pub(super) fn give_up(unit: &mut Unit<'_>, positions: &[Position], reason: Reason, ruling: &Ruling) -> Result<()> {
    if positions.is_empty() {
        return Ok(());
    }
    let known = messages::lock(unit.session, positions)?;
    if known.len() != positions.len() {
        return Err(damaged("an instance has no message"));
    }
    let known: Vec<&Stored> = known.values().collect();
    end(unit, &known, Some(reason), ruling.at, (&ruling.by, &ruling.reason))
}

/// The last step of messages: they are discarded by somebody who says why.
fn end(
    unit: &mut Unit<'_>,
    known: &[&Stored],
    reason: Option<Reason>,
    now: Timestamp,
    (actor, comment): (&Actor, &str),
) -> Result<()> {
    let first = known.iter().filter(|known| known.steps == 1).map(|known| Step::first(known));
    let last = known.iter().map(|known| Step {
        number: known.next_step(),
        at: micros(now),
        state: State::Discarded,
        reason,
        actor: &actor.0,
        comment,
        versions: (0, 0),
        ..Step::first(known)
    });
    write(unit, &first.chain(last).collect::<Vec<_>>())?;
    let ids: Vec<i64> = known.iter().map(|known| known.row.row).collect();
    unit.execute(
        "UPDATE message SET state = $2::int8, reason = $3, settled_at = $4, steps = steps + 1 WHERE id = ANY ($1::int8[])",
        &[&ids, &state_code(State::Discarded), &reason.map(Reason::code), &micros(now)],
    )?;
    forget_waiting(unit, &ids)?;
    known.iter().for_each(|known| recount(unit, known, State::Discarded));
    Ok(())
}

fn write(unit: &mut Unit<'_>, steps: &[Step<'_>]) -> Result<()> {
    if steps.is_empty() {
        return Ok(());
    }
    macro_rules! column {
        ($kind:ty, $value:expr) => {
            steps.iter().map($value).collect::<Vec<$kind>>()
        };
    }
    unit.execute(
        "INSERT INTO message_step (message, number, at, state, reason, actor, comment, person, first_version, \
         last_version) SELECT * FROM unnest($1::int8[], $2::int4[], $3::int8[], $4::int8[], $5::text[], $6::text[], \
         $7::text[], $8::int8[], $9::int8[], $10::int8[])",
        &[
            &column!(i64, |step| step.message),
            &column!(i32, |step| step.number),
            &column!(i64, |step| step.at),
            &column!(i64, |step| state_code(step.state)),
            &column!(Option<&str>, |step| step.reason.map(Reason::code)),
            &column!(std::borrow::Cow<'_, str>, |step| put(step.actor)),
            &column!(std::borrow::Cow<'_, str>, |step| put(step.comment)),
            &column!(Option<i64>, |step| step.person),
            &column!(i64, |step| step.versions.0),
            &column!(i64, |step| step.versions.1),
        ],
    )?;
    Ok(())
}
