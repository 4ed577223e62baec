//! The list of messages, newest first, filtered by a plain form.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use causeway_core::envelope::FeedName;
use causeway_core::outcome::State as MessageState;
use causeway_core::port::{MessageQuery, MessageRow};
use causeway_core::reason::Reason;
use causeway_serve::http::Problem;
use causeway_serve::language::Speaker;
use jiff::Timestamp;
use serde::Deserialize;

use super::badge::{Badge, state_key};
use super::words::{Explained, Moment};
use super::{Area, DashboardState, Reader, ask, framed, rendered};
use crate::status::Snapshot;

/// Messages on one page.
const ROWS_MAX: usize = 50;

/// The page.
pub(super) async fn page(
    State(state): State<DashboardState>,
    reader: Reader,
    filter: Result<Query<Filter>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Problem> {
    let Ok(Query(filter)) = filter else { return Err(Problem::BadRequest) };
    let say = reader.say();
    let query = filter.query()?;
    let rows = ask(&state, move |repository| repository.messages(&query)).await?;
    let content = Messages::of(&rows, &filter, &(state.snapshot)(), say);
    Ok(framed(&state, &reader, Area::Messages, &say.text("messages-title"), rendered(&content)?))
}

/// The form, as the browser sends it: what is not chosen is empty.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    state: String,
    #[serde(default)]
    feed: String,
    #[serde(default)]
    reason: String,
    before: Option<i64>,
}

impl Filter {
    /// What to ask the repository, one row more than is shown. A word no form offers is a bad request.
    fn query(&self) -> Result<MessageQuery, Problem> {
        Ok(MessageQuery {
            feed: chosen(&self.feed, |word| FeedName::parse(word).ok())?,
            state: chosen(&self.state, MessageState::parse)?,
            reason: chosen(&self.reason, Reason::parse)?,
            before_row: self.before,
            limit: u32::try_from(ROWS_MAX.saturating_add(1)).unwrap_or(u32::MAX),
            ..MessageQuery::default()
        })
    }

    /// The query string of the same filter elsewhere in the list. The words were checked: none needs an escape.
    fn link(&self, before: Option<i64>) -> String {
        let words = [("state", &self.state), ("feed", &self.feed), ("reason", &self.reason)];
        let set = words.into_iter().filter(|(_, word)| !word.is_empty()).map(|(name, word)| format!("{name}={word}"));
        let parts: Vec<String> = set.chain(before.map(|row| format!("before={row}"))).collect();
        format!("?{}", parts.join("&"))
    }

    /// Whether anything is chosen.
    fn is_set(&self) -> bool {
        [&self.state, &self.feed, &self.reason].iter().any(|word| !word.is_empty())
    }
}

/// A word of the form; empty means no choice.
fn chosen<T>(word: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    if word.is_empty() { Ok(None) } else { parse(word).map(Some).ok_or(Problem::BadRequest) }
}

#[derive(Template)]
#[template(path = "dashboard/messages.html")]
pub(super) struct Messages<'a> {
    say: Speaker<'a>,
    feeds: Vec<Choice>,
    states: Vec<Choice>,
    reasons: Vec<Choice>,
    filtered: bool,
    newest: Option<String>,
    older: Option<String>,
    rows: Vec<Row>,
}

impl<'a> Messages<'a> {
    /// The list: rows as asked for by [`Filter::query`], one more than is shown when there are older ones.
    pub(super) fn of(rows: &[MessageRow], filter: &Filter, snapshot: &Snapshot, say: Speaker<'a>) -> Self {
        let shown = rows.get(..ROWS_MAX).unwrap_or(rows);
        let feeds = snapshot.feeds.iter().map(|feed| (feed.name.to_string(), feed.name.to_string()));
        Self {
            say,
            feeds: options(feeds, &filter.feed),
            states: options(states(say), &filter.state),
            reasons: options(reasons(say), &filter.reason),
            filtered: filter.is_set(),
            newest: filter.before.map(|_| filter.link(None)),
            older: shown.last().filter(|_| rows.len() > ROWS_MAX).map(|row| filter.link(Some(row.row))),
            rows: shown.iter().map(|row| Row::of(row, snapshot.at, say)).collect(),
        }
    }
}

/// A line of a select.
struct Choice {
    value: String,
    label: String,
    selected: bool,
}

/// The lines of a select.
fn options(all: impl Iterator<Item = (String, String)>, current: &str) -> Vec<Choice> {
    all.map(|(value, label)| Choice { selected: value == current, value, label }).collect()
}

/// Every state by name.
fn states(say: Speaker<'_>) -> impl Iterator<Item = (String, String)> {
    MessageState::ALL.iter().map(move |state| (state.as_str().to_owned(), say.text(state_key(*state))))
}

/// Every reason by code and meaning.
fn reasons(say: Speaker<'_>) -> impl Iterator<Item = (String, String)> {
    Reason::ALL.iter().map(move |reason| {
        (reason.code().to_owned(), format!("{} · {}", reason.code(), Explained::of(*reason, say).text))
    })
}

/// A line of the list.
struct Row {
    trace: String,
    received: Moment,
    feed: String,
    kind: String,
    control_id: String,
    badge: Badge,
    in_part: bool,
    reason: Option<Explained>,
}

impl Row {
    fn of(row: &MessageRow, now: Timestamp, say: Speaker<'_>) -> Self {
        let facts = &row.facts;
        Self {
            trace: facts.trace.to_string(),
            received: Moment::of(facts.received_at, now, say),
            feed: facts.feed.to_string(),
            kind: facts.kind.clone(),
            control_id: facts.control_id.clone(),
            badge: Badge::of_message(row.state, say),
            in_part: row.state == MessageState::Accepted,
            reason: row.reason.map(|reason| Explained::of(reason, say)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(query: &str) -> Result<Filter, Problem> {
        let uri = format!("/en/ops/messages?{query}").parse().expect("uri");
        Query::<Filter>::try_from_uri(&uri).map(|Query(filter)| filter).map_err(|_unreadable| Problem::BadRequest)
    }

    #[test]
    fn an_empty_form_asks_for_the_newest_of_everything() {
        let query = filter("state=&feed=&reason=").and_then(|filter| filter.query());
        assert_eq!(query, Ok(MessageQuery { limit: 51, ..MessageQuery::default() }));
    }

    #[test]
    fn a_form_asks_for_what_was_chosen_and_its_links_keep_it() {
        let filter = filter("state=held&feed=lab&reason=NO_DOCUMENT&before=7").expect("good");
        let query = filter.query().expect("good");
        assert_eq!(query.state, Some(MessageState::Held));
        assert_eq!(query.feed, FeedName::parse("lab").ok());
        assert_eq!(query.reason, Some(Reason::NoDocument));
        assert_eq!(query.before_row, Some(7));
        assert_eq!(filter.link(Some(3)), "?state=held&feed=lab&reason=NO_DOCUMENT&before=3");
        assert_eq!(filter.link(None), "?state=held&feed=lab&reason=NO_DOCUMENT");
    }

    #[test]
    fn words_no_form_offers_are_refused() {
        for query in ["state=lost", "feed=A%20B", "reason=x", "before=abc", "feed=%27%20OR%201=1--"] {
            let refused = filter(query).and_then(|filter| filter.query());
            assert_eq!(refused, Err(Problem::BadRequest), "{query}");
        }
    }
}
