//! The security headers of every answer.

use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName};
use axum::http::{HeaderMap, HeaderValue};

/// What a page may load and do: its own script, style and images; its own script may fetch from here; nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Set on every answer, whatever the route says.
const ALWAYS: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
];

/// What was sent in by others, should a browser show it against what the answer says: no script, no form, no origin of ours.
const SENT_IN: &str = "sandbox; default-src 'none'; frame-ancestors 'none'";

/// What this program writes or makes anew, and a browser may show: pages with what belongs to them, data, pictures of frames.
/// All else is what somebody sent: a document, an image file, a value of one.
const OWN: &[&str] = &[
    "application/dicom+json",
    "application/hl7-v2",
    "application/javascript",
    "application/json",
    "application/problem+json",
    "application/schema+json",
    "application/x-ndjson",
    "image/jpeg",
    "image/png",
    "image/svg+xml",
    "text/css",
    "text/event-stream",
    "text/html",
    "text/javascript",
    "text/plain",
    "x-application/hl7-v2+er7",
];

/// Adds them. What was sent in is to be saved and not shown, whatever it says it is. A page is not to be kept by any cache, unless its route says otherwise, as the static files do.
pub(super) fn secure(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if is_sent_in(headers) {
        headers.insert(HeaderName::from_static("content-security-policy"), HeaderValue::from_static(SENT_IN));
        headers.entry(CONTENT_DISPOSITION).or_insert(HeaderValue::from_static("attachment"));
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Whether an answer has content that is not our own.
fn is_sent_in(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE) else { return false };
    let kind = kind.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    !OWN.contains(&kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_sent_is_saved_in_a_sandbox_and_what_is_ours_is_shown() {
        let of = |kind: &'static str| {
            let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
            secure(&mut headers);
            let policy = headers["content-security-policy"].to_str().expect("ASCII").to_owned();
            (headers.get(CONTENT_DISPOSITION).is_some_and(|how| how == "attachment"), policy)
        };
        for kind in
            ["application/pdf", "application/dicom", "application/octet-stream", "application/xhtml+xml", "text/xml"]
        {
            assert_eq!(of(kind), (true, SENT_IN.to_owned()), "{kind}");
        }
        assert!(of("multipart/related; type=\"application/dicom\"; boundary=x").0);
        for kind in ["text/html; charset=utf-8", "application/dicom+json", "image/png", "Text/CSS"] {
            assert_eq!(of(kind), (false, POLICY.to_owned()), "{kind}");
        }
        let mut empty = HeaderMap::new();
        secure(&mut empty);
        assert!(!empty.contains_key(CONTENT_DISPOSITION), "no content, nothing to save");
    }
}
