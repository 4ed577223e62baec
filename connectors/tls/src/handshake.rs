//! Why a handshake failed, in words that can be counted.

use std::io;
use std::time::Duration;

use rustls::{CertificateError, Error as Tls};

/// Why a connection was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The bytes are no TLS: probably HL7, DICOM or HTTP in plain text.
    #[error("the peer speaks no TLS")]
    NotTls,
    /// The handshake took too long.
    #[error("no handshake within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// The peer shows no certificate and must.
    #[error("the peer shows no certificate")]
    NoCertificate,
    /// The peer's certificate is not taken.
    #[error("the peer's certificate is not taken: {0}")]
    Certificate(&'static str),
    /// The peer does not take ours.
    #[error("the peer refused the handshake: {0}")]
    Refused(String),
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
    /// Nothing in common: versions, suites.
    #[error("the handshake failed: {0}")]
    Failed(String),
}

impl HandshakeError {
    /// The stable word, for a metric label.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotTls => "tls_not_spoken",
            Self::TimedOut(_) => "tls_timeout",
            Self::NoCertificate => "tls_no_certificate",
            Self::Certificate(_) => "tls_certificate",
            Self::Refused(_) => "tls_refused",
            Self::Broken => "tls_broken",
            Self::Failed(_) => "tls_failed",
        }
    }

    /// Somebody tried to be let in who could not show that he may: for the audit.
    pub const fn is_authentication_failure(&self) -> bool {
        match self {
            Self::NoCertificate | Self::Certificate(_) => true,
            Self::NotTls | Self::TimedOut(_) | Self::Refused(_) | Self::Broken | Self::Failed(_) => false,
        }
    }

    pub(crate) fn of(error: &io::Error) -> Self {
        let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Tls>()) else { return Self::Broken };
        match tls {
            Tls::InvalidMessage(_) => Self::NotTls,
            Tls::NoCertificatesPresented => Self::NoCertificate,
            Tls::InvalidCertificate(fault) => Self::Certificate(certificate(fault)),
            Tls::InvalidCertRevocationList(_) => Self::Certificate("its revocation list is not valid"),
            Tls::AlertReceived(alert) => Self::Refused(format!("{alert:?}")),
            other => Self::Failed(other.to_string()),
        }
    }
}

fn certificate(fault: &CertificateError) -> &'static str {
    match fault {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet",
        CertificateError::Revoked => "it is revoked",
        // A signature that does not hold is that of an authority with the name of one of ours, and another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => "its authority is not trusted",
        CertificateError::UnknownRevocationStatus => "no revocation list covers it",
        CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
            "the revocation list is out of date"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => "it is for another name",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is for another purpose"
        }
        _ => "it is not valid",
    }
}
