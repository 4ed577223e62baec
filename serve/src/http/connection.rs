//! One connection of the HTTP door, with hyper's own bounds set.

use std::pin::pin;

use axum::Router;
use axum::extract::Request;
use causeway_tls::Session;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tower::Service as _;

use super::stream::Impatient;
use super::{Caller, HttpLimits, Reached, Tls};

/// Answers the requests of one connection until it is closed, times out, or `stopping` turns true; then the request
/// being answered is finished and no further one is read.
pub(super) async fn run(
    stream: TcpStream,
    tls: Option<Tls>,
    app: Router,
    limits: HttpLimits,
    stopping: watch::Receiver<bool>,
) {
    let (Ok(reached), Ok(peer)) = (stream.local_addr().map(Reached), stream.peer_addr()) else { return };
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection of the HTTP door keeps Nagle's algorithm");
    }
    let address = peer.ip().to_canonical();
    let Some(tls) = tls else {
        return answer(stream, reached, Caller { address, certificate: None }, app, &limits, stopping).await;
    };
    match tls.acceptor.accept(stream).await {
        Ok(Session { stream, client }) => {
            answer(stream, reached, Caller { address, certificate: client }, app, &limits, stopping).await;
        }
        Err(error) => (tls.refused)(address, &error),
    }
}

async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    reached: Reached,
    caller: Caller,
    app: Router,
    limits: &HttpLimits,
    mut stopping: watch::Receiver<bool>,
) {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(reached);
        request.extensions_mut().insert(caller.clone());
        app.clone().call(request)
    });
    let io = TokioIo::new(Impatient::new(stream, limits.write_timeout));
    let mut connection = pin!(settings(limits).serve_connection(io, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = told(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection of the HTTP door ended");
    }
}

/// Ready once the door stops, or is gone.
async fn told(stopping: &mut watch::Receiver<bool>) {
    while !*stopping.borrow_and_update() && stopping.changed().await.is_ok() {}
}

/// hyper with a timer, without which its deadline for headers is silently off.
fn settings(limits: &HttpLimits) -> http1::Builder {
    let mut settings = http1::Builder::new();
    settings
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers_timeout)
        .max_headers(limits.headers_max)
        .max_header_size(limits.headers_bytes())
        .max_buf_size(limits.buffer_bytes());
    settings
}
