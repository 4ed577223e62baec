//! Errors as problem details, and the media types asked for.

use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use causeway_core::disposition::Disposition;
use causeway_core::port::{BlobError, RegistryError, RepositoryError};
use serde_json::json;

/// DICOM JSON (PS3.18 annex F).
pub(super) const DICOM_JSON: &str = "application/dicom+json";
/// A DICOM file.
pub(super) const DICOM: &str = "application/dicom";
/// Bytes.
pub(super) const BYTES: &str = "application/octet-stream";

/// Why there is no answer. No text of it repeats a value of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 400, with what is wrong.
    BadRequest(String),
    /// 401: no token, or none that is known.
    Unauthorized,
    /// 403, with why.
    Forbidden(&'static str),
    /// 404: there is nothing, or nothing this reader may see.
    NotFound,
    /// 406, with what there is instead.
    NotAcceptable(String),
    /// 409, with what stands against it.
    Conflict(&'static str),
    /// 500: a fault of ours, which was logged.
    Internal,
    /// 503: not now.
    Unavailable,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, code, title, fix): (_, _, &str, String) = match self {
            Self::BadRequest(what) => {
                (StatusCode::BAD_REQUEST, "bad-request", "the request cannot be understood", what)
            }
            Self::Unauthorized => {
                let fix = "send `Authorization: Bearer TOKEN` with the token of a [[reader]] of the configuration";
                (StatusCode::UNAUTHORIZED, "unauthorized", "the reader is not known", fix.to_owned())
            }
            Self::Forbidden(why) => (StatusCode::FORBIDDEN, "forbidden", "not from here", why.to_owned()),
            Self::NotFound => {
                let fix = "see the address; what the person shares with no one of this provider is not here either";
                (StatusCode::NOT_FOUND, "not-found", "there is nothing here for this reader", fix.to_owned())
            }
            Self::NotAcceptable(what) => {
                (StatusCode::NOT_ACCEPTABLE, "not-acceptable", "there is no such representation", what)
            }
            Self::Conflict(why) => {
                (StatusCode::CONFLICT, "conflict", "the images contradict each other", why.to_owned())
            }
            Self::Internal => {
                let fix = "the log of the hub tells more".to_owned();
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "the server made a mistake", fix)
            }
            Self::Unavailable => {
                let fix = "ask again in a moment".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the server cannot answer now", fix)
            }
        };
        let kind = format!("urn:causeway:problem:{code}");
        let body = json!({ "type": kind, "title": title, "status": status.as_u16(), "code": code, "fix": fix });
        let mut answer = (status, [(CONTENT_TYPE, "application/problem+json")], body.to_string()).into_response();
        let headers = answer.headers_mut();
        match status {
            StatusCode::UNAUTHORIZED => {
                let ways = axum::http::HeaderValue::from_static("Basic realm=\"Causeway images\", charset=\"UTF-8\"");
                headers.insert(WWW_AUTHENTICATE, ways);
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, axum::http::HeaderValue::from_static("1"));
            }
            _ => {}
        }
        answer
    }
}

impl From<RepositoryError> for Fault {
    fn from(error: RepositoryError) -> Self {
        tracing::error!(%error, "images could not be looked up");
        of(error.disposition())
    }
}

impl From<RegistryError> for Fault {
    fn from(error: RegistryError) -> Self {
        tracing::error!(%error, "a right to read images could not be looked up");
        of(error.disposition())
    }
}

impl From<BlobError> for Fault {
    fn from(error: BlobError) -> Self {
        tracing::error!(%error, "an image could not be read");
        match error {
            // The index says it is there: that it is not is no matter of the reader.
            BlobError::Missing { .. } => Self::Internal,
            other => of(other.disposition()),
        }
    }
}

const fn of(disposition: Disposition) -> Fault {
    match disposition {
        Disposition::Retry => Fault::Unavailable,
        Disposition::Reject | Disposition::Hold | Disposition::Halt => Fault::Internal,
    }
}

/// A media type of an `Accept` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Accepted {
    /// As `image/jpeg`, in lower case; of `multipart/related` the type of the parts.
    pub(super) kind: String,
    /// Whether in parts.
    pub(super) multipart: bool,
    /// The transfer syntax named; `*` for any.
    pub(super) transfer_syntax: Option<String>,
}

/// What is asked for, in the order it is written; `*/*` when nothing is.
pub(super) fn accepted(headers: &HeaderMap, query: Option<&str>) -> Vec<Accepted> {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    // A browser's address bar has no headers: PS3.18 section 8.3.3.1 has a parameter.
    let all = query.map_or_else(|| lines.collect::<Vec<_>>().join(","), str::to_owned);
    let read: Vec<Accepted> = parts(&all, ',').into_iter().filter_map(|part| one(&part)).collect();
    if read.is_empty() {
        return vec![Accepted { kind: "*/*".to_owned(), multipart: false, transfer_syntax: None }];
    }
    read
}

fn one(text: &str) -> Option<Accepted> {
    let mut pieces = parts(text, ';').into_iter();
    let mut kind = pieces.next()?.trim().to_ascii_lowercase();
    let (mut transfer_syntax, mut of_parts) = (None, None);
    for piece in pieces {
        let (name, value) = piece.split_once('=').unwrap_or((&piece, ""));
        let value = value.trim().trim_matches('"').to_owned();
        match name.trim().to_ascii_lowercase().as_str() {
            "transfer-syntax" => transfer_syntax = Some(value),
            "type" => of_parts = Some(value.to_ascii_lowercase()),
            "q" if value.parse::<f32>() == Ok(0.0) => return None,
            _ => {}
        }
    }
    let multipart = kind == "multipart/related";
    if multipart {
        kind = of_parts.unwrap_or_else(|| "*/*".to_owned());
    }
    (!kind.is_empty()).then_some(Accepted { kind, multipart, transfer_syntax })
}

/// Split, but not within quotes.
fn parts(text: &str, at: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quoted = false;
    for character in text.chars() {
        quoted ^= character == '"';
        match parts.last_mut() {
            Some(_) if character == at && !quoted => parts.push(String::new()),
            Some(last) => last.push(character),
            None => {}
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_viewers_ask_for_is_read() {
        let read = |text: &str| accepted(&HeaderMap::new(), Some(text));
        let ohif = read("multipart/related; type=application/octet-stream; transfer-syntax=*");
        let expected = Accepted { kind: BYTES.to_owned(), multipart: true, transfer_syntax: Some("*".to_owned()) };
        assert_eq!(ohif, [expected]);
        let client =
            read("multipart/related; type=\"image/jls\"; transfer-syntax=1.2.840.10008.1.2.4.80, image/png;q=0");
        assert_eq!((client.len(), client[0].kind.as_str()), (1, "image/jls"));
        assert_eq!(read("")[0].kind, "*/*");
        assert_eq!(read("text/html,*/*;q=0.8")[1].kind, "*/*");
    }
}
