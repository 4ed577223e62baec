//! Accepting connections: whom, how many, and how it ends.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use causeway_tls::{HandshakeError, Session};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{debug, info, warn};

use crate::config::DoorLimits;
use crate::connection::Connection;
use crate::door::{Door, Shared};
use crate::inbox::Inbox;
use crate::peer::{Peer, Suspect, Token};
use crate::tally::Unwelcome;

/// How often the state of the feeds is told again, so that a pause shows.
const STATE_EVERY: Duration = Duration::from_secs(5);
/// How long to wait for a connection to close when the system gives us no more of them.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);
/// Between the probes of TCP keep-alive, once they began.
const PROBE_EVERY: Duration = Duration::from_secs(15);

/// How a door was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that had not finished what they began within `drain_timeout`, and were cut.
    pub cut: usize,
}

impl Door {
    /// Takes messages until `stop` is ready; then accepts no more, finishes the frames that have begun, answers what
    /// is in flight, and closes.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Drained {
        let mut floor = Floor { shared: Arc::clone(&self.shared), guests: HashMap::new(), peers: HashMap::new() };
        let mut tasks = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        let mut state = interval(STATE_EVERY);
        state.set_missed_tick_behavior(MissedTickBehavior::Skip);
        info!(address = %self.address(), feeds = self.shared.feeds.len(), "MLLP door open");
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break,
                left = next_left(&mut tasks), if !tasks.is_empty() => floor.left(left),
                _ = state.tick() => self.shared.tell_state(true),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => floor.admit(&mut tasks, stream, peer),
                    Err(error) => {
                        // Mostly a lack of file descriptors: one comes free when a connection closes.
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
        let cut = floor.drain(&mut tasks).await;
        info!(cut, "MLLP door closed");
        Drained { cut }
    }
}

impl Shared {
    /// Tells whether each feed is up.
    fn tell_state(&self, open: bool) {
        for (index, feed) in self.feeds.iter().enumerate() {
            self.tally.feed_up(index, open && !(self.ports.is_paused)(&feed.config.name));
        }
        if let Some(tls) = &self.tls {
            // A change that cannot be used is told of now rather than when the next sender comes.
            tls.reload();
            for expiry in tls.expiries() {
                self.tally.expires(&format!("mllp {} {}", self.config.listen, expiry.setting), expiry.not_after);
            }
        }
    }
}

/// The connections there are.
struct Floor {
    shared: Arc<Shared>,
    guests: HashMap<Id, Guest>,
    peers: HashMap<IpAddr, usize>,
}

/// The end of a connection's task.
type Ended = Result<(Id, ()), JoinError>;

struct Guest {
    peer: IpAddr,
    inbox: Arc<Inbox>,
}

impl Floor {
    /// Lets a connection in, or closes it at once.
    fn admit(&mut self, tasks: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr) {
        let peer = peer.ip().to_canonical();
        if let Some(cause) = self.unwelcome(peer) {
            self.shared.tally.unwelcome(cause);
            debug!(%peer, cause = cause.as_str(), "connection refused");
            if matches!(cause, Unwelcome::UnknownPeer | Unwelcome::Plaintext) {
                let (cause, detail) = (cause.as_str(), "closed before a byte was read".to_owned());
                (self.shared.ports.suspect)(&Suspect { address: peer, cause, detail, feed: None });
            }
            return;
        }
        if let Err(error) = prepare(&stream, &self.shared.config.limits) {
            debug!(%peer, %error, "connection lost at once");
            return;
        }
        let inbox = Inbox::new();
        let id = tasks.spawn(converse(stream, peer, Arc::clone(&self.shared), Arc::clone(&inbox))).id();
        self.guests.insert(id, Guest { peer, inbox });
        *self.peers.entry(peer).or_default() += 1;
    }

    /// Why a peer is not let in, before a byte of it is read.
    fn unwelcome(&self, peer: IpAddr) -> Option<Unwelcome> {
        let config = &self.shared.config;
        let limits = &config.limits;
        let allowed = self.shared.tls.is_some()
            || peer.is_loopback()
            || config.insecure_plaintext_from.iter().any(|net| net.contains(peer));
        if !allowed {
            Some(Unwelcome::Plaintext)
        } else if !self.shared.feeds.iter().any(|feed| feed.hears(peer)) {
            Some(Unwelcome::UnknownPeer)
        } else if self.guests.len() >= limits.connections_max {
            Some(Unwelcome::DoorFull)
        } else if self.peers.get(&peer).is_some_and(|count| *count >= limits.connections_per_peer_max) {
            Some(Unwelcome::PeerFull)
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
                    warn!(%error, "a connection panicked");
                }
                error.id()
            }
        };
        let Some(guest) = self.guests.remove(&id) else { return };
        if let Some(count) = self.peers.get_mut(&guest.peer) {
            *count -= 1;
            if *count == 0 {
                self.peers.remove(&guest.peer);
            }
        }
    }

    /// Lets every connection finish what it began. Gives the number of those that did not in time.
    async fn drain(mut self, tasks: &mut JoinSet<()>) -> usize {
        self.guests.values().for_each(|guest| guest.inbox.stop());
        let drain_timeout = self.shared.config.limits.drain_timeout;
        let all_left = async {
            while let Some(left) = tasks.join_next_with_id().await {
                self.left(left);
            }
        };
        if timeout(drain_timeout, all_left).await.is_err() {
            let cut = tasks.len();
            tasks.shutdown().await;
            return cut;
        }
        0
    }
}

/// A connection from its acceptance to its close.
async fn converse(stream: TcpStream, address: IpAddr, shared: Arc<Shared>, inbox: Arc<Inbox>) {
    let Some(tls) = &shared.tls else {
        let peer = Peer { address, certificate: None, token: Token::NotAsked };
        return Connection::new(stream, peer, Arc::clone(&shared), inbox).run().await;
    };
    match tls.accept(stream).await {
        Ok(Session { stream, client }) => {
            let peer = Peer { address, certificate: client, token: Token::NotAsked };
            Connection::new(stream, peer, Arc::clone(&shared), inbox).run().await;
        }
        Err(error) => shared.not_let_in(address, &error),
    }
}

impl Shared {
    /// Tells of a handshake that failed.
    fn not_let_in(&self, address: IpAddr, error: &HandshakeError) {
        self.tally.unwelcome(Unwelcome::Handshake(error.as_str()));
        if error.is_authentication_failure() {
            warn!(peer = %address, %error, "node authentication failure");
            let (cause, detail) = (error.as_str(), error.to_string());
            (self.ports.suspect)(&Suspect { address, cause, detail, feed: None });
        } else {
            debug!(peer = %address, %error, "no TLS session");
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

/// Answers leave at once, and peers that are gone are noticed.
fn prepare(stream: &TcpStream, limits: &DoorLimits) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let keep_alive = TcpKeepalive::new().with_time(limits.keep_alive).with_interval(PROBE_EVERY);
    SockRef::from(stream).set_tcp_keepalive(&keep_alive)
}
