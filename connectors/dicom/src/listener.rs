//! Accepting connections: whom, how many, and how it ends.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

pub use causeway_tls::Drained;
use causeway_tls::{Floor, Session, Suspect, prepare, serve};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use crate::association::{Association, Peer};
use crate::commitment::courier;
use crate::door::{Door, Shared};
use crate::hands::{self, Hands};
use crate::tally::Unwelcome;

/// Connections beyond the limit of associations that are heard out, to be told that there is one.
const CROWD: usize = 64;
/// What the threads of associations are called.
const THREAD: &str = "causeway-dicom";

impl Door {
    /// Takes associations until `stop` is ready; then accepts no more, lets the instances that have begun be finished and
    /// answered, and ends the associations.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Drained {
        let (stopping, stopped) = watch::channel(false);
        let mut floor = Associations { shared: Arc::clone(&self.shared), stopping, stopped };
        info!(address = %self.address(), feeds = self.shared.config.feeds.len(), "DICOM door open");
        let keeping = self.shared.ports.safekeeping.clone();
        let courier =
            keeping.map(|keeping| tokio::spawn(courier::run(Arc::clone(&self.shared), keeping, floor.stopped.clone())));
        let drained = serve(self.listener, &mut floor, stop, self.shared.config.limits.drain_timeout).await;
        if let Some(courier) = courier
            && let Err(error) = courier.await
        {
            error!(%error, "the courier of storage commitment broke");
        }
        info!(cut = drained.cut, "DICOM door closed");
        drained
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

/// The associations there are.
struct Associations {
    shared: Arc<Shared>,
    stopping: watch::Sender<bool>,
    stopped: watch::Receiver<bool>,
}

impl Floor for Associations {
    fn admit(&mut self, tasks: &mut JoinSet<()>, stream: TcpStream, peer: SocketAddr) {
        let address = peer.ip().to_canonical();
        if let Some(cause) = self.unwelcome(address, tasks.len()) {
            self.shared.tally.unwelcome(cause);
            debug!(peer = %address, cause = cause.as_str(), "connection refused");
            if matches!(cause, Unwelcome::UnknownPeer | Unwelcome::Plaintext) {
                let (cause, detail) = (cause.as_str(), "closed before a byte was read".to_owned());
                (self.shared.ports.suspect)(&Suspect { address, cause, detail, feed: None });
            }
            return;
        }
        let limits = &self.shared.config.limits;
        if let Err(error) = prepare(&stream, limits.keep_alive) {
            debug!(peer = %address, %error, "connection lost at once");
            return;
        }
        let seat = self.shared.seats.take(address, limits);
        let (shared, stopped) = (Arc::clone(&self.shared), self.stopped.clone());
        let begun = stream.into_std().and_then(|stream| {
            hands::begin(THREAD, move |hands| async move {
                match TcpStream::from_std(stream) {
                    Ok(stream) => {
                        converse(stream, Peer { address, certificate: None, seat }, shared, stopped, hands).await
                    }
                    Err(error) => debug!(peer = %address, %error, "connection lost at once"),
                }
            })
        });
        match begun {
            Ok(talk) => {
                tasks.spawn(talk.over());
            }
            Err(error) => {
                warn!(peer = %address, %error, "a connection is closed: there is no thread for it");
                self.shared.tally.unwelcome(Unwelcome::DoorFull);
            }
        }
    }

    fn tell_state(&self, open: bool) {
        self.shared.tell_state(open);
    }

    fn stop(&mut self) {
        self.stopping.send_replace(true);
    }
}

impl Associations {
    /// Why a peer is not let in, before a byte of it is read, beside as many others.
    fn unwelcome(&self, peer: IpAddr, others: usize) -> Option<Unwelcome> {
        let config = &self.shared.config;
        if !config.secrecy().hears(peer) {
            Some(Unwelcome::Plaintext)
        } else if !config.feeds.iter().any(|feed| feed.from.iter().any(|net| net.contains(peer))) {
            Some(Unwelcome::UnknownPeer)
        } else if others >= config.limits.associations_max.saturating_add(CROWD) {
            Some(Unwelcome::DoorFull)
        } else {
            None
        }
    }
}

/// A connection from its acceptance to its close.
async fn converse(stream: TcpStream, peer: Peer, shared: Arc<Shared>, stopped: watch::Receiver<bool>, hands: Hands) {
    let Some(tls) = &shared.tls else {
        return Association::new(stream, peer, shared, stopped, hands).run().await;
    };
    let address = peer.address;
    match tls.accept(stream).await {
        Ok(Session { stream, client }) => {
            let peer = Peer { certificate: client, ..peer };
            Association::new(stream, peer, Arc::clone(&shared), stopped, hands).run().await;
        }
        Err(error) => {
            shared.tally.unwelcome(Unwelcome::Handshake(error.as_str()));
            if error.is_authentication_failure() {
                warn!(peer = %address, %error, "node authentication failure");
                let (cause, detail) = (error.as_str(), error.to_string());
                (shared.ports.suspect)(&Suspect { address, cause, detail, feed: None });
            } else {
                debug!(peer = %address, %error, "no TLS session");
            }
        }
    }
}
