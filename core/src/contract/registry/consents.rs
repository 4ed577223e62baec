//! Registration and consent: the snapshot is what the events add up to.

use proptest::prelude::{Strategy, any, prop};
use proptest::test_runner::{Config, TestRunner};

use crate::consent::{ConsentEventKind as Kind, Registration, SharingState, Standing, replay};
use crate::contract::repository::world::{add, at, event, fresh, hospital, join, operator, provider};
use crate::contract::repository::{New, Store};
use crate::person::PersonId;
use crate::policy::PolicyVersion;
use crate::port::{NewEvent, RegistryError};
use crate::provider::{Provider, ProviderId};

/// What is given back is what is stored, event by event.
pub fn events_add_up_to_the_standing(new: New) {
    let store = fresh(new);
    store.registry.put_provider(&provider(&hospital()), &operator(), at(0)).expect("a provider");
    let person = add(&store, 1).person.id;
    let given = NewEvent {
        provider: Some(hospital()),
        by: "SDM".to_owned(),
        channel: "FORM".to_owned(),
        ..event(person, Kind::GiveIndefinite, 20)
    };
    let steps = [
        (event(person, Kind::SubmitApplication, 5), Registration::Applied),
        (event(person, Kind::Activate, 10), Registration::Active),
        (given.clone(), Registration::Active),
        (event(person, Kind::Suspend, 30), Registration::Suspended),
    ];
    for (step, expected) in &steps {
        let standing = store.registry.record_event(step, &operator()).expect("allowed");
        assert_eq!(standing.registration, *expected);
        assert_eq!(stored(&store, person), standing);
    }
    let standing = stored(&store, person);
    assert_eq!(standing.joined_at, Some(at(10)));
    let sharing = standing.sharing.get(&hospital()).expect("given");
    assert_eq!((sharing.state, sharing.since), (SharingState::Indefinite, at(20)));
    let events = store.registry.events(person).expect("events");
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), vec![1, 2, 3, 4]);
    assert_eq!(events[2].provider, given.provider);
    assert_eq!((events[2].by.as_str(), events[2].channel.as_str(), events[2].at), ("SDM", "FORM", at(20)));
}

/// Refused with a reason; nobody knows of it afterwards.
pub fn an_event_the_state_machine_does_not_know_changes_nothing(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let refused = store.registry.record_event(&event(person, Kind::Withdraw, 1), &operator());
    assert!(matches!(refused, Err(RegistryError::NotAllowed(_))), "{refused:?}");
    join(&store, person);
    let before = stored(&store, person);
    let unknown =
        NewEvent { provider: Some(ProviderId("9999999999".to_owned())), ..event(person, Kind::GiveIndefinite, 5) };
    let refused = store.registry.record_event(&unknown, &operator());
    assert!(matches!(refused, Err(RegistryError::NotFound { .. })), "{refused:?}");
    assert!(store.registry.record_event(&event(person, Kind::GiveIndefinite, 5), &operator()).is_err());
    let nobody = store.registry.record_event(&event(PersonId(99), Kind::RegisterInPerson, 1), &operator());
    assert!(matches!(nobody, Err(RegistryError::NotFound { .. })), "{nobody:?}");
    assert_eq!(stored(&store, person), before);
    assert_eq!(store.registry.events(person).expect("events").len(), 1);
    assert_eq!(store.registry.events(PersonId(99)).expect("none"), vec![]);
}

/// A sender that repeats itself is answered as before.
pub fn an_event_recorded_twice_counts_once(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let joined = event(person, Kind::RegisterInPerson, 1);
    let first = store.registry.record_event(&joined, &operator()).expect("joined");
    let again = store.registry.record_event(&joined, &operator()).expect("joined already");
    assert_eq!(first, again);
    assert_eq!(store.registry.events(person).expect("events").len(), 1);
}

/// A revocation that arrives after a later event still ends the consent at its own time.
pub fn a_late_event_takes_its_place_in_time(new: New) {
    let store = fresh(new);
    store.registry.put_provider(&provider(&hospital()), &operator(), at(0)).expect("a provider");
    let person = add(&store, 1).person.id;
    let sharing = |kind, second| NewEvent { provider: Some(hospital()), ..event(person, kind, second) };
    let record = |event: NewEvent| store.registry.record_event(&event, &operator());
    record(event(person, Kind::RegisterInPerson, 10)).expect("joined");
    record(sharing(Kind::GiveIndefinite, 20)).expect("given");
    record(event(person, Kind::Suspend, 40)).expect("suspended");
    let standing = record(sharing(Kind::Revoke, 30)).expect("revoked before the suspension");
    let revoked = standing.sharing.get(&hospital()).expect("known");
    assert_eq!((revoked.state, revoked.since), (SharingState::Revoked, at(30)));
    assert_eq!(standing.registration, Registration::Suspended);
    assert_eq!(stored(&store, person), standing);
    let times: Vec<_> = store.registry.events(person).expect("events").iter().map(|event| event.at).collect();
    assert_eq!(times, vec![at(10), at(20), at(30), at(40)], "oldest first, whatever the order of arrival");
    assert!(record(sharing(Kind::Revoke, 5)).is_err(), "before anything was given");
    assert_eq!(store.registry.events(person).expect("events").len(), 4);
}

/// The reference's invariant: replaying the events from nothing gives the snapshot, whatever was tried in whatever order.
pub fn replaying_the_events_gives_the_standing(new: New) {
    let store = fresh(new);
    let providers = ["9265486345", "9265486346"].map(|id| provider(&ProviderId(id.to_owned())));
    let implied = Provider { implied_since: Some(at(0)), ..provider(&ProviderId("HA".to_owned())) };
    let all: Vec<Provider> = providers.into_iter().chain([implied]).collect();
    for provider in &all {
        store.registry.put_provider(provider, &operator(), at(0)).expect("a provider");
    }
    let kind = prop::sample::select(Kind::ALL.to_vec());
    let one = (kind, 0..4_usize, 1..60_u32, any::<bool>());
    // Beginning with a registration, since most events need one.
    let tried =
        prop::collection::vec(one, 1..14).prop_map(|rest| [vec![(Kind::RegisterInPerson, 3, 1, true)], rest].concat());
    let numbers = std::cell::Cell::new(0);
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&tried, |tried| {
        numbers.set(numbers.get() + 1);
        let person = add(&store, numbers.get()).person.id;
        for (kind, provider, second, old) in tried {
            let policy = if old { PolicyVersion::V2019 } else { PolicyVersion::V2025 };
            let provider = all.get(provider).map(|provider| provider.id.clone());
            let event = NewEvent { provider, policy, ..event(person, kind, second) };
            let before = stored(&store, person);
            match store.registry.record_event(&event, &operator()) {
                Ok(standing) => assert_eq!(standing, stored(&store, person)),
                Err(_) => assert_eq!(before, stored(&store, person), "what is refused changes nothing"),
            }
            let events = store.registry.events(person).expect("events");
            let replayed = replay(&events, |id| all.iter().find(|provider| provider.id == *id));
            assert_eq!(replayed.standing, stored(&store, person));
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

fn stored(store: &Store, person: PersonId) -> Standing {
    store.registry.person(person).expect("a person").expect("is there").standing.clone()
}
