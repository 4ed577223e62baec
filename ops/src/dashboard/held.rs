//! What is held, by reason: what it means, what to do about it, and the command that shows what a replay would do.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use causeway_core::reason::Reason;
use causeway_serve::http::Problem;
use causeway_serve::language::Speaker;
use jiff::Timestamp;

use super::words::{Explained, Moment};
use super::{Area, DashboardState, Reader, framed, rendered};
use crate::status::{HeldStatus, Snapshot};

/// The page.
pub(super) async fn page(State(state): State<DashboardState>, reader: Reader) -> Result<Response, Problem> {
    let say = reader.say();
    let content = Held::of(&(state.snapshot)(), say);
    Ok(framed(&state, &reader, Area::Held, &say.text("held-title"), rendered(&content)?))
}

#[derive(Template)]
#[template(path = "dashboard/held.html")]
pub(super) struct Held<'a> {
    say: Speaker<'a>,
    groups: Vec<Group>,
}

impl<'a> Held<'a> {
    /// What a snapshot shows.
    pub(super) fn of(snapshot: &Snapshot, say: Speaker<'a>) -> Self {
        Self { say, groups: groups(snapshot, say) }
    }
}

/// The held messages of one reason.
pub(super) struct Group {
    /// Why.
    pub(super) reason: Explained,
    /// How many.
    pub(super) count: u64,
    /// The same as shown in a table.
    pub(super) number: String,
    /// When the first one was received.
    pub(super) first: Moment,
    /// When the last one was received.
    pub(super) last: Moment,
    /// The same by feed.
    pub(super) feeds: Vec<Share>,
    /// Shows what a replay of all of them would do, and does nothing.
    pub(super) command: String,
}

/// The held messages of one reason and feed.
pub(super) struct Share {
    /// The feed.
    pub(super) feed: String,
    /// How many.
    pub(super) count: String,
    /// When the first one was received.
    pub(super) first: Moment,
    /// When the last one was received.
    pub(super) last: Moment,
}

/// The held messages of a snapshot by reason, the most frequent reason first.
pub(super) fn groups(snapshot: &Snapshot, say: Speaker<'_>) -> Vec<Group> {
    let mut reasons: Vec<(Reason, u64)> = Vec::new();
    for status in &snapshot.held {
        match reasons.iter_mut().find(|(reason, _)| *reason == status.reason) {
            Some((_, count)) => *count = count.saturating_add(status.count),
            None => reasons.push((status.reason, status.count)),
        }
    }
    reasons.sort_by_key(|(reason, count)| (std::cmp::Reverse(*count), *reason));
    let of = |reason| snapshot.held.iter().filter(move |status| status.reason == reason);
    reasons.into_iter().filter_map(|(reason, count)| group(reason, count, of(reason), snapshot.at, say)).collect()
}

/// One group. `None` when it has no share, which cannot be.
fn group<'s>(
    reason: Reason,
    count: u64,
    shares: impl Iterator<Item = &'s HeldStatus> + Clone,
    now: Timestamp,
    say: Speaker<'_>,
) -> Option<Group> {
    let moment = |at| Moment::of(at, now, say);
    let first = shares.clone().map(|share| share.first).min()?;
    let last = shares.clone().map(|share| share.last).max()?;
    let share = |status: &HeldStatus| Share {
        feed: status.feed.to_string(),
        count: say.number(status.count),
        first: moment(status.first),
        last: moment(status.last),
    };
    Some(Group {
        reason: Explained::of(reason, say),
        count,
        number: say.number(count),
        first: moment(first),
        last: moment(last),
        feeds: shares.map(share).collect(),
        command: format!("causeway message replay --state held --reason {reason}"),
    })
}
