//! Carries application acknowledgements to an address of the sender's choice, on connections of ours.

use std::time::Duration;

use causeway_core::envelope::FeedName;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::chance;
use crate::client::{Client, ClientError, ClientSettings};
use crate::config::DoorLimits;

/// How often one acknowledgement is tried before it is given up; with the pauses between, about two minutes.
const ATTEMPTS_MAX: u32 = 8;
/// The pause after the first failure; it doubles up to the longest.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// A queue to one address, in order.
#[derive(Debug)]
pub(crate) struct Courier {
    queue: mpsc::Sender<Vec<u8>>,
    round: AbortHandle,
}

impl Courier {
    /// Starts carrying. Call it inside a tokio runtime.
    pub(crate) fn start(to: String, feed: FeedName, client: ClientSettings, limits: &DoorLimits) -> Self {
        let (queue, waiting) = mpsc::channel(limits.application_acks_max);
        let round = tokio::spawn(carry(Address { to, client }, feed, waiting)).abort_handle();
        Self { queue, round }
    }

    /// Takes a message to be carried; false when too many wait.
    pub(crate) fn offer(&self, message: Vec<u8>) -> bool {
        self.queue.try_send(message).is_ok()
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.round.abort();
    }
}

/// Where to, and how.
struct Address {
    to: String,
    client: ClientSettings,
}

async fn carry(to: Address, feed: FeedName, mut waiting: mpsc::Receiver<Vec<u8>>) {
    let mut client = None;
    while let Some(message) = waiting.recv().await {
        deliver(&to, &feed, &mut client, &message).await;
    }
}

/// Tries until the receiver answers, whatever it answers.
async fn deliver(address: &Address, feed: &FeedName, client: &mut Option<Client>, message: &[u8]) {
    let to = address.to.as_str();
    for attempt in 0..ATTEMPTS_MAX {
        match attempt_once(address, client, message).await {
            Ok(true) => return,
            Ok(false) => return warn!(%feed, to, "the receiver refused an application acknowledgement"),
            Err(error) => {
                *client = None;
                info!(%feed, to, %error, attempt, "an application acknowledgement could not be delivered");
                sleep(pause(attempt)).await;
            }
        }
    }
    warn!(%feed, to, attempts = ATTEMPTS_MAX, "an application acknowledgement is given up");
}

async fn attempt_once(address: &Address, client: &mut Option<Client>, message: &[u8]) -> Result<bool, ClientError> {
    let client = match client {
        Some(open) if open.is_open() => open,
        _ => client.insert(Client::connect(&address.to, address.client.clone()).await?),
    };
    Ok(client.send(message).await?.is_positive())
}

/// Twice as long after each failure, up to the longest, and somewhere between half and all of that, so that many who
/// lost one receiver do not come back together.
fn pause(attempt: u32) -> Duration {
    let whole = PAUSE_MIN.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX)).min(PAUSE_MAX);
    let chance = u32::from(chance::byte());
    whole / 2 + whole.saturating_mul(chance) / 512
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_their_bound_and_differ() {
        for (attempt, whole) in [(0, 1), (1, 2), (4, 16), (5, 30), (31, 30), (90, 30)] {
            let whole = Duration::from_secs(whole);
            let pauses: Vec<Duration> = (0..50).map(|_| pause(attempt)).collect();
            assert!(pauses.iter().all(|pause| (whole / 2..=whole).contains(pause)), "{attempt}: {pauses:?}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{attempt}");
        }
    }
}
