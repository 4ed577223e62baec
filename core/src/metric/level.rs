//! How many there are of something that comes and goes.

use std::sync::{Mutex, PoisonError};

/// A number whose every change is told to a gauge, in the order of the changes: told out of order, the gauge would stay wrong until
/// the next one.
#[derive(Debug, Default)]
pub struct Level(Mutex<u32>);

impl Level {
    /// One more.
    pub fn rise(&self, tell: impl FnOnce(f64)) {
        self.change(|level| level.saturating_add(1), tell);
    }

    /// One less.
    pub fn fall(&self, tell: impl FnOnce(f64)) {
        self.change(|level| level.saturating_sub(1), tell);
    }

    fn change(&self, to: impl FnOnce(u32) -> u32, tell: impl FnOnce(f64)) {
        let mut level = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *level = to(*level);
        tell(f64::from(*level));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn a_gauge_hears_every_change_in_its_order() {
        let (level, gauge) = (Level::default(), AtomicU64::new(f64::to_bits(0.0)));
        // A gauge takes its time, in which another change may overtake this one.
        let tell = |now: f64| {
            thread::yield_now();
            gauge.store(now.to_bits(), Ordering::SeqCst);
        };
        for _ in 0..50 {
            thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| {
                        for _ in 0..20 {
                            level.rise(tell);
                            level.fall(tell);
                        }
                    });
                }
            });
            assert_eq!(gauge.load(Ordering::SeqCst), f64::to_bits(0.0));
        }
    }
}
