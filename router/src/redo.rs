//! Messages already known, once more: take-up when a person joins or consents, replay by an operator.

use std::collections::BTreeMap;

use causeway_core::disposition::Disposition;
use causeway_core::envelope::Position;
use causeway_core::outcome::State;
use causeway_core::port::{Actor, Committed, Effects, Lookup, MessageQuery, MessageRow, RedoMode};
use causeway_core::reason::Reason;

use crate::error::RouterError;
use crate::fetch::Came;
use crate::message::{Content, Door, Message};
use crate::resent::Sorted;
use crate::router::Router;

/// Which messages to replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These.
    Positions(Vec<Position>),
    /// Those a query finds. Discarded ones only when it asks for them. Without a limit, as many as the settings allow.
    Query(MessageQuery),
}

/// What a replay did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplayReport {
    /// How many messages were gone through.
    pub messages: u64,
    /// Records stored for the first time.
    pub new: u64,
    /// Records of which a newer version became current.
    pub updated: u64,
    /// Records with the content they had.
    pub unchanged: u64,
    /// Older versions, kept as history.
    pub late: u64,
    /// How many messages ended in each state.
    pub states: BTreeMap<State, u64>,
    /// Messages the log does not hold any more. They stay as they are; held ones say so.
    pub gone: u64,
    /// Places at which no message was processed yet.
    pub unknown: u64,
}

/// What a take-up did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TakenUp {
    /// How many registry changes, or parts of them, were worked through. Unless none, there may be more: call again.
    pub tickets: u64,
    /// What became of the messages that waited for them.
    pub report: ReplayReport,
}

impl Router {
    /// Works through the registry changes that ask for a take-up: what waits for their persons is decided anew. A ticket is
    /// closed after its messages; a crash in between does them again, which changes nothing.
    ///
    /// # Errors
    /// Those of the log and the repository; tickets not worked through stay open.
    pub fn take_up(&self) -> Result<TakenUp, RouterError> {
        let mut taken = TakenUp::default();
        let actor = Actor("take-up".to_owned());
        for take_up in self.repository.take_ups(self.settings.take_ups_max)? {
            taken.report.add(&self.redo(&take_up.positions, RedoMode::Commit, &actor, &Came::default())?);
            self.repository.take_up_done(take_up.ticket)?;
            taken.tickets = taken.tickets.saturating_add(1);
        }
        Ok(taken)
    }

    /// Runs messages through mapping and decision again, in the order of the log, with today's settings, registry and
    /// consents. A preview works batch by batch, so that a record of several batches counts as new in each.
    ///
    /// # Errors
    /// Those of the log and the repository; batches before the failed one are done, and doing them again changes nothing.
    pub fn replay(&self, selection: Selection, mode: RedoMode, actor: &Actor) -> Result<ReplayReport, RouterError> {
        let mut positions = match selection {
            Selection::Positions(positions) => positions,
            Selection::Query(query) => self.find(query)?,
        };
        positions.sort_unstable();
        positions.dedup();
        self.redo(&positions, mode, actor, &Came::default())
    }

    /// Runs messages through again; `came` is what is known of the documents of a single one.
    pub(crate) fn redo(
        &self,
        positions: &[Position],
        mode: RedoMode,
        actor: &Actor,
        came: &Came,
    ) -> Result<ReplayReport, RouterError> {
        let mut report = ReplayReport::default();
        let mut rest = positions;
        while !rest.is_empty() {
            let (messages, left) = self.load(rest, mode, came, &mut report)?;
            rest = left;
            if messages.is_empty() {
                continue;
            }
            let lookups: Vec<Lookup<'_>> = messages.iter().map(Message::lookup).collect();
            let mut decide = |resolved: &_| self.decide(&messages, resolved, &Sorted::of(&lookups, resolved), mode);
            let committed = self.repository.redo(actor, mode, &lookups, self.clock.now(), &mut decide)?;
            report.count(&committed);
            match mode {
                RedoMode::Commit => self.count(&committed),
                RedoMode::Preview => {}
            }
        }
        Ok(report)
    }

    /// Reads and maps the next batch, within the bounds of a step, and says what is left after it.
    pub(crate) fn load<'p>(
        &self,
        positions: &'p [Position],
        mode: RedoMode,
        came: &Came,
        report: &mut ReplayReport,
    ) -> Result<(Vec<Message>, &'p [Position]), RouterError> {
        let limit = self.settings.batch;
        let (mut messages, mut bytes, mut rest) = (Vec::new(), 0_usize, positions);
        while let Some((position, after)) = rest.split_first() {
            if messages.len() >= limit.count_max || bytes >= limit.bytes_max {
                break;
            }
            rest = after;
            if position.offset >= self.repository.next_offset(position.partition)? {
                report.unknown = report.unknown.saturating_add(1);
                continue;
            }
            match self.log.entry(*position) {
                Ok(entry) => {
                    bytes = bytes.saturating_add(entry.envelope.body.expose().len());
                    messages.push(self.prepared(&entry, Door::Reexamined, came)?);
                }
                Err(error) if error.disposition() == Disposition::Hold => {
                    report.gone = report.gone.saturating_add(1);
                    messages.extend(self.held_and_gone(*position, mode)?);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok((messages, rest))
    }

    /// A held message whose bytes are gone will never be repaired from here: it says so from now on. A withheld one keeps
    /// its reason.
    fn held_and_gone(&self, position: Position, mode: RedoMode) -> Result<Option<Message>, RouterError> {
        if mode == RedoMode::Preview {
            return Ok(None);
        }
        let known = self.repository.trace(&position.to_string())?.into_iter().map(|detail| detail.row);
        let mut held = known.filter(|row| row.facts.position == position && row.state == State::Held);
        let told = |row: &MessageRow| row.reason == Some(Reason::LogEntryGone);
        let row = held.next().filter(|row| !told(row));
        Ok(row.map(|row| Message { facts: row.facts, refused: false, content: Content::Gone }))
    }

    /// The positions of the messages a query finds, page by page.
    fn find(&self, query: MessageQuery) -> Result<Vec<Position>, RouterError> {
        let wanted = if query.limit == 0 { self.settings.replay_max } else { query.limit };
        let discarded_too = query.state == Some(State::Discarded);
        let mut left = wanted;
        let mut page = MessageQuery { after_row: None, ..query };
        let mut positions = Vec::new();
        while left > 0 {
            page.limit = left.min(PAGE);
            let rows = self.repository.messages(&page)?;
            let Some(last) = rows.last() else { break };
            page.before_row = Some(last.row);
            left = left.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
            let chosen = rows.into_iter().filter(|row| discarded_too || row.state != State::Discarded);
            positions.extend(chosen.map(|row| row.facts.position));
        }
        Ok(positions)
    }
}

/// How many messages are listed at once while a query is gone through.
const PAGE: u32 = 1_000;

impl ReplayReport {
    fn count(&mut self, committed: &Committed) {
        for (outcome, effects) in &committed.outcomes {
            let Effects { created, updated, unchanged, late } = *effects;
            let one = BTreeMap::from([(outcome.state, 1)]);
            self.add(&Self { messages: 1, new: created, updated, unchanged, late, states: one, gone: 0, unknown: 0 });
        }
    }

    fn add(&mut self, other: &Self) {
        let Self { messages, new, updated, unchanged, late, states, gone, unknown } = other;
        let counters = [
            (&mut self.messages, messages),
            (&mut self.new, new),
            (&mut self.updated, updated),
            (&mut self.unchanged, unchanged),
            (&mut self.late, late),
            (&mut self.gone, gone),
            (&mut self.unknown, unknown),
        ];
        for (counter, more) in counters {
            *counter = counter.saturating_add(*more);
        }
        for (state, more) in states {
            let counter = self.states.entry(*state).or_default();
            *counter = counter.saturating_add(*more);
        }
    }
}
