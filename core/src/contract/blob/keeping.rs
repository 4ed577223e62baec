//! What is kept, and how it comes back.

use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Needs, New, addresses, bytes, fresh, put_in_pieces, read_in_steps};
use crate::envelope::Digest;
use crate::port::{Blob, BlobError, BlobStore};

/// Lengths around every boundary an engine may have.
const LENGTHS: &[usize] = &[0, 1, 2, 4095, 65_535, 65_536, 65_537, 131_072, 200_001, 1 << 20, (6 << 20) + 17];

/// Whatever the length and the pieces it came in, a blob is its bytes, and its address their SHA-256.
pub fn bytes_come_back_under_their_digest(new: New) {
    let (_subject, store) = fresh(new);
    for (seed, length) in (1..).zip(LENGTHS) {
        let bytes = bytes(seed, *length);
        let expected = Blob { digest: Digest::of(&bytes), bytes: bytes.len() as u64 };
        assert_eq!(put_in_pieces(&*store, &bytes, 10_007), expected);
        assert_eq!(store.size(&expected.digest).expect("size"), Some(expected.bytes));
        let read = store.read(&expected.digest, 0, usize::MAX).expect("whole");
        assert!(read == bytes, "{length} bytes read at once");
        assert!(read_in_steps(&*store, &expected.digest, 300_000) == bytes, "{length} bytes read in steps");
    }
    let at_once = bytes(99, 70_000);
    assert_eq!(store.put(&at_once).expect("put").digest, Digest::of(&at_once));
    assert!(store.read(&Digest::of(&at_once), 0, usize::MAX).expect("whole") == at_once);
}

/// A range gives the bytes asked for, fewer at the end, none beyond it.
pub fn a_range_gives_just_its_bytes(new: New) {
    let (_subject, store) = fresh(new);
    let bytes = bytes(7, 200_001);
    let digest = store.put(&bytes).expect("put").digest;
    let marks = [0, 1, 100, 65_535, 65_536, 65_537, 131_071, 131_072, 196_608, 200_000, 200_001];
    for from in marks {
        for length in [0, 1, 2, 65_536, 65_537, 140_000, usize::MAX] {
            let expected = bytes.iter().skip(from).take(length).copied().collect::<Vec<_>>();
            let read = store.read(&digest, from as u64, length).expect("a range");
            assert!(read == expected, "{length} bytes from {from} on");
        }
    }
    for beyond in [200_002, 1 << 40, u64::MAX] {
        assert!(store.read(&digest, beyond, 10).expect("beyond the end").is_empty());
    }
}

/// Two writers of the same bytes at the same time, and a third later, make one blob.
pub fn the_same_bytes_are_one_blob_whoever_writes_them(new: New) {
    let (_subject, store) = fresh(new);
    let bytes = bytes(3, 300_000);
    let blobs: Vec<Blob> = std::thread::scope(|scope| {
        let writers: Vec<_> = (1..=6)
            .map(|n| {
                scope.spawn({
                    let (store, bytes) = (&store, &bytes);
                    move || put_in_pieces(&**store, bytes, n * 1000)
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    });
    assert!(blobs.iter().all(|blob| *blob == Blob { digest: Digest::of(&bytes), bytes: 300_000 }));
    assert_eq!(store.put(&bytes).expect("again").digest, Digest::of(&bytes));
    assert_eq!(addresses(&*store, 10), [Digest::of(&bytes)]);
    assert!(store.read(&Digest::of(&bytes), 0, usize::MAX).expect("whole") == bytes);
}

/// What `finish` said is durable is there for the next process.
pub fn what_is_finished_is_there_after_reopening(new: New) {
    let (subject, store) = fresh(new);
    let all: Vec<_> = (0..20).map(|seed| bytes(seed, 1000 * usize::try_from(seed).expect("small"))).collect();
    for bytes in &all {
        store.put(bytes).expect("put");
    }
    drop(store);
    let store = subject.open();
    for bytes in &all {
        assert!(store.read(&Digest::of(bytes), 0, usize::MAX).expect("still there") == *bytes);
    }
    assert_eq!(addresses(&*store, 7).len(), 20);
}

/// An address nothing is stored under.
pub fn a_missing_blob_is_told_as_missing(new: New) {
    let (_subject, store) = fresh(new);
    store.put(b"another").expect("put");
    let nowhere = Digest::of(b"never stored");
    assert_eq!(store.size(&nowhere).expect("an answer"), None);
    let read = store.read(&nowhere, 0, 10);
    assert!(matches!(read, Err(BlobError::Missing { digest }) if digest == nowhere), "{read:?}");
    assert!(!store.remove(&nowhere).expect("an answer"));
}

/// Removing is for good, and no bar to the same bytes coming again.
pub fn a_removed_blob_is_gone_and_may_come_again(new: New) {
    let (subject, store) = fresh(new);
    let (one, two) = (bytes(1, 100_000), bytes(2, 100_000));
    let gone = store.put(&one).expect("put").digest;
    let stays = store.put(&two).expect("put").digest;
    assert!(store.remove(&gone).expect("removed"));
    assert!(!store.remove(&gone).expect("nothing left to remove"));
    for store in [&store, &subject.open()] {
        assert_eq!(store.size(&gone).expect("an answer"), None);
        assert!(matches!(store.read(&gone, 0, 1), Err(BlobError::Missing { .. })));
        assert!(store.read(&stays, 0, usize::MAX).expect("the other stays") == two);
    }
    store.put(&one).expect("put again");
    assert!(store.read(&gone, 0, usize::MAX).expect("back") == one);
}

/// What was stored again meanwhile is not removed as the old thing it was; what is old is.
pub fn only_a_blob_stored_last_before_then_is_removed_as_old(new: New) {
    let (subject, store) = fresh(new);
    let (one, two) = (bytes(1, 100_000), bytes(2, 100_000));
    let (old, other) = (store.put(&one).expect("put").digest, store.put(&two).expect("put").digest);
    let stored_at = |digest: Digest| {
        let rows = store.list(None, 10).expect("a list");
        rows.iter().find(|row| row.blob.digest == digest).expect("it is there").stored_at
    };
    assert!(!store.remove_older(&old, stored_at(old)).expect("an answer"), "it is not older than itself");
    assert!(!store.remove_older(&Digest::of(b"never stored"), Timestamp::MAX).expect("an answer"));
    let judged = stored_at(old);
    // The clock of a store may be one of whole seconds.
    let started = Instant::now();
    while stored_at(old) <= judged {
        assert!(started.elapsed() < Duration::from_secs(30), "stored again, it is as old as before");
        store.put(&one).expect("put again");
    }
    assert!(!store.remove_older(&old, judged).expect("an answer"), "it was stored again");
    assert!(store.read(&old, 0, usize::MAX).expect("still there") == one);
    assert!(store.remove_older(&old, Timestamp::MAX).expect("removed"));
    assert!(!store.remove_older(&old, Timestamp::MAX).expect("nothing left to remove"));
    assert_eq!(addresses(&*subject.open(), 10), [other]);
}

/// The bound of a blob, to the byte, and nothing left of one that is too long.
pub fn a_blob_at_the_limit_is_taken_and_one_above_it_refused(new: New) {
    let subject = new(&Needs { blob_bytes_max: 100_000 });
    let store = subject.open();
    let bytes = bytes(5, 100_001);
    let at_limit = bytes.get(..100_000).expect("a part");
    assert_eq!(put_in_pieces(&*store, at_limit, 30_000).bytes, 100_000);
    assert_eq!(store.put(at_limit).expect("at once").bytes, 100_000);
    let at_once = store.put(&bytes);
    assert!(matches!(at_once, Err(BlobError::TooLong { bytes_max: 100_000 })), "{at_once:?}");
    assert!(refuses(&*store, &bytes), "in pieces");
    assert_eq!(addresses(&*store, 10), [Digest::of(at_limit)]);
}

/// Whether a write, and the end, are refused when pieces add up to too much.
fn refuses(store: &dyn BlobStore, bytes: &[u8]) -> bool {
    let mut writer = store.create().expect("a new blob");
    let refused = bytes.chunks(30_000).any(|piece| matches!(writer.write(piece), Err(BlobError::TooLong { .. })));
    refused && writer.finish().is_err()
}

/// Readiness asks this; it leaves nothing behind.
pub fn a_store_that_works_says_so(new: New) {
    let (_subject, store) = fresh(new);
    store.probe().expect("it can be written to");
    assert!(addresses(&*store, 10).is_empty());
}
