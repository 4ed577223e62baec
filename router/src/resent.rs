//! Messages that came more than once, where the log could not tell: the later copies get the first one's answer and
//! no outcome of their own.

use std::collections::HashMap;

use causeway_core::ack::Settled;
use causeway_core::port::{Committed, Lookup, MessageKey, Resolved, Sameness};
use jiff::Timestamp;

use crate::message::Message;
use crate::report::settlement;

/// The messages of a batch, told apart.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// The places, in the batch, of the messages that get an outcome.
    pub(crate) first: Vec<usize>,
    /// Of these, those whose control id was used before.
    pub(crate) reused: Vec<usize>,
    /// Later copies, with the place in the batch of the first copy, or what became of it.
    copies: Vec<(usize, Copy)>,
}

/// Where the first copy is.
#[derive(Debug, Clone, Copy)]
enum Copy {
    /// In this batch.
    Of(usize),
    /// Stored.
    Stored(Sameness),
}

impl Sorted {
    /// Sorts a batch.
    pub(crate) fn of(lookups: &[Lookup<'_>], resolved: &Resolved) -> Self {
        let mut sorted = Self::default();
        let mut seen: HashMap<MessageKey<'_>, usize> = HashMap::new();
        let mut control_ids: HashMap<(&str, &str, &str), usize> = HashMap::new();
        for (place, lookup) in lookups.iter().enumerate() {
            let stored = resolved.sameness.get(place).copied().unwrap_or_default();
            let Some(key) = lookup.message else {
                sorted.first.push(place);
                continue;
            };
            if let Sameness::Resent { .. } = stored {
                sorted.copies.push((place, Copy::Stored(stored)));
                continue;
            }
            if let Some(first) = seen.get(&key) {
                sorted.copies.push((place, Copy::Of(*first)));
                continue;
            }
            seen.insert(key, place);
            let within = control_ids.insert((key.feed.as_str(), key.sender, key.control_id), place).is_some();
            if within || stored == Sameness::ControlIdReused {
                sorted.reused.push(place);
            }
            sorted.first.push(place);
        }
        sorted
    }

    /// What those who wait for the copies are told, once the outcomes of the others are stored.
    pub(crate) fn settled(&self, messages: &[Message], committed: &Committed, at: Timestamp) -> Vec<Settled> {
        let of = |(place, copy): &(usize, Copy)| {
            let facts = &messages.get(*place)?.facts;
            let (state, reason) = match copy {
                Copy::Stored(Sameness::Resent { state, reason }) => (*state, *reason),
                Copy::Stored(Sameness::New | Sameness::ControlIdReused) => return None,
                Copy::Of(first) => {
                    let position = messages.get(*first)?.facts.position;
                    let mut outcomes = committed.outcomes.iter().map(|(outcome, _)| outcome);
                    let outcome = outcomes.find(|outcome| outcome.facts.position == position)?;
                    (outcome.state, outcome.reason)
                }
            };
            settlement(facts, state, reason, at)
        };
        self.copies.iter().filter_map(of).collect()
    }

    /// The places, in the batch, of the copies.
    pub(crate) fn copies(&self) -> impl Iterator<Item = usize> {
        self.copies.iter().map(|(place, _)| *place)
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::envelope::{Digest, FeedName};
    use causeway_core::outcome::State;
    use causeway_core::provider::ProviderId;

    use super::*;

    #[test]
    fn later_copies_are_sorted_out_and_a_control_id_with_other_bytes_is_flagged() {
        let (feed, provider) = (FeedName::parse("lab").expect("a name"), ProviderId("P".to_owned()));
        let key =
            |control_id, bytes: &[u8]| MessageKey { feed: &feed, sender: "A|B", control_id, digest: Digest::of(bytes) };
        let lookup = |message| Lookup { provider: &provider, identity: None, message };
        let lookups = [
            lookup(Some(key("1", b"x"))),
            lookup(Some(key("1", b"x"))),
            lookup(Some(key("1", b"y"))),
            lookup(Some(key("2", b"x"))),
            lookup(Some(key("3", b"x"))),
            lookup(None),
            lookup(None),
        ];
        let stored = Sameness::Resent { state: State::Held, reason: None };
        let mut sameness = vec![Sameness::New; lookups.len()];
        sameness[3] = stored;
        sameness[4] = Sameness::ControlIdReused;
        let sorted = Sorted::of(&lookups, &Resolved { sameness, ..Resolved::default() });
        assert_eq!((sorted.first, sorted.reused), (vec![0, 2, 4, 5, 6], vec![2, 4]));
        assert!(matches!(sorted.copies[..], [(1, Copy::Of(0)), (3, Copy::Stored(_))]));
    }
}
