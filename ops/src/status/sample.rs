//! What the counters said at one time, and what changed between two times.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// What the counters said at one time.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    /// When.
    pub(super) at: Timestamp,
    /// Messages received, by feed.
    pub(super) received: BTreeMap<String, f64>,
    /// Acknowledgements, by feed: upper bounds with how many took no longer.
    pub(super) acks: BTreeMap<String, Vec<(f64, u64)>>,
    /// Messages through each stage.
    pub(super) stages: BTreeMap<&'static str, f64>,
}

/// The upper bound of 99 of 100 acknowledgements since then, taken straight between the bounds of its bucket.
#[expect(clippy::cast_precision_loss, reason = "counts below 2^53 are exact")]
pub(super) fn p99(now: &Sample, since: Option<&Sample>, feed: &str) -> Option<f64> {
    let after = now.acks.get(feed)?;
    let before = since.and_then(|sample| sample.acks.get(feed));
    let earlier = |place: usize| before.and_then(|b| b.get(place)).map_or(0, |(_, count)| *count);
    let grown: Vec<(f64, u64)> = after
        .iter()
        .enumerate()
        .map(|(place, (bound, count))| (*bound, count.saturating_sub(earlier(place))))
        .collect();
    let total = grown.last().map_or(0, |(_, count)| *count);
    if total == 0 {
        return None;
    }
    let wanted = total as f64 * 0.99;
    let (mut below, mut from) = (0.0, 0.0);
    for (bound, count) in grown {
        let count = count as f64;
        if count >= wanted {
            let inside = (count - below).max(1.0);
            return Some(if bound.is_finite() { from + (bound - from) * (wanted - below) / inside } else { from });
        }
        (below, from) = (count, bound);
    }
    Some(from)
}

/// A second, since then.
pub(super) fn rate(now: &Sample, since: &Sample, of: impl Fn(&Sample) -> f64) -> f64 {
    let seconds = now.at.duration_since(since.at).as_secs_f64();
    if seconds <= 0.0 { 0.0 } else { ((of(now) - of(since)) / seconds).max(0.0) }
}

/// The count of a feed.
pub(super) fn count_of(counts: &BTreeMap<String, f64>, feed: &str) -> f64 {
    counts.get(feed).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_at(second: i64, received: f64, buckets: &[(f64, u64)]) -> Sample {
        Sample {
            at: Timestamp::from_second(second).expect("in range"),
            received: BTreeMap::from([("lab".to_owned(), received)]),
            acks: BTreeMap::from([("lab".to_owned(), buckets.to_vec())]),
            stages: BTreeMap::new(),
        }
    }

    #[test]
    fn rates_and_p99_are_of_the_window_and_not_of_all_time() {
        let before = sample_at(100, 1_000.0, &[(0.001, 990), (0.01, 1_000), (0.1, 1_000)]);
        let now = sample_at(160, 1_120.0, &[(0.001, 990), (0.01, 1_110), (0.1, 1_120)]);
        assert!((rate(&now, &before, |s| count_of(&s.received, "lab")) - 2.0).abs() < 1e-9);
        let p99 = p99(&now, Some(&before), "lab").expect("acknowledgements");
        assert!((0.05..0.1).contains(&p99), "{p99}");
        assert_eq!(super::p99(&now, Some(&now), "lab"), None);
        assert!((rate(&now, &now, |s| count_of(&s.received, "lab"))).abs() < f64::EPSILON);
    }
}
