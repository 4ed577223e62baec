//! Listening and accepting, as every door does it: who is let in is the door's own matter, how a connection is taken,
//! counted and brought to its end is not.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::warn;

/// Connections the system may hold before we accept them.
const BACKLOG: u32 = 1024;
/// How often the state of the feeds is told again, so that a pause shows.
const STATE_EVERY: Duration = Duration::from_secs(5);
/// How long to wait for a connection to close when the system gives us no more of them.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);
/// Between the probes of TCP keep-alive, once they began.
const PROBE_EVERY: Duration = Duration::from_secs(15);

/// Listens. Gives where, too: the port that was found when the address said 0. It waits for nothing, but registering a
/// socket needs the runtime, which an async function guarantees.
///
/// # Errors
/// The address is taken, or not one of this machine.
pub async fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted hub must not wait for the system to forget the connections of the one before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let found = listener.local_addr()?;
    Ok((listener, found))
}

/// Answers leave at once, and a peer that is gone is noticed once nothing came for `keep_alive`.
///
/// # Errors
/// The connection is lost already.
pub fn prepare(stream: &TcpStream, keep_alive: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(keep_alive).with_interval(PROBE_EVERY))
}

/// The connections of a door, as the door keeps them.
pub trait Floor {
    /// Lets a connection in, as a task of `tasks`, or closes it at once.
    fn admit(&mut self, tasks: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr);

    /// Forgets a connection whose task ended, where it is remembered.
    fn left(&mut self, _id: Id) {}

    /// Tells whether the door is open. Called every few seconds while it is, and once when it is not any more.
    fn tell_state(&self, open: bool);

    /// Asks every connection to finish what it began.
    fn stop(&mut self);
}

/// How a door was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that had not finished what they began in time, and were cut.
    pub cut: usize,
}

/// Accepts connections until `stop` is ready; then accepts no more, and gives those there are `drain_timeout` to finish.
pub async fn serve(
    listener: TcpListener,
    floor: &mut impl Floor,
    stop: impl Future<Output = ()>,
    drain_timeout: Duration,
) -> Drained {
    let mut tasks = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    let mut state = interval(STATE_EVERY);
    state.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            ended = next_ended(&mut tasks), if !tasks.is_empty() => floor.left(ended),
            _ = state.tick() => floor.tell_state(true),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => floor.admit(&mut tasks, stream, peer),
                Err(error) => {
                    // Mostly a lack of file descriptors: one comes free when a connection closes.
                    warn!(%error, "cannot accept a connection");
                    if let Ok(ended) = timeout(ACCEPT_AGAIN, next_ended(&mut tasks)).await {
                        floor.left(ended);
                    }
                }
            },
        }
    }
    floor.tell_state(false);
    drop(listener);
    floor.stop();
    let all_ended = async {
        while let Some(ended) = tasks.join_next_with_id().await {
            floor.left(told(ended));
        }
    };
    let cut = if timeout(drain_timeout, all_ended).await.is_err() { tasks.len() } else { 0 };
    tasks.shutdown().await;
    Drained { cut }
}

/// The next connection that ends; while there is none, for ever.
async fn next_ended(tasks: &mut JoinSet<()>) -> Id {
    match tasks.join_next_with_id().await {
        Some(ended) => told(ended),
        None => std::future::pending().await,
    }
}

fn told(ended: Result<(Id, ()), JoinError>) -> Id {
    match ended {
        Ok((id, ())) => id,
        Err(error) => {
            if error.is_panic() {
                warn!(%error, "a connection panicked");
            }
            error.id()
        }
    }
}
