//! Reports sent by pointer are fetched beside the walk, a few at once: a slow server keeps no lane waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, scope};
use std::time::Duration;

use causeway_core::disposition::Disposition;
use causeway_core::envelope::Position;
use causeway_fetch::Fetcher;
use causeway_router::{Router, RouterError};

use super::clockwork::thread;
use super::halt;
use crate::diagnostic::{Code, Diagnostic};
use crate::stop::Stop;

/// How often it is looked what is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Documents fetched at once by one process. Each is in memory until its message is stored.
const AT_ONCE: usize = 4;
/// Messages looked up at once.
const DUE_MAX: u32 = 64;

/// Fetches what is due, until the hub stops. Several processes may do so: a lease in the repository says who tries.
pub(super) fn fetch(router: Arc<Router>, stop: &Stop) -> Result<JoinHandle<()>, Diagnostic> {
    let (stop, ends) = (stop.clone(), stop.clone());
    let fetcher = Fetcher::new(move || ends.is_said());
    let fetcher =
        fetcher.map_err(|error| Diagnostic::new(Code::Internal, "a thread cannot be started").because(&error))?;
    thread("causeway-fetching", move || {
        while !stop.wait(LOOK_EVERY) {
            match router.fetches_due(DUE_MAX) {
                Ok(due) => round(&router, &fetcher, &due, &stop),
                Err(error) => failed(error),
            }
        }
    })
}

/// Goes through what is due, a few at once. After an error the rest waits for the next round.
fn round(router: &Router, fetcher: &Fetcher, due: &[Position], stop: &Stop) {
    let broken = AtomicBool::new(false);
    for some in due.chunks(AT_ONCE) {
        if stop.is_said() || broken.load(Ordering::Acquire) {
            return;
        }
        scope(|scope| {
            for position in some {
                scope.spawn(|| {
                    if let Err(error) = router.fetch(*position, fetcher) {
                        broken.store(true, Ordering::Release);
                        failed(error);
                    }
                });
            }
        });
    }
}

fn failed(error: RouterError) {
    match error.disposition() {
        Disposition::Retry | Disposition::Reject | Disposition::Hold => {
            tracing::warn!(%error, "what is due is fetched later");
        }
        Disposition::Halt => halt(&Diagnostic::from(error)),
    }
}
