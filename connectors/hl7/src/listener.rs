//! Accepting connections: whom, how many, and how it ends.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub use causeway_tls::Drained;
use causeway_tls::{Floor, HandshakeError, Session, Suspect, prepare, serve};
use tokio::net::TcpStream;
use tokio::task::{Id, JoinSet};
use tracing::{debug, info, warn};

use crate::connection::Connection;
use crate::door::{Door, Shared};
use crate::inbox::Inbox;
use crate::peer::{Peer, Token};
use crate::tally::Unwelcome;

impl Door {
    /// Takes messages until `stop` is ready; then accepts no more, finishes the frames that have begun, answers what
    /// is in flight, and closes.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Drained {
        let mut floor = Connections { shared: Arc::clone(&self.shared), guests: HashMap::new(), peers: HashMap::new() };
        info!(address = %self.address(), feeds = self.shared.feeds.len(), "MLLP door open");
        let drained = serve(self.listener, &mut floor, stop, self.shared.config.limits.drain_timeout).await;
        info!(cut = drained.cut, "MLLP door closed");
        drained
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
struct Connections {
    shared: Arc<Shared>,
    guests: HashMap<Id, Guest>,
    peers: HashMap<IpAddr, usize>,
}

struct Guest {
    peer: IpAddr,
    inbox: Arc<Inbox>,
}

impl Floor for Connections {
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
        if let Err(error) = prepare(&stream, self.shared.config.limits.keep_alive) {
            debug!(%peer, %error, "connection lost at once");
            return;
        }
        let inbox = Inbox::new();
        let id = tasks.spawn(converse(stream, peer, Arc::clone(&self.shared), Arc::clone(&inbox))).id();
        self.guests.insert(id, Guest { peer, inbox });
        *self.peers.entry(peer).or_default() += 1;
    }

    fn left(&mut self, id: Id) {
        let Some(guest) = self.guests.remove(&id) else { return };
        if let Some(count) = self.peers.get_mut(&guest.peer) {
            *count -= 1;
            if *count == 0 {
                self.peers.remove(&guest.peer);
            }
        }
    }

    fn tell_state(&self, open: bool) {
        self.shared.tell_state(open);
    }

    fn stop(&mut self) {
        self.guests.values().for_each(|guest| guest.inbox.stop());
    }
}

impl Connections {
    /// Why a peer is not let in, before a byte of it is read.
    fn unwelcome(&self, peer: IpAddr) -> Option<Unwelcome> {
        let config = &self.shared.config;
        let limits = &config.limits;
        if !config.secrecy().hears(peer) {
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
    pub(crate) fn not_let_in(&self, address: IpAddr, error: &HandshakeError) {
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
