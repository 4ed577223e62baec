//! The hot path: one batch in one transaction. And the same again for messages already known.

use std::time::{Duration, Instant};

use causeway_core::envelope::{Offset, PartitionId};
use causeway_core::outcome::Outcome;
use causeway_core::port::{Actor, Committed, Decide, Fence, Lookup, RedoMode};
use jiff::Timestamp;
use uuid::Uuid;

use super::batch::Batch;
use super::imaging::table::Table;
use super::resolve::resolve;
use super::session::{Session, get};
use super::unit::Unit;
use super::{End, Ending, PostgresRepository, again, links, pause, records, under_way};
use crate::repository::codec::{count, int, small};
use crate::repository::error::{Result, StoreError};
use crate::repository::imaging::{opening, take};
use crate::repository::plan::{check_outcome, check_position};
use crate::repository::{growing, merging};

/// Who commits a batch.
pub(super) const ROUTER: &str = "router";

/// Of two batches that merge numbers of one person the later one waits, and sees what the other did.
const MERGING: &str = "SELECT pg_advisory_xact_lock(hashtextextended('causeway merges ' || current_schema(), $1))";

/// How long a commit whose answer was lost is looked for, while the server is away: longer than a restart takes.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

impl PostgresRepository {
    /// Stores a batch and moves the offset. A commit whose answer was lost is tried once more behind the same fence: if
    /// the fence holds, it was not there; if it does not and bears our token, it was.
    pub(super) fn commit_batch(
        &self,
        fence: Fence,
        lookups: &[Lookup<'_>],
        now: Timestamp,
        decide: &mut Decide<'_>,
    ) -> Result<Committed> {
        let token = Uuid::now_v7();
        let mut open: Option<Open> = None;
        let mut tries = 0;
        loop {
            match self.attempt(Ending::Commit, &mut |unit| commit(unit, fence, token, lookups, now, decide)) {
                Ok(End::Done(committed, _)) => return Ok(committed),
                Ok(End::Open(committed, cause)) => open = Some(Open::new(committed, cause, open)),
                Err(StoreError::Fenced { fence, found }) => {
                    return match open {
                        Some(open) if self.read(|session| moved_by(session, fence, token))? => Ok(open.committed),
                        Some(_) | None => Err(StoreError::Fenced { fence, found }),
                    };
                }
                Err(error) => match &open {
                    Some(open) if open.is_over() => return Err(StoreError::Sync(open.cause.clone())),
                    // Until it is settled, no failure of the server is an answer.
                    Some(_) if matches!(error, StoreError::Server(_) | StoreError::Unavailable(_)) => {}
                    Some(_) => return Err(error),
                    None if again(&error) && tries < self.settings.retries_max => {}
                    None => return Err(error),
                },
            }
            pause(tries);
            tries = tries.saturating_add(1);
        }
    }

    /// Stores messages once more. The messages must be known; no offset moves.
    pub(super) fn redo_batch(
        &self,
        actor: &Actor,
        mode: RedoMode,
        lookups: &[Lookup<'_>],
        now: Timestamp,
        decide: &mut Decide<'_>,
    ) -> Result<Committed> {
        Ok(self.write_or_not(Ending::of(mode), |unit| redo(unit, actor, lookups, now, decide))?.0)
    }
}

/// A commit of which it is not known yet whether it is there.
struct Open {
    committed: Committed,
    cause: String,
    until: Option<Instant>,
}

impl Open {
    fn new(committed: Committed, cause: String, former: Option<Self>) -> Self {
        let until = former.map_or_else(|| Instant::now().checked_add(SETTLED_WITHIN), |former| former.until);
        Self { committed, cause, until }
    }

    fn is_over(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() >= until)
    }
}

fn commit(
    unit: &mut Unit<'_>,
    fence: Fence,
    token: Uuid,
    lookups: &[Lookup<'_>],
    now: Timestamp,
    decide: &mut Decide<'_>,
) -> Result<Committed> {
    move_offset(unit, fence, token)?;
    let outcomes = plan(unit, lookups, decide)?;
    outcomes.iter().try_for_each(|outcome| check_position(fence, outcome.facts.position))?;
    let mut batch = Batch::new(Actor(ROUTER.to_owned()), now);
    batch.add_new(unit, outcomes)?;
    finish(batch, unit)
}

fn redo(
    unit: &mut Unit<'_>,
    actor: &Actor,
    lookups: &[Lookup<'_>],
    now: Timestamp,
    decide: &mut Decide<'_>,
) -> Result<Committed> {
    unit.query(&format!("SELECT {}", under_way::BEGIN), &[])?;
    let outcomes = plan(unit, lookups, decide)?;
    let mut batch = Batch::new(actor.clone(), now);
    batch.add_known(unit, outcomes)?;
    batch.audit_redo(unit);
    finish(batch, unit)
}

/// Links what a confirmed match brought, now that all messages of the batch are there to be taken up by it.
fn finish(batch: Batch, unit: &mut Unit<'_>) -> Result<Committed> {
    let (committed, now) = batch.into_committed();
    links::link_seen(unit, &committed.outcomes, &Actor(ROUTER.to_owned()), now)?;
    Ok(committed)
}

/// The next offset of a partition; 0 at first.
pub(super) fn next_offset(session: &mut Session, partition: PartitionId) -> Result<u64> {
    let sql = "SELECT next FROM partition_offset WHERE partition_id = $1";
    match session.first(sql, &[&i32::from(partition.0)])? {
        Some(row) => count(get(&row, 0)?),
        None => Ok(0),
    }
}

/// The next offset of each partition that has one.
pub(super) fn next_offsets(session: &mut Session) -> Result<Vec<(PartitionId, Offset)>> {
    let rows = session.query("SELECT partition_id, next FROM partition_offset ORDER BY partition_id", &[])?;
    let one = |row: &postgres::Row| {
        let partition = small(get::<i32>(row, 0)?.into()).map(PartitionId)?;
        Ok((partition, Offset(count(get(row, 1)?)?)))
    };
    rows.iter().map(one).collect()
}

/// Whether it was this commit that brought the partition where it stands.
fn moved_by(session: &mut Session, fence: Fence, token: Uuid) -> Result<bool> {
    let sql = "SELECT 1 FROM partition_offset WHERE partition_id = $1 AND next = $2 AND token = $3";
    let params: (i32, i64) = (i32::from(fence.partition.0), int(fence.next.0)?);
    Ok(session.first(sql, &[&params.0, &params.1, &token])?.is_some())
}

/// Compare and set: a zombie's transaction ends here, before anything was written. The row stays locked until the end,
/// so of two with the same fence one waits and then finds the offset moved.
fn move_offset(unit: &mut Unit<'_>, fence: Fence, token: Uuid) -> Result<()> {
    if fence.next < fence.expect {
        return Err(StoreError::Refused("an offset never goes back".to_owned()));
    }
    let (partition, expect, next) = (i32::from(fence.partition.0), int(fence.expect.0)?, int(fence.next.0)?);
    let sql = format!(
        "UPDATE partition_offset SET next = $3, token = $4 WHERE partition_id = $1 AND next = $2 \
         RETURNING {}",
        under_way::BEGIN
    );
    if !unit.query(&sql, &[&partition, &expect, &next, &token])?.is_empty() {
        return Ok(());
    }
    if expect == 0 {
        let sql = format!(
            "INSERT INTO partition_offset (partition_id, next, token) VALUES ($1, $2, $3) \
             ON CONFLICT (partition_id) DO NOTHING RETURNING {}",
            under_way::BEGIN
        );
        if !unit.query(&sql, &[&partition, &next, &token])?.is_empty() {
            return Ok(());
        }
    }
    let found = Offset(next_offset(unit.session, fence.partition)?);
    Err(StoreError::Fenced { fence, found })
}

fn plan(unit: &mut Unit<'_>, lookups: &[Lookup<'_>], decide: &mut Decide<'_>) -> Result<Vec<Outcome>> {
    let resolved = resolve(unit, lookups)?;
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
    merging::hold_loops(
        &mut outcomes,
        unit,
        |unit, person| unit.query(MERGING, &[&person.0]).map(|_| ()),
        |unit, query, limit| records::list(unit.session, query, limit),
    )?;
    Ok(outcomes)
}
