//! The HTTP door: an accept loop of our own, because `axum::serve` sets no deadline for headers and no bound on
//! connections, and one guard before every route.
//!
//! What hyper itself refuses (an unreadable request line, headers beyond their bounds) is answered with 400, 414 or
//! 431 and no body, before any of our code runs; the connection is closed. `X-Forwarded-For`, `Forwarded` and method
//! overrides are never read: there is no trusted proxy.

mod connection;
mod guard;
mod headers;
mod host;
mod limits;
mod problem;
mod stream;

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use causeway_core::metric::{self, Metrics};
use causeway_tls::{Acceptor, Certificate, HandshakeError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

pub use guard::guarded;
pub use limits::HttpLimits;
pub use problem::Problem;

/// How long the loop waits after a failed `accept`, which comes of too few file handles: without it the loop would
/// spin until one is free.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The answer to a connection beyond the cap. Written once, without waiting.
const FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";

/// How the door closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that were still busy when the time to drain was over, and were cut.
    pub cut: usize,
}

/// Serves `router` behind the guard until `shutdown` is ready; then takes no new connection, lets the requests being
/// answered finish within [`HttpLimits::drain_timeout`], and cuts the rest.
///
/// The static files of the pages are served too.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: HttpLimits,
    metrics: Arc<dyn Metrics>,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    serve_by(listener, None, router, limits, metrics, shutdown).await
}

/// The same by TLS, when there is an acceptor. The route finds who asks as the request's extension [`Caller`].
pub async fn serve_by(
    listener: TcpListener,
    tls: Option<Tls>,
    router: Router,
    limits: HttpLimits,
    metrics: Arc<dyn Metrics>,
    shutdown: impl Future<Output = ()>,
) -> Drained {
    let app = guarded(router, &limits, Arc::clone(&metrics));
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => report(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if connections.len() >= limits.connections_max => refuse(stream, metrics.as_ref()),
                Ok((stream, _)) => {
                    connections.spawn(connection::run(stream, tls.clone(), app.clone(), limits.clone(), stopping.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "the HTTP door could not accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    stop.send_replace(true);
    drain(connections, limits.drain_timeout).await
}

/// Hears of a handshake that failed: from where, and why.
pub type Refused = dyn Fn(IpAddr, &HandshakeError) + Send + Sync;

/// TLS of a door, and who is told of those who could not be let in.
#[derive(Clone)]
pub struct Tls {
    /// Its certificates.
    pub acceptor: Arc<Acceptor>,
    /// Called on a connection's task with the address and what was wrong, so it must not block.
    pub refused: Arc<Refused>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Who asks, as far as the connection itself tells; put into every request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Where the connection comes from.
    pub address: IpAddr,
    /// The certificate shown, verified; `None` in plain text, or where none is required.
    pub certificate: Option<Arc<Certificate>>,
}

/// The address a request reached us by; put into every request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reached(pub(crate) SocketAddr);

/// Tells of a connection that ended by a panic: a fault of ours, which cost this one connection and nothing else.
fn report(ended: Result<(), JoinError>) {
    let Err(error) = ended else { return };
    if error.is_panic() {
        tracing::error!("a connection of the HTTP door ended by a panic");
    }
}

/// Turns away a connection beyond the cap. The socket is fresh, so its send buffer has room for the few bytes; a peer
/// that does not get them sees a closed connection.
fn refuse(stream: TcpStream, metrics: &dyn Metrics) {
    metrics.add(&metric::HTTP_REQUESTS, &["web", "none", "none", "503"], 1);
    let told = stream.into_std().and_then(|mut stream| stream.write_all(FULL));
    tracing::warn!(told = told.is_ok(), "the HTTP door is full: a connection was turned away");
}

/// Waits for the connections to end, at most so long.
async fn drain(mut connections: JoinSet<()>, drain_timeout: Duration) -> Drained {
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    };
    if tokio::time::timeout(drain_timeout, all_ended).await.is_ok() {
        return Drained { cut: 0 };
    }
    let cut = connections.len();
    tracing::warn!(cut, "connections of the HTTP door were cut: the time to drain is over");
    connections.shutdown().await;
    Drained { cut }
}
