//! Chinese-medicine records by HTTP: `POST /chinese-medicine/records` with one record as JSON, or a batch as NDJSON, which
//! is answered line by line as its records become durable. `docs/chinese-medicine/openapi.json` describes it.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use causeway_chinese_medicine::csv::{Language, template};
use causeway_chinese_medicine::desk::{KEY_BYTES_MAX, too_long};
use causeway_chinese_medicine::documents::{EXAMPLE_CSV, PATH, openapi, schema};
use causeway_chinese_medicine::lines::{Line, Lines};
use causeway_chinese_medicine::{Desk, Sender, Taken, result};
use causeway_core::chinese_medicine::{Fault, FaultCode};
use causeway_serve::http::{Caller, Problem};
use futures_util::stream::{self, StreamExt as _};
use serde_json::json;

use super::body::{Next, Reading, token};

const PROBLEM: &str = "application/problem+json";
const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv; charset=utf-8";

/// Where records go, and the published format beside it, which says nothing of anybody.
pub(crate) fn routes(desk: Arc<Desk>) -> Router {
    let page = |kind: &'static str, text: String| get(move || async move { ([(CONTENT_TYPE, kind)], text) });
    Router::new()
        .route(PATH, post(take))
        .route("/chinese-medicine/record.schema.json", page("application/schema+json", schema().to_string()))
        .route("/chinese-medicine/openapi.json", page("application/json", openapi().to_string()))
        .route("/chinese-medicine/template.csv", page(CSV, template(Language::English)))
        .route("/chinese-medicine/template-zh.csv", page(CSV, template(Language::Chinese)))
        .route("/chinese-medicine/example.csv", page(CSV, EXAMPLE_CSV.to_owned()))
        .with_state(desk)
}

async fn take(
    State(desk): State<Arc<Desk>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let sender = Sender { address: caller.address, certificate: caller.certificate, token: token(&headers) };
    let Some(feed) = desk.recognise(&sender) else {
        let detail = "neither token nor certificate is one of a feed that hears this address";
        return Ok(problem(StatusCode::UNAUTHORIZED, "the sender is not known", detail, &[]));
    };
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/json" => Ok(single(&desk, feed, &headers, body).await),
        NDJSON | "application/ndjson" | "application/jsonl" => Ok(batch(desk, feed, body)),
        _ => Err(Problem::ContentType),
    }
}

/// One record.
async fn single(desk: &Desk, feed: usize, headers: &HeaderMap, body: Body) -> Response {
    let key = match headers.get("idempotency-key").map(|key| key.to_str()) {
        None => None,
        Some(Ok(key)) if (1..=KEY_BYTES_MAX).contains(&key.len()) => Some(key),
        Some(Ok(_) | Err(_)) => {
            let detail = "Idempotency-Key is not of 1 to 64 printable ASCII characters";
            return problem(StatusCode::BAD_REQUEST, "the request is not valid", detail, &[]);
        }
    };
    let bytes_max = desk.record_bytes_max();
    let mut read = Reading::new(body, desk.config().limits.read_timeout);
    let mut bytes = Vec::new();
    loop {
        match read.next().await {
            Next::Bytes(more) => bytes.extend_from_slice(&more),
            Next::End => break,
            Next::Broken | Next::Silent => {
                let cut = Fault::new(FaultCode::CutShort, "", "the request ended before its body");
                return problem(StatusCode::BAD_REQUEST, "the record is not taken", "", &[cut]);
            }
        }
        if bytes.len() > bytes_max {
            return problem(StatusCode::PAYLOAD_TOO_LARGE, "the record is too long", "", &[too_long(bytes_max)]);
        }
    }
    match desk.take(feed, &bytes, key).await {
        taken @ Taken::Accepted { .. } => (StatusCode::ACCEPTED, axum::Json(result(1, &taken))).into_response(),
        Taken::Rejected(faults) => problem(StatusCode::BAD_REQUEST, "the record is not taken", "", &faults),
        Taken::Later => {
            let detail = "the feed is paused, or the log cannot take more: send the record again later";
            problem(StatusCode::SERVICE_UNAVAILABLE, "not now", detail, &[])
        }
    }
}

/// A batch of any length: so many records are on their way at one time, and no more than a line of it is in memory.
fn batch(desk: Arc<Desk>, feed: usize, body: Body) -> Response {
    let limits = desk.config().limits;
    let reading = Reading::new(body, limits.read_timeout);
    let begin = (reading, Some(Lines::new(desk.record_bytes_max())));
    let lines = stream::unfold(begin, |(mut reading, lines)| async move {
        let mut lines = lines?;
        match reading.next().await {
            Next::Bytes(bytes) => Some((lines.feed(&bytes), (reading, Some(lines)))),
            Next::End => Some((lines.finish().into_iter().collect(), (reading, None))),
            // What came of the line that was cut is no record.
            Next::Broken | Next::Silent => None,
        }
    });
    let begun = lines.flat_map(stream::iter).map(move |line| {
        let desk = Arc::clone(&desk);
        let (number, begun) = match line {
            Line::Whole { number, bytes } => (number, Ok(desk.begin(feed, &bytes, None))),
            Line::TooLong { number } => (number, Err(too_long(desk.record_bytes_max()))),
        };
        async move {
            let taken = match begun {
                Ok(begun) => desk.finish(begun).await,
                Err(fault) => Taken::Rejected(vec![fault]),
            };
            Ok::<_, Infallible>(Bytes::from(result(number, &taken).to_string() + "\n"))
        }
    });
    let body = Body::from_stream(begun.buffered(limits.in_flight_max));
    (StatusCode::OK, [(CONTENT_TYPE, NDJSON)], body).into_response()
}

fn problem(status: StatusCode, title: &str, detail: &str, faults: &[Fault]) -> Response {
    let mut told = json!({"type": "about:blank", "title": title, "status": status.as_u16()});
    if let Some(object) = told.as_object_mut() {
        if !detail.is_empty() {
            object.insert("detail".to_owned(), detail.into());
        }
        if !faults.is_empty() {
            object.insert("errors".to_owned(), json!(faults));
        }
    }
    (status, [(CONTENT_TYPE, PROBLEM)], told.to_string()).into_response()
}
