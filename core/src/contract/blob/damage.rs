//! What is stored and is not what its address says.

use super::{New, bytes, fresh};
use crate::envelope::Digest;
use crate::port::{BlobError, BlobStore};

/// Whichever bit flips: reading what it touches, in full or as a range, says so. Nothing wrong is ever served.
pub fn a_flipped_bit_is_told_and_never_served(new: New) {
    let (subject, store) = fresh(new);
    let bytes = bytes(11, 200_001);
    for place in [0, 1, 65_535, 65_536, 199_999, 200_000] {
        let digest = store.put(&bytes).expect("put").digest;
        subject.alter(&digest, &mut |stored| flip(stored, place));
        let store = subject.open();
        assert!(is_damage(&*store, &digest, 0, usize::MAX), "in full, byte {place}");
        assert!(is_damage(&*store, &digest, place as u64, 1), "as a range, byte {place}");
        nothing_wrong_is_served(&*store, &digest, &bytes);
        store.remove(&digest).expect("removed");
    }
}

/// Every prefix and an empty blob in the place of a longer one.
pub fn a_blob_cut_short_or_emptied_is_never_served(new: New) {
    let (subject, store) = fresh(new);
    let bytes = bytes(12, 150_000);
    for length in [0, 1, 100, 65_536, 149_999, 150_000] {
        let digest = store.put(&bytes).expect("put").digest;
        let mut cut = false;
        subject.alter(&digest, &mut |stored| {
            cut = stored.len() > length;
            stored.truncate(length);
        });
        let store = subject.open();
        assert!(!cut || is_damage(&*store, &digest, 0, usize::MAX), "cut to {length}");
        nothing_wrong_is_served(&*store, &digest, &bytes);
        store.remove(&digest).expect("removed");
    }
}

/// The same bytes stored again take the place of the damaged ones.
pub fn storing_the_bytes_again_mends_a_damaged_blob(new: New) {
    let (subject, store) = fresh(new);
    let bytes = bytes(13, 80_000);
    let digest = store.put(&bytes).expect("put").digest;
    subject.alter(&digest, &mut |stored| flip(stored, 40_000));
    let store = {
        drop(store);
        subject.open()
    };
    assert!(is_damage(&*store, &digest, 0, usize::MAX));
    store.put(&bytes).expect("put again");
    assert!(store.read(&digest, 0, usize::MAX).expect("whole") == bytes);
}

fn flip(stored: &mut [u8], place: usize) {
    let byte = stored.get_mut(place).expect("a stored byte");
    *byte ^= 0x10;
}

fn is_damage(store: &dyn BlobStore, digest: &Digest, from: u64, bytes_max: usize) -> bool {
    matches!(store.read(digest, from, bytes_max), Err(BlobError::Damaged { digest: told, .. }) if told == *digest)
}

/// Each range is either the true bytes or an error.
fn nothing_wrong_is_served(store: &dyn BlobStore, digest: &Digest, bytes: &[u8]) {
    for from in (0..bytes.len()).step_by(20_000) {
        if let Ok(read) = store.read(digest, from as u64, 20_000) {
            let expected: Vec<_> = bytes.iter().skip(from).take(20_000).copied().collect();
            assert!(read == expected, "wrong bytes from {from} on");
        }
    }
}
