//! The server's side of TLS at a door.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::{info, warn};

use crate::certificate::Certificate;
use crate::files::{self, Expiry, Stamps, TlsError};
use crate::handshake::HandshakeError;
use crate::settings::TlsSettings;

/// Lets connections in by TLS. Its files may change while it works: see [`Acceptor::reload`].
#[derive(Debug)]
pub struct Acceptor {
    settings: TlsSettings,
    loaded: RwLock<Loaded>,
    stamps: Mutex<Stamps>,
}

#[derive(Debug, Clone)]
struct Loaded {
    config: Arc<ServerConfig>,
    expiries: Vec<Expiry>,
}

/// A connection that was let in.
#[derive(Debug)]
pub struct Session<S> {
    /// Its bytes, in plain text.
    pub stream: TlsStream<S>,
    /// The certificate its client showed, which was verified.
    pub client: Option<Arc<Certificate>>,
}

/// What a look at the files brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// They are as they were.
    Unchanged,
    /// They changed and are in use from the next connection on.
    Changed,
    /// They changed and cannot be used; what was there before stays in use.
    Failed(TlsError),
}

impl Acceptor {
    /// Reads the files, whose paths are taken as they are: see [`TlsSettings::below`].
    pub fn open(settings: TlsSettings) -> Result<Self, TlsError> {
        let stamps = Stamps::of(&settings);
        let loaded = load(&settings)?;
        Ok(Self { settings, loaded: RwLock::new(loaded), stamps: Mutex::new(stamps) })
    }

    /// Shakes hands, within [`TlsSettings::handshake_timeout`]. Files that changed are in use from here on; other
    /// connections are not disturbed by that.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Result<Session<S>, HandshakeError> {
        self.reload();
        let config = Arc::clone(&self.loaded().config);
        let patience = self.settings.handshake_timeout;
        let stream = match timeout(patience, TlsAcceptor::from(config).accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(HandshakeError::of(&error)),
            Err(_elapsed) => return Err(HandshakeError::TimedOut(patience)),
        };
        let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let client = match shown.map(Certificate::read) {
            None => None,
            Some(Ok(certificate)) => Some(Arc::new(certificate)),
            Some(Err(_fault)) => return Err(HandshakeError::Certificate("it cannot be read")),
        };
        Ok(Session { stream, client })
    }

    /// Looks whether the files changed, and reads them if so. Called for each connection too; a door calls it now and
    /// then besides, so that files that cannot be used are told of before a sender comes.
    pub fn reload(&self) -> Reload {
        let now = Stamps::of(&self.settings);
        {
            let mut stamps = self.stamps();
            if *stamps == now {
                return Reload::Unchanged;
            }
            // Noted before the files are read: what changes while they are read is a change for the next look. A set
            // that is half written is told of once and tried again when the other half comes.
            *stamps = now;
        }
        let certificate = self.settings.certificate.display().to_string();
        match load(&self.settings) {
            Ok(loaded) => {
                *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
                info!(certificate, "the certificates were read again");
                Reload::Changed
            }
            Err(error) => {
                warn!(certificate, %error, "changed certificates cannot be used; the former ones stay in use");
                Reload::Failed(error)
            }
        }
    }

    /// Until when the certificates in use are valid.
    pub fn expiries(&self) -> Vec<Expiry> {
        self.loaded().expiries
    }

    /// The settings it was opened with.
    pub const fn settings(&self) -> &TlsSettings {
        &self.settings
    }

    fn loaded(&self) -> Loaded {
        self.loaded.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stamps(&self) -> MutexGuard<'_, Stamps> {
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load(settings: &TlsSettings) -> Result<Loaded, TlsError> {
    let pair = |why: String| TlsError::Pair { certificate: settings.certificate.clone(), why };
    let builder = ServerConfig::builder_with_provider(files::provider())
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| pair(error.to_string()))?;
    let builder = match &settings.client_ca {
        None => builder.with_no_client_auth(),
        Some(client_ca) => builder.with_client_cert_verifier(verifier(settings, client_ca)?),
    };
    let (chain, key) = (files::certificates(&settings.certificate)?, files::key(&settings.key)?);
    let config = builder.with_single_cert(chain, key).map_err(|error| pair(error.to_string()))?;
    Ok(Loaded { config: Arc::new(config), expiries: files::expiries(settings)? })
}

fn verifier(
    settings: &TlsSettings,
    client_ca: &Path,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let authorities = files::authorities(client_ca)?;
    let mut builder = WebPkiClientVerifier::builder_with_provider(authorities, files::provider());
    if let Some(revoked) = &settings.revoked {
        builder = builder.with_crls(files::revocations(revoked)?).enforce_revocation_expiration();
    }
    if !settings.require_client {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map_err(|error| TlsError::File { file: client_ca.to_owned(), why: error.to_string() })
}
