//! Images that contradict each other under one SOP Instance UID: which, how, which of them readers find, and the messages they
//! came by.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use causeway_core::dicom::change::{Conflict, Hidden};
use causeway_core::dicom::instance::{ConflictQuery, InstanceRow};
use causeway_core::outcome::MessageFacts;
use causeway_core::port::{Images, Repository, RepositoryError};
use causeway_serve::http::Problem;
use causeway_serve::language::{Speaker, Value};
use jiff::Timestamp;

use super::words::Moment;
use super::{Area, DashboardState, Reader, ask, framed, rendered};

/// So many are shown; the command line has them all.
const ROWS_MAX: usize = 200;

/// An image in conflict, with what is known of its message.
pub(super) type Told = (InstanceRow, Option<MessageFacts>);

/// The page.
pub(super) async fn page(State(state): State<DashboardState>, reader: Reader) -> Result<Response, Problem> {
    let say = reader.say();
    let images = Arc::clone(&state.images);
    let (count, rows) = ask(&state, move |repository| told(&*images, repository)).await?;
    let content = rendered(&Conflicts::of(count, &rows, (state.snapshot)().at, say))?;
    Ok(framed(&state, &reader, Area::Overview, &say.text("conflicts-title"), content))
}

fn told(images: &dyn Images, repository: &dyn Repository) -> Result<(u64, Vec<Told>), RepositoryError> {
    let limit = u32::try_from(ROWS_MAX.saturating_add(1)).unwrap_or(u32::MAX);
    let rows = images.conflicts(&ConflictQuery { limit, ..ConflictQuery::default() })?;
    let message = |row: InstanceRow| {
        let found = repository.trace(&row.position.to_string())?.into_iter().next();
        Ok((row, found.map(|detail| detail.row.facts)))
    };
    Ok((images.conflicting()?, rows.into_iter().map(message).collect::<Result<_, RepositoryError>>()?))
}

#[derive(Template)]
#[template(path = "dashboard/conflicts.html")]
pub(super) struct Conflicts<'a> {
    say: Speaker<'a>,
    at: &'static str,
    count: String,
    rows: Vec<Row>,
    more: bool,
}

impl<'a> Conflicts<'a> {
    /// The list.
    pub(super) fn of(count: u64, told: &[Told], now: Timestamp, say: Speaker<'a>) -> Self {
        Self {
            say,
            at: say.language().prefix(),
            count: say.fill("conflicts-count", &[("n", Value::Count(count))]),
            rows: told.iter().take(ROWS_MAX).map(|(row, facts)| Row::of(row, facts.as_ref(), now, say)).collect(),
            more: told.len() > ROWS_MAX,
        }
    }
}

/// An image.
struct Row {
    instance: String,
    study: String,
    conflict: String,
    readers: String,
    feed: String,
    trace: String,
    received: Option<Moment>,
}

impl Row {
    fn of(row: &InstanceRow, facts: Option<&MessageFacts>, now: Timestamp, say: Speaker<'_>) -> Self {
        let conflict = match row.conflict {
            Some(Conflict::Study) => "conflict-study",
            Some(Conflict::Series) => "conflict-series",
            Some(Conflict::Corrected) => "conflict-corrected",
            Some(Conflict::Content) | None => "conflict-content",
        };
        let readers = match row.hidden {
            None => "image-shown",
            Some(Hidden::Superseded | Hidden::Again) => "image-kept",
            Some(Hidden::Rejected | Hidden::Note | Hidden::ByHand) => "image-rejected",
        };
        Self {
            instance: row.instance.instance.to_string(),
            study: row.instance.study.to_string(),
            conflict: say.text(conflict),
            readers: say.text(readers),
            feed: facts.map(|facts| facts.feed.to_string()).unwrap_or_default(),
            trace: facts.map(|facts| facts.trace.to_string()).unwrap_or_default(),
            received: facts.map(|facts| Moment::of(facts.received_at, now, say)),
        }
    }
}
