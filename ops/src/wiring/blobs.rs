//! What happens by the clock to the blob store: it is asked whether it works, and unfinished writes are swept.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use causeway_core::port::{BlobError, Clock as _, SharedBlobs};

use super::clockwork::thread;
use crate::clock::SystemClock;
use crate::diagnostic::Diagnostic;
use crate::health::Health;
use crate::stop::Stop;

/// How often it is asked.
const PROBE_EVERY: Duration = Duration::from_secs(10);
/// How often it is swept.
const SWEEP_EVERY: Duration = Duration::from_hours(1);

/// Watches the store; what was left unfinished for longer than `sweep_age` goes.
pub(super) fn watch(
    blobs: SharedBlobs,
    health: Arc<Health>,
    sweep_age: Duration,
    stop: &Stop,
) -> Result<JoinHandle<()>, Diagnostic> {
    let stop = stop.clone();
    thread("causeway-blobs", move || {
        let mut swept: Option<Instant> = None;
        loop {
            let works = blobs.probe();
            if let Err(error) = &works {
                tracing::warn!(%error, "the blob store does not take documents");
            }
            health.blobs_work(works.is_ok());
            if works.is_ok() && swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY) {
                swept = Some(Instant::now());
                tell(sweep(&blobs, sweep_age));
            }
            if stop.wait(PROBE_EVERY) {
                return;
            }
        }
    })
}

fn sweep(blobs: &SharedBlobs, age: Duration) -> Result<u64, BlobError> {
    let before = SystemClock.now().checked_sub(age);
    before.map_or(Ok(0), |before| blobs.sweep(before))
}

fn tell(swept: Result<u64, BlobError>) {
    match swept {
        Ok(0) => {}
        Ok(count) => tracing::info!(count, "unfinished writes of the blob store were removed"),
        Err(error) => tracing::warn!(%error, "unfinished writes of the blob store could not be removed"),
    }
}
