//! The load: connections that each send a message, wait for its answer, and measure how long that took.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use causeway_hl7::client::{Client, ClientError, ClientSettings};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::diagnostic::{Code, Diagnostic};

/// How to load.
#[derive(Debug, Clone)]
pub(super) struct Load {
    /// `host:port`.
    pub(super) to: String,
    /// Connections; each waits for an answer before it sends the next message.
    pub(super) connections: u32,
    /// Messages a second over all connections; as fast as answers come, without it.
    pub(super) rate: Option<u32>,
    /// For so long, or
    pub(super) seconds: Option<u64>,
    /// until so many were sent.
    pub(super) count: Option<u64>,
    /// The message, with `{ID}` and `{PAT}`.
    pub(super) message: String,
    /// How many patients there are.
    pub(super) patients: u64,
    /// Begins every control id.
    pub(super) run: String,
}

/// What the load found.
#[derive(Debug, Clone, Default)]
pub(super) struct Loaded {
    /// How long each answer took, sorted.
    pub(super) took: Vec<Duration>,
    /// Messages that were refused or not answered.
    pub(super) failed: u64,
    /// From the first to the last.
    pub(super) elapsed: Duration,
}

impl Loaded {
    /// So many of a hundred took no longer, in milliseconds.
    pub(super) fn percentile_ms(&self, percent: usize) -> f64 {
        let place = self.took.len().saturating_mul(percent) / 100;
        let place = place.min(self.took.len().saturating_sub(1));
        self.took.get(place).map_or(0.0, |took| took.as_secs_f64() * 1000.0)
    }
}

/// Loads a door.
///
/// # Errors
/// No connection can be made, or one breaks.
pub(super) async fn run(load: Load) -> Result<Loaded, Diagnostic> {
    let begun = Instant::now();
    let (load, sent) = (Arc::new(load), Arc::new(AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for _ in 0..load.connections.max(1) {
        tasks.spawn(connection(Arc::clone(&load), Arc::clone(&sent), begun));
    }
    let mut whole = Loaded::default();
    while let Some(ended) = tasks.join_next().await {
        let part = ended.map_err(|error| Diagnostic::new(Code::Internal, "a connection panicked").because(&error))?;
        let part = part.map_err(|error| {
            let code = match error {
                ClientError::Connect { .. } | ClientError::Tls { .. } => Code::Unreachable,
                ClientError::Message(_) => Code::NoMessage,
                ClientError::TimedOut(_) | ClientError::Closed | ClientError::Broken(_) | ClientError::Answer(_) => {
                    Code::NoAnswer
                }
            };
            Diagnostic::new(code, "the load broke off").at(load.to.clone()).because(&error)
        })?;
        whole.took.extend(part.took);
        whole.failed += part.failed;
    }
    whole.elapsed = begun.elapsed();
    whole.took.sort_unstable();
    Ok(whole)
}

async fn connection(load: Arc<Load>, sent: Arc<AtomicU64>, begun: Instant) -> Result<Loaded, ClientError> {
    let mut client = Client::connect(&load.to, ClientSettings::default()).await?;
    let mut found = Loaded::default();
    // Each connection sends its share of the rate.
    let mut pace = load.rate.map(|rate| {
        let mut pace = interval(Duration::from_secs(1) * load.connections.max(1) / rate.max(1));
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        pace
    });
    loop {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        let number = sent.fetch_add(1, Ordering::Relaxed);
        let over = load.seconds.is_some_and(|seconds| begun.elapsed().as_secs() >= seconds);
        if over || load.count.is_some_and(|count| number >= count) {
            return Ok(found);
        }
        let patient = number % load.patients.max(1);
        let message =
            load.message.replace("{ID}", &format!("{}-{number}", load.run)).replace("{PAT}", &format!("B{patient}"));
        let sent_at = Instant::now();
        let exchange = client.send(message.as_bytes()).await?;
        found.took.push(sent_at.elapsed());
        found.failed += u64::from(!exchange.is_positive());
    }
}
