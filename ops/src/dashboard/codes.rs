//! Local codes that no table of their feed knows: what to write into a table next, the most frequent first.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use causeway_core::port::UnmappedCount;
use causeway_serve::http::Problem;
use causeway_serve::language::Speaker;
use jiff::Timestamp;

use super::words::{Moment, domain_name};
use super::{Area, DashboardState, Reader, ask, framed, rendered};

/// So many are shown; the command line has them all.
const ROWS_MAX: usize = 200;

/// Whether a table of its feed knows a code today.
pub(crate) type Knows = Arc<dyn Fn(&UnmappedCount) -> bool + Send + Sync>;

/// The page.
pub(super) async fn page(State(state): State<DashboardState>, reader: Reader) -> Result<Response, Problem> {
    let say = reader.say();
    let counts = ask(&state, |repository| repository.unmapped_codes(None, u32::MAX)).await?;
    let now = (state.snapshot)().at;
    let content = rendered(&Codes::of(&counts, &*state.knows, now, say))?;
    Ok(framed(&state, &reader, Area::Codes, &say.text("codes-title"), content))
}

#[derive(Template)]
#[template(path = "dashboard/codes.html")]
pub(super) struct Codes<'a> {
    say: Speaker<'a>,
    rows: Vec<Row>,
    more: bool,
}

impl<'a> Codes<'a> {
    /// The list. Codes that a table has come to know since are left out: a replay gives them their meaning.
    pub(super) fn of(
        counts: &[UnmappedCount],
        knows: &dyn Fn(&UnmappedCount) -> bool,
        now: Timestamp,
        say: Speaker<'a>,
    ) -> Self {
        let mut unknown = counts.iter().filter(|count| !knows(count));
        let rows = unknown.by_ref().take(ROWS_MAX).map(|count| Row::of(count, now, say)).collect();
        Self { say, rows, more: unknown.next().is_some() }
    }
}

/// A code.
struct Row {
    system: String,
    code: String,
    name: String,
    feed: String,
    domain: String,
    field: String,
    count: String,
    last: Moment,
}

impl Row {
    fn of(count: &UnmappedCount, now: Timestamp, say: Speaker<'_>) -> Self {
        let code = &count.code;
        Self {
            system: code.system.clone(),
            code: code.code.clone(),
            name: code.display.clone(),
            feed: count.feed.to_string(),
            domain: domain_name(code.domain, say.language()).to_owned(),
            field: code.field.clone(),
            count: say.number(count.count),
            last: Moment::of(count.last_seen, now, say),
        }
    }
}
