//! Requests for storage commitment: remembered, leased, settled and forgotten.

use jiff::Timestamp;
use uuid::Uuid;

use super::{New, Store};
use crate::dicom::uid::Uid;
use crate::envelope::FeedName;
use crate::port::{Begun, Commitment, CommitmentRow};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("a uid")
}

fn feed() -> FeedName {
    FeedName::parse("pacs").expect("a name")
}

/// A request for some instances, which came at second 10.
fn request(id: u128, caller: &str, transaction: &str, instances: &[&str]) -> Commitment {
    Commitment {
        id: Uuid::from_u128(id),
        feed: feed(),
        caller: caller.to_owned(),
        transaction: uid(transaction),
        requested_at: at(10),
        instances: instances.iter().map(|text| (uid("1.2.840.10008.5.1.4.1.1.2"), uid(text))).collect(),
        uid_in_use: false,
    }
}

fn begin(store: &Store, commitment: &Commitment, next_at: i64) -> Begun {
    store.commitments.begin_commitment(commitment, at(next_at)).expect("remembered")
}

fn due(store: &Store, now: i64) -> Vec<CommitmentRow> {
    store.commitments.commitments_due(at(now), 10).expect("asked")
}

fn lease(store: &Store, id: u128, expect: u32, tries: u32, next_at: i64) -> bool {
    store.commitments.lease_commitment(Uuid::from_u128(id), expect, tries, at(next_at)).expect("asked")
}

fn pending(store: &Store) -> u64 {
    store.commitments.commitments_pending(&feed()).expect("counted")
}

/// Every handle sees it, from its time on, with all that was asked, until it is settled.
pub fn a_commitment_is_remembered_until_it_is_settled(new: New) {
    let subject = new();
    let store = subject.open();
    let (first, second) = (request(1, "CT1", "1.5", &["1.2.1", "1.2.2"]), request(2, "CT1", "1.6", &["1.2.3"]));
    assert_eq!(begin(&store, &first, 20), Begun::New);
    assert_eq!(begin(&store, &second, 15), Begun::New);
    let other = subject.open();
    assert_eq!(due(&other, 14), []);
    let row = |commitment: &Commitment| CommitmentRow { commitment: commitment.clone(), tries: 0 };
    assert_eq!(due(&other, 19), [row(&second)]);
    assert_eq!(due(&other, 20), [row(&second), row(&first)], "what waits longest comes first");
    assert_eq!(other.commitments.commitments_due(at(20), 1).expect("asked"), [row(&second)]);
    assert_eq!(pending(&store), 2);
    assert_eq!(store.commitments.commitments_pending(&FeedName::parse("other").expect("a name")).expect("counted"), 0);
    store.commitments.settle_commitment(second.id, at(21)).expect("settled");
    assert_eq!((due(&other, 99), pending(&other)), (vec![row(&first)], 1));
}

/// The same request again is the same one, and is open again; another one under its UID is told so; another caller has UIDs
/// of its own.
pub fn a_transaction_uid_stands_for_one_request_of_its_caller(new: New) {
    let store = new().open();
    let first = request(1, "CT1", "1.5", &["1.2.1"]);
    assert_eq!(begin(&store, &first, 20), Begun::New);
    assert_eq!(begin(&store, &Commitment { id: Uuid::from_u128(2), ..first.clone() }, 30), Begun::Again(first.id));
    assert_eq!(due(&store, 20).len(), 1, "one that is under way stays as it is");
    assert!(lease(&store, 1, 0, 1, 25));
    store.commitments.settle_commitment(first.id, at(21)).expect("settled");
    let again = Commitment { id: Uuid::from_u128(3), requested_at: at(50), ..first.clone() };
    assert_eq!(begin(&store, &again, 60), Begun::Again(first.id));
    let reopened = Commitment { requested_at: at(50), ..first };
    assert_eq!(due(&store, 60), [CommitmentRow { commitment: reopened, tries: 1 }]);
    let other = request(4, "CT1", "1.5", &["1.2.1", "1.2.2"]);
    assert_eq!(begin(&store, &other, 70), Begun::InUse);
    let told = due(&store, 70).into_iter().find(|row| row.commitment.id == other.id).expect("remembered");
    assert_eq!(told.commitment, Commitment { uid_in_use: true, ..other });
    assert_eq!(begin(&store, &request(5, "CT2", "1.5", &["1.2.9"]), 80), Begun::New);
    assert_eq!(pending(&store), 3);
}

/// Of those who know the same number of tries one gets the lease; while it lasts the request is due for nobody.
pub fn one_of_several_gets_the_lease_of_a_commitment(new: New) {
    let subject = new();
    let (one, other) = (subject.open(), subject.open());
    begin(&one, &request(1, "CT1", "1.5", &["1.2.1"]), 10);
    assert!(lease(&one, 1, 0, 1, 40));
    assert!(!lease(&other, 1, 0, 1, 40), "the other knew of no try");
    assert_eq!(due(&other, 39), []);
    assert!(lease(&one, 1, 1, 1, 60), "who has it may prolong it");
    assert_eq!((due(&other, 59), due(&other, 60).len()), (vec![], 1));
    assert!(lease(&other, 1, 1, 2, 90));
    assert!(!lease(&one, 1, 1, 1, 99), "the tries went on");
    one.commitments.settle_commitment(Uuid::from_u128(1), at(70)).expect("settled");
    assert!(!lease(&other, 1, 2, 2, 99), "it is settled");
    assert!(!lease(&other, 7, 0, 1, 99), "of a request nobody knows there is none");
}

/// What is settled stays for a while, so that its UID is known, and goes; what is not settled stays.
pub fn settled_commitments_are_forgotten_in_time(new: New) {
    let store = new().open();
    for (id, transaction) in [(1, "1.5"), (2, "1.6"), (3, "1.7")] {
        begin(&store, &request(id, "CT1", transaction, &["1.2.1"]), 10);
    }
    store.commitments.settle_commitment(Uuid::from_u128(1), at(20)).expect("settled");
    store.commitments.settle_commitment(Uuid::from_u128(2), at(30)).expect("settled");
    assert_eq!(store.commitments.forget_commitments(at(30)).expect("forgotten"), 1);
    assert_eq!(store.commitments.forget_commitments(at(30)).expect("forgotten"), 0);
    assert_eq!(begin(&store, &request(4, "CT1", "1.5", &["1.2.9"]), 40), Begun::New, "its UID is free again");
    assert_eq!(begin(&store, &request(5, "CT1", "1.6", &["1.2.9"]), 40), Begun::InUse);
    assert_eq!(pending(&store), 3);
}
