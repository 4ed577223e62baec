//! Accepting connections: whom, how many, and how it ends.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use causeway_tls::Session;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{debug, info, warn};

use crate::association::{Association, Peer};
use crate::door::{Door, Shared};
use crate::tally::Unwelcome;

/// How often the state of the feeds is told again, so that a pause shows.
const STATE_EVERY: Duration = Duration::from_secs(5);
/// How long to wait for a connection to close when the system gives us no more of them.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);
/// Between the probes of TCP keep-alive, once they began.
const PROBE_EVERY: Duration = Duration::from_secs(15);
/// Connections beyond the limit of associations that are heard out, to be told that there is one.
const CROWD: usize = 64;

/// How a door was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Associations that had not finished their instance within `drain_timeout`, and were cut.
    pub cut: usize,
}

impl Door {
    /// Takes associations until `stop` is ready; then accepts no more, lets the instances that have begun be finished and
    /// answered, and ends the associations.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Drained {
        let (stopping, stopped) = watch::channel(false);
        let mut floor = Floor { shared: Arc::clone(&self.shared), stopped, guests: HashMap::new() };
        let mut tasks = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        let mut state = interval(STATE_EVERY);
        state.set_missed_tick_behavior(MissedTickBehavior::Skip);
        info!(address = %self.address(), feeds = self.shared.config.feeds.len(), "DICOM door open");
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                left = next_left(&mut tasks), if !tasks.is_empty() => floor.left(left),
                _ = state.tick() => self.shared.tell_state(true),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => floor.admit(&mut tasks, stream, peer),
                    Err(error) => {
                        // Mostly a lack of file descriptors: one comes free when an association ends.
                        warn!(%error, "cannot accept a connection");
                        if let Ok(left) = timeout(ACCEPT_AGAIN, next_left(&mut tasks)).await {
                            floor.left(left);
                        }
                    }
                },
            }
        }
        self.shared.tell_state(false);
        drop(self.listener);
        stopping.send_replace(true);
        let drained = timeout(self.shared.config.limits.drain_timeout, async {
            while let Some(left) = tasks.join_next_with_id().await {
                floor.left(left);
            }
        });
        let cut = if drained.await.is_err() { tasks.len() } else { 0 };
        tasks.shutdown().await;
        info!(cut, "DICOM door closed");
        Drained { cut }
    }
}

impl Shared {
    /// Tells whether each feed is up.
    fn tell_state(&self, open: bool) {
        if let Some(tls) = &self.tls {
            tls.reload();
        }
        for index in 0..self.config.feeds.len() {
            self.tally.feed_up(index, open && !self.is_paused(index));
        }
    }
}

/// The connections there are.
struct Floor {
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
    guests: HashMap<Id, IpAddr>,
}

/// The end of a connection's task.
type Ended = Result<(Id, ()), JoinError>;

impl Floor {
    /// Lets a connection in, or closes it at once.
    fn admit(&mut self, tasks: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr) {
        let address = peer.ip().to_canonical();
        if let Some(cause) = self.unwelcome(address) {
            self.shared.tally.unwelcome(cause);
            debug!(peer = %address, cause = cause.as_str(), "connection refused");
            return;
        }
        let limits = &self.shared.config.limits;
        let keep_alive = TcpKeepalive::new().with_time(limits.keep_alive).with_interval(PROBE_EVERY);
        let prepared = stream.set_nodelay(true).and_then(|()| SockRef::from(&stream).set_tcp_keepalive(&keep_alive));
        if let Err(error) = prepared {
            debug!(peer = %address, %error, "connection lost at once");
            return;
        }
        let of_peer = self.guests.values().filter(|guest| **guest == address).count();
        let crowded = self.guests.len() >= limits.associations_max || of_peer >= limits.associations_per_peer_max;
        let talk = converse(stream, address, crowded, Arc::clone(&self.shared), self.stopped.clone());
        self.guests.insert(tasks.spawn(talk).id(), address);
    }

    /// Why a peer is not let in, before a byte of it is read.
    fn unwelcome(&self, peer: IpAddr) -> Option<Unwelcome> {
        let config = &self.shared.config;
        let allowed = self.shared.tls.is_some()
            || peer.is_loopback()
            || config.insecure_plaintext_from.iter().any(|net| net.contains(peer));
        if !allowed {
            Some(Unwelcome::Plaintext)
        } else if !config.feeds.iter().any(|feed| feed.from.iter().any(|net| net.contains(peer))) {
            Some(Unwelcome::UnknownPeer)
        } else if self.guests.len() >= config.limits.associations_max.saturating_add(CROWD) {
            Some(Unwelcome::DoorFull)
        } else {
            None
        }
    }

    /// Forgets a connection that has ended.
    fn left(&mut self, ended: Ended) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => {
                if error.is_panic() {
                    warn!(%error, "an association panicked");
                }
                error.id()
            }
        };
        self.guests.remove(&id);
    }
}

/// A connection from its acceptance to its close.
async fn converse(
    stream: TcpStream,
    address: IpAddr,
    crowded: bool,
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
) {
    let Some(tls) = &shared.tls else {
        let peer = Peer { address, certificate: None, crowded };
        return Association::new(stream, peer, Arc::clone(&shared), stopped).run().await;
    };
    match tls.accept(stream).await {
        Ok(Session { stream, client }) => {
            let peer = Peer { address, certificate: client, crowded };
            Association::new(stream, peer, Arc::clone(&shared), stopped).run().await;
        }
        Err(error) => {
            shared.tally.unwelcome(Unwelcome::Handshake(error.as_str()));
            if error.is_authentication_failure() {
                warn!(peer = %address, %error, "node authentication failure");
            } else {
                debug!(peer = %address, %error, "no TLS session");
            }
        }
    }
}

/// The next connection that ends; while there is none, for ever.
async fn next_left(tasks: &mut JoinSet<()>) -> Ended {
    match tasks.join_next_with_id().await {
        Some(ended) => ended,
        None => std::future::pending().await,
    }
}
