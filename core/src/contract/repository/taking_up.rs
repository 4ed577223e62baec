//! What was withheld for want of a registration, a link, a consent or a scope is found again when it comes.

use super::world::{
    ALL, accepted, add, at, by_document, by_number, clock, commit, document, event, feed, fresh, hospital, join, local,
    operator, place, provider, redo, refused, result, withheld,
};
use super::{New, Store};
use crate::consent::ConsentEventKind;
use crate::envelope::Position;
use crate::outcome::{Outcome, State};
use crate::person::PersonId;
use crate::port::{RedoMode, TakeUp};
use crate::provider::{ProviderId, ProviderStatus};
use crate::reason::Reason;
use crate::scope::Domain;

/// A change that concerns no waiting message asks for nothing.
pub fn nothing_waits_no_ticket(new: New) {
    let store = fresh(new);
    commit(&store, vec![withheld(0, &by_document(1))]);
    let other = add(&store, 2).person.id;
    join(&store, other);
    store.registry.put_provider(&provider(&ProviderId("HA".to_owned())), &operator(), at(0)).expect("a provider");
    assert_eq!(tickets(&store), vec![]);
}

/// The person need not be registered yet: whether the message may come in is decided anew when it is taken up.
pub fn a_person_who_is_added_takes_up_what_waits_for_the_document(new: New) {
    let store = fresh(new);
    commit(&store, vec![withheld(0, &by_document(1)), withheld(1, &by_document(2)), withheld(2, &by_document(1))]);
    let person = add(&store, 1).person.id;
    let found = tickets(&store);
    assert_eq!(places(&found), vec![place(0), place(2)]);
    assert_eq!(found[0].person, Some(person));
    let stored = accepted(0, person, vec![result("LAB1", clock(2, 0, 0), "1")]);
    redo(&store, RedoMode::Commit, 10, vec![stored, withheld(2, &by_document(1))]);
    store.repository.take_up_done(found[0].ticket).expect("done");
    assert_eq!(tickets(&store), vec![], "what is still withheld is not offered again and again");
    join(&store, person);
    assert_eq!(places(&tickets(&store)), vec![place(2)], "the next event offers what is left");
}

/// Links, and further documents, find what waits for them.
pub fn what_waits_for_a_number_is_taken_up_when_it_is_linked(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    commit(&store, vec![refused(0, State::Held, Reason::NoDocument, &by_number(5)), withheld(1, &by_document(6))]);
    assert_eq!(tickets(&store), vec![]);
    store.registry.link(person, &local(5), &operator(), at(2)).expect("linked");
    let found = tickets(&store);
    assert_eq!((places(&found), found[0].person), (vec![place(0)], Some(person)));
    store.repository.take_up_done(found[0].ticket).expect("done");
    store.registry.add_document(person, &document(6), &operator(), at(3)).expect("added");
    assert!(places(&tickets(&store)).contains(&place(1)));
}

/// Joining and consenting do; so does a correction of the name for a message in doubt.
pub fn an_event_takes_up_what_waits_for_it(new: New) {
    let store = fresh(new);
    store.registry.put_provider(&provider(&hospital()), &operator(), at(0)).expect("a provider");
    let person = add(&store, 1).person.id;
    let mut unshared = refused(0, State::Withheld, Reason::NoSharingConsent, &by_document(1));
    unshared.person = Some(person);
    commit(&store, vec![unshared]);
    join(&store, person);
    drain(&store);
    let consent =
        crate::port::NewEvent { provider: Some(hospital()), ..event(person, ConsentEventKind::GiveIndefinite, 5) };
    store.registry.record_event(&consent, &operator()).expect("given");
    assert_eq!(places(&tickets(&store)), vec![place(0)]);
    drain(&store);
    commit(&store, vec![refused(1, State::Held, Reason::IdentityReview, &by_document(1))]);
    store.registry.correct_person(person, &super::world::demographics(7), &operator(), at(6)).expect("corrected");
    assert!(places(&tickets(&store)).contains(&place(1)));
}

/// A domain that is enabled, or a provider that is registered again, takes up whole messages and the parts of accepted
/// ones that were left out.
pub fn a_change_of_scope_takes_up_what_was_withheld_of_the_provider(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let mut known = provider(&hospital());
    store.registry.put_provider(&known, &operator(), at(0)).expect("a provider");
    let mut in_part = accepted(1, person, vec![result("LAB1", clock(2, 1, 1), "1")]);
    in_part.reason = Some(Reason::OutOfScope);
    let mut elsewhere = refused(3, State::Withheld, Reason::OutOfScope, &by_document(1));
    elsewhere.facts.provider = ProviderId("HA".to_owned());
    commit(
        &store,
        vec![
            refused(0, State::Withheld, Reason::OutOfScope, &by_document(1)),
            in_part,
            accepted(2, person, Vec::new()),
            elsewhere,
            refused(4, State::Withheld, Reason::NotRegistered, &by_document(9)),
            refused(5, State::Held, Reason::Undecodable, &by_document(1)),
        ],
    );
    known.domains.insert(Domain::RadiologyReport, jiff::civil::date(2020, 1, 1));
    store.registry.put_provider(&known, &operator(), at(9)).expect("enabled");
    let found = tickets(&store);
    let offered = places(&found);
    assert!(offered.contains(&place(0)) && offered.contains(&place(1)), "{offered:?}");
    let left_alone = [place(2), place(3), place(5)];
    assert!(left_alone.iter().all(|place| !offered.contains(place)), "{offered:?}");
    assert!(found.iter().all(|ticket| ticket.person.is_none()));
    drain(&store);
    store.registry.put_provider(&known, &operator(), at(10)).expect("the same");
    assert_eq!(tickets(&store), vec![], "nothing changed");
    known.status = ProviderStatus::Suspended;
    store.registry.put_provider(&known, &operator(), at(11)).expect("suspended");
    assert!(!tickets(&store).is_empty(), "decided anew, whatever the change");
}

/// The first message of a batch brings the link, the second one waits for it.
pub fn a_confirmed_link_takes_up_messages_of_its_own_batch(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let linking = Outcome { links: vec![local(1)], ..accepted(0, person, Vec::new()) };
    commit(&store, vec![linking, refused(1, State::Held, Reason::NoDocument, &by_number(1))]);
    assert_eq!(places(&tickets(&store)), vec![place(1)]);
}

/// Not what is discarded, rejected, accepted, or held for another reason than identity.
pub fn only_what_the_change_can_let_in_is_taken_up(new: New) {
    let store = fresh(new);
    let who = by_document(1);
    commit(
        &store,
        vec![
            refused(0, State::Held, Reason::IdentityReview, &who),
            refused(1, State::Held, Reason::DocumentPending, &who),
            refused(2, State::Rejected, Reason::BadValue, &who),
            refused(3, State::Held, Reason::IdentityConflict, &who),
            withheld(4, &who),
            withheld(5, &who),
        ],
    );
    store.repository.discard(place(3), "given up", &operator(), at(9)).expect("discarded");
    let other = add(&store, 2).person.id;
    redo(&store, RedoMode::Commit, 10, vec![accepted(5, other, Vec::new())]);
    add(&store, 1);
    assert_eq!(places(&tickets(&store)), vec![place(0), place(4)]);
}

/// However many wait, each is offered once, in the order of the log, in parts that are bounded.
pub fn a_ticket_comes_in_parts_oldest_first_and_each_once(new: New) {
    let store = fresh(new);
    let count = 1200;
    commit(&store, (0..count).map(|offset| withheld(offset, &by_document(1))).collect());
    add(&store, 1);
    let offered = drain(&store);
    assert_eq!(offered, (0..count).map(place).collect::<Vec<_>>());
    assert_eq!(tickets(&store), vec![]);
    let first = by_document(2);
    let mut later = withheld(count, &first);
    later.facts.feed = feed("ward");
    commit(&store, vec![later]);
    let (one, two) = (add(&store, 2).person.id, add(&store, 3).person.id);
    join(&store, one);
    join(&store, two);
    let people: Vec<Option<PersonId>> = tickets(&store).iter().map(|ticket| ticket.person).collect();
    assert_eq!(people, vec![Some(one)], "two changes of one person before anyone looked are one ticket");
}

fn tickets(store: &Store) -> Vec<TakeUp> {
    store.repository.take_ups(ALL).expect("tickets")
}

fn places(tickets: &[TakeUp]) -> Vec<Position> {
    tickets.iter().flat_map(|ticket| ticket.positions.clone()).collect()
}

/// Works through all tickets, and gives what they offered.
fn drain(store: &Store) -> Vec<Position> {
    let mut offered = Vec::new();
    loop {
        let found = store.repository.take_ups(1).expect("tickets");
        let Some(ticket) = found.first() else { return offered };
        assert_eq!(found.len(), 1, "no more than asked for");
        offered.extend(ticket.positions.clone());
        store.repository.take_up_done(ticket.ticket).expect("done");
    }
}
