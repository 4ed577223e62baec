//! Writing the rows of messages.

use causeway_core::reason::Reason;
use jiff::Timestamp;
use postgres::types::Type;

use super::batch::Entry;
use super::copying::Load;
use super::session::short;
use super::text::put;
use super::unit::Unit;
use crate::repository::codec::{int, micros, state_code, write_decisions};
use crate::repository::error::Result;

type Text<'t> = std::borrow::Cow<'t, str>;

/// The rows of messages seen for the first time.
pub(super) fn load(entries: &[Entry<'_>], now: Timestamp) -> Result<Load> {
    Load::of(INSERT, &TYPES, |rows| {
        entries.iter().try_for_each(|entry| {
            let (outcome, settled) = (entry.outcome, entry.settled);
            let facts = &outcome.facts;
            rows.add(&[
                &i32::from(facts.position.partition.0),
                &int(facts.position.offset.0)?,
                &entry.id,
                &facts.trace.0,
                &facts.feed.as_str(),
                &facts.provider.0,
                &facts.format.as_str(),
                &put(&facts.sender),
                &put(&facts.control_id),
                &put(&facts.kind),
                &micros(facts.received_at),
                &facts.digest.0.as_slice(),
                &int(facts.bytes)?,
                &facts.control_id_reused,
                &short(state_code(outcome.state)),
                &outcome.reason.map(Reason::code),
                &put(&outcome.place),
                &outcome.person.map(|person| person.0),
                &int(settled.effects.created)?,
                &int(settled.effects.updated)?,
                &int(settled.effects.unchanged)?,
                &int(settled.effects.late)?,
                &settled.first_version,
                &settled.last_version,
                &write_decisions(&outcome.decisions, now),
                &entry.notes.as_ref().map(|digest| digest.0.as_slice()),
                &entry.steps,
                &micros(now),
            ])
        })
    })
}

const INSERT: &str = "COPY message (partition_id, log_offset, id, trace, feed, provider, format, sender, control_id, kind, \
    received_at, digest, bytes, reused, state, reason, place, person, created, updated, unchanged, late, first_version, \
    last_version, decisions, notes, steps, settled_at) FROM STDIN (FORMAT binary)";

const TYPES: [Type; 28] = [
    Type::INT4,
    Type::INT8,
    Type::INT8,
    Type::UUID,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::BYTEA,
    Type::INT8,
    Type::BOOL,
    Type::INT2,
    Type::TEXT,
    Type::TEXT,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::INT8,
    Type::TEXT,
    Type::BYTEA,
    Type::INT4,
    Type::INT8,
];

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
