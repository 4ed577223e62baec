//! Who is refused, as every door tells it.

use std::net::IpAddr;

/// Somebody who wanted to come in and may not: for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspect {
    /// Where it is.
    pub address: IpAddr,
    /// Why it was refused, in a word: `tls_no_certificate`, `tls_certificate`, `unknown_sender`, `certificate`, …
    pub cause: &'static str,
    /// More about it: what is wrong with its certificate, or which one it showed. Nothing of a message.
    pub detail: String,
    /// The feed it claimed to be, when that is known.
    pub feed: Option<String>,
}
