//! The people, providers and messages of the suites, for the engines' own tests too. All of them are made up.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::{New, Store};
use crate::consent::ConsentEventKind;
use crate::decision::{Decision, Verdict};
use crate::envelope::{Digest, FeedName, Format, Offset, PartitionId, Position, TraceId};
use crate::identity::subject_keys;
use crate::mapped::Identity;
use crate::outcome::{MessageFacts, Outcome, State};
use crate::person::{BirthDate, Demographics, Document, DocumentKind, LocalNumber, PersonId, Sex};
use crate::phi::Phi;
use crate::policy::PolicyVersion;
use crate::port::{
    AccessGrant, Actor, AuditQuery, Committed, Fence, Lookup, MessageQuery, MessageRow, NewEvent, NewPerson,
    Participant, RecordQuery, RecordRow, RedoMode, RepositoryError, Resolved,
};
use crate::provider::{Provider, ProviderId, ProviderKind, ProviderStatus};
use crate::reason::Reason;
use crate::record::{Record, RecordKey, VersionClock};
use crate::scope::{Domain, Level};

/// More than any test makes.
pub const ALL: u32 = 1000;

/// A fresh store.
pub fn fresh(new: New) -> Store {
    new().open()
}

/// So many seconds after the beginning of 2026.
pub fn at(second: u32) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + i64::from(second)).expect("in range")
}

/// The seconds of an offset, so that messages come one a second.
fn seconds(offset: u64) -> u32 {
    u32::try_from(offset).expect("a test's offset is small")
}

/// A person at the keyboard.
pub fn operator() -> Actor {
    Actor("operator".to_owned())
}

/// The hospital whose data most messages are.
pub fn hospital() -> ProviderId {
    ProviderId("9265486345".to_owned())
}

/// A registered hospital that shares laboratory results and encounters.
pub fn provider(id: &ProviderId) -> Provider {
    let since = jiff::civil::date(2016, 3, 13);
    Provider {
        id: id.clone(),
        name: "Harbour Hospital".to_owned(),
        name_zh: "海港醫院".to_owned(),
        kind: ProviderKind::Hospital,
        status: ProviderStatus::Registered,
        implied_since: None,
        domains: [(Domain::Laboratory, since), (Domain::Encounter, since)].into(),
        locations: Default::default(),
    }
}

/// A feed of that name.
pub fn feed(name: &str) -> FeedName {
    FeedName::parse(name).expect("a test's feed has a name")
}

/// A place in partition 0.
pub const fn place(offset: u64) -> Position {
    Position { partition: PartitionId(0), offset: Offset(offset) }
}

/// A document nobody else in the suite has, by its number.
pub fn document(number: u32) -> Document {
    Document { kind: DocumentKind::Passport, issuer: "XXA".to_owned(), number: Phi::new(format!("P{number:07}")) }
}

/// A number of the hospital.
pub fn local(number: u32) -> LocalNumber {
    LocalNumber { provider: hospital(), authority: "HHH".to_owned(), number: Phi::new(format!("H{number}")) }
}

/// A person of that number: no two look alike.
pub fn demographics(number: u32) -> Demographics {
    let birth = BirthDate::parse(&format!("{}-{:02}-11", 1930 + number % 80, number % 12 + 1));
    Demographics {
        family: "CHAN".into(),
        given: Phi::new(format!("TAI MAN {number}")),
        chinese: "陳大文".into(),
        birth: birth.map(Phi::new),
        sex: Some(Sex::Female),
    }
}

/// What a message says of a person known by document.
pub fn by_document(number: u32) -> Identity {
    Identity { documents: vec![document(number)], demographics: demographics(number), ..Identity::default() }
}

/// What a message says of a person known by the hospital's number.
pub fn by_number(number: u32) -> Identity {
    Identity { local_numbers: vec![local(number)], demographics: demographics(number), ..Identity::default() }
}

/// Adds a person with document and name, not registered yet.
pub fn add(store: &Store, number: u32) -> Participant {
    let new =
        NewPerson { documents: vec![document(number)], demographics: demographics(number), local_numbers: Vec::new() };
    store.registry.add_person(&new, &operator(), at(0)).expect("a new person")
}

/// An event in the life of a person.
pub fn event(person: PersonId, kind: ConsentEventKind, second: u32) -> NewEvent {
    NewEvent {
        person,
        kind,
        provider: None,
        at: at(second),
        policy: PolicyVersion::V2025,
        by: "SELF".to_owned(),
        channel: "COUNTER".to_owned(),
    }
}

/// Registers a person.
pub fn join(store: &Store, person: PersonId) {
    let joined = event(person, ConsentEventKind::RegisterInPerson, 1);
    store.registry.record_event(&joined, &operator()).expect("registered");
}

/// What is known of the message at a place.
pub fn facts(position: Position) -> MessageFacts {
    let Position { partition: PartitionId(partition), offset: Offset(offset) } = position;
    let control_id = format!("M{partition}-{offset}");
    MessageFacts {
        position,
        trace: TraceId(Uuid::from_u128((u128::from(offset) << 64) | (u128::from(partition) << 8) | 1)),
        feed: feed("lab"),
        format: Format::Hl7v2,
        provider: hospital(),
        sender: "LAB|HHH".to_owned(),
        kind: "ORU^R01".to_owned(),
        received_at: at(seconds(offset)),
        digest: Digest::of(control_id.as_bytes()),
        bytes: 512,
        control_id_reused: false,
        control_id,
    }
}

/// A permit.
pub fn permit(domain: Domain, second: u32) -> Decision {
    Decision { domain, verdict: Verdict::Permit, rule: "D9".into(), policy: PolicyVersion::V2025, at: at(second) }
}

/// The outcome of a message that is stored.
pub fn accepted(offset: u64, person: PersonId, records: Vec<Record>) -> Outcome {
    let mut domains: Vec<Domain> = records.iter().map(|record| record.domain).collect();
    domains.sort_unstable();
    domains.dedup();
    Outcome {
        facts: facts(place(offset)),
        state: State::Accepted,
        reason: None,
        place: String::new(),
        person: Some(person),
        subject_keys: Vec::new(),
        decisions: domains.into_iter().map(|domain| permit(domain, seconds(offset))).collect(),
        records,
        notes: Vec::new(),
        links: Vec::new(),
        unmapped: Vec::new(),
        instance: None,
    }
}

/// The outcome of a message that is not.
pub fn refused(offset: u64, state: State, reason: Reason, identity: &Identity) -> Outcome {
    Outcome {
        state,
        reason: Some(reason),
        person: None,
        subject_keys: subject_keys(&hospital(), identity),
        decisions: Vec::new(),
        ..accepted(offset, PersonId(0), Vec::new())
    }
}

/// A message withheld because its person does not take part.
pub fn withheld(offset: u64, identity: &Identity) -> Outcome {
    refused(offset, State::Withheld, Reason::NotRegistered, identity)
}

/// A laboratory result.
pub fn result(name: &str, clock: VersionClock, value: &str) -> Record {
    let key = RecordKey::new("Observation", &hospital().0, &[name, "718-7"]);
    let resource = json!({"resourceType": "Observation", "id": key.resource_id(), "valueString": value}).into();
    Record {
        domain: Domain::Laboratory,
        key,
        clock,
        clinical_date: None,
        level: Level::Coded,
        lacks: None,
        retracted: false,
        resource,
    }
}

/// A result that points to documents.
pub fn result_with(name: &str, clock: VersionClock, documents: &[Digest]) -> Record {
    let urls: Vec<_> = documents.iter().map(|digest| json!({ "url": format!("Binary/{digest}") })).collect();
    let value = clock.offset.to_string();
    let resource = json!({ "resourceType": "Observation", "valueString": value, "content": urls }).into();
    Record { resource, ..result(name, clock, "") }
}

/// Slice `number` of study 1.2, series 1.2.1, in a study that is not complete.
pub fn image(offset: u64, person: PersonId, number: u32) -> Outcome {
    super::completing::slice(offset, person, number)
}

/// A clock: rank, second, place in the log.
pub fn clock(rank: u8, second: u32, offset: u64) -> VersionClock {
    VersionClock { rank, at: at(second), offset }
}

/// Commits outcomes that stand one after the other, in the partition of the first one.
pub fn commit(store: &Store, outcomes: Vec<Outcome>) -> Committed {
    try_commit(store, outcomes).expect("the batch is committed")
}

/// As [`commit`], where it may fail.
pub fn try_commit(store: &Store, outcomes: Vec<Outcome>) -> Result<Committed, RepositoryError> {
    let first = outcomes.first().expect("a batch has messages").facts.position;
    let next = outcomes.last().expect("a batch has messages").facts.position.offset.next();
    let fence = Fence { partition: first.partition, expect: first.offset, next };
    let provider = hospital();
    let lookups = vec![Lookup { provider: &provider, identity: None, message: None }; outcomes.len()];
    let now = at(seconds(first.offset.0));
    store.repository.commit(fence, &lookups, now, &mut |_| Ok(outcomes.clone()))
}

/// Does messages again.
pub fn redo(store: &Store, mode: RedoMode, second: u32, outcomes: Vec<Outcome>) -> Committed {
    try_redo(store, mode, second, outcomes).expect("the messages are redone")
}

/// As [`redo`], where it may fail.
pub fn try_redo(
    store: &Store,
    mode: RedoMode,
    second: u32,
    outcomes: Vec<Outcome>,
) -> Result<Committed, RepositoryError> {
    let provider = hospital();
    let lookups = vec![Lookup { provider: &provider, identity: None, message: None }; outcomes.len()];
    store.repository.redo(&operator(), mode, &lookups, at(second), &mut |_| Ok(outcomes.clone()))
}

/// What the repository resolves for some identities, by a commit that stores them as withheld.
pub fn resolve(store: &Store, identities: &[Identity]) -> Resolved {
    let start = store.repository.next_offset(PartitionId(7)).expect("an offset");
    let count = u64::try_from(identities.len()).expect("few");
    let fence = Fence { partition: PartitionId(7), expect: start, next: Offset(start.0 + count) };
    let provider = hospital();
    let lookups: Vec<Lookup<'_>> = identities
        .iter()
        .map(|identity| Lookup { provider: &provider, identity: Some(identity), message: None })
        .collect();
    let mut seen = None;
    let mut decide = |resolved: &Resolved| {
        seen = Some(resolved.clone());
        let positions = (0..count).map(|step| Position { offset: Offset(start.0 + step), ..place_in(7) });
        let outcome = |position| Outcome { facts: facts(position), ..withheld(0, &Identity::default()) };
        Ok(positions.map(outcome).collect())
    };
    store.repository.commit(fence, &lookups, at(0), &mut decide).expect("the batch is committed");
    seen.expect("decide was called")
}

/// The beginning of a partition.
pub const fn place_in(partition: u16) -> Position {
    Position { partition: PartitionId(partition), offset: Offset(0) }
}

/// All messages, newest first.
pub fn messages(store: &Store) -> Vec<MessageRow> {
    let query = MessageQuery { limit: ALL, ..MessageQuery::default() };
    store.repository.messages(&query).expect("a list")
}

/// The message at a place of partition 0.
pub fn message(store: &Store, offset: u64) -> MessageRow {
    messages(store).into_iter().find(|row| row.facts.position == place(offset)).expect("the message is there")
}

/// Records, with the right to see them.
pub fn records(store: &Store, query: &RecordQuery) -> Vec<RecordRow> {
    let grant = AccessGrant::operator(operator(), "test".to_owned());
    store.repository.records(&grant, &RecordQuery { limit: ALL, ..query.clone() }, at(0)).expect("records")
}

/// All versions of all records of a person, newest first, those taken back too.
pub fn history(store: &Store, person: PersonId) -> Vec<RecordRow> {
    records(store, &RecordQuery { person: Some(person), history: true, retracted: true, ..RecordQuery::default() })
}

/// The value of a result.
pub fn value(row: &RecordRow) -> &str {
    row.resource.get("valueString").and_then(serde_json::Value::as_str).unwrap_or("")
}

/// How many audit lines there are.
pub fn audit_lines(store: &Store) -> usize {
    let query = AuditQuery { limit: 100_000, ..AuditQuery::default() };
    store.repository.audit_lines(&query).expect("lines").len()
}
