//! Whether the way to the server is encrypted. There is no half: with the certificate of an authority everything is
//! encrypted and the server proves who it is, without it nothing is, and a url that asks for more is refused.

use postgres::config::SslMode;
use postgres::{Client, Config, NoTls};

use super::settings::PostgresSettings;
use crate::repository::error::{Result, StoreError};

/// The way to the server.
pub(super) enum Way {
    /// In clear.
    Plain,
    /// By TLS.
    #[cfg(feature = "postgres-tls")]
    Tls(tokio_postgres_rustls::MakeRustlsConnect),
}

impl Way {
    /// The way the settings ask for.
    pub(super) fn of(settings: &PostgresSettings, config: &mut Config) -> Result<Self> {
        match &settings.ca_file {
            Some(file) => {
                config.ssl_mode(SslMode::Require);
                encrypted(file)
            }
            None if config.get_ssl_mode() == SslMode::Require => Err(StoreError::Refused(
                "the url says sslmode=require, and no ca_file says whose certificate to trust".to_owned(),
            )),
            None => Ok(Self::Plain),
        }
    }

    /// Makes a connection.
    pub(super) fn connect(&self, config: &Config) -> std::result::Result<Client, postgres::Error> {
        match self {
            Self::Plain => config.connect(NoTls),
            #[cfg(feature = "postgres-tls")]
            Self::Tls(tls) => config.connect(tls.clone()),
        }
    }
}

#[cfg(not(feature = "postgres-tls"))]
fn encrypted(_: &std::path::Path) -> Result<Way> {
    Err(StoreError::Refused("this program was built without TLS to PostgreSQL: build it with postgres-tls".to_owned()))
}

#[cfg(feature = "postgres-tls")]
fn encrypted(file: &std::path::Path) -> Result<Way> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;

    let refuse = |why: String| StoreError::Refused(format!("{}: {why}", file.display()));
    let mut trusted = rustls::RootCertStore::empty();
    let certificates = match CertificateDer::pem_file_iter(file) {
        Ok(certificates) => certificates,
        Err(error) => return Err(refuse(format!("cannot be read: {error}"))),
    };
    for certificate in certificates {
        let certificate = match certificate {
            Ok(certificate) => certificate,
            Err(error) => return Err(refuse(format!("is no certificate: {error}"))),
        };
        if let Err(error) = trusted.add(certificate) {
            return Err(refuse(format!("holds a certificate that cannot be trusted: {error}")));
        }
    }
    if trusted.is_empty() {
        return Err(refuse("holds no certificate".to_owned()));
    }
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = match builder {
        Ok(builder) => builder,
        Err(error) => return Err(refuse(error.to_string())),
    };
    let config = builder.with_root_certificates(trusted).with_no_client_auth();
    Ok(Way::Tls(tokio_postgres_rustls::MakeRustlsConnect::new(config)))
}
