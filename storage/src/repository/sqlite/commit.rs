//! The hot path: one batch in one transaction. And the same again for messages already known.

use std::collections::BTreeMap;

use causeway_core::outcome::{Outcome, State};
use causeway_core::port::{Actor, AuditEntry, Committed, Decide, Effects, Fence, Lookup};
use causeway_core::scope::Domain;
use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, params};

use super::super::imaging::{opening, take};
use super::super::plan::{check_outcome, check_position, deposit, doubt};
use super::super::{growing, merging};
use super::codec::{count, int};
use super::error::{Result, StoreError};
use super::imaging::table::Table;
use super::message::{self, Settled};
use super::resolve::resolve;
use super::unit::Unit;
use super::versions::{self, Source};
use super::{audit, links, messages, records};

/// Who commits a batch.
pub(super) const ROUTER: &str = "router";

/// Stores a batch and moves the offset.
pub(super) fn commit(
    unit: &mut Unit<'_>,
    fence: Fence,
    lookups: &[Lookup<'_>],
    now: Timestamp,
    decide: &mut Decide<'_>,
) -> Result<Committed> {
    move_offset(unit, fence)?;
    let outcomes = plan(unit, lookups, decide)?;
    let mut batch = Batch::new(Actor(ROUTER.to_owned()), now);
    for outcome in outcomes {
        check_position(fence, outcome.facts.position)?;
        batch.add_new(unit, outcome)?;
    }
    batch.finish(unit)
}

/// Stores messages once more. The messages must be known; no offset moves.
pub(super) fn redo(
    unit: &mut Unit<'_>,
    actor: &Actor,
    lookups: &[Lookup<'_>],
    now: Timestamp,
    decide: &mut Decide<'_>,
) -> Result<Committed> {
    let outcomes = plan(unit, lookups, decide)?;
    let mut batch = Batch::new(actor.clone(), now);
    for outcome in outcomes {
        batch.add_known(unit, outcome)?;
    }
    batch.audit_redo(unit)?;
    batch.finish(unit)
}

/// Stores steps of messages that are known, under the permit they have.
pub(super) fn step(unit: &mut Unit<'_>, actor: &Actor, now: Timestamp, outcomes: Vec<Outcome>) -> Result<()> {
    let mut batch = Batch::new(actor.clone(), now);
    outcomes.into_iter().try_for_each(|outcome| batch.add_known(unit, outcome))
}

/// The next offset of a partition; 0 at first.
pub(super) fn next_offset(connection: &rusqlite::Connection, partition: u16) -> Result<u64> {
    let mut statement = connection.prepare_cached("SELECT next FROM partition_offset WHERE partition_id = ?1")?;
    count(statement.query_row([partition], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// Compare and set: a zombie's transaction ends here, before anything was written.
fn move_offset(unit: &Unit<'_>, fence: Fence) -> Result<()> {
    if fence.next < fence.expect {
        return Err(StoreError::Refused("an offset never goes back".to_owned()));
    }
    let (expect, next) = (int(fence.expect.0)?, int(fence.next.0)?);
    let sql = "INSERT INTO partition_offset (partition_id, next) SELECT ?1, 0 WHERE ?2 = 0 \
               ON CONFLICT (partition_id) DO NOTHING";
    unit.tx.prepare_cached(sql)?.execute(params![fence.partition.0, expect])?;
    let sql = "UPDATE partition_offset SET next = ?3 WHERE partition_id = ?1 AND next = ?2";
    let moved = unit.tx.prepare_cached(sql)?.execute(params![fence.partition.0, expect, next])?;
    if moved == 1 {
        return Ok(());
    }
    let found = causeway_core::envelope::Offset(next_offset(&unit.tx, fence.partition.0)?);
    Err(StoreError::Fenced { fence, found })
}

fn plan(unit: &mut Unit<'_>, lookups: &[Lookup<'_>], decide: &mut Decide<'_>) -> Result<Vec<Outcome>> {
    let resolved = resolve(&unit.tx, unit.caches, unit.settings, lookups)?;
    let mut outcomes = decide(&resolved)?;
    // Of messages that are the same as another there are no outcomes.
    let same = lookups.iter().filter(|lookup| lookup.message.is_some()).count();
    if !(lookups.len().saturating_sub(same)..=lookups.len()).contains(&outcomes.len()) {
        return Err(StoreError::Refused(format!("{} outcomes for {} messages", outcomes.len(), lookups.len())));
    }
    outcomes.iter().try_for_each(check_outcome)?;
    let mut index = Table(unit);
    let uneven = take(&mut outcomes, &mut index)?;
    opening::note(&outcomes, &mut index)?;
    growing::grow(&mut outcomes, &uneven, &mut index)?;
    // Nobody else writes until the transaction ends.
    merging::hold_loops(
        &mut outcomes,
        unit,
        |_, _| Ok(()),
        |unit, query, limit| records::list(&unit.tx, query, limit),
    )?;
    Ok(outcomes)
}

/// What adds up over a batch.
struct Batch {
    actor: Actor,
    now: Timestamp,
    by_domain: BTreeMap<Domain, Effects>,
    outcomes: Vec<(Outcome, Effects)>,
}

impl Batch {
    const fn new(actor: Actor, now: Timestamp) -> Self {
        Self { actor, now, by_domain: BTreeMap::new(), outcomes: Vec::new() }
    }

    fn add_new(&mut self, unit: &mut Unit<'_>, outcome: Outcome) -> Result<()> {
        let id = unit.next_message();
        let settled = self.store_records(unit, id, &outcome)?;
        message::insert(unit, id, &outcome, &settled)?;
        unit.count_unmapped(&outcome);
        self.audit_deposit(unit, &outcome)?;
        self.outcomes.push((outcome, settled.effects));
        Ok(())
    }

    fn add_known(&mut self, unit: &mut Unit<'_>, mut outcome: Outcome) -> Result<()> {
        let known = messages::find(&unit.tx, outcome.facts.position)?
            .ok_or_else(|| StoreError::Refused(format!("no message stands at {}", outcome.facts.position)))?;
        self.audit_deposit(unit, &outcome)?;
        if known.row.state == State::Accepted && outcome.state != State::Accepted {
            // What was permitted once was stored lawfully and stays.
            message::keep(&known, &mut outcome);
            self.outcomes.push((outcome, Effects::default()));
            return Ok(());
        }
        let settled = self.store_records(unit, known.row.row, &outcome)?;
        message::replace(unit, &known, &outcome, &settled, &self.actor)?;
        if known.row.state != State::Accepted {
            unit.count_unmapped(&outcome);
        }
        self.outcomes.push((outcome, settled.effects));
        Ok(())
    }

    fn store_records(&mut self, unit: &mut Unit<'_>, message: i64, outcome: &Outcome) -> Result<Settled> {
        let first_version = unit.versions_so_far();
        let mut effects = Effects::default();
        if let Some(person) = outcome.person {
            let source = Source { message, person, now: self.now };
            let by_domain = &mut self.by_domain;
            effects = versions::store(unit, source, &outcome.records, |record, effect| {
                by_domain.entry(record.domain).or_default().count(effect);
            })?;
        }
        let versions = unit.versions_so_far().saturating_sub(first_version);
        Ok(Settled { at: self.now, effects, first_version, versions })
    }

    /// One line for each message that was decided.
    fn audit_deposit(&self, unit: &mut Unit<'_>, outcome: &Outcome) -> Result<()> {
        if let Some(detail) = doubt(outcome) {
            let (actor, action) = (self.actor.clone(), audit::IMAGE_CONFLICT.to_owned());
            unit.audit(&AuditEntry { at: self.now, actor, action, person: None, detail })?;
        }
        if outcome.decisions.is_empty() {
            return Ok(());
        }
        unit.audit(&AuditEntry {
            at: self.now,
            actor: self.actor.clone(),
            action: audit::DEPOSIT.to_owned(),
            person: outcome.person,
            detail: deposit(outcome),
        })
    }

    /// One line for the whole of a replay or take-up.
    fn audit_redo(&self, unit: &mut Unit<'_>) -> Result<()> {
        let mut states: BTreeMap<String, String> = BTreeMap::new();
        for state in State::ALL {
            let count = self.outcomes.iter().filter(|(outcome, _)| outcome.state == *state).count();
            if count > 0 {
                states.insert(state.as_str().to_owned(), count.to_string());
            }
        }
        let (actor, action) = (self.actor.clone(), "replay".to_owned());
        unit.audit(&AuditEntry { at: self.now, actor, action, person: None, detail: states })
    }

    /// Links what a confirmed match brought, now that all messages of the batch are there to be taken up by it.
    fn finish(self, unit: &mut Unit<'_>) -> Result<Committed> {
        let router = Actor(ROUTER.to_owned());
        for (outcome, _) in &self.outcomes {
            let Some(person) = outcome.person else { continue };
            for number in &outcome.links {
                links::link_seen(unit, person, number, &router, self.now)?;
            }
        }
        Ok(Committed { outcomes: self.outcomes, by_domain: self.by_domain })
    }
}
