//! What a history of events adds up to, now and at any time before.

use jiff::Timestamp;

use super::{ConsentError, ConsentEvent, Standing};
use crate::provider::{Provider, ProviderId};

/// The result of going through a history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// What the events add up to.
    pub standing: Standing,
    /// The numbers of events that are not possible where they stand in the history, with the reason; they changed nothing.
    pub refused: Vec<(u32, ConsentError)>,
}

/// Goes through all events of one person by their time, and by their number within one instant, whatever the order they
/// are given in; a number given twice counts once. `provider` finds the registry's entry of a provider.
pub fn replay<'p>(events: &[ConsentEvent], provider: impl Fn(&ProviderId) -> Option<&'p Provider>) -> Replayed {
    let mut ordered: Vec<&ConsentEvent> = events.iter().collect();
    ordered.sort_by_key(|event| (event.at, event.seq));
    ordered.dedup_by_key(|event| event.seq);
    let mut replayed = Replayed::default();
    for event in ordered {
        let provider = event.provider.as_ref().and_then(&provider);
        if let Err(error) = replayed.standing.apply_recorded(event, provider) {
            replayed.refused.push((event.seq, error));
        }
    }
    replayed
}

/// What the events up to and including `at` add up to: was this access lawful at the time?
pub fn standing_at<'p>(
    events: &[ConsentEvent],
    provider: impl Fn(&ProviderId) -> Option<&'p Provider>,
    at: Timestamp,
) -> Standing {
    let until: Vec<ConsentEvent> = events.iter().filter(|event| event.at <= at).cloned().collect();
    replay(&until, provider).standing
}
