//! What a reader has kept may be shown again when it is what it would get (RFC 9110 section 13.1.2). It has to ask each
//! time: the decision is taken and the audit line written before anybody learns that nothing changed.

use std::fmt::Display;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use causeway_core::envelope::Digest;

use super::answer::Fault;

/// For the reader alone, and to be asked for anew at each use.
const ASK_ANEW: HeaderValue = HeaderValue::from_static("private, no-cache");
/// What else than the address an answer follows from.
const FOLLOWS: HeaderValue = HeaderValue::from_static("accept, accept-encoding, authorization");

/// One representation: answers of one version are the same, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version(String);

impl Version {
    /// Of all that its bytes follow from: the digest of what is kept, the media type, how it is shown.
    pub(super) fn of(parts: &[&dyn Display]) -> Self {
        let text: String = parts.iter().map(|part| format!("{part}\n")).collect();
        Self(format!("\"{:.32}\"", Digest::of(text.as_bytes()).to_string()))
    }
}

/// What the reader says it has.
#[derive(Debug, Clone)]
pub(super) struct Kept(Vec<String>);

impl Kept {
    /// Of a request. What cannot be read is not had.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        // A tag of ours has no comma in it.
        let tags = lines.flat_map(|line| line.split(',')).map(str::trim);
        Self(tags.map(|tag| tag.strip_prefix("W/").unwrap_or(tag).to_owned()).collect())
    }

    /// Whether that is this version.
    fn is(&self, version: &Version) -> bool {
        self.0.iter().any(|tag| *tag == version.0 || tag == "*")
    }

    /// 304 to a reader that has this version; to others what `make` makes. To be called after the audit line only.
    pub(super) fn or(
        &self,
        version: &Version,
        kind: &str,
        make: impl FnOnce() -> Result<Response, Fault>,
    ) -> Result<Response, Fault> {
        let mut answer = if self.is(version) { StatusCode::NOT_MODIFIED.into_response() } else { make()? };
        let headers = answer.headers_mut();
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_unprintable| Fault::Internal);
        // A cache takes over the headers of a 304: without the type, what others sent would lose its sandbox in it.
        headers.insert(CONTENT_TYPE, value(kind)?);
        headers.insert(ETAG, value(&version.0)?);
        headers.insert(CACHE_CONTROL, ASK_ANEW);
        headers.insert(VARY, FOLLOWS);
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(kept: &str, version: &Version) -> StatusCode {
        let headers = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_str(kept).expect("printable"))]);
        let answer = Kept::of(&headers).or(version, "image/png", || Ok("new".into_response())).expect("an answer");
        assert_eq!(answer.headers()[ETAG], version.0);
        assert_eq!(answer.headers()[CONTENT_TYPE], "image/png");
        assert_eq!(answer.headers()[CACHE_CONTROL], "private, no-cache");
        answer.status()
    }

    #[test]
    fn a_reader_with_one_of_its_tags_right_is_told_that_nothing_changed() {
        let version = Version::of(&[&"abc", &1]);
        for kept in [&*version.0, &format!("\"old\", {}", version.0), &format!("W/{}", version.0), "*"] {
            assert_eq!(status(kept, &version), StatusCode::NOT_MODIFIED, "{kept}");
        }
        for kept in ["", "\"\"", "\"old\"", version.0.trim_matches('"'), "W/"] {
            assert_eq!(status(kept, &version), StatusCode::OK, "{kept}");
        }
    }

    #[test]
    fn what_differs_in_anything_is_another_version() {
        assert_ne!(Version::of(&[&"a", &"b"]), Version::of(&[&"ab"]));
        assert_ne!(Version::of(&[&"a", &"b"]), Version::of(&[&"a", &"c"]));
        assert_eq!(Version::of(&[&"a", &1]), Version::of(&[&"a", &"1"]));
    }
}
