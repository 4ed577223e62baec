//! TLS for every door: one set of settings, certificates that are reloaded when their files change, and clients that
//! are known by their certificates.
//!
//! A door opens an [`Acceptor`] and passes each connection it accepted to [`Acceptor::accept`]; what comes back is a
//! stream like any other, and the [`Certificate`] the client showed. A client opens a [`Connector`]. TLS 1.2 and 1.3
//! with the suites of rustls, which are those of BCP 195 (RFC 9325); nothing older can be switched on.
//!
//! [`listen`] and [`serve`] are what all doors do alike before that: taking connections, and bringing them to their end.

mod acceptor;
#[cfg(feature = "authority")]
pub mod authority;
mod certificate;
mod connector;
mod files;
mod handshake;
mod listening;
mod network;
mod pattern;
mod secrecy;
mod settings;
mod suspect;

pub use acceptor::{Acceptor, Reload, Session};
pub use certificate::{Certificate, CertificateFault};
pub use connector::{ConnectError, Connector};
pub use files::{Expiry, ExpiryState, TlsError, expiries};
pub use handshake::HandshakeError;
pub use listening::{Drained, Floor, listen, prepare, serve};
pub use network::{Network, NetworkError};
pub use pattern::{ClientPattern, ClientPatternError};
pub use secrecy::{Secrecy, SecrecyFault};
pub use settings::{ClientTlsSettings, TlsFault, TlsSettings};
pub use suspect::Suspect;
