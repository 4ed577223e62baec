//! Documents that come inside a message: stored when it is permitted, before its records, and never otherwise.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use causeway_core::disposition::Disposition;
use causeway_core::envelope::{Digest, Offset};
use causeway_core::outcome::State;
use causeway_core::port::{
    Blob, BlobError, BlobRow, BlobStore, BlobWriter, RedoMode, Repository as _, RepositoryError, SharedBlobs,
};
use causeway_core::reason::Reason;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::hub::{Hub, LANE, actor, lab};
use crate::{RouterError, Selection};

/// A result that points to a document.
fn with(mut message: Value, points_to: &str, documents: &[&str]) -> Value {
    message["points_to"] = json!(points_to);
    message["documents"] = json!(documents);
    message
}

fn stored(hub: &Hub) -> Vec<Digest> {
    hub.router.blobs.list(None, 100).expect("a list").into_iter().map(|row| row.blob.digest).collect()
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

#[test]
fn only_what_a_permitted_record_points_to_is_stored() {
    let mut hub = Hub::new();
    hub.participant("A1234563");
    hub.receive(&with(lab("A1234563", "F-1", 2, 0, "1"), "report", &["report", "nobody points here"]));
    hub.receive(&with(lab("B7654321", "F-2", 2, 0, "2"), "of a stranger", &["of a stranger"]));
    hub.process();
    assert_eq!(stored(&hub), [digest("report")]);
    assert_eq!(hub.router.blobs.read(&digest("report"), 0, 100).expect("there"), b"report");
}

#[test]
fn what_was_withheld_is_stored_when_it_is_taken_up_and_not_by_a_preview() {
    let mut hub = Hub::new();
    let position = hub.receive(&with(lab("A1234563", "F-1", 2, 0, "1"), "report", &["report"]));
    hub.process();
    assert_eq!(hub.ended(position).0, State::Withheld);
    hub.participant("A1234563");
    hub.router.replay(Selection::Positions(vec![position]), RedoMode::Preview, &actor()).expect("a preview");
    assert!(stored(&hub).is_empty());
    while hub.router.take_up().expect("taken up").tickets > 0 {}
    assert_eq!(hub.ended(position).0, State::Accepted);
    assert_eq!(stored(&hub), [digest("report")]);
}

#[test]
fn a_document_too_large_holds_its_own_message_only() {
    let mut hub = Hub::new();
    hub.participant("A1234563");
    let large = "x".repeat(1001);
    let first = hub.receive(&with(lab("A1234563", "F-1", 2, 0, "1"), &large, &[&large]));
    let second = hub.receive(&with(lab("A1234563", "F-2", 2, 0, "2"), "small", &["small"]));
    hub.process();
    assert_eq!(hub.ended(first), (State::Held, Some(Reason::DocumentTooLarge)));
    assert_eq!(hub.ended(second), (State::Accepted, None));
    assert_eq!(stored(&hub), [digest("small")]);
}

/// The store fails at its n-th call, for every n: nothing of the batch is committed, and the same batch goes through once
/// the store is back. What it stored before it failed belongs to permitted messages and is used then.
#[test]
fn a_store_that_fails_at_any_call_makes_the_batch_wait_and_costs_nothing() {
    for nth in 0..4 {
        let mut hub = Hub::new();
        let person = hub.participant("A1234563");
        for number in 0..4 {
            let text = format!("report {number}");
            hub.receive(&with(lab("A1234563", &format!("F-{number}"), 2, 0, "1"), &text, &[&text]));
        }
        let failing = Arc::new(Failing::new(hub.router.blobs.clone(), nth));
        hub.router.blobs = failing.clone();
        let error = hub.router.step(LANE).expect_err("the store is down");
        assert!(
            matches!(error, RouterError::Repository(RepositoryError::Blobs(BlobError::Unavailable { .. }))),
            "{error}"
        );
        assert_eq!(error.disposition(), Disposition::Retry);
        assert!(hub.messages().is_empty() && hub.records(person).is_empty(), "nothing is committed");
        assert_eq!(hub.store.next_offset(LANE).expect("an offset"), Offset(0));
        assert_eq!(stored(&hub).len(), nth, "what was stored before it failed");
        failing.mend();
        hub.process();
        assert_eq!(hub.records(person).len(), 4);
        assert_eq!(stored(&hub).len(), 4);
    }
}

#[test]
fn the_router_tries_again_until_the_store_is_back() {
    let mut hub = Hub::new();
    let person = hub.participant("A1234563");
    hub.receive(&with(lab("A1234563", "F-1", 2, 0, "1"), "report", &["report"]));
    let failing = Arc::new(Failing::new(hub.router.blobs.clone(), 0));
    hub.router.blobs = failing.clone();
    let (stop, pauses) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(0)));
    let (stopping, counted) = (stop.clone(), pauses.clone());
    hub.router.pause = Arc::new(move |_| {
        let mut pauses = counted.lock().expect("no panic");
        *pauses += 1;
        if *pauses == 3 {
            stopping.store(true, Ordering::Release);
        }
    });
    hub.router.run(LANE, &stop).expect("it waits, it does not fail");
    assert_eq!(*pauses.lock().expect("no panic"), 3);
    failing.mend();
    hub.process();
    assert_eq!(hub.records(person).len(), 1);
}

/// The real store, down from the n-th put on.
struct Failing {
    store: SharedBlobs,
    left: AtomicUsize,
}

impl Failing {
    fn new(store: SharedBlobs, after: usize) -> Self {
        Self { store, left: AtomicUsize::new(after) }
    }

    fn mend(&self) {
        self.left.store(usize::MAX, Ordering::SeqCst);
    }
}

impl BlobStore for Failing {
    fn create(&self) -> Result<Box<dyn BlobWriter>, BlobError> {
        let spent = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if spent.is_err() {
            return Err(BlobError::Unavailable { cause: "as told".to_owned() });
        }
        self.store.create()
    }

    fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        self.store.size(digest)
    }

    fn read(&self, digest: &Digest, from: u64, bytes_max: usize) -> Result<Vec<u8>, BlobError> {
        self.store.read(digest, from, bytes_max)
    }

    fn remove(&self, digest: &Digest) -> Result<bool, BlobError> {
        self.store.remove(digest)
    }

    fn remove_older(&self, digest: &Digest, before: Timestamp) -> Result<bool, BlobError> {
        self.store.remove_older(digest, before)
    }

    fn list(&self, after: Option<&Digest>, count_max: usize) -> Result<Vec<BlobRow>, BlobError> {
        self.store.list(after, count_max)
    }

    fn sweep(&self, before: Timestamp) -> Result<u64, BlobError> {
        self.store.sweep(before)
    }

    fn probe(&self) -> Result<(), BlobError> {
        self.store.probe()
    }

    fn put(&self, bytes: &[u8]) -> Result<Blob, BlobError> {
        let mut writer = self.create()?;
        writer.write(bytes)?;
        writer.finish()
    }
}
