//! Persons, their documents and numbers, and providers.

use std::collections::BTreeSet;

use crate::consent::ConsentEventKind;
use crate::contract::repository::world::{
    ALL, add, at, audit_lines, demographics, document, event, fresh, hospital, join, local, operator, provider,
};
use crate::contract::repository::{New, Store};
use crate::person::{Demographics, Document, DocumentKind, LocalNumber, PersonId};
use crate::phi::Phi;
use crate::port::{NewPerson, PersonQuery, RegistryError};
use crate::provider::{Provider, ProviderId, ProviderStatus};
use crate::scope::Domain;

/// Twelve digits, given by the registry, no two alike, and not to be guessed wrong by one digit.
pub fn every_person_has_an_ehr_number_of_its_own(new: New) {
    let store = fresh(new);
    let numbers: BTreeSet<String> = (1..=12).map(|number| add(&store, number).person.ehr_number).collect();
    assert_eq!(numbers.len(), 12);
    assert!(numbers.iter().all(|number| number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit())));
    let differ = |a: &str, b: &str| a.bytes().zip(b.bytes()).filter(|(a, b)| a != b).count();
    let pairs = numbers.iter().flat_map(|a| numbers.iter().map(move |b| (a, b))).filter(|(a, b)| a != b);
    assert!(pairs.into_iter().all(|(a, b)| differ(a, b) >= 2), "{numbers:?}");
}

/// At least one, filled, and an HKID with its check digit right.
pub fn a_person_needs_a_sound_document(new: New) {
    let store = fresh(new);
    let hkid = |number: &str| Document { kind: DocumentKind::Hkid, issuer: String::new(), number: number.into() };
    let of = |documents| NewPerson { documents, demographics: demographics(1), local_numbers: Vec::new() };
    for bad in [vec![], vec![hkid("A1234560")], vec![hkid("")], vec![document(1), hkid("nonsense")]] {
        let error = store.registry.add_person(&of(bad), &operator(), at(0)).expect_err("refused");
        assert!(matches!(error, RegistryError::Invalid(_)), "{error}");
    }
    assert_eq!(all(&store), vec![], "nothing was left of them");
    let added = store.registry.add_person(&of(vec![hkid("a123456(3)")]), &operator(), at(0)).expect("added");
    assert_eq!(added.person.documents, vec![hkid("A1234563")], "in canonical form");
    let stored = store.registry.person(added.person.id).expect("a person");
    assert_eq!(stored.as_deref(), Some(&added));
    assert_eq!(store.registry.person(PersonId(999)).expect("none"), None);
}

/// However it is written; the answer says whose it is.
pub fn a_document_belongs_to_one_person(new: New) {
    let store = fresh(new);
    let (one, two) = (add(&store, 1).person.id, add(&store, 2).person.id);
    let same = Document { number: Phi::new("p 000-0001".to_owned()), ..document(1) };
    let taken = |error: RegistryError| match error {
        RegistryError::Taken { what: "document", owner } => owner,
        other => panic!("{other}"),
    };
    let new = NewPerson { documents: vec![same.clone()], demographics: demographics(3), local_numbers: Vec::new() };
    assert_eq!(taken(store.registry.add_person(&new, &operator(), at(0)).expect_err("taken")), one);
    assert_eq!(taken(store.registry.add_document(two, &same, &operator(), at(0)).expect_err("taken")), one);
    store.registry.add_document(one, &same, &operator(), at(0)).expect("has it already");
    store.registry.add_document(one, &document(10), &operator(), at(0)).expect("a second one");
    let documents = store.registry.person(one).expect("a person").expect("is there").person.documents.clone();
    assert_eq!(documents, vec![document(1), document(10)], "the first one stays the major key");
    let unknown = store.registry.add_document(PersonId(99), &document(11), &operator(), at(0));
    assert!(matches!(unknown, Err(RegistryError::NotFound { .. })));
}

/// The desk's way: any number, any part of a name in either language, any case.
pub fn persons_are_found_by_numbers_and_parts_of_names(new: New) {
    let store = fresh(new);
    let person = |number: u32, family: &str, given: &str, chinese: &str| {
        let demographics = Demographics {
            family: family.into(),
            given: given.into(),
            chinese: chinese.into(),
            ..demographics(number)
        };
        let local_numbers = vec![local(number)];
        let hkid = Document { kind: DocumentKind::Hkid, issuer: String::new(), number: "A1234563".into() };
        let documents = if number == 1 { vec![document(number), hkid] } else { vec![document(number)] };
        let new = NewPerson { documents, demographics, local_numbers };
        store.registry.add_person(&new, &operator(), at(0)).expect("added").person
    };
    let one = person(1, "CHAN", "Tai-Man", "陳大文");
    let two = person(2, "Chan", "SIU MING", "陳小明");
    let three = person(3, "O'BRIEN", "100%_SURE", "");
    let by_name = |name: &str| PersonQuery { name: Some(name.into()), ..query() };
    let cases = [
        (query(), vec![one.id, two.id, three.id]),
        (by_name("chan"), vec![one.id, two.id]),
        (by_name("CHAN, tai man"), vec![one.id]),
        (by_name("han siu"), vec![two.id]),
        (by_name("陳"), vec![one.id, two.id]),
        (by_name("小明"), vec![two.id]),
        (by_name("o'b"), vec![three.id]),
        (by_name("%"), vec![three.id]),
        (by_name("_SURE"), vec![three.id]),
        (by_name("WONG"), vec![]),
        (PersonQuery { ehr_number: Some(two.ehr_number.clone()), ..query() }, vec![two.id]),
        (PersonQuery { document_number: Some("p0000002".into()), ..query() }, vec![two.id]),
        (PersonQuery { document_number: Some("A123456(3)".into()), ..query() }, vec![one.id]),
        (PersonQuery { document_number: Some("H2".into()), ..query() }, vec![]),
        (PersonQuery { local_number: Some("h3".into()), ..query() }, vec![three.id]),
        (PersonQuery { local_number: Some("H1".into()), ..by_name("siu") }, vec![]),
    ];
    for (query, expected) in cases {
        let found: Vec<_> = list(&store, &query);
        assert_eq!(
            found,
            expected,
            "{:?}",
            (query.name.map(Phi::into_inner), query.document_number.map(Phi::into_inner))
        );
    }
}

/// Pages meet without gap or overlap.
pub fn persons_are_paged_by_number(new: New) {
    let store = fresh(new);
    let added: Vec<PersonId> = (1..=5).map(|number| add(&store, number).person.id).collect();
    let first = list(&store, &PersonQuery { limit: 3, ..query() });
    let rest = list(&store, &PersonQuery { limit: 3, after: first.last().copied(), ..query() });
    assert_eq!((first.len(), [first, rest].concat()), (3, added));
}

/// The names change, the person does not.
pub fn a_person_is_corrected_and_stays_the_same_person(new: New) {
    let store = fresh(new);
    let before = add(&store, 1);
    join(&store, before.person.id);
    let to = Demographics { family: "WONG".into(), ..demographics(1) };
    store.registry.correct_person(before.person.id, &to, &operator(), at(5)).expect("corrected");
    let after = store.registry.person(before.person.id).expect("a person").expect("is there");
    assert_eq!(after.person.demographics, to);
    assert_eq!(after.person.ehr_number, before.person.ehr_number);
    assert_eq!(after.person.documents, before.person.documents);
    assert_eq!(after.standing.joined_at, Some(at(1)), "the standing is untouched");
    let by_name = |name: &str| list(&store, &PersonQuery { name: Some(name.into()), ..query() });
    assert_eq!((by_name("wong"), by_name("chan")), (vec![before.person.id], vec![]));
    let unknown = store.registry.correct_person(PersonId(99), &to, &operator(), at(5));
    assert!(matches!(unknown, Err(RegistryError::NotFound { .. })));
}

/// A number is one person's at a time; taken back, it may be another's.
pub fn a_number_is_linked_to_one_person_and_can_be_taken_back(new: New) {
    let store = fresh(new);
    let (one, two) = (add(&store, 1).person.id, add(&store, 2).person.id);
    let link = |person, number: &LocalNumber| store.registry.link(person, number, &operator(), at(2));
    link(one, &local(7)).expect("linked");
    link(one, &local(7)).expect("linked already");
    let elsewhere = LocalNumber { provider: ProviderId("HA".to_owned()), ..local(7) };
    link(one, &elsewhere).expect("the same figures of another provider");
    match link(two, &local(7)) {
        Err(RegistryError::Taken { what: "local number", owner }) => assert_eq!(owner, one),
        other => panic!("{other:?}"),
    }
    let blank = LocalNumber { number: " ".into(), ..local(7) };
    assert!(matches!(link(one, &blank), Err(RegistryError::Invalid(_))));
    let unlink = |person, number: &LocalNumber| store.registry.unlink(person, number, &operator(), at(3));
    assert!(matches!(unlink(two, &local(7)), Err(RegistryError::NotFound { .. })));
    unlink(one, &local(7)).expect("taken back");
    let by_number = PersonQuery { local_number: Some("H7".into()), ..query() };
    assert_eq!(list(&store, &by_number), vec![one], "the other provider's number is still hers");
    unlink(one, &elsewhere).expect("taken back");
    assert_eq!(list(&store, &by_number), vec![]);
    link(two, &local(7)).expect("free again");
    assert_eq!(list(&store, &by_number), vec![two]);
    assert!(matches!(link(PersonId(99), &local(8)), Err(RegistryError::NotFound { .. })));
}

/// What is read is what was put, and a change takes the place of what was.
pub fn providers_are_kept_as_they_are_given(new: New) {
    let store = fresh(new);
    let first = provider(&hospital());
    let mut second = Provider { implied_since: Some(at(0)), ..provider(&ProviderId("DH".to_owned())) };
    second.share(Domain::Laboratory, Some("東 EAST"), Some(jiff::civil::date(2025, 2, 3)));
    for provider in [&second, &first] {
        store.registry.put_provider(provider, &operator(), at(0)).expect("put");
    }
    let changed = Provider { status: ProviderStatus::Suspended, ..first.clone() };
    store.registry.put_provider(&changed, &operator(), at(1)).expect("changed");
    assert_eq!(store.registry.providers().expect("all"), vec![changed.clone(), second]);
    assert_eq!(store.registry.provider(&hospital()).expect("one"), Some(changed));
    assert_eq!(store.registry.provider(&ProviderId("none".to_owned())).expect("none"), None);
    let nameless = Provider { id: ProviderId(String::new()), ..first };
    assert!(store.registry.put_provider(&nameless, &operator(), at(2)).is_err());
    for code in ["", " EAST", &"x".repeat(10_000)] {
        let mut misplaced = provider(&ProviderId("X".to_owned()));
        misplaced.share(Domain::Laboratory, Some(code), Some(jiff::civil::date(2025, 2, 3)));
        assert!(store.registry.put_provider(&misplaced, &operator(), at(2)).is_err(), "{} bytes", code.len());
    }
}

/// Each change one line, a call that changes nothing none.
pub fn every_change_is_audited(new: New) {
    let store = fresh(new);
    let person = add(&store, 1).person.id;
    let mut lines = audit_lines(&store);
    assert_eq!(lines, 1);
    let registry = &store.registry;
    let mut step = |change: &dyn Fn(), expected: usize, what: &str| {
        change();
        let now = audit_lines(&store);
        assert_eq!(now - lines, expected, "{what}");
        lines = now;
    };
    let (who, hers) = (operator(), demographics(9));
    let joined = event(person, ConsentEventKind::RegisterInPerson, 1);
    step(&|| registry.correct_person(person, &hers, &who, at(1)).expect("corrected"), 1, "correct");
    step(&|| registry.correct_person(person, &hers, &who, at(1)).expect("the same"), 0, "correct again");
    step(&|| registry.add_document(person, &document(5), &who, at(1)).expect("added"), 1, "document");
    step(&|| registry.link(person, &local(5), &who, at(1)).expect("linked"), 1, "link");
    step(&|| registry.link(person, &local(5), &who, at(1)).expect("the same"), 0, "link again");
    step(&|| registry.unlink(person, &local(5), &who, at(1)).expect("taken back"), 1, "unlink");
    step(&|| drop(registry.record_event(&joined, &who).expect("joined")), 1, "event");
    step(&|| registry.put_provider(&provider(&hospital()), &who, at(1)).expect("put"), 1, "provider");
    step(&|| registry.put_provider(&provider(&hospital()), &who, at(2)).expect("the same"), 0, "provider again");
    step(
        &|| assert!(registry.record_event(&event(person, ConsentEventKind::Activate, 9), &who).is_err()),
        0,
        "refused",
    );
    assert_eq!(store.repository.verify_audit().expect("checked").first_bad, None);
}

fn query() -> PersonQuery {
    PersonQuery { limit: ALL, ..PersonQuery::default() }
}

fn list(store: &Store, query: &PersonQuery) -> Vec<PersonId> {
    store.registry.persons(query).expect("a list").iter().map(|found| found.person.id).collect()
}

fn all(store: &Store) -> Vec<PersonId> {
    list(store, &query())
}
