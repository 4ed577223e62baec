//! What points to blobs, and that none is removed that something points to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::imaging::{brings, instance};
use super::world::{
    accepted, add, at, by_document, clock, commit, facts, fresh, hospital, join, place, redo, refused, result_with,
    withheld,
};
use super::{New, Store};
use crate::dicom::instance::Instance;
use crate::envelope::Digest;
use crate::outcome::{MessageFacts, Outcome, State};
use crate::person::PersonId;
use crate::port::{BlobError, Fence, LARGE_MESSAGE_BYTES, Lookup, RedoMode, RepositoryError, Resolved};
use crate::reason::Reason;
use crate::record::Record;

/// How long is waited for what has to happen.
const PATIENCE: Duration = Duration::from_secs(60);
/// Who has not ended by then waits.
const WAITS: Duration = Duration::from_millis(300);

/// Versions that are not current count as the current ones do, and those taken back; so do the documents of fetches, and
/// messages too large for a log, whatever became of them. What a preview would store does not.
pub fn what_any_version_a_fetch_or_a_large_message_points_to_is_told(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    join(&store, person);
    let pointing = |offset: u64, names: &[&str]| {
        accepted(offset, person, vec![record("K", u32::try_from(offset).expect("few"), offset, names)])
    };
    let large = |offset: u64, bytes: u64, outcome: Outcome| {
        let digest = blob(&format!("message {offset}"));
        Outcome { facts: MessageFacts { digest, bytes, ..facts(place(offset)) }, ..outcome }
    };
    let held = refused(5, State::Held, Reason::IdentityReview, &by_document(2));
    commit(
        &store,
        vec![
            pointing(0, &["first", "twice"]),
            pointing(1, &["second"]),
            Outcome {
                records: vec![Record { retracted: true, ..record("K", 2, 2, &["third", "twice"]) }],
                ..pointing(2, &[])
            },
            large(3, LARGE_MESSAGE_BYTES, pointing(3, &[])),
            large(4, LARGE_MESSAGE_BYTES + 1, withheld(4, &by_document(2))),
            large(5, 1 << 24, held),
        ],
    );
    store.repository.fetch_done(place(4), Digest([7; 32]), blob("fetched")).expect("remembered");
    redo(&store, RedoMode::Preview, 9, vec![pointing(3, &["preview"])]);
    let named = ["first", "second", "third", "twice", "fetched", "message 4", "message 5"];
    let others = ["preview", "message 3", "nothing"];
    let asked: Vec<Digest> = named.iter().chain(&others).map(|name| blob(name)).collect();
    let expected: BTreeSet<Digest> = named.iter().map(|name| blob(name)).collect();
    assert_eq!(store.pointers.pointed_to(&asked).expect("an answer"), expected);
    assert_eq!(store.pointers.pointed_to(&[]).expect("an answer"), BTreeSet::new());
}

/// An image is kept as long as it is in the index, though readers find another one under its UID; one that is withheld is
/// not in it.
pub fn what_is_an_instance_of_the_index_is_told_and_stays(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    join(&store, person);
    let came =
        |offset: u64, content: &str| brings(offset, person, Instance { blob: blob(content), ..instance("1.2", 1, 1) });
    commit(&store, vec![came(0, "shown"), came(1, "superseded"), withheld(2, &by_document(2))]);
    let all = ["shown", "superseded", "withheld"].map(blob);
    assert_eq!(store.pointers.pointed_to(&all).expect("an answer"), [blob("shown"), blob("superseded")].into());
    let removed = store.pointers.remove_unless_pointed_to(&all, &mut |_| Ok(true)).expect("done");
    assert_eq!(removed, [blob("withheld")]);
}

/// Only what nothing points to is given to whoever removes, who may say no or fail.
pub fn a_blob_is_removed_only_when_nothing_points_to_it(new: New) {
    let subject = new();
    let store = subject.open();
    let person = add(&store, 1).person.id;
    join(&store, person);
    commit(&store, vec![accepted(0, person, vec![record("K", 0, 0, &["kept"])])]);
    let all: Vec<Digest> = ["kept", "young", "old"].iter().map(|name| blob(name)).collect();
    let mut asked = Vec::new();
    let removed = store.pointers.remove_unless_pointed_to(&all, &mut |digest| {
        asked.push(*digest);
        Ok(*digest == blob("old"))
    });
    assert_eq!(removed.expect("done"), [blob("old")]);
    assert_eq!(asked, [blob("young"), blob("old")]);
    let failed = store
        .pointers
        .remove_unless_pointed_to(&all, &mut |_| Err(BlobError::Unavailable { cause: "as told".to_owned() }));
    assert!(matches!(failed, Err(RepositoryError::Blobs(BlobError::Unavailable { .. }))), "{failed:?}");
    // Whoever removed holds up nobody.
    commit(&subject.open(), vec![accepted(1, person, vec![record("K", 1, 1, &["later"])])]);
}

/// A commit through another handle that stores a document and points to it comes before the removal or after it: a document
/// it has stored already is not removed, though nothing that is committed points to it.
pub fn what_a_commit_begins_to_point_to_meanwhile_stays(new: New) {
    let subject = new();
    let (committing, removing) = (subject.open(), subject.open());
    let person = add(&committing, 1).person.id;
    join(&committing, person);
    let stored = Arc::new(AtomicBool::new(true));
    let (deciding, decided) = channel();
    let (ending, ended) = channel();
    thread::scope(|scope| {
        let commit = scope.spawn(|| commit_slowly(&committing, person, &stored, (deciding, ended)));
        decided.recv_timeout(PATIENCE).expect("the commit stored its document");
        let removed = removing.pointers.remove_unless_pointed_to(&[blob("document")], &mut |_| {
            stored.store(false, Ordering::SeqCst);
            Ok(true)
        });
        // The commit may have gone on without.
        let (Ok(()) | Err(_)) = ending.send(());
        commit.join().expect("committed");
        // Waited for in vain, or until it saw the pointer.
        assert!(matches!(removed.as_deref(), Ok([]) | Err(RepositoryError::Unavailable { .. })), "{removed:?}");
    });
    assert!(stored.load(Ordering::SeqCst), "the document is there, and a record points to it");
    let found = removing.pointers.pointed_to(&[blob("document")]).expect("an answer");
    assert_eq!(found, [blob("document")].into());
}

/// Stores a document inside a commit, says so, and goes on when the removal ended, or is seen to wait.
fn commit_slowly(store: &Store, person: PersonId, stored: &AtomicBool, (deciding, ended): (Sender<()>, Receiver<()>)) {
    let fence = Fence { partition: place(0).partition, expect: place(0).offset, next: place(1).offset };
    let provider = hospital();
    let lookups = [Lookup { provider: &provider, identity: None, message: None }];
    let mut decide = |_: &Resolved| {
        stored.store(true, Ordering::SeqCst);
        deciding.send(()).expect("somebody waits");
        let (Ok(()) | Err(_)) = ended.recv_timeout(WAITS);
        Ok(vec![accepted(0, person, vec![record("K", 0, 0, &["document"])])])
    };
    store.repository.commit(fence, &lookups, at(0), &mut decide).expect("committed");
}

/// The address of what has this text.
fn blob(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// A result that points to documents.
fn record(name: &str, second: u32, offset: u64, documents: &[&str]) -> Record {
    let documents: Vec<Digest> = documents.iter().map(|text| blob(text)).collect();
    result_with(name, clock(3, second, offset), &documents)
}
