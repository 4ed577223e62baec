//! Orphans of the blob stores, looked for now and then.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use causeway_core::metric::{self, Metrics};
use causeway_core::port::Clock as _;
use jiff::Timestamp;

use super::clockwork::thread;
use crate::clock::SystemClock;
use crate::diagnostic::Diagnostic;
use crate::orphans::{Mode, Orphans, Swept, Walk};
use crate::stop::Stop;

/// How often the stores are walked, unless what is old is so sooner.
const WALK_EVERY: Duration = Duration::from_hours(24);
/// After a walk that failed, the next one comes so many times sooner.
const SOONER: u32 = 24;
/// So many walks in a row look into a blob that has come of age: one may be missed, not all.
const WALKS: u32 = 7;

/// Walks now and then.
pub(super) fn watch(orphans: Orphans, metrics: Arc<dyn Metrics>, stop: &Stop) -> Result<JoinHandle<()>, Diagnostic> {
    let stop = stop.clone();
    let every = WALK_EVERY.min(orphans.retention).min(orphans.age);
    thread("causeway-orphans", move || {
        // The first walk looks into everything that is old enough: nobody knows how long the process was away.
        let mut since = Duration::MAX;
        let mut pause = every;
        let mut looked = SystemClock.now();
        while !stop.wait(pause) {
            pause = every;
            let (began, now) = (Instant::now(), SystemClock.now());
            let (is_said, mut nobody) = (|| stop.is_said(), |_, _: &_| {});
            // Clocks differ.
            let then = looked.checked_sub(orphans.age).unwrap_or(Timestamp::MIN);
            let walked = orphans.deleted_since(then).and_then(|deleted| {
                let since = if deleted { Duration::MAX } else { since };
                orphans.walk(&mut Walk { now, mode: Mode::Remove, since, stop: &is_said, each: &mut nobody })
            });
            match walked {
                Ok(swept) => {
                    looked = now;
                    // What is left over comes of age no second time.
                    let is_left = swept.iter().any(|store| store.cut_short || store.held_back);
                    since = if is_left { Duration::MAX } else { every.saturating_mul(WALKS) };
                    swept.iter().for_each(|store| tell(metrics.as_ref(), store, began));
                }
                Err(told) => {
                    pause = every.checked_div(SOONER).unwrap_or(every);
                    tracing::warn!(code = %told.code, what = told.what, "orphans of the blob store are looked for later");
                }
            }
        }
    })
}

fn tell(metrics: &dyn Metrics, store: &Swept, began: Instant) {
    let name = store.holds.as_str();
    metrics.add(&metric::BLOB_ORPHANS_REMOVED, &[name], store.removed);
    metrics.set(&metric::BLOB_SWEEP_TIMESTAMP_SECONDS, &[name], SystemClock.now().as_duration().as_secs_f64());
    if store.removed > 0 {
        let (removed, bytes, seconds) = (store.removed, store.bytes, began.elapsed().as_secs());
        tracing::info!(store = name, removed, bytes, seconds, "what nothing points to was removed from the blob store");
    }
}
