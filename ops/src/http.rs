//! What HTTP answers besides the pages: metrics, health, and the status for programs.

mod body;
pub(crate) mod client;
pub(crate) mod clinic;
pub(crate) mod hl7;
pub(crate) mod stow;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use causeway_core::port::Clock;
use serde_json::json;

use crate::config::code_tables::Known;
use crate::dashboard::{self, DashboardState};
use crate::engines::Vault;
use crate::health::Health;
use crate::metrics::Prometheus;
use crate::status::Board;

/// The content type of Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What the routes are answered from.
#[derive(Clone)]
pub(crate) struct Surface {
    /// The metrics.
    pub(crate) metrics: Arc<Prometheus>,
    /// The latest snapshot.
    pub(crate) board: Board,
    /// Whether the hub is ready.
    pub(crate) health: Arc<Health>,
    /// The time.
    pub(crate) clock: Arc<dyn Clock>,
}

/// All routes.
pub(crate) fn routes(surface: Surface, repository: Arc<dyn Vault>, known: Known, synthetic: bool) -> Router {
    let board = surface.board.clone();
    let clock = Arc::clone(&surface.clock);
    let pages = DashboardState {
        snapshot: Arc::new(move || board.latest()),
        repository: Arc::clone(&repository) as _,
        images: repository,
        knows: Arc::new(move |count| known.knows(count, clock.now())),
        demo: synthetic,
    };
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/api/v1/status", get(status))
        .with_state(surface)
        .merge(dashboard::routes(pages))
}

async fn metrics(State(surface): State<Surface>) -> Response {
    match surface.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn ready(State(surface): State<Surface>) -> Response {
    let checks = surface.health.checks(&surface.board.latest(), surface.clock.now());
    let ok = checks.iter().all(|check| check.ok);
    let status = if ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "v": 1, "ready": ok, "checks": checks }))).into_response()
}

async fn status(State(surface): State<Surface>) -> Response {
    Json(surface.board.latest().as_ref()).into_response()
}
