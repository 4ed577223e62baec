//! HL7 over HTTP: `POST /hl7` with one message answers its acknowledgement.
//!
//! The statuses are those of the convention that HAPI's "HL7 over HTTP" set: 200 for AA and CA, 400 for AR and CR, 500 for
//! AE and CE. A sender that is not who it says it is gets 401 with its AR.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use causeway_core::hl7v2::charset::Charset;
use causeway_hl7::ack::Code;
use causeway_hl7::{Posted, Poster, Posting};
use causeway_serve::http::{Caller, Problem};

/// The path.
const PATH: &str = "/hl7";
/// What a message may be called.
const TYPES: [&str; 2] = ["application/hl7-v2", "x-application/hl7-v2+er7"];

/// The one route.
pub(crate) fn routes(poster: Poster) -> Router {
    Router::new().route(PATH, post(take)).with_state(poster)
}

async fn take(
    State(poster): State<Poster>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let kind =
        headers.get(CONTENT_TYPE).filter(|kind| kind.to_str().is_ok_and(is_taken)).ok_or(Problem::ContentType)?;
    // Nothing is unpacked here; what is packed would be refused as no message, which says the wrong thing.
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Problem::ContentType);
    }
    let posting =
        Posting { address: caller.address, certificate: caller.certificate, token: token(&headers), message: &body };
    Ok(match poster.post(posting).await {
        Posted::Answer { code, message, suspect } => {
            let status = if suspect { StatusCode::UNAUTHORIZED } else { status(code) };
            (status, [(CONTENT_TYPE, kind.clone())], message).into_response()
        }
        Posted::Nothing => StatusCode::NO_CONTENT.into_response(),
        // Whether there is a door is nobody's business who may not use it.
        Posted::Unwelcome => return Err(Problem::NotFound),
        Posted::Unavailable => return Err(Problem::Unavailable),
    })
}

const fn status(code: Code) -> StatusCode {
    match code {
        Code::AA | Code::CA => StatusCode::OK,
        Code::AR | Code::CR => StatusCode::BAD_REQUEST,
        Code::AE | Code::CE => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The type is one of a message, and its character set, when it is named, is one that is known. What the text is in is
/// said by MSH-18 and the feed, as for every message.
fn is_taken(kind: &str) -> bool {
    let mut parts = kind.split(';').map(str::trim);
    let known = parts.next().is_some_and(|name| TYPES.iter().any(|known| known.eq_ignore_ascii_case(name)));
    let is_known_set = |value: &str| {
        let name = value.trim_matches('"').to_ascii_uppercase();
        Charset::named(&name).is_some() || name == "US-ASCII"
    };
    known
        && parts.all(|part| match part.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("charset") => is_known_set(value),
            Some(_) | None => true,
        })
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_may_be_called_by_either_name_and_a_character_set_that_nobody_knows_is_not_taken() {
        for kind in
            ["application/hl7-v2", "x-application/hl7-v2+er7; charset=UTF-8", "Application/HL7-v2;charset=\"BIG5\""]
        {
            assert!(is_taken(kind), "{kind}");
        }
        for kind in ["text/plain", "application/hl7-v2+xml", "application/hl7-v2; charset=klingon", ""] {
            assert!(!is_taken(kind), "{kind}");
        }
    }
}
