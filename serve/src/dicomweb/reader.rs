//! Who may ask: clients in the configuration, each of a provider, known by a token, heard from this machine only.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_core::envelope::Digest;
use causeway_core::provider::ProviderId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Imaging;
use super::answer::Fault;
use crate::http::Caller;

/// A client that reads images for a provider. There are no accounts in this version: readers are heard from this machine only,
/// each read is decided by the consents given to its provider, and audited under its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReaderConfig {
    /// Its name, which the audit tells: 1 to 40 of a-z, 0-9 and -.
    pub name: String,
    /// The provider it reads for: the ten-digit number. A person must have given it sharing consent.
    #[schemars(with = "String")]
    pub provider: ProviderId,
    /// The SHA-256 of its token, in 64 hexadecimal digits; the token itself is never configured. Programs send it as
    /// `Authorization: Bearer`, browsers ask for it as the password of this name. Default: no token, see `open`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_sha256: Option<String>,
    /// Whether everybody on this machine is this reader without a token. For demonstrations: allowed with
    /// `synthetic = true` only. Default: false.
    #[serde(default)]
    pub open: bool,
}

/// One thing wrong with the readers of a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReaderFault {
    /// A name that cannot be one.
    #[error("the name of a reader is not of 1 to 40 of a-z, 0-9 and -")]
    Name,
    /// Two readers of one name or token.
    #[error("reader `{0}` has the name or the token of another reader")]
    Twice(String),
    /// Nothing to know it by.
    #[error("reader `{0}` has no token: give it `token_sha256`, which `printf %s TOKEN | sha256sum` tells")]
    NoToken(String),
    /// A digest that cannot be one.
    #[error("reader `{0}`: `token_sha256` is not 64 hexadecimal digits; `printf %s TOKEN | sha256sum` gives them")]
    BadDigest(String),
    /// Open to everybody with data of real persons.
    #[error("reader `{0}` is open, which is for made-up data: set `synthetic = true`, or give it a token")]
    Open(String),
}

/// What is wrong with the readers.
pub fn faults(readers: &[ReaderConfig], synthetic: bool) -> Vec<ReaderFault> {
    let (mut seen, mut faults) = (BTreeSet::new(), Vec::new());
    for ReaderConfig { name, token_sha256, open, .. } in readers {
        let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=40).contains(&name.len()) || !name.bytes().all(good) {
            faults.push(ReaderFault::Name);
        }
        let token = token_sha256.as_ref().map(|token| token.to_ascii_lowercase());
        if !seen.insert(name.clone()) || token.clone().is_some_and(|token| !seen.insert(token)) {
            faults.push(ReaderFault::Twice(name.clone()));
        }
        match token {
            Some(token) if token.len() != 64 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                faults.push(ReaderFault::BadDigest(name.clone()));
            }
            None if *open && !synthetic => faults.push(ReaderFault::Open(name.clone())),
            None if !*open => faults.push(ReaderFault::NoToken(name.clone())),
            Some(_) | None => {}
        }
    }
    faults
}

/// The reader who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reader {
    pub(super) name: String,
    pub(super) provider: ProviderId,
}

/// A state that knows the readers.
pub(crate) trait Readers {
    /// Those configured.
    fn readers(&self) -> &[ReaderConfig];
}

impl Readers for Imaging {
    fn readers(&self) -> &[ReaderConfig] {
        &self.readers
    }
}

impl<S: Readers + Send + Sync> FromRequestParts<Arc<S>> for Reader {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<S>) -> Result<Self, Fault> {
        let here = parts.extensions.get::<Caller>().is_some_and(|caller| caller.address.is_loopback());
        if !here {
            return Err(Fault::Forbidden("images are read from this machine only until there are accounts"));
        }
        let shown = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let found = match shown {
            Some(shown) => token(shown).and_then(|token| by_token(state.readers(), &token)),
            None => state.readers().iter().find(|reader| reader.open),
        };
        let reader = found.ok_or(Fault::Unauthorized)?;
        Ok(Self { name: reader.name.clone(), provider: reader.provider.clone() })
    }
}

fn by_token<'r>(readers: &'r [ReaderConfig], token: &str) -> Option<&'r ReaderConfig> {
    // Digests are compared, so that the time it takes tells nothing of the token.
    let shown = Digest::of(token.as_bytes()).to_string();
    readers.iter().find(|reader| reader.token_sha256.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(&shown)))
}

/// The token of `Bearer TOKEN`, or the password of `Basic`.
fn token(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest.trim().to_owned());
    }
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(rest.trim()).ok()).flatten()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(name: &str, token: Option<&str>, open: bool) -> ReaderConfig {
        let token_sha256 = token.map(|token| Digest::of(token.as_bytes()).to_string());
        ReaderConfig { name: name.to_owned(), provider: ProviderId("1".to_owned()), token_sha256, open }
    }

    #[test]
    fn a_reader_is_known_by_its_token_however_it_is_sent() {
        let readers = [reader("a", Some("one"), false), reader("b", Some("two"), false), reader("c", None, true)];
        let name =
            |header: &str| token(header).and_then(|token| by_token(&readers, &token)).map(|found| found.name.clone());
        assert_eq!(name("Bearer two").as_deref(), Some("b"));
        assert_eq!(name(&format!("Basic {}", STANDARD.encode("whoever:one"))).as_deref(), Some("a"));
        for wrong in ["Bearer three", "Bearer", "Basic !", "Digest one", ""] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn readers_that_could_not_be_told_apart_or_ask_no_token_are_refused() {
        let short = ReaderConfig { token_sha256: Some("12".to_owned()), ..reader("b", None, false) };
        let all = [reader("a", Some("one"), false), reader("a", Some("one"), false), reader("B", None, false), short];
        let found = faults(&all, false);
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(faults(&[reader("a", None, true)], false), [ReaderFault::Open("a".to_owned())]);
        assert_eq!(faults(&[reader("a", None, true)], true), []);
    }
}
