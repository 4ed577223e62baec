//! The door: how many messages a second are made durable and answered.

use std::path::PathBuf;

use causeway_core::port::Clock as _;

use super::load::{self, Load};
use super::{Found, config, folder, message};
use crate::clock::SystemClock;
use crate::diagnostic::{Code, Diagnostic};
use crate::home::Home;
use crate::wiring::{self, Hub, Role};

/// How to measure.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    /// Another hub's door; without it one is opened for the purpose.
    pub(crate) to: Option<String>,
    /// Connections.
    pub(crate) connections: u32,
    /// Messages a second; as fast as answers come, without it.
    pub(crate) rate: Option<u32>,
    /// For so long.
    pub(crate) seconds: u64,
    /// Another message.
    pub(crate) message: Option<PathBuf>,
    /// Where the data is kept meanwhile.
    pub(crate) dir: Option<PathBuf>,
}

/// Measures.
///
/// # Errors
/// The hub cannot be started or reached.
pub(crate) fn run(door: &Door) -> Result<Found, Diagnostic> {
    let folder = folder(door.dir.as_deref())?;
    let message = message(door.message.as_deref())?;
    wiring::runtime()?.block_on(async {
        let hub = match &door.to {
            Some(_) => None,
            None => Some(Hub::start(&config()?, &Home::new(folder.path().join("data")), Role::Ingest).await?),
        };
        let own = hub.as_ref().and_then(|hub| hub.doors.first()).map(ToString::to_string);
        let to = door.to.clone().or(own);
        let to = to.ok_or_else(|| Diagnostic::new(Code::Internal, "the benchmark's hub has no door"))?;
        let loaded = load::run(Load {
            to,
            connections: door.connections,
            rate: door.rate,
            seconds: Some(door.seconds),
            count: None,
            message,
            patients: 1_000,
            run: SystemClock.now().strftime("%y%m%d%H%M%S%3f").to_string(),
        })
        .await?;
        if let Some(hub) = hub {
            hub.stop().await;
        }
        Ok(found("door", &loaded))
    })
}

/// The load in the form of all benchmarks.
#[expect(clippy::cast_precision_loss, reason = "counts below 2^53 are exact")]
pub(super) fn found(bench: &'static str, loaded: &load::Loaded) -> Found {
    let messages = u64::try_from(loaded.took.len()).unwrap_or(u64::MAX);
    let seconds = loaded.elapsed.as_secs_f64();
    Found {
        v: 1,
        bench,
        messages,
        seconds,
        rate: messages as f64 / seconds.max(f64::EPSILON),
        p50_ms: loaded.percentile_ms(50),
        p99_ms: loaded.percentile_ms(99),
        failed: loaded.failed,
    }
}
