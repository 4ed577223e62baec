//! A bound on the bytes that all connections of a door hold together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many bytes, to be leased and given back.
#[derive(Debug)]
pub(crate) struct Budget {
    free: AtomicUsize,
}

impl Budget {
    /// A budget of `bytes`.
    pub(crate) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { free: AtomicUsize::new(bytes) })
    }

    /// Leases `bytes`; `None` when fewer are free.
    pub(crate) fn lease(self: &Arc<Self>, bytes: usize) -> Option<Lease> {
        let mut lease = Lease { budget: Arc::clone(self), bytes: 0 };
        lease.resize(bytes).then_some(lease)
    }

    /// So many are free.
    pub(crate) fn has(&self, bytes: usize) -> bool {
        self.free.load(Ordering::Relaxed) >= bytes
    }

    fn take(&self, bytes: usize) -> bool {
        self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(bytes)).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.free.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Bytes of a budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Lease {
    /// Makes it `bytes` large. When there are not enough, it stays as it was and the answer is false.
    pub(crate) fn resize(&mut self, bytes: usize) -> bool {
        if bytes > self.bytes {
            if !self.budget.take(bytes - self.bytes) {
                return false;
            }
        } else {
            self.budget.give_back(self.bytes - bytes);
        }
        self.bytes = bytes;
        true
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_leased_than_there_is_and_all_of_it_comes_back() {
        let budget = Budget::new(100);
        let mut first = budget.lease(60).expect("60 of 100");
        assert!(budget.lease(41).is_none());
        let second = budget.lease(40).expect("the rest");
        assert!(!first.resize(61));
        assert!(first.resize(10));
        drop(second);
        assert!(first.resize(100));
        drop(first);
        assert!(budget.lease(100).is_some());
    }
}
