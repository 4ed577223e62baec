//! The client's side of TLS.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::files::{self, TlsError};
use crate::handshake::HandshakeError;
use crate::settings::ClientTlsSettings;

/// Dials by TLS, trusting the configured authorities only.
#[derive(Debug, Clone)]
pub struct Connector {
    config: Arc<ClientConfig>,
}

/// Why no session could be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The host is no DNS name and no address.
    #[error("`{0}` is no name that a certificate could be for")]
    Name(String),
    /// The handshake failed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
}

impl Connector {
    /// Reads the files, whose paths are taken as they are: see [`ClientTlsSettings::below`].
    pub fn open(settings: &ClientTlsSettings) -> Result<Self, TlsError> {
        let pair = |why: String| TlsError::Pair {
            certificate: settings.certificate.clone().unwrap_or_else(|| settings.ca.clone()),
            why,
        };
        let builder = ClientConfig::builder_with_provider(files::provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error| pair(error.to_string()))?
            .with_root_certificates(files::authorities(&settings.ca)?);
        let config = match (&settings.certificate, &settings.key) {
            (Some(certificate), Some(key)) => builder
                .with_client_auth_cert(files::certificates(certificate)?, files::key(key)?)
                .map_err(|error| pair(error.to_string()))?,
            (None, None) => builder.with_no_client_auth(),
            (Some(_), None) | (None, Some(_)) => return Err(pair(crate::TlsFault::HalfAPair.to_string())),
        };
        Ok(Self { config: Arc::new(config) })
    }

    /// Shakes hands with `host`, a DNS name or an address, whose certificate must name it. There is no deadline here:
    /// the caller has one for the whole of connecting.
    pub async fn connect<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        host: &str,
        stream: S,
    ) -> Result<TlsStream<S>, ConnectError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|_error| ConnectError::Name(host.to_owned()))?;
        let connected = TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await;
        Ok(connected.map_err(|error| HandshakeError::of(&error))?)
    }
}
