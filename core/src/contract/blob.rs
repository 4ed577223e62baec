//! The contract of the blob port: what every engine promises, as tests that know no engine.
//!
//! An engine's test file says `causeway_core::blob_contract!(new)`, where `new` is a `fn(&Needs) -> Box<dyn Subject>`
//! that makes a fresh, empty store each time.

#![expect(clippy::expect_used, reason = "a contract suite is test code: what does not hold must fail loudly")]

mod damage;
mod keeping;
mod listing;

use crate::envelope::Digest;
use crate::port::{Blob, BlobStore, SharedBlobs};

pub use self::damage::{
    a_blob_cut_short_or_emptied_is_never_served, a_flipped_bit_is_told_and_never_served,
    storing_the_bytes_again_mends_a_damaged_blob,
};
pub use self::keeping::{
    a_blob_at_the_limit_is_taken_and_one_above_it_refused, a_missing_blob_is_told_as_missing,
    a_range_gives_just_its_bytes, a_removed_blob_is_gone_and_may_come_again, a_store_that_works_says_so,
    bytes_come_back_under_their_digest, only_a_blob_stored_last_before_then_is_removed_as_old,
    the_same_bytes_are_one_blob_whoever_writes_them, what_is_finished_is_there_after_reopening,
};
pub use self::listing::{
    a_dropped_writer_leaves_nothing, a_sweep_takes_what_was_left_unfinished_and_nothing_else,
    blobs_are_listed_in_the_order_of_their_addresses, nothing_is_seen_of_a_blob_before_it_is_finished,
};

/// What a test asks of the store it is given.
#[derive(Debug, Clone)]
pub struct Needs {
    /// The largest blob, in bytes.
    pub blob_bytes_max: u64,
}

impl Default for Needs {
    fn default() -> Self {
        Self { blob_bytes_max: 64 << 20 }
    }
}

/// A store under test.
pub trait Subject {
    /// Opens it. Called again, it gives the same store as a process started anew would see it.
    fn open(&self) -> SharedBlobs;

    /// Changes what is stored of a blob behind the engine's back, as a failing disk would.
    fn alter(&self, digest: &Digest, change: &mut dyn FnMut(&mut Vec<u8>));
}

/// Makes a fresh, empty store.
pub type New = fn(&Needs) -> Box<dyn Subject>;

/// Makes the tests of the contract for one engine.
#[macro_export]
macro_rules! blob_contract {
    ($new:path) => {
        $crate::blob_contract!(
            @tests $new,
            bytes_come_back_under_their_digest,
            a_range_gives_just_its_bytes,
            the_same_bytes_are_one_blob_whoever_writes_them,
            what_is_finished_is_there_after_reopening,
            a_missing_blob_is_told_as_missing,
            a_removed_blob_is_gone_and_may_come_again,
            only_a_blob_stored_last_before_then_is_removed_as_old,
            a_blob_at_the_limit_is_taken_and_one_above_it_refused,
            a_store_that_works_says_so,
            nothing_is_seen_of_a_blob_before_it_is_finished,
            a_dropped_writer_leaves_nothing,
            a_sweep_takes_what_was_left_unfinished_and_nothing_else,
            blobs_are_listed_in_the_order_of_their_addresses,
            a_flipped_bit_is_told_and_never_served,
            a_blob_cut_short_or_emptied_is_never_served,
            storing_the_bytes_again_mends_a_damaged_blob,
        );
    };
    (@tests $new:path, $($name:ident,)+) => {
        $(#[test] fn $name() { $crate::contract::blob::$name($new); })+
    };
}

/// A fresh store, and what must outlive it.
fn fresh(new: New) -> (Box<dyn Subject>, SharedBlobs) {
    let subject = new(&Needs::default());
    let store = subject.open();
    (subject, store)
}

/// Bytes that follow from `seed`, no two stretches of them alike.
fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Stores bytes in pieces of this size.
fn put_in_pieces(store: &dyn BlobStore, bytes: &[u8], piece: usize) -> Blob {
    let mut writer = store.create().expect("a new blob");
    bytes.chunks(piece).for_each(|piece| writer.write(piece).expect("room"));
    writer.finish().expect("durable")
}

/// Reads a whole blob, in steps of this size.
fn read_in_steps(store: &dyn BlobStore, digest: &Digest, step: usize) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let part = store.read(digest, all.len() as u64, step).expect("what is stored can be read");
        if part.is_empty() {
            return all;
        }
        all.extend(part);
    }
}

/// All addresses, in pages of this size.
fn addresses(store: &dyn BlobStore, page: usize) -> Vec<Digest> {
    let mut all: Vec<Digest> = Vec::new();
    loop {
        let rows = store.list(all.last(), page).expect("a list");
        if rows.is_empty() {
            return all;
        }
        assert!(rows.len() <= page, "no more than asked for");
        all.extend(rows.iter().map(|row| row.blob.digest));
    }
}
