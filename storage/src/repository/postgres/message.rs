//! Writing the rows of messages.

use causeway_core::outcome::MessageFacts;
use causeway_core::reason::Reason;
use jiff::Timestamp;

use super::batch::Entry;
use super::text::put;
use super::unit::Unit;
use crate::repository::codec::{int, micros, state_code, write_decisions};
use crate::repository::error::Result;

type Text<'t> = std::borrow::Cow<'t, str>;

/// Stores messages seen for the first time.
pub(super) fn insert(unit: &mut Unit<'_>, entries: &[Entry<'_>], now: Timestamp) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let facts: Vec<&MessageFacts> = entries.iter().map(|entry| &entry.outcome.facts).collect();
    macro_rules! column {
        ($kind:ty, $value:expr) => {
            facts.iter().map($value).collect::<Vec<$kind>>()
        };
    }
    let offsets: Vec<i64> = facts.iter().map(|facts| int(facts.position.offset.0)).collect::<Result<_>>()?;
    let bytes: Vec<i64> = facts.iter().map(|facts| int(facts.bytes)).collect::<Result<_>>()?;
    let steps = Steps::of(entries, now)?;
    unit.execute(
        "INSERT INTO message (partition_id, log_offset, id, trace, feed, provider, format, sender, control_id, kind, \
         received_at, digest, bytes, reused, state, reason, place, person, created, updated, unchanged, late, \
         first_version, last_version, decisions, notes, steps, settled_at) SELECT *, $28::int8 FROM unnest($1::int4[], \
         $2::int8[], $3::int8[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], \
         $11::int8[], $12::bytea[], $13::int8[], $14::bool[], $15::int8[], $16::text[], $17::text[], $18::int8[], \
         $19::int8[], $20::int8[], $21::int8[], $22::int8[], $23::int8[], $24::int8[], $25::text[], $26::bytea[], \
         $27::int4[])",
        &[
            &column!(i32, |facts| i32::from(facts.position.partition.0)),
            &offsets,
            &steps.ids,
            &column!(uuid::Uuid, |facts| facts.trace.0),
            &column!(&str, |facts| facts.feed.as_str()),
            &column!(&str, |facts| facts.provider.0.as_str()),
            &column!(&str, |facts| facts.format.as_str()),
            &column!(Text<'_>, |facts| put(&facts.sender)),
            &column!(Text<'_>, |facts| put(&facts.control_id)),
            &column!(Text<'_>, |facts| put(&facts.kind)),
            &column!(i64, |facts| micros(facts.received_at)),
            &column!(&[u8], |facts| facts.digest.0.as_slice()),
            &bytes,
            &column!(bool, |facts| facts.control_id_reused),
            &steps.states,
            &steps.reasons,
            &steps.places,
            &steps.persons,
            &steps.created,
            &steps.updated,
            &steps.unchanged,
            &steps.late,
            &steps.first_versions,
            &steps.last_versions,
            &steps.decisions,
            &steps.notes,
            &steps.numbers,
            &micros(now),
        ],
    )?;
    Ok(())
}

/// Puts messages into their new states. What is known of them stays what was seen first.
pub(super) fn update(unit: &mut Unit<'_>, entries: &[Entry<'_>], now: Timestamp) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let steps = Steps::of(entries, now)?;
    unit.execute(
        "UPDATE message AS m SET state = k.state, reason = k.reason, place = k.place, person = k.person, \
         created = k.created, updated = k.updated, unchanged = k.unchanged, late = k.late, \
         first_version = k.first_version, last_version = k.last_version, decisions = k.decisions, notes = k.notes, \
         steps = k.steps, settled_at = $15 FROM unnest($1::int8[], $2::int8[], $3::text[], $4::text[], $5::int8[], \
         $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::int8[], $11::int8[], $12::text[], $13::bytea[], \
         $14::int4[]) AS k (id, state, reason, place, person, created, updated, unchanged, late, first_version, \
         last_version, decisions, notes, steps) WHERE m.id = k.id",
        &[
            &steps.ids,
            &steps.states,
            &steps.reasons,
            &steps.places,
            &steps.persons,
            &steps.created,
            &steps.updated,
            &steps.unchanged,
            &steps.late,
            &steps.first_versions,
            &steps.last_versions,
            &steps.decisions,
            &steps.notes,
            &steps.numbers,
            &micros(now),
        ],
    )?;
    Ok(())
}

/// The columns of the last step, each as a list.
#[derive(Default)]
struct Steps<'e> {
    ids: Vec<i64>,
    states: Vec<i64>,
    reasons: Vec<Option<&'static str>>,
    places: Vec<Text<'e>>,
    persons: Vec<Option<i64>>,
    created: Vec<i64>,
    updated: Vec<i64>,
    unchanged: Vec<i64>,
    late: Vec<i64>,
    first_versions: Vec<i64>,
    last_versions: Vec<i64>,
    decisions: Vec<String>,
    notes: Vec<Option<&'e [u8]>>,
    numbers: Vec<i32>,
}

impl<'e> Steps<'e> {
    fn of(entries: &'e [Entry<'_>], now: Timestamp) -> Result<Self> {
        let mut steps = Self::default();
        for entry in entries {
            let (outcome, settled) = (entry.outcome, entry.settled);
            steps.ids.push(entry.id);
            steps.states.push(state_code(outcome.state));
            steps.reasons.push(outcome.reason.map(Reason::code));
            steps.places.push(put(&outcome.place));
            steps.persons.push(outcome.person.map(|person| person.0));
            steps.created.push(int(settled.effects.created)?);
            steps.updated.push(int(settled.effects.updated)?);
            steps.unchanged.push(int(settled.effects.unchanged)?);
            steps.late.push(int(settled.effects.late)?);
            steps.first_versions.push(settled.first_version);
            steps.last_versions.push(settled.last_version);
            steps.decisions.push(write_decisions(&outcome.decisions, now));
            steps.notes.push(entry.notes.as_ref().map(|digest| digest.0.as_slice()));
            steps.numbers.push(entry.steps);
        }
        Ok(steps)
    }
}
