//! Whom a batch is about, read inside its transaction.

use super::world::{
    accepted, add, at, audit_lines, by_document, by_number, commit, demographics, document, event, facts, fresh,
    hospital, join, local, operator, provider, resolve, withheld,
};
use super::{New, Store};
use crate::consent::{ConsentEventKind, Registration};
use crate::envelope::{Digest, FeedName, Offset, PartitionId, Position};
use crate::mapped::Identity;
use crate::outcome::{MessageFacts, Outcome, State};
use crate::person::{LocalNumber, PersonId};
use crate::port::{AuditQuery, Candidates, Fence, Lookup, MessageKey, Participant, Resolved, Sameness};
use crate::provider::ProviderId;
use crate::reason::Reason;
use std::sync::Arc;

/// Each lookup gets its own persons, by document and by number, each once; the provider comes with them.
pub fn persons_and_providers_are_resolved_in_order(new: New) {
    let store = fresh(new);
    store.registry.put_provider(&provider(&hospital()), &operator(), at(0)).expect("a provider");
    let (one, two) = (add(&store, 1).person.id, add(&store, 2).person.id);
    join(&store, one);
    store.registry.add_document(one, &document(11), &operator(), at(0)).expect("a second document");
    store.registry.link(two, &local(2), &operator(), at(0)).expect("linked");
    let both = Identity { documents: vec![document(1), document(11)], ..by_document(1) };
    let mixed = Identity { documents: vec![document(1)], local_numbers: vec![local(2)], ..Identity::default() };
    let resolved = resolve(&store, &[by_number(2), both, by_document(9), mixed, by_document(1)]);
    let found: Vec<_> = resolved.candidates.iter().map(ids).collect();
    assert_eq!(
        found,
        vec![
            (vec![], vec![two], vec![]),
            (vec![one], vec![], vec![]),
            (vec![], vec![], vec![]),
            (vec![one], vec![two], vec![]),
            (vec![one], vec![], vec![]),
        ]
    );
    assert_eq!(resolved.providers.get(&hospital()), Some(&provider(&hospital())));
    let known = store.registry.person(one).expect("a person").expect("is there");
    let given = resolved.candidates.last().and_then(|found| found.by_document.first().cloned());
    assert_eq!(given, Some(known));
}

/// Promise 1 where the log cannot tell: the same bytes of the same sender under the same control id are one message;
/// what the door refused, another sender's, another feed's and other bytes are not.
pub fn a_message_stored_before_is_known_by_sender_control_id_and_bytes(new: New) {
    let store = fresh(new);
    let of = |number: u64| facts(Position { partition: PartitionId(0), offset: Offset(number) });
    let refused = Outcome { state: State::Rejected, ..withheld(1, &Identity::default()) };
    commit(&store, vec![withheld(0, &Identity::default()), refused]);
    let (first, turned_away) = (of(0), of(1));
    let elsewhere = FeedName::parse("ward").expect("a name");
    let ask = |facts: &MessageFacts| {
        let MessageFacts { feed, sender, control_id, digest, .. } = facts;
        sameness(&store, MessageKey { feed, sender, control_id, digest: *digest })
    };
    assert_eq!(ask(&first), Sameness::Resent { state: State::Withheld, reason: Some(Reason::NotRegistered) });
    assert_eq!(ask(&MessageFacts { digest: Digest::of(b"other"), ..first.clone() }), Sameness::ControlIdReused);
    for other in [
        turned_away,
        MessageFacts { sender: "LAB|QMH".to_owned(), ..first.clone() },
        MessageFacts { feed: elsewhere, ..first.clone() },
        MessageFacts { control_id: "M0-77".to_owned(), ..first },
    ] {
        assert_eq!(ask(&other), Sameness::New, "{other:?}");
    }
}

/// What the repository says of a message, by a commit that stores nothing.
fn sameness(store: &Store, message: MessageKey<'_>) -> Sameness {
    let start = store.repository.next_offset(PartitionId(7)).expect("an offset");
    let fence = Fence { partition: PartitionId(7), expect: start, next: start.next() };
    let provider = hospital();
    let lookups = [Lookup { provider: &provider, identity: None, message: Some(message) }];
    let mut said = None;
    let mut decide = |resolved: &Resolved| {
        said = resolved.sameness.first().copied();
        Ok(Vec::new())
    };
    store.repository.commit(fence, &lookups, at(0), &mut decide).expect("the batch is committed");
    said.expect("decide was called and told")
}

/// A feed speaks for its own provider's numbers only.
pub fn numbers_claimed_for_another_provider_find_nobody(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let others = LocalNumber { provider: ProviderId("HA".to_owned()), ..local(1) };
    store.registry.link(person, &others, &operator(), at(0)).expect("linked");
    let identity = Identity { local_numbers: vec![others], ..Identity::default() };
    let resolved = resolve(&store, &[identity]);
    assert_eq!(resolved.candidates, vec![Candidates::default()]);
    assert!(resolved.providers.is_empty(), "the registry does not know the provider");
}

/// Looking alike counts for nothing once a number matches; without one it brings the few who do.
pub fn look_alikes_are_sought_only_without_a_number_that_matches(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let stranger = Identity { documents: vec![document(99)], ..by_document(1) };
    let nameless = Identity { demographics: demographics(1), ..Identity::default() };
    let resolved = resolve(&store, &[by_document(1), stranger.clone(), nameless, by_document(2)]);
    let found: Vec<_> = resolved.candidates.iter().map(ids).collect();
    let alike = (vec![], vec![], vec![person]);
    assert_eq!(found, vec![(vec![person], vec![], vec![]), alike.clone(), alike, (vec![], vec![], vec![])]);
    store.registry.correct_person(person, &demographics(5), &operator(), at(1)).expect("corrected");
    let resolved = resolve(&store, &[stranger, Identity { demographics: demographics(5), ..Identity::default() }]);
    let found: Vec<_> = resolved.candidates.iter().map(|found| ids(found).2).collect();
    assert_eq!(found, vec![vec![], vec![person]], "by the new name, no more by the former one");
}

/// What another process changed in the registry holds for the very next batch.
pub fn a_change_made_through_another_handle_is_seen_at_once(new: New) {
    let subject = new();
    let (hub, tool) = (subject.open(), subject.open());
    let person = add(&tool, 1).person.id;
    let standing = |resolved: crate::port::Resolved| {
        let found = resolved.candidates.first().and_then(|found| found.by_document.first());
        found.map(|participant| participant.standing.registration)
    };
    assert_eq!(standing(resolve(&hub, &[by_document(1)])), Some(Registration::None));
    join(&tool, person);
    assert_eq!(standing(resolve(&hub, &[by_document(1)])), Some(Registration::Active));
    let left = event(person, ConsentEventKind::Withdraw, 5);
    tool.registry.record_event(&left, &operator()).expect("withdrawn");
    assert_eq!(standing(resolve(&hub, &[by_document(1)])), Some(Registration::Withdrawn));
    let mut known = provider(&hospital());
    tool.registry.put_provider(&known, &operator(), at(0)).expect("a provider");
    assert_eq!(resolve(&hub, &[by_document(1)]).providers.get(&hospital()), Some(&known));
    known.domains.clear();
    tool.registry.put_provider(&known, &operator(), at(1)).expect("a change");
    assert_eq!(resolve(&hub, &[by_document(1)]).providers.get(&hospital()), Some(&known));
}

/// A confirmed match by document links the sender's number, once, with its history.
pub fn a_number_seen_with_a_confirmed_match_is_linked(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let linking = |offset| Outcome { links: vec![local(1)], ..accepted(offset, person, Vec::new()) };
    commit(&store, vec![linking(0), linking(1)]);
    let participant = store.registry.person(person).expect("a person").expect("is there");
    assert_eq!(participant.person.local_numbers, vec![local(1)]);
    let resolved = resolve(&store, &[by_number(1)]);
    assert_eq!(resolved.candidates.first().map(ids), Some((vec![], vec![person], vec![])));
    let lines = audit_lines(&store);
    commit(&store, vec![linking(2)]);
    assert_eq!(audit_lines(&store), lines, "what is linked already changes nothing");
}

/// No link is worth taking a number away from someone, nor holding a batch up.
pub fn a_number_of_someone_else_stays_theirs(new: New) {
    let store = fresh(new);
    let (owner, other) = (add(&store, 1).person.id, add(&store, 2).person.id);
    store.registry.link(owner, &local(1), &operator(), at(0)).expect("linked");
    commit(&store, vec![Outcome { links: vec![local(1)], ..accepted(0, other, Vec::new()) }]);
    let resolved = resolve(&store, &[by_number(1)]);
    assert_eq!(resolved.candidates.first().map(ids), Some((vec![], vec![owner], vec![])));
    let query = AuditQuery { action: Some("link-refused".to_owned()), limit: 10, ..AuditQuery::default() };
    assert_eq!(store.repository.audit_lines(&query).expect("lines").len(), 1);
}

/// By document, by number, by looking alike.
type Ids = (Vec<PersonId>, Vec<PersonId>, Vec<PersonId>);

fn ids(found: &Candidates) -> Ids {
    let ids = |list: &[Arc<Participant>]| list.iter().map(|participant| participant.person.id).collect();
    (ids(&found.by_document), ids(&found.by_local_number), ids(&found.look_alikes))
}
