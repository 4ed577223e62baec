//! The files behind TLS: reading them, and noticing that they changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use causeway_core::disposition::Disposition;
use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::certificate::Certificate;
use crate::settings::TlsSettings;

/// Why TLS cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or holds something else than it should.
    #[error("`{}`: {why}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The files are well, and do not go together.
    #[error("`{}`: {why}", certificate.display())]
    Pair {
        /// The certificate.
        certificate: PathBuf,
        /// Why not.
        why: String,
    },
}

impl TlsError {
    /// What the caller does about it: somebody must mend the files.
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::File { .. } | Self::Pair { .. } => Disposition::Reject,
        }
    }
}

/// Until when a certificate is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiry {
    /// The setting that names its file.
    pub setting: &'static str,
    /// The file.
    pub file: PathBuf,
    /// What it calls itself.
    pub name: String,
    /// The last moment.
    pub not_after: Timestamp,
}

/// How near the end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiryState {
    /// Far enough.
    Well,
    /// Within the time to warn.
    Near,
    /// Past.
    Expired,
}

impl Expiry {
    /// How near the end is at `now`.
    pub fn state(&self, now: Timestamp, warn_before: Duration) -> ExpiryState {
        match Duration::try_from(self.not_after.duration_since(now)) {
            Err(_past) => ExpiryState::Expired,
            Ok(left) if left.is_zero() => ExpiryState::Expired,
            Ok(left) if left <= warn_before => ExpiryState::Near,
            Ok(_far) => ExpiryState::Well,
        }
    }
}

/// Until when the certificates of a door are valid, by its files as they are: of each file the one that expires first.
pub fn expiries(settings: &TlsSettings) -> Result<Vec<Expiry>, TlsError> {
    let files = [("certificate", Some(&settings.certificate)), ("client_ca", settings.client_ca.as_ref())];
    let named = files.into_iter().filter_map(|(setting, file)| Some((setting, file?)));
    named.map(|(setting, file)| first_to_expire(setting, file, &certificates(file)?)).collect()
}

fn first_to_expire(
    setting: &'static str,
    file: &Path,
    certificates: &[CertificateDer<'static>],
) -> Result<Expiry, TlsError> {
    let read: Result<Vec<_>, _> = certificates.iter().map(Certificate::read).collect();
    let read = read.map_err(|fault| fault_of(file, fault.to_string()))?;
    let first = read.iter().min_by_key(|certificate| certificate.not_after);
    let first = first.ok_or_else(|| fault_of(file, "it holds no certificate".to_owned()))?;
    Ok(Expiry { setting, file: file.to_owned(), name: first.name().to_owned(), not_after: first.not_after })
}

/// The certificates of a file, at least one.
pub(crate) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Vec<CertificateDer<'static>> = all(file)?;
    if all.is_empty() { Err(fault_of(file, "it holds no certificate".to_owned())) } else { Ok(all) }
}

/// Its certificates as authorities.
pub(crate) fn authorities(file: &Path) -> Result<Arc<RootCertStore>, TlsError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(file)? {
        store.add(certificate).map_err(|error| fault_of(file, error.to_string()))?;
    }
    Ok(Arc::new(store))
}

/// The revocation lists of a file.
pub(crate) fn revocations(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let all: Vec<CertificateRevocationListDer<'static>> = all(file)?;
    if all.is_empty() { Err(fault_of(file, "it holds no revocation list".to_owned())) } else { Ok(all) }
}

/// The private key of a file.
pub(crate) fn key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = bytes(file)?;
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| fault_of(file, format!("it holds no private key: {error}")))
}

fn all<T: PemObject>(file: &Path) -> Result<Vec<T>, TlsError> {
    let bytes = bytes(file)?;
    let all: Result<Vec<T>, _> = T::pem_slice_iter(&bytes).collect();
    all.map_err(|error| fault_of(file, format!("it is not well-formed PEM: {error}")))
}

fn bytes(file: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(file).map_err(|error| fault_of(file, format!("it cannot be read: {error}")))
}

fn fault_of(file: &Path, why: String) -> TlsError {
    TlsError::File { file: file.to_owned(), why }
}

/// By which it is noticed that files changed: when they were written, and how long they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamps(Vec<Option<(SystemTime, u64)>>);

impl Stamps {
    pub(crate) fn of(settings: &TlsSettings) -> Self {
        let files =
            [Some(&settings.certificate), Some(&settings.key), settings.client_ca.as_ref(), settings.revoked.as_ref()];
        let stamp = |file: &PathBuf| {
            let data = fs::metadata(file).ok()?;
            Some((data.modified().ok()?, data.len()))
        };
        Self(files.into_iter().flatten().map(stamp).collect())
    }
}

/// The cryptography of all our TLS.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
