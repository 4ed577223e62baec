//! STOW-RS (DICOM PS3.18 section 10.5): `POST /studies` and `POST /studies/{study}`, also below `/dicomweb`, where the reading
//! side has its addresses.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, EXPECT, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use causeway_dicom::stow::{Answer, Sender, Stow, StowFault};
use causeway_serve::http::Caller;
use serde_json::json;

use super::body::{Next, Reading, token};

const DICOM_JSON: &str = "application/dicom+json";
const PROBLEM: &str = "application/problem+json";
/// What is read of a body after its answer is known, so that its sender hears it.
const LINGER_BYTES: usize = 16 << 20;
const LINGER_TIME: Duration = Duration::from_secs(5);
/// Seconds after which a sender may try again.
const RETRY_SECONDS: &str = "5";

/// The routes.
pub(crate) fn routes(stow: Stow) -> Router {
    let mut router = Router::new();
    for base in ["", "/dicomweb"] {
        router = router
            .route(&format!("{base}/studies"), post(any_study))
            .route(&format!("{base}/studies/{{study}}"), post(one_study));
    }
    router.with_state(stow)
}

async fn any_study(
    State(stow): State<Stow>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(&stow, caller, &headers, body, None).await
}

async fn one_study(
    State(stow): State<Stow>,
    Extension(caller): Extension<Caller>,
    Path(study): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(&stow, caller, &headers, body, Some(&study)).await
}

/// Takes the parts of a body as they come.
async fn take(stow: &Stow, caller: Caller, headers: &HeaderMap, body: Body, study: Option<&str>) -> Response {
    let mut reading = Reading::new(body, stow.patience());
    // Who asks first whether to send is told at once.
    let linger_bytes = if headers.contains_key(EXPECT) { 0 } else { LINGER_BYTES };
    let sender = Sender { address: caller.address, certificate: caller.certificate, token: token(headers) };
    let Some(feed) = stow.recognise(&sender) else {
        reading.linger(linger_bytes, LINGER_TIME).await;
        return unknown();
    };
    if !accepts(headers) {
        reading.linger(linger_bytes, LINGER_TIME).await;
        return not_acceptable();
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut taking = match stow.begin(feed, caller.address, kind, study) {
        Ok(taking) => taking,
        Err(fault) => {
            reading.linger(linger_bytes, LINGER_TIME).await;
            return answered(&fault.into());
        }
    };
    let broken = loop {
        match reading.next().await {
            Next::Bytes(bytes) => {
                if !taking.push(&bytes).await {
                    break None;
                }
            }
            Next::End => break None,
            Next::Broken => break Some(StowFault::Cut),
            Next::Silent => break Some(StowFault::Silent),
        }
    };
    let answer = taking.finish(broken).await;
    if broken.is_none() {
        reading.linger(LINGER_BYTES, LINGER_TIME).await;
    }
    answered(&answer)
}

/// Whether the sender takes the one form that answers have.
fn accepts(headers: &HeaderMap) -> bool {
    let mut kinds =
        headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok()).flat_map(|text| text.split(','));
    let ours = [DICOM_JSON, "application/json", "application/*", "*/*"];
    let first = kinds.next();
    first.is_none_or(|first| {
        std::iter::once(first)
            .chain(kinds)
            .any(|kind| ours.contains(&kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str()))
    })
}

/// The results of the parts; where there are none, why.
fn answered(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match (&answer.results, answer.fault) {
        (Some(results), fault) => {
            let mut response = (status, [(CONTENT_TYPE, DICOM_JSON)], results.to_string()).into_response();
            let told = fault.map(|fault| format!("299 causeway: {fault}; {}", fault.fix()));
            if let Some(told) = told.and_then(|told| HeaderValue::from_str(&told).ok()) {
                response.headers_mut().insert(HeaderName::from_static("warning"), told);
            }
            response
        }
        (None, Some(fault)) => {
            problem(status, fault.code(), "the instances are not taken", &fault.to_string(), fault.fix())
        }
        (None, None) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    if answer.later {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SECONDS));
    }
    response
}

fn unknown() -> Response {
    let detail = "neither token nor certificate is one of a feed that hears this address";
    let fix = "send `Authorization: Bearer TOKEN`, or the client certificate, of a [[dicom_door.feed]]";
    let mut response = problem(StatusCode::UNAUTHORIZED, "unauthorized", "the sender is not known", detail, fix);
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"Causeway STOW-RS\""));
    response
}

fn not_acceptable() -> Response {
    let (title, detail) = ("there is no such representation", "answers are application/dicom+json; there is no XML");
    problem(StatusCode::NOT_ACCEPTABLE, "not-acceptable", title, detail, "ask for `Accept: application/dicom+json`")
}

/// Problem details (RFC 9457).
fn problem(status: StatusCode, code: &str, title: &str, detail: &str, fix: &str) -> Response {
    let kind = format!("urn:causeway:problem:{code}");
    let told = json!({
        "type": kind, "title": title, "status": status.as_u16(), "code": code, "detail": detail, "fix": fix,
    });
    (status, [(CONTENT_TYPE, PROBLEM)], told.to_string()).into_response()
}
