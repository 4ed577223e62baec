//! Who is at the other end of a connection.

use std::net::IpAddr;
use std::sync::Arc;

use causeway_core::envelope::Digest;
use causeway_tls::Certificate;

/// A peer, as far as the connection itself tells.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Where it is.
    pub(crate) address: IpAddr,
    /// The certificate it showed, verified; `None` in plain text, or where none is required.
    pub(crate) certificate: Option<Arc<Certificate>>,
    /// What it showed besides.
    pub(crate) token: Token,
}

/// A shared secret, which HTTP has a place for and MLLP has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// The protocol has none.
    NotAsked,
    /// None was shown.
    Missing,
    /// The digest of the one shown.
    Shown(Digest),
}

impl Peer {
    /// What its certificate calls itself.
    pub(crate) fn certificate_name(&self) -> Option<&str> {
        self.certificate.as_deref().map(Certificate::name)
    }
}
