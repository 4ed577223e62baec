//! How many associations there may be, in all and of one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::DicomLimits;

/// The seats that are taken, by address.
#[derive(Debug, Default)]
pub(crate) struct Seats(Mutex<HashMap<IpAddr, usize>>);

/// A seat. Dropped, it is free for the next.
#[derive(Debug)]
pub(crate) struct Seat {
    seats: Arc<Seats>,
    address: IpAddr,
}

impl Seats {
    /// Takes a seat, if there is one for this address.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr, limits: &DicomLimits) -> Option<Seat> {
        let mut taken = self.taken();
        let in_all: usize = taken.values().sum();
        let of_peer = taken.get(&address).copied().unwrap_or(0);
        (in_all < limits.associations_max && of_peer < limits.associations_per_peer_max).then(|| {
            taken.insert(address, of_peer.saturating_add(1));
            Seat { seats: Arc::clone(self), address }
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        let left = taken.get(&self.address).map_or(0, |of_peer| of_peer.saturating_sub(1));
        if left == 0 {
            taken.remove(&self.address);
        } else {
            taken.insert(self.address, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_end_in_all_and_for_each_address_and_one_that_is_left_is_free() {
        let limits = DicomLimits { associations_max: 3, associations_per_peer_max: 2, ..DicomLimits::default() };
        let seats = Arc::new(Seats::default());
        let [a, b, c] = [1, 2, 3].map(|last| IpAddr::from([192, 0, 2, last]));
        let take = |address| seats.take(address, &limits);
        let first = take(a).expect("a seat");
        let _second = take(a).expect("a seat");
        assert!(take(a).is_none(), "two of one address");
        let _third = take(b).expect("a seat");
        assert!(take(c).is_none(), "three in all");
        drop(first);
        drop(take(c).expect("a seat"));
        assert!(take(a).is_some());
        assert_eq!(seats.taken().len(), 2, "an address without a seat is forgotten");
    }
}
