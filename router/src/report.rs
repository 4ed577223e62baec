//! What the router tells: metrics, and the door that waits for an answer.

use causeway_core::ack::Settled;
use causeway_core::decision::Verdict;
use causeway_core::metric::{self, Metrics};
use causeway_core::outcome::{MessageFacts, Outcome, State};
use causeway_core::port::{Committed, Effects};
use causeway_core::reason::Reason;
use causeway_core::scope::Domain;
use jiff::Timestamp;

use crate::error::RouterError;
use crate::router::Router;

/// How far the router is behind the log.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Lag {
    /// Messages logged and not processed.
    pub messages: u64,
    /// When the oldest of them was received; `None` when there is none.
    pub oldest: Option<Timestamp>,
}

impl Router {
    /// How far the router is behind, over all partitions.
    ///
    /// # Errors
    /// Those of the log and the repository.
    pub fn lag(&self) -> Result<Lag, RouterError> {
        let mut lag = Lag::default();
        for state in self.log.state()? {
            let next = self.repository.next_offset(state.partition)?;
            let waiting = state.end.0.saturating_sub(next.0);
            if waiting == 0 {
                continue;
            }
            lag.messages = lag.messages.saturating_add(waiting);
            let position = causeway_core::envelope::Position { partition: state.partition, offset: next };
            let received_at = self.log.entry(position)?.envelope.received_at;
            lag.oldest = Some(lag.oldest.map_or(received_at, |oldest| oldest.min(received_at)));
        }
        Ok(lag)
    }

    /// Tells of a committed batch: first the door, then the counters.
    pub(crate) fn tell(&self, committed: &Committed, at: Timestamp) {
        let outcomes = committed.outcomes.iter().map(|(outcome, _)| outcome);
        let settled: Vec<Settled> = outcomes.clone().filter_map(|outcome| settled(outcome, at)).collect();
        self.settlement.settled(&settled);
        for outcome in outcomes {
            let feed = outcome.facts.feed.as_str();
            self.metrics.add(&metric::OUTCOMES, &[feed, outcome.state.as_str()], 1);
            self.metrics.observe(&metric::END_TO_END_SECONDS, &[feed], seconds(outcome.facts.received_at, at));
        }
        self.count(committed);
    }

    /// Counts what a commit decided and stored.
    pub(crate) fn count(&self, committed: &Committed) {
        let metrics = self.metrics.as_ref();
        for (outcome, _) in &committed.outcomes {
            metrics.add(&metric::STAGE_MESSAGES, &["route", stage_outcome(outcome.state)], 1);
            for decision in &outcome.decisions {
                let (word, reason) = match decision.verdict {
                    Verdict::Permit => ("permit", ""),
                    Verdict::Withhold(reason) => ("withhold", reason.code()),
                };
                metrics.add(&metric::CONSENT_DECISIONS, &["deposit", word, reason], 1);
            }
        }
        for (domain, effects) in &committed.by_domain {
            count_records(metrics, *domain, *effects);
        }
    }
}

/// Seconds between two times; never negative, whatever the clocks say.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64().max(0.0)
}

fn count_records(metrics: &dyn Metrics, domain: Domain, effects: Effects) {
    let Effects { created, updated, unchanged, late } = effects;
    for (effect, count) in [("created", created), ("updated", updated), ("unchanged", unchanged), ("late", late)] {
        if count > 0 {
            metrics.add(&metric::RECORDS, &[domain.code(), effect], count);
        }
    }
}

/// What the door refused was answered by the door.
fn settled(outcome: &Outcome, at: Timestamp) -> Option<Settled> {
    settlement(&outcome.facts, outcome.state, outcome.reason, at)
}

/// What a sender is told of a message.
pub(crate) fn settlement(facts: &MessageFacts, state: State, reason: Option<Reason>, at: Timestamp) -> Option<Settled> {
    match state {
        State::Accepted | State::Withheld | State::Held => {
            Some(Settled { position: facts.position, feed: facts.feed.clone(), state, reason, at })
        }
        State::Rejected | State::Discarded => None,
    }
}

const fn stage_outcome(state: State) -> &'static str {
    match state {
        State::Accepted => "ok",
        State::Withheld => "filtered",
        State::Held => "parked",
        State::Rejected | State::Discarded => "rejected",
    }
}
