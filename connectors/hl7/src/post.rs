//! HL7 over HTTP: one message in, its acknowledgement out, through the same desk as MLLP.
//!
//! What a request looks like is the business of whoever has the HTTP server; here is what happens to its body.

use std::net::IpAddr;
use std::sync::Arc;

use causeway_core::envelope::Digest;
use causeway_tls::{Acceptor, Certificate, HandshakeError, Suspect};
use tokio::time::{Instant, sleep_until};

use crate::ack::Code;
use crate::client::Answer;
use crate::desk::Desk;
use crate::door::{Door, Shared};
use crate::frame::{Event, each_payload};
use crate::inbox::Inbox;
use crate::peer::{Peer, Token};
use crate::tally::Unwelcome;

/// Takes messages that come by HTTP for the feeds of a door.
#[derive(Debug, Clone)]
pub struct Poster {
    shared: Arc<Shared>,
}

/// A message that came by HTTP.
#[derive(Debug, Clone)]
pub struct Posting<'p> {
    /// Where from.
    pub address: IpAddr,
    /// The certificate shown.
    pub certificate: Option<Arc<Certificate>>,
    /// The token shown.
    pub token: Option<&'p str>,
    /// The message, without a frame.
    pub message: &'p [u8],
}

/// What to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Posted {
    /// This message.
    Answer {
        /// What it says.
        code: Code,
        /// The acknowledgement, without a frame.
        message: Vec<u8>,
        /// The sender is not known, or is not who it says it is.
        suspect: bool,
    },
    /// Nothing: the message asks for no acknowledgement, or is one.
    Nothing,
    /// Nothing: no feed hears this address, or not without TLS.
    Unwelcome,
    /// Nothing can be made durable.
    Unavailable,
}

impl Door {
    /// Takes messages for the same feeds by HTTP.
    pub fn poster(&self) -> Poster {
        Poster { shared: Arc::clone(&self.shared) }
    }
}

impl Poster {
    /// The certificates of the door; `None` in plain text.
    pub fn tls(&self) -> Option<Arc<Acceptor>> {
        self.shared.tls.clone()
    }

    /// Counts a handshake that failed, and notes somebody who could not show who he is.
    pub fn not_let_in(&self, address: IpAddr, error: &HandshakeError) {
        self.shared.not_let_in(address, error);
    }

    /// The longest message of any feed, in bytes.
    pub fn message_bytes_max(&self) -> usize {
        self.shared.framing.payload_bytes_max
    }

    /// Takes a message and gives its first acknowledgement, no earlier than MLLP would. A caller that goes away does not
    /// take back what it sent.
    pub async fn post(&self, posting: Posting<'_>) -> Posted {
        if let Some(cause) = self.unwelcome(posting.address) {
            self.shared.tally.unwelcome(cause);
            let (cause, detail) = (cause.as_str(), "refused before its message was looked at".to_owned());
            (self.shared.ports.suspect)(&Suspect { address: posting.address, cause, detail, feed: None });
            return Posted::Unwelcome;
        }
        let token = posting.token.map_or(Token::Missing, |token| Token::Shown(Digest::of(token.as_bytes())));
        let peer = Peer { address: posting.address, certificate: posting.certificate, token };
        let inbox = Inbox::new();
        let mut desk = Desk::new(Arc::clone(&self.shared), peer, Arc::clone(&inbox));
        desk.take_message(Event::Frame { payload: posting.message, stray_end: false }, Instant::now());
        loop {
            let now = Instant::now();
            desk.collect(now);
            if self.shared.is_halted() {
                return Posted::Unavailable;
            }
            if !desk.out().is_empty() {
                let answer = unframed(desk.out());
                desk.written(now);
                return answered(answer, desk.has_strangers());
            }
            if desk.is_idle() {
                return Posted::Nothing;
            }
            let deadline = desk.deadline();
            tokio::select! {
                () = inbox.changed() => {}
                () = sleep_until(deadline.unwrap_or(now)), if deadline.is_some() => {}
            }
        }
    }

    fn unwelcome(&self, address: IpAddr) -> Option<Unwelcome> {
        let config = &self.shared.config;
        if !config.secrecy().hears(address) {
            Some(Unwelcome::Plaintext)
        } else if !self.shared.feeds.iter().any(|feed| feed.hears(address)) {
            Some(Unwelcome::UnknownPeer)
        } else {
            None
        }
    }
}

/// The first of the frames; what follows it is an outcome known at once, which the next poll of the sender tells.
fn unframed(out: &[u8]) -> Vec<u8> {
    let mut first = None;
    each_payload(out, |payload| {
        first.get_or_insert_with(|| payload.to_vec());
    });
    first.unwrap_or_default()
}

fn answered(message: Vec<u8>, suspect: bool) -> Posted {
    match Answer::read(&message) {
        Ok(answer) => Posted::Answer { code: answer.code, message, suspect },
        // Our own acknowledgements can be read; if one could not, nothing positive may be told.
        Err(_fault) => Posted::Unavailable,
    }
}
