//! How a feed stands, and in one sentence the hub.

use jiff::Timestamp;

use super::gauges::whole;
use super::{BEHIND_AFTER_SECONDS, FeedState, FeedStatus, Headline, Pipeline, SILENT_AFTER_INTERVALS};

/// A feed flows when its last message is younger than so many seconds.
const FLOWING_SECONDS: u64 = 60;

/// How a feed stands: what an operator did counts before what happens to it.
pub(super) fn state(status: &FeedStatus, is_paused: bool, is_up: bool, now: Timestamp) -> FeedState {
    let quiet = status.last_message_at.map(|at| age(at, now));
    let allowed = status.expected_seconds.map(|every| precise(every.saturating_mul(u64::from(SILENT_AFTER_INTERVALS))));
    match (is_paused, is_up, quiet, allowed) {
        (true, ..) => FeedState::Paused,
        (false, false, ..) => FeedState::Down,
        (false, true, Some(quiet), Some(allowed)) if quiet > allowed => FeedState::Silent,
        (false, true, Some(quiet), _) if quiet < precise(FLOWING_SECONDS) => FeedState::Flowing,
        (false, true, ..) => FeedState::Waiting,
    }
}

/// The worst thing that is true.
pub(super) fn headline(
    feeds: &[FeedStatus],
    pipeline: &Pipeline,
    started_at: Option<Timestamp>,
    now: Timestamp,
) -> Headline {
    if started_at.is_none() {
        return Headline::Stopped;
    }
    if let Some(down) = feeds.iter().find(|feed| feed.state == FeedState::Down) {
        return Headline::Down { feed: down.name.clone() };
    }
    if pipeline.lag_seconds > BEHIND_AFTER_SECONDS {
        return Headline::Behind { seconds: whole(pipeline.lag_seconds), messages: pipeline.lag_messages };
    }
    let silent = feeds.iter().filter(|feed| feed.state == FeedState::Silent);
    let longest = silent.min_by_key(|feed| feed.last_message_at);
    let count = u64::try_from(feeds.len()).unwrap_or(u64::MAX);
    match longest {
        Some(feed) => Headline::Silent {
            feed: feed.name.clone(),
            seconds: feed.last_message_at.map_or(0, |at| whole(age(at, now))),
            expected_seconds: feed.expected_seconds.unwrap_or(0),
        },
        None if feeds.iter().all(|feed| feed.last_message_at.is_none()) => Headline::NothingYet { feeds: count },
        None => Headline::Flowing { feeds: count },
    }
}

/// Seconds from then to now; never negative, whatever the clocks say.
pub(super) fn age(at: Timestamp, now: Timestamp) -> f64 {
    now.duration_since(at).as_secs_f64().max(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "seconds below 2^53 are exact")]
const fn precise(seconds: u64) -> f64 {
    seconds as f64
}

#[cfg(test)]
mod tests {
    use causeway_core::envelope::FeedName;
    use causeway_core::provider::ProviderId;

    use super::*;

    fn feed(state: FeedState, last: Option<i64>) -> FeedStatus {
        FeedStatus {
            name: FeedName::parse("lab").expect("name"),
            protocol: String::new(),
            listen: String::new(),
            provider: ProviderId("HA".to_owned()),
            catch_all: false,
            state,
            connections: 0,
            expected_seconds: Some(10),
            last_message_at: last.map(|second| Timestamp::from_second(second).expect("in range")),
            rate_per_second: 0.0,
            accepted: 0,
            withheld: 0,
            held: 0,
            rejected: 0,
            discarded: 0,
            oldest_unprocessed_seconds: None,
            ack_p99_seconds: None,
            spark: Vec::new(),
        }
    }

    #[test]
    fn a_feed_is_silent_after_three_intervals_and_paused_before_all_else() {
        let now = Timestamp::from_second(1_000).expect("in range");
        let at = |last: Option<i64>, paused: bool, up: bool| state(&feed(FeedState::Waiting, last), paused, up, now);
        assert_eq!(at(Some(969), false, true), FeedState::Silent);
        assert_eq!(at(Some(971), false, true), FeedState::Flowing);
        assert_eq!(at(None, false, true), FeedState::Waiting);
        assert_eq!(at(Some(971), false, false), FeedState::Down);
        assert_eq!(at(Some(971), true, false), FeedState::Paused);
    }

    #[test]
    fn the_headline_is_the_worst_thing_that_is_true() {
        let now = Timestamp::from_second(1_000).expect("in range");
        let silent = feed(FeedState::Silent, Some(900));
        let behind = Pipeline { lag_seconds: 500.0, lag_messages: 9, ..Pipeline::default() };
        let of = |feeds: &[FeedStatus], pipeline: &Pipeline| headline(feeds, pipeline, Some(now), now);
        assert_eq!(of(&[feed(FeedState::Waiting, None)], &Pipeline::default()), Headline::NothingYet { feeds: 1 });
        assert_eq!(of(&[feed(FeedState::Flowing, Some(999))], &Pipeline::default()), Headline::Flowing { feeds: 1 });
        assert!(matches!(
            of(std::slice::from_ref(&silent), &Pipeline::default()),
            Headline::Silent { seconds: 100, .. }
        ));
        assert!(matches!(of(std::slice::from_ref(&silent), &behind), Headline::Behind { seconds: 500, messages: 9 }));
        assert!(matches!(of(&[silent, feed(FeedState::Down, None)], &behind), Headline::Down { .. }));
        assert_eq!(headline(&[], &behind, None, now), Headline::Stopped);
    }
}
