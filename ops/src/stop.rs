//! The word to stop, for the threads of the hub: they wait on it instead of sleeping, so that a stop is heard at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Said once, heard by everyone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    said: AtomicBool,
    lock: Mutex<()>,
    bell: Condvar,
}

impl Stop {
    /// Says it.
    pub(crate) fn say(&self) {
        let guard = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.said.store(true, Ordering::SeqCst);
        drop(guard);
        self.0.bell.notify_all();
    }

    /// Whether it was said.
    pub(crate) fn is_said(&self) -> bool {
        self.0.said.load(Ordering::SeqCst)
    }

    /// For those who look at a flag.
    pub(crate) fn flag(&self) -> &AtomicBool {
        &self.0.said
    }

    /// Waits so long, or until it is said. Gives whether it was said.
    pub(crate) fn wait(&self, duration: Duration) -> bool {
        let guard = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.0.bell.wait_timeout_while(guard, duration, |()| !self.is_said());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
        self.is_said()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_stop_is_heard_at_once_by_those_who_wait() {
        let stop = Stop::default();
        assert!(!stop.wait(Duration::from_millis(1)));
        let begun = Instant::now();
        let waiter = thread::spawn({
            let stop = stop.clone();
            move || stop.wait(Duration::from_secs(60))
        });
        stop.say();
        assert!(waiter.join().expect("no panic"));
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}
