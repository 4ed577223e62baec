//! The operators' pages under `/ops`: the state in one sentence, the feeds, the pipeline, what is held and how to
//! repair it, the messages and the journey of each. In both languages, complete without JavaScript, and without any
//! patient's name, number or record: what is shown of a message is its way, never its content.
//!
//! | path, after `/en` or `/zh-hant` | page |
//! | --- | --- |
//! | `/ops` | [`overview`]; `/ops/live` is its changing part alone, for the script that keeps it fresh |
//! | `/ops/held` | [`held`] |
//! | `/ops/codes` | [`codes`] |
//! | `/ops/conflicts` | [`conflicts`] |
//! | `/ops/messages` | [`messages`], filtered by `state`, `feed` and `reason` |
//! | `/ops/messages/{trace}` | [`journey`] |
//!
//! The same paths without a language lead to the reader's.

mod badge;
pub(crate) mod codes;
mod conflicts;
mod held;
mod journey;
mod messages;
mod overview;
mod spark;
mod words;

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use causeway_core::disposition::Disposition;
use causeway_core::port::{Images, Repository, RepositoryError};
use causeway_serve::http::Problem;
use causeway_serve::language::{self, Language, Source, Speaker, Texts};
use causeway_serve::page::{Fragment, Page, Place};

use crate::status::Snapshot;

/// What the pages are drawn from.
#[derive(Clone)]
pub(crate) struct DashboardState {
    /// Gives the latest snapshot. Called on the web server's threads: it must not block.
    pub(crate) snapshot: Arc<dyn Fn() -> Arc<Snapshot> + Send + Sync>,
    /// For the list of messages and their journeys.
    pub(crate) repository: Arc<dyn Repository>,
    /// For the images that contradict each other.
    pub(crate) images: Arc<dyn Images>,
    /// Whether a table of its feed knows a code today.
    pub(crate) knows: codes::Knows,
    /// Whether all data is synthetic, which a bar then says on every page.
    pub(crate) demo: bool,
}

/// The routes of the operators' pages, and `/`, which leads there.
pub(crate) fn routes(state: DashboardState) -> Router {
    Router::new()
        .route("/", get(to_overview))
        .route("/ops", get(to_language))
        .route("/ops/{*rest}", get(to_language))
        .route("/{lang}/ops", get(overview::page))
        .route("/{lang}/ops/live", get(overview::live))
        .route("/{lang}/ops/held", get(held::page))
        .route("/{lang}/ops/codes", get(codes::page))
        .route("/{lang}/ops/conflicts", get(conflicts::page))
        .route("/{lang}/ops/messages", get(messages::page))
        .route("/{lang}/ops/messages/{trace}", get(journey::page))
        .with_state(state)
}

/// The texts of these pages.
const SOURCE: Source =
    Source { english: include_str!("../locales/en.ftl"), chinese: include_str!("../locales/zh-Hant.ftl") };

/// The front door, until there are other pages to choose from.
async fn to_overview(headers: HeaderMap) -> Response {
    language::redirect(&headers, &Uri::from_static("/ops"))
}

/// The same page in the reader's language.
async fn to_language(headers: HeaderMap, uri: Uri) -> Response {
    language::redirect(&headers, &uri)
}

/// Who reads, and where: the language, and path and query after it.
struct Reader {
    language: Language,
    here: String,
}

impl<S: Sync> FromRequestParts<S> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let language = Language::from_request_parts(parts, state).await?;
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let here = target.strip_prefix('/').and_then(|rest| rest.strip_prefix(language.prefix())).unwrap_or("/ops");
        Ok(Self { language, here: here.to_owned() })
    }
}

impl Reader {
    /// Speaks the reader's language.
    fn say(&self) -> Speaker<'static> {
        static TEXTS: LazyLock<Texts> = LazyLock::new(|| Texts::with(&[SOURCE]));
        TEXTS.in_language(self.language)
    }
}

/// The pages of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    Overview,
    Held,
    Messages,
    Codes,
}

impl Area {
    /// In the order of the navigation: path after the language, key of the name.
    const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Overview, "/ops", "overview"),
        (Self::Held, "/ops/held", "held"),
        (Self::Messages, "/ops/messages", "messages"),
        (Self::Codes, "/ops/codes", "codes"),
    ];
}

/// Puts content into the frame.
fn framed(state: &DashboardState, reader: &Reader, area: Area, title: &str, content: Fragment) -> Response {
    let say = reader.say();
    let place = |(other, path, key): (Area, &str, &str)| Place {
        href: format!("/{}{path}", reader.language.prefix()),
        label: say.text(key),
        current: other == area,
    };
    // Images are read by others, on pages of their own.
    let studies =
        Place { href: format!("/{}/studies", reader.language.prefix()), label: say.text("studies"), current: false };
    let places: Vec<Place> = Area::ALL.map(place).into_iter().chain([studies]).collect();
    Page {
        language: reader.language,
        path: &reader.here,
        title,
        places: &places,
        synthetic: state.demo,
        live: area == Area::Overview,
        content,
    }
    .into_response()
}

/// Asks the repository, away from the web server's own threads.
async fn ask<T, F>(state: &DashboardState, question: F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: FnOnce(&dyn Repository) -> Result<T, RepositoryError> + Send + 'static,
{
    let repository = Arc::clone(&state.repository);
    match tokio::task::spawn_blocking(move || question(repository.as_ref())).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            tracing::error!(%error, "the operators' page could not read the repository");
            Err(match error.disposition() {
                Disposition::Retry => Problem::Unavailable,
                Disposition::Reject | Disposition::Hold => Problem::NotFound,
                Disposition::Halt => Problem::Internal,
            })
        }
        Err(_panicked) => Err(Problem::Internal),
    }
}

/// A template that could not be rendered is a fault of ours.
fn rendered(template: &impl askama::Template) -> Result<Fragment, Problem> {
    Fragment::of(template).map_err(|error| {
        tracing::error!(%error, "a part of the operators' page could not be rendered");
        Problem::Internal
    })
}

#[cfg(test)]
mod tests;
