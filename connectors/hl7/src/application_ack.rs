//! Who waits for the outcome of a message: the place where the router's commits meet the connections that owe an
//! application acknowledgement.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_core::ack::{Settled, Settlement};
use causeway_core::envelope::Position;

pub(crate) mod courier;

/// Called once with the outcome; on the router's thread, so it must not block.
pub(crate) type Waiter = Box<dyn FnOnce(&Settled) + Send>;

/// How many may wait. Beyond it nobody is registered: original mode falls back to its time-out, and an application
/// acknowledgement is not sent.
const WAITING_MAX: usize = 262_144;

/// How many outcomes are remembered that nobody waits for yet. It bridges the moment between an entry being durable
/// and its waiter being registered, which is no longer than one call from the log.
const RECENT_MAX: usize = 16_384;

/// All who wait, over all doors. Give it to the router as its [`Settlement`].
#[derive(Default)]
pub struct Waiters {
    /// Expectations and waiters together: zero means that an outcome is nobody's business.
    interest: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Appends under way whose waiter is not registered yet.
    expecting: usize,
    waiting: HashMap<Position, Vec<Waiter>>,
    waiting_count: usize,
    recent: HashMap<Position, Settled>,
    recent_order: VecDeque<Position>,
}

impl Waiters {
    /// Nobody waits yet.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Announces a waiter whose position is not known yet. Call it before the append: an outcome that comes before
    /// the registration is then remembered.
    pub(crate) fn expect(self: &Arc<Self>) -> Expectation {
        self.interest.fetch_add(1, Ordering::SeqCst);
        self.lock().expecting += 1;
        Expectation { waiters: Arc::clone(self) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing of ours panics while it holds the lock, and the maps are whole between statements.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Settlement for Waiters {
    fn settled(&self, batch: &[Settled]) {
        if self.interest.load(Ordering::SeqCst) == 0 {
            return;
        }
        let mut due = Vec::new();
        {
            let mut inner = self.lock();
            for settled in batch {
                match inner.waiting.remove(&settled.position) {
                    Some(waiters) => {
                        inner.waiting_count = inner.waiting_count.saturating_sub(waiters.len());
                        due.push((settled, waiters));
                    }
                    None if inner.expecting > 0 => inner.remember(settled),
                    None => {}
                }
            }
        }
        for (settled, waiters) in due {
            self.interest.fetch_sub(waiters.len(), Ordering::SeqCst);
            waiters.into_iter().for_each(|waiter| waiter(settled));
        }
    }
}

impl Inner {
    fn remember(&mut self, settled: &Settled) {
        if self.recent.insert(settled.position, settled.clone()).is_none() {
            self.recent_order.push_back(settled.position);
        }
        if self.recent_order.len() > RECENT_MAX
            && let Some(oldest) = self.recent_order.pop_front()
        {
            self.recent.remove(&oldest);
        }
    }
}

impl fmt::Debug for Waiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiters").field("interest", &self.interest).finish_non_exhaustive()
    }
}

/// A waiter announced by [`Waiters::expect`]. Dropping it takes the announcement back.
#[derive(Debug)]
pub(crate) struct Expectation {
    waiters: Arc<Waiters>,
}

impl Expectation {
    /// Registers `waiter` for the outcome of the entry at `position`; it is called at once when that is known already.
    /// False when too many wait.
    pub(crate) fn register(self, position: Position, waiter: Waiter) -> bool {
        let known = {
            let mut inner = self.waiters.lock();
            match inner.recent.get(&position).cloned() {
                Some(settled) => Some((settled, waiter)),
                None if inner.waiting_count >= WAITING_MAX => return false,
                None => {
                    inner.waiting.entry(position).or_default().push(waiter);
                    inner.waiting_count += 1;
                    self.waiters.interest.fetch_add(1, Ordering::SeqCst);
                    None
                }
            }
        };
        if let Some((settled, waiter)) = known {
            waiter(&settled);
        }
        true
    }
}

impl Drop for Expectation {
    fn drop(&mut self) {
        {
            let mut inner = self.waiters.lock();
            inner.expecting = inner.expecting.saturating_sub(1);
            if inner.expecting == 0 {
                inner.recent.clear();
                inner.recent_order.clear();
            }
        }
        self.waiters.interest.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::envelope::{FeedName, Offset, PartitionId};
    use causeway_core::outcome::State;
    use jiff::Timestamp;

    use super::*;

    fn at(offset: u64) -> Position {
        Position { partition: PartitionId(0), offset: Offset(offset) }
    }

    fn settled(offset: u64) -> Settled {
        let feed = FeedName::parse("lab").expect("name");
        Settled { position: at(offset), feed, state: State::Accepted, reason: None, at: Timestamp::UNIX_EPOCH }
    }

    /// Registers a waiter that notes the offset it was told of.
    fn wait(expectation: Expectation, offset: u64, told: &Arc<Mutex<Vec<u64>>>) {
        let told = Arc::clone(told);
        let waiter = Box::new(move |settled: &Settled| told.lock().expect("told").push(settled.position.offset.0));
        assert!(expectation.register(at(offset), waiter));
    }

    #[test]
    fn a_waiter_is_told_once_whether_the_outcome_comes_before_or_after_it() {
        let waiters = Waiters::new();
        let told = Arc::default();
        let (early, late) = (waiters.expect(), waiters.expect());
        wait(late, 1, &told);
        waiters.settled(&[settled(1), settled(2), settled(3)]);
        wait(early, 2, &told);
        waiters.settled(&[settled(1), settled(2)]);
        assert_eq!(*told.lock().expect("told"), [1, 2]);
    }

    #[test]
    fn two_who_wait_for_one_message_are_both_told() {
        let waiters = Waiters::new();
        let told = Arc::default();
        wait(waiters.expect(), 7, &told);
        wait(waiters.expect(), 7, &told);
        waiters.settled(&[settled(7)]);
        assert_eq!(*told.lock().expect("told"), [7, 7]);
    }

    #[test]
    fn nothing_is_remembered_that_nobody_announced() {
        let waiters = Waiters::new();
        let told = Arc::default();
        waiters.settled(&[settled(1)]);
        wait(waiters.expect(), 1, &told);
        assert_eq!(*told.lock().expect("told"), [0_u64; 0]);
        drop(waiters.expect());
        assert_eq!(waiters.interest.load(Ordering::SeqCst), 1, "the one that waits");
        assert!(waiters.lock().recent.is_empty());
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let waiters = Waiters::new();
        let expectation = waiters.expect();
        let outcomes: Vec<Settled> = (0..40_000).map(settled).collect();
        waiters.settled(&outcomes);
        assert_eq!(waiters.lock().recent.len(), RECENT_MAX);
        let told = Arc::default();
        wait(expectation, 39_999, &told);
        assert_eq!(*told.lock().expect("told"), [39_999]);
        assert!(waiters.lock().recent.is_empty());
    }
}
