//! What is listed, and what unfinished writers leave.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{New, addresses, bytes, fresh};
use crate::envelope::Digest;

/// After any moment of any store.
const LATER: Timestamp = Timestamp::MAX;
/// Before any.
const EARLIER: Timestamp = Timestamp::UNIX_EPOCH;

/// A list is complete, in order, without repeats, in pages of any size; each row tells size and time.
pub fn blobs_are_listed_in_the_order_of_their_addresses(new: New) {
    let (_subject, store) = fresh(new);
    assert!(store.list(None, 10).expect("an empty list").is_empty());
    let mut expected = BTreeSet::new();
    for seed in 0..40_u64 {
        let bytes = bytes(seed, usize::try_from(seed * 3001).expect("small"));
        expected.insert(store.put(&bytes).expect("put").digest);
    }
    let expected: Vec<_> = expected.into_iter().collect();
    for page in [1, 7, 39, 40, 41, 1000] {
        assert_eq!(addresses(&*store, page), expected, "in pages of {page}");
    }
    assert!(store.list(None, 0).expect("none asked for").is_empty());
    // From behind an address nothing is stored under.
    let middle = Digest([0x80; 32]);
    let behind: Vec<_> = expected.iter().filter(|digest| **digest > middle).copied().collect();
    let rows = store.list(Some(&middle), 1000).expect("a list");
    assert_eq!(rows.iter().map(|row| row.blob.digest).collect::<Vec<_>>(), behind);
    for row in rows {
        assert_eq!(store.size(&row.blob.digest).expect("size"), Some(row.blob.bytes));
        assert!(row.stored_at > EARLIER, "a time of the store's clock");
    }
}

/// While it is being written a blob is neither listed nor read.
pub fn nothing_is_seen_of_a_blob_before_it_is_finished(new: New) {
    let (_subject, store) = fresh(new);
    let bytes = bytes(1, 150_000);
    let mut writer = store.create().expect("a new blob");
    writer.write(&bytes).expect("room");
    assert!(addresses(&*store, 10).is_empty());
    assert_eq!(store.size(&Digest::of(&bytes)).expect("an answer"), None);
    writer.finish().expect("durable");
    assert_eq!(addresses(&*store, 10), [Digest::of(&bytes)]);
}

/// A writer that is given up takes its bytes with it.
pub fn a_dropped_writer_leaves_nothing(new: New) {
    let (_subject, store) = fresh(new);
    for length in [0, 10, 100_000, 7 << 20] {
        let mut writer = store.create().expect("a new blob");
        writer.write(&bytes(1, length)).expect("room");
    }
    assert!(addresses(&*store, 10).is_empty());
    assert_eq!(store.sweep(LATER).expect("a sweep"), 0, "nothing was left to sweep");
}

/// What a killed process left half way is swept once it is old enough; what is finished never is.
pub fn a_sweep_takes_what_was_left_unfinished_and_nothing_else(new: New) {
    let (subject, store) = fresh(new);
    let kept = bytes(1, 100_000);
    store.put(&kept).expect("put");
    for seed in 2..5 {
        let mut writer = store.create().expect("a new blob");
        writer.write(&bytes(seed, 6 << 20)).expect("room");
        // A killed process runs no destructor.
        std::mem::forget(writer);
    }
    let store = {
        drop(store);
        subject.open()
    };
    assert_eq!(addresses(&*store, 10), [Digest::of(&kept)]);
    assert_eq!(store.sweep(EARLIER).expect("a sweep"), 0, "they are too young");
    assert_eq!(store.sweep(LATER).expect("a sweep"), 3);
    assert_eq!(store.sweep(LATER).expect("a sweep"), 0);
    assert!(store.read(&Digest::of(&kept), 0, usize::MAX).expect("the finished one stays") == kept);
}
