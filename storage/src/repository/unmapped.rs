//! Local codes no table knows, added up over a batch: the same on every engine.

use std::collections::BTreeMap;

use causeway_core::envelope::FeedName;
use causeway_core::mapped::UnmappedCode;
use causeway_core::outcome::{Outcome, State};
use causeway_core::port::{UNMAPPED_BATCH_MAX, UnmappedCount};

use super::codec::{count, domain_of, feed_of, micros, timestamp};
use super::error::Result;

/// What comes to be added to the counts of a feed's code. In the order of the keys, so that two transactions never wait for
/// each other crosswise.
pub(super) type Sums = BTreeMap<Key, Sum>;

/// Feed, domain, field, system, code.
pub(super) type Key = (String, &'static str, String, String, String);

/// How often, when last (in microseconds), and what the sender called it then.
#[derive(Debug, Default, Clone)]
pub(super) struct Sum {
    pub(super) count: i64,
    pub(super) last_seen: i64,
    pub(super) display: String,
}

/// Adds the codes of a message that is accepted for the first time.
pub(super) fn add(sums: &mut Sums, outcome: &Outcome) {
    if outcome.state != State::Accepted {
        return;
    }
    let (feed, seen) = (&outcome.facts.feed, micros(outcome.facts.received_at));
    for code in &outcome.unmapped {
        let UnmappedCode { domain, field, system, code, display } = code;
        let key = (feed.to_string(), domain.code(), field.clone(), system.clone(), code.clone());
        if sums.len() >= UNMAPPED_BATCH_MAX && !sums.contains_key(&key) {
            continue;
        }
        let sum = sums.entry(key).or_default();
        sum.count = sum.count.saturating_add(1);
        sum.last_seen = sum.last_seen.max(seen);
        sum.display.clone_from(display);
    }
}

/// A row as stored: feed, domain, field, system, code, display, count, last seen.
pub(super) type Row = (String, String, String, String, String, String, i64, i64);

/// Reads a row.
pub(super) fn read((feed, domain, field, system, code, display, n, last): Row) -> Result<UnmappedCount> {
    let feed: FeedName = feed_of(&feed)?;
    let code = UnmappedCode { domain: domain_of(&domain)?, field, system, code, display };
    Ok(UnmappedCount { feed, code, count: count(n)?, last_seen: timestamp(last)? })
}
