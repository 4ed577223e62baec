//! Reports sent by pointer: who may try when, and that what came is remembered.

use super::world::{at, by_document, commit, fresh, place, refused};
use super::{New, Store};
use crate::envelope::{Digest, Position};
use crate::outcome::State;
use crate::port::FetchRow;
use crate::reason::Reason;

const POINTER: Digest = Digest([7; 32]);

/// Only messages that wait for a document are due, oldest first, and not while one of their pointers is leased or pauses.
pub fn what_waits_for_a_document_is_due_until_somebody_tries(new: New) {
    let store = fresh(new);
    let waits = |offset| refused(offset, State::Held, Reason::DocumentPending, &by_document(1));
    let other = refused(1, State::Held, Reason::DocumentNotListed, &by_document(1));
    commit(&store, vec![waits(0), other, waits(2)]);
    assert_eq!(due(&store, 10, 10), [place(0), place(2)]);
    assert_eq!(due(&store, 10, 1), [place(0)]);
    assert!(begin(&store, place(0), 0, &row(1, 20), 10));
    assert_eq!(due(&store, 19, 10), [place(2)]);
    assert_eq!(due(&store, 20, 10), [place(0), place(2)]);
}

/// Of those who know the same number of tries one gets the lease; while it lasts nobody does, whatever they know.
pub fn one_of_several_gets_the_lease_of_a_pointer(new: New) {
    let subject = new();
    let (one, other) = (subject.open(), subject.open());
    assert!(begin(&one, place(0), 0, &row(1, 20), 10));
    assert!(!begin(&other, place(0), 0, &row(1, 20), 10), "the other knew of no try");
    assert!(!begin(&other, place(0), 1, &row(2, 30), 19), "the lease lasts");
    assert!(begin(&other, place(0), 1, &row(2, 30), 20));
    assert!(!begin(&one, place(0), 1, &row(2, 40), 30), "the tries went on");
    assert!(begin(&one, place(0), 2, &row(1, 40), 30), "a new round begins where the last ended");
    assert!(!begin(&one, place(1), 3, &row(4, 40), 30), "of a pointer nobody knows there are no tries");
    assert_eq!(one.repository.fetches(place(0)).expect("rows"), [row(1, 40)]);
    assert_eq!(one.repository.fetches(place(1)).expect("rows"), []);
}

/// The document is remembered, once or again, through later tries and by every handle.
pub fn a_document_that_came_is_remembered(new: New) {
    let subject = new();
    let store = subject.open();
    let (first, second) = (Digest([1; 32]), Digest([2; 32]));
    begin(&store, place(0), 0, &row(1, 20), 10);
    store.repository.fetch_done(place(0), POINTER, first).expect("remembered");
    let known = |store: &Store| store.repository.fetches(place(0)).expect("rows").remove(0);
    assert_eq!(
        known(&subject.open()),
        FetchRow { document: Some(first), next_at: jiff::Timestamp::UNIX_EPOCH, ..row(1, 0) }
    );
    assert!(begin(&store, place(0), 1, &row(2, 30), 10), "the lease ended with it");
    assert_eq!(known(&store).document, Some(first));
    store.repository.fetch_done(place(0), POINTER, second).expect("remembered");
    assert_eq!(known(&store).document, Some(second));
    store.repository.fetch_done(place(3), POINTER, second).expect("also without a lease");
    assert_eq!(store.repository.fetches(place(3)).expect("rows").len(), 1);
}

/// Why the latest try failed stands beside it, and goes when the document comes.
pub fn why_a_try_failed_is_remembered_until_the_document_came(new: New) {
    let subject = new();
    let store = subject.open();
    let known = || subject.open().repository.fetches(place(0)).expect("rows").remove(0).failure;
    begin(&store, place(0), 0, &row(1, 20), 10);
    assert_eq!(known(), None);
    store.repository.fetch_failed(place(0), POINTER, "nothing answers").expect("remembered");
    assert_eq!(known().as_deref(), Some("nothing answers"));
    store.repository.fetch_done(place(0), POINTER, Digest([1; 32])).expect("remembered");
    assert_eq!(known(), None);
}

fn row(tries: u32, until: u32) -> FetchRow {
    FetchRow { pointer: POINTER, tries, next_at: at(until), document: None, failure: None }
}

fn begin(store: &Store, position: Position, expect: u32, row: &FetchRow, now: u32) -> bool {
    store.repository.fetch_begin(position, expect, row, at(now)).expect("an answer")
}

fn due(store: &Store, now: u32, limit: u32) -> Vec<Position> {
    store.repository.fetches_due(at(now), limit).expect("a list")
}
