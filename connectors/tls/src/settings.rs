//! What a door or a client is told about TLS.

use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_core::human;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// TLS at a door. All files are PEM; relative ones are beside the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// The door's certificate, and after it those between it and its root.
    pub certificate: PathBuf,
    /// Its private key, PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
    /// The authorities whose client certificates are taken. Without it no client certificate is asked for, and
    /// `require_client` must be false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
    /// Whether a client without a certificate is turned away. Default: true.
    #[serde(default = "yes")]
    pub require_client: bool,
    /// Lists of revoked client certificates (RFC 5280), of the authorities in `client_ca`. With it, a client whose
    /// authority has no list here, or one that is out of date, is turned away. Default: none is looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<PathBuf>,
    /// From the opening of a connection to the end of the handshake. Default: 10s.
    #[serde(default = "handshake_timeout", with = "human::duration")]
    #[schemars(with = "String")]
    pub handshake_timeout: Duration,
    /// How long before a certificate expires `check`, `doctor` and `status` warn. Default: 30d.
    #[serde(default = "warn_before", with = "human::duration")]
    #[schemars(with = "String")]
    pub warn_before: Duration,
}

/// TLS of a client of ours. All files are PEM; relative ones are beside the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientTlsSettings {
    /// The authorities whose server certificates are taken; no others are.
    pub ca: PathBuf,
    /// Our certificate, if the server wants one, and after it those between it and its root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its private key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// Settings that cannot work together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// A client certificate is wanted, and nobody says from whom.
    #[error("`tls.require_client` needs `tls.client_ca`; to let in clients without a certificate, set it to false")]
    NoClientAuthority,
    /// Revocation lists without client certificates.
    #[error("`tls.revoked` needs `tls.client_ca`")]
    NothingToRevoke,
    /// A handshake of no time.
    #[error("`tls.handshake_timeout` must be more than nothing")]
    NoTime,
    /// One of certificate and key without the other.
    #[error("a client's `certificate` and `key` go together")]
    HalfAPair,
}

impl TlsSettings {
    /// A door with this certificate that asks its clients for theirs, when `client_ca` is given.
    pub fn new(certificate: PathBuf, key: PathBuf, client_ca: Option<PathBuf>) -> Self {
        Self {
            require_client: client_ca.is_some(),
            certificate,
            key,
            client_ca,
            revoked: None,
            handshake_timeout: handshake_timeout(),
            warn_before: warn_before(),
        }
    }

    /// What is wrong with them, without a look at the files.
    pub fn faults(&self) -> Vec<TlsFault> {
        let wrong = [
            (self.require_client && self.client_ca.is_none(), TlsFault::NoClientAuthority),
            (self.revoked.is_some() && self.client_ca.is_none(), TlsFault::NothingToRevoke),
            (self.handshake_timeout.is_zero(), TlsFault::NoTime),
        ];
        wrong.into_iter().filter(|(wrong, _)| *wrong).map(|(_, fault)| fault).collect()
    }

    /// The same with every relative path below `folder`.
    #[must_use]
    pub fn below(&self, folder: &Path) -> Self {
        let join = |path: &PathBuf| folder.join(path);
        Self {
            certificate: join(&self.certificate),
            key: join(&self.key),
            client_ca: self.client_ca.as_ref().map(join),
            revoked: self.revoked.as_ref().map(join),
            ..self.clone()
        }
    }
}

impl ClientTlsSettings {
    /// What is wrong with them, without a look at the files.
    pub fn faults(&self) -> Vec<TlsFault> {
        if self.certificate.is_some() == self.key.is_some() { Vec::new() } else { vec![TlsFault::HalfAPair] }
    }

    /// The same with every relative path below `folder`.
    #[must_use]
    pub fn below(&self, folder: &Path) -> Self {
        let join = |path: &PathBuf| folder.join(path);
        Self { ca: join(&self.ca), certificate: self.certificate.as_ref().map(join), key: self.key.as_ref().map(join) }
    }
}

const fn yes() -> bool {
    true
}

const fn handshake_timeout() -> Duration {
    Duration::from_secs(10)
}

const fn warn_before() -> Duration {
    Duration::from_hours(30 * 24)
}
