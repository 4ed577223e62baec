//! What an error looks like from outside: RFC 9457 problem details for programs, a page in both languages for people.
//! Neither ever repeats a value of the request.

use axum::extract::Request;
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::language::{Language, Texts};
use crate::page;

/// Why a request was not answered. A route returns one as its error; the guard puts it into words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// 400: the request cannot be understood.
    #[error("the request cannot be understood")]
    BadRequest,
    /// 400: there is not exactly one readable `Host` header.
    #[error("the request needs exactly one Host header")]
    HostMissing,
    /// 404: there is no such page or resource, or it is not for this reader.
    #[error("there is nothing here")]
    NotFound,
    /// 405: the method is not taken here.
    #[error("the method is not taken here")]
    MethodNotAllowed,
    /// 408: the body did not come in time.
    #[error("the request did not come in time")]
    TooSlow,
    /// 413: the body is larger than allowed.
    #[error("the request is too large")]
    TooLarge,
    /// 415: the content type is not taken.
    #[error("the content type is not taken")]
    ContentType,
    /// 421: the host name is not ours.
    #[error("the host name is not one of this server")]
    HostNotOurs,
    /// 422: understood, and not valid.
    #[error("the content is not valid")]
    Invalid,
    /// 500: a fault of ours.
    #[error("the server made a mistake")]
    Internal,
    /// 503: not now.
    #[error("the server cannot answer now")]
    Unavailable,
}

impl Problem {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::BadRequest,
        Self::HostMissing,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::TooSlow,
        Self::TooLarge,
        Self::ContentType,
        Self::HostNotOurs,
        Self::Invalid,
        Self::Internal,
        Self::Unavailable,
    ];

    /// Its HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest | Self::HostMissing => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::HostNotOurs => StatusCode::MISDIRECTED_REQUEST,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Its stable code, which is also the stem of its texts: `problem-{code}-title` and `problem-{code}-fix`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::HostMissing => "host-missing",
            Self::NotFound => "not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::TooSlow => "too-slow",
            Self::TooLarge => "too-large",
            Self::ContentType => "content-type",
            Self::HostNotOurs => "host-not-ours",
            Self::Invalid => "invalid",
            Self::Internal => "internal",
            Self::Unavailable => "unavailable",
        }
    }

    /// The problem a bare status stands for, as axum's own refusals give it.
    fn of(status: StatusCode) -> Self {
        let same = Self::ALL.iter().copied().find(|problem| problem.status() == status);
        match same {
            Some(problem) => problem,
            None if status.is_server_error() => Self::Internal,
            None => Self::BadRequest,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut answer = self.status().into_response();
        answer.extensions_mut().insert(self);
        answer
    }
}

/// Who asks: a browser or a program, and in which language.
pub(super) struct Asker {
    browser: bool,
    language: Language,
}

impl Asker {
    /// Of a request.
    pub(super) fn of(request: &Request) -> Self {
        let header = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let browser = header(ACCEPT).is_some_and(|accept| accept.contains("text/html"));
        let language = Language::of_path(request.uri().path())
            .unwrap_or_else(|| Language::negotiate(header(ACCEPT_LANGUAGE).unwrap_or_default()));
        Self { browser, language }
    }
}

/// Gives an error its words, unless its route gave it some: any body that is not bare text stays.
pub(super) fn in_plain_words(answer: Response, asker: &Asker) -> Response {
    let status = answer.status();
    if !(status.is_client_error() || status.is_server_error()) || !is_bare(answer.headers()) {
        return answer;
    }
    let problem = answer.extensions().get::<Problem>().copied().unwrap_or_else(|| Problem::of(status));
    let (mut parts, _bare_words) = answer.into_parts();
    parts.headers.remove(CONTENT_LENGTH);
    let (content_type, body) = match asker.browser.then(|| page::problem(problem, status, asker.language)).flatten() {
        Some(html) => ("text/html; charset=utf-8", html),
        None => ("application/problem+json", details(problem, status)),
    };
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    Response::from_parts(parts, body.into())
}

/// Whether an answer has no body of its own: nothing, or the plain text of axum's refusals.
fn is_bare(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// Problem details (RFC 9457 section 3.1) in English, with our code and the fix.
fn details(problem: Problem, status: StatusCode) -> String {
    let code = problem.code();
    let say = Texts::of_shell().in_language(Language::English);
    json!({
        "type": format!("urn:causeway:problem:{code}"),
        "title": say.text(&format!("problem-{code}-title")),
        "status": status.as_u16(),
        "code": code,
        "fix": say.text(&format!("problem-{code}-fix")),
    })
    .to_string()
}
