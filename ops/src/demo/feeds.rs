//! The live feeds: the systems of the synthetic world, each with its own MLLP connection. A fresh demo begins with the
//! last days at one go, so that there are trends to look at; then it goes on at a walking pace.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use causeway_core::port::Clock as _;
use causeway_hl7::client::{Client, ClientSettings};
use jiff::{SignedDuration, Timestamp};

use super::world;
use crate::clock::SystemClock;
use crate::generate::dice::Dice;
use crate::generate::encode;
use crate::generate::message::{Outgoing, Source};
use crate::generate::story::Story;

/// Messages of the days before, in a fresh demo.
const PAST_MESSAGES: i32 = 360;
/// How far back they reach.
const PAST: SignedDuration = SignedDuration::from_hours(72);
/// Messages at one go when a demo goes on.
const BURST: i32 = 20;
/// The pause between two messages, in milliseconds, from and to.
const PAUSE_MS: (u32, u32) = (120, 600);
/// The pause after a message that could not be sent.
const RETRY: Duration = Duration::from_secs(1);

/// Sends until it is aborted.
pub(super) async fn send(door: SocketAddr, run: String, fresh: bool) {
    let now = SystemClock.now();
    // Each run tells a part of its own, whatever was told before.
    let told = u64::try_from(now.as_second()).unwrap_or(0);
    let mut story = Story::new(world::SEED ^ told, run, world::persons());
    let mut pace = Dice::new(told);
    let mut senders = Senders { door, clients: BTreeMap::new() };
    let burst = if fresh { PAST_MESSAGES } else { BURST };
    for turn in 0..burst {
        let Some(message) = story.next(if fresh { past(now, turn) } else { now }) else { return };
        senders.send(&message).await;
    }
    while let Some(message) = story.next(SystemClock.now()) {
        senders.send(&message).await;
        let pause = pace.between(PAUSE_MS.0, PAUSE_MS.1);
        tokio::time::sleep(Duration::from_millis(u64::from(pause))).await;
    }
}

/// When the message of this turn was, evenly over the past.
fn past(now: Timestamp, turn: i32) -> Timestamp {
    let step = PAST / PAST_MESSAGES;
    now - step * (PAST_MESSAGES - turn)
}

/// One connection a system.
struct Senders {
    door: SocketAddr,
    clients: BTreeMap<Source, Client>,
}

impl Senders {
    /// Sends a message. One that gets no answer is sent again over a new connection, as real systems do.
    async fn send(&mut self, message: &Outgoing) {
        let bytes = encode::bytes(message);
        while !self.try_send(message.source, &bytes).await {
            self.clients.remove(&message.source);
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn try_send(&mut self, source: Source, bytes: &[u8]) -> bool {
        if !self.clients.contains_key(&source) {
            match Client::connect(&self.door.to_string(), ClientSettings::default()).await {
                Ok(client) => drop(self.clients.insert(source, client)),
                Err(error) => {
                    tracing::warn!(%error, feed = source.feed(), "a synthetic feed cannot connect");
                    return false;
                }
            }
        }
        let Some(client) = self.clients.get_mut(&source) else { return false };
        match client.send(bytes).await {
            Ok(_answered) => true,
            Err(error) => {
                tracing::warn!(%error, feed = source.feed(), "a synthetic feed got no answer");
                false
            }
        }
    }
}
