//! The guard before every route: who may ask, how long and how much; and after it: headers, plain words, counting.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{ALLOW, CONTENT_LENGTH};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use causeway_core::metric::{self, Metrics};
use hyper::body::Body as _;
use tokio::time::Instant;

use super::problem::{Asker, in_plain_words};
use super::{HttpLimits, Problem, Reached, headers, host};
use crate::assets;

/// Puts the guard before every route of `router`, and the static files beside them. [`super::serve`] does it; tests of
/// pages call it to see what a browser would see.
pub fn guarded(router: Router, limits: &HttpLimits, metrics: Arc<dyn Metrics>) -> Router {
    let guard = Arc::new(Guard {
        hosts: limits.hosts.clone(),
        request_timeout: limits.request_timeout,
        body_bytes_max: limits.body_bytes_max,
        metrics,
    });
    router
        .merge(assets::routes())
        .layer(DefaultBodyLimit::max(limits.body_bytes()))
        .layer(from_fn_with_state(guard, around))
}

/// What the guard goes by.
struct Guard {
    hosts: Vec<String>,
    request_timeout: Duration,
    body_bytes_max: u64,
    metrics: Arc<dyn Metrics>,
}

/// Around every request.
async fn around(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let asker = Asker::of(&request);
    let labels = Labels::of(&request);
    let answer = match guard.check(&request) {
        Ok(()) => guard.in_time(request, next).await,
        Err(problem) => problem.into_response(),
    };
    let mut answer = in_plain_words(answer, &asker);
    if labels.route.is_none() {
        allow(&mut answer);
    }
    headers::secure(answer.headers_mut());
    labels.count(guard.metrics.as_ref(), answer.status(), begun.elapsed());
    answer
}

impl Guard {
    /// Refuses what no route should see.
    fn check(&self, request: &Request) -> Result<(), Problem> {
        if method_label(request.method()) == OTHER_METHOD {
            return Err(Problem::MethodNotAllowed);
        }
        let reached = request.extensions().get::<Reached>().map(|reached| reached.0);
        host::check(request.uri(), request.headers(), reached, &self.hosts)?;
        if has_nul(request) {
            return Err(Problem::BadRequest);
        }
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if announced.is_some_and(|length: u64| length > self.body_bytes_max) {
            return Err(Problem::TooLarge);
        }
        Ok(())
    }

    /// Lets the route answer, in time. What was too slow is told from the body: a request without one is ours.
    async fn in_time(&self, request: Request, next: Next) -> Response {
        let late = if request.body().is_end_stream() { Problem::Unavailable } else { Problem::TooSlow };
        match tokio::time::timeout(self.request_timeout, next.run(request)).await {
            Ok(answer) => answer,
            Err(_elapsed) => late.into_response(),
        }
    }
}

/// A NUL byte in the target, however written: no honest client sends one, and it has fooled many a parser.
fn has_nul(request: &Request) -> bool {
    request.uri().path_and_query().is_some_and(|target| target.as_str().contains("%00"))
}

/// The label of every method that is not taken: TRACE, CONNECT and all that is made up.
const OTHER_METHOD: &str = "other";

/// The methods that are taken, as metric labels; the set is closed.
fn method_label(method: &Method) -> &'static str {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method.as_str())
        .unwrap_or(OTHER_METHOD)
}

/// The labels of a request, from closed sets: the route is its template, never the path.
struct Labels {
    surface: &'static str,
    method: &'static str,
    route: Option<MatchedPath>,
}

impl Labels {
    /// Of a request.
    fn of(request: &Request) -> Self {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let surface = surface(route.as_ref().map_or("", MatchedPath::as_str));
        Self { surface, method: method_label(request.method()), route }
    }

    /// Counts the answer.
    fn count(&self, metrics: &dyn Metrics, status: StatusCode, took: Duration) {
        let route = self.route.as_ref().map_or("none", MatchedPath::as_str);
        metrics.add(&metric::HTTP_REQUESTS, &[self.surface, self.method, route, status.as_str()], 1);
        metrics.observe(&metric::HTTP_REQUEST_DURATION_SECONDS, &[self.surface], took.as_secs_f64());
    }
}

/// The surface a route belongs to.
fn surface(route: &str) -> &'static str {
    let first = route.split('/').nth(1).unwrap_or_default();
    match first {
        "fhir" => "fhir",
        "dicomweb" => "dicomweb",
        "api" => "api",
        "metrics" | "livez" | "readyz" => "probe",
        _ => "web",
    }
}

/// The methods named in the answer to another one where there is no route: a route names its own, around this guard.
fn allow(answer: &mut Response) {
    if answer.status() == StatusCode::METHOD_NOT_ALLOWED {
        answer.headers_mut().entry(ALLOW).or_insert(HeaderValue::from_static("GET,HEAD"));
    }
}
