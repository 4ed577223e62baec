//! The load by which the commit rate is measured: laboratory messages as they come, committed in batches.
//!
//! Every message has what one complete blood count gives: the patient, unchanged; an encounter; a report and four results,
//! all new. Only the commits are timed; making the messages is not.

use std::time::{Duration, Instant};

use causeway_core::consent::ConsentEventKind;
use causeway_core::decision::{Decision, Verdict};
use causeway_core::envelope::{Digest, FeedName, FeedNameError, Format, Offset, PartitionId, Position, TraceId};
use causeway_core::mapped::Identity;
use causeway_core::outcome::{MessageFacts, Outcome, State};
use causeway_core::person::{BirthDate, Demographics, Document, DocumentKind, LocalNumber, PersonId, Sex};
use causeway_core::phi::Phi;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::{
    Actor, Fence, Lookup, NewEvent, NewPerson, Registry, RegistryError, Repository, RepositoryError,
};
use causeway_core::provider::{Provider, ProviderId, ProviderKind, ProviderStatus};
use causeway_core::record::{Record, RecordKey, VersionClock};
use causeway_core::scope::{Domain, Level};
use jiff::Timestamp;
use serde_json::json;

/// What stands in the way of a measurement.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The repository's.
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    /// The registry's.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Never: the feed's name is a constant.
    #[error(transparent)]
    Feed(#[from] FeedNameError),
}

/// A stream of messages about a number of persons.
#[derive(Debug)]
pub struct CommitLoad {
    provider: ProviderId,
    feed: FeedName,
    persons: Vec<(PersonId, Identity)>,
    batch: usize,
    start: Timestamp,
    next: u64,
}

/// What a stretch of commits took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stretch {
    /// Messages committed.
    pub messages: u64,
    /// Records created by them.
    pub created: u64,
    /// Time inside the commits.
    pub spent: Duration,
    /// Processor time of the committing thread inside the commits: what other work on the machine does not change.
    pub processor: Duration,
}

impl CommitLoad {
    /// Registers a provider and `persons` participants, each with a document and a linked number. `batch` messages are
    /// committed at once; `start` is the time of the first one.
    ///
    /// # Errors
    /// Those of the registry.
    pub fn prepare(registry: &dyn Registry, persons: u32, batch: usize, start: Timestamp) -> Result<Self, BenchError> {
        let actor = Actor("bench".to_owned());
        let provider = ProviderId("9265486345".to_owned());
        let domains = [Domain::Identification, Domain::Encounter, Domain::Laboratory];
        registry.put_provider(
            &Provider {
                id: provider.clone(),
                name: "Bench Hospital".to_owned(),
                name_zh: String::new(),
                kind: ProviderKind::Hospital,
                status: ProviderStatus::Registered,
                implied_since: Some(Timestamp::UNIX_EPOCH),
                domains: domains.into_iter().map(|domain| (domain, jiff::civil::date(2016, 3, 13))).collect(),
                locations: Default::default(),
            },
            &actor,
            start,
        )?;
        let mut load = Self {
            provider,
            feed: FeedName::parse("bench")?,
            persons: Vec::new(),
            batch: batch.max(1),
            start,
            next: 0,
        };
        for number in 0..persons {
            let new = load.person(number);
            let id = registry.add_person(&new, &actor, start)?.person.id;
            registry.record_event(&joining(id, start), &actor)?;
            let identity =
                Identity { local_numbers: new.local_numbers, demographics: new.demographics, ..Identity::default() };
            load.persons.push((id, identity));
        }
        Ok(load)
    }

    /// Commits messages until `records` records have been created in all.
    ///
    /// # Errors
    /// Those of the repository.
    pub fn run(&mut self, repository: &dyn Repository, records: u64) -> Result<Stretch, BenchError> {
        let mut stretch = Stretch::default();
        while stretch.created < records {
            let outcomes: Vec<Outcome> = (0..self.batch).filter_map(|_| self.message()).collect();
            let lookups: Vec<Lookup<'_>> = outcomes.iter().map(|outcome| self.lookup(outcome)).collect();
            let count = u64::try_from(outcomes.len()).unwrap_or(u64::MAX);
            let fence = Fence {
                partition: PartitionId(0),
                expect: Offset(self.next.saturating_sub(count)),
                next: Offset(self.next),
            };
            let now = self.at(self.next);
            let mut plan = Some(outcomes.clone());
            let (began, processor) = (Instant::now(), processor_time());
            let committed = repository.commit(fence, &lookups, now, &mut |_| Ok(plan.take().unwrap_or_default()))?;
            stretch.spent = stretch.spent.saturating_add(began.elapsed());
            let processor = processor_time().saturating_sub(processor);
            stretch.processor = stretch.processor.saturating_add(processor);
            stretch.messages = stretch.messages.saturating_add(count);
            let created = committed.outcomes.iter().map(|(_, effects)| effects.created).sum();
            stretch.created = stretch.created.saturating_add(created);
        }
        Ok(stretch)
    }

    fn lookup(&self, outcome: &Outcome) -> Lookup<'_> {
        let identity = self.persons.iter().find(|(id, _)| Some(*id) == outcome.person).map(|(_, identity)| identity);
        Lookup { provider: &self.provider, identity, message: None }
    }

    fn at(&self, number: u64) -> Timestamp {
        let after = jiff::SignedDuration::from_millis(i64::try_from(number).unwrap_or(i64::MAX));
        self.start.saturating_add(after).unwrap_or(self.start)
    }

    fn person(&self, number: u32) -> NewPerson {
        let day = i16::try_from(number % 28).unwrap_or(0);
        let birth = BirthDate::parse(&format!("19{:02}-{:02}-{:02}", number % 100, number % 12 + 1, day + 1));
        NewPerson {
            documents: vec![Document {
                kind: DocumentKind::Passport,
                issuer: "XXA".to_owned(),
                number: Phi::new(format!("B{number:07}")),
            }],
            demographics: Demographics {
                family: "CHAN".into(),
                given: Phi::new(format!("TAI MAN {number}")),
                chinese: "陳大文".into(),
                birth: birth.map(Phi::new),
                sex: Some(Sex::Male),
            },
            local_numbers: vec![LocalNumber {
                provider: self.provider.clone(),
                authority: "QMH".to_owned(),
                number: Phi::new(format!("Q{number}")),
            }],
        }
    }

    /// The next message. Persons take turns in an order that is not that of their numbers.
    fn message(&mut self) -> Option<Outcome> {
        let number = self.next;
        let count = u64::try_from(self.persons.len()).ok()?.max(1);
        let turn = usize::try_from(number.wrapping_mul(7919) % count).ok()?;
        let (person, identity) = self.persons.get(turn)?;
        let at = self.at(number);
        self.next = number.saturating_add(1);
        let domains = [Domain::Identification, Domain::Encounter, Domain::Laboratory];
        let decision =
            |domain| Decision { domain, verdict: Verdict::Permit, rule: "D6".into(), policy: PolicyVersion::V2025, at };
        let control_id = format!("1766400000000000000-{number}");
        Some(Outcome {
            facts: MessageFacts {
                position: Position { partition: PartitionId(0), offset: Offset(number) },
                trace: TraceId(uuid::Uuid::from_u128(u128::from(number) << 64 | 0x7000_0000_8000_0000)),
                feed: self.feed.clone(),
                format: Format::Hl7v2,
                provider: self.provider.clone(),
                sender: "CMS|QMH".to_owned(),
                kind: "ORU^R01".to_owned(),
                received_at: at,
                digest: Digest::of(control_id.as_bytes()),
                bytes: 1000,
                control_id_reused: false,
                control_id,
            },
            state: State::Accepted,
            reason: None,
            place: String::new(),
            person: Some(*person),
            subject_keys: Vec::new(),
            decisions: domains.into_iter().map(decision).collect(),
            records: self.records(number, turn, identity, at),
            notes: Vec::new(),
            links: Vec::new(),
            unmapped: Vec::new(),
            instance: None,
        })
    }

    fn records(&self, number: u64, turn: usize, identity: &Identity, at: Timestamp) -> Vec<Record> {
        let clock = VersionClock { rank: 2, at, offset: number };
        let record = |domain, kind: &str, parts: &[&str], resource: &dyn Fn(String) -> serde_json::Value| {
            let key = RecordKey::new(kind, &self.provider.0, parts);
            let resource = resource(key.resource_id()).into();
            let clinical_date = Some(at.to_zoned(jiff::tz::TimeZone::UTC).date());
            Record { domain, key, clock, clinical_date, level: Level::Coded, lacks: None, retracted: false, resource }
        };
        let (patient, order) = (format!("Q{turn}"), format!("LAB1766400000000000000-{number}"));
        let subject = RecordKey::new("Patient", &self.provider.0, &["QMH", &patient]).resource_id();
        let demographics = &identity.demographics;
        let mut records = vec![
            record(Domain::Identification, "Patient", &["QMH", &patient], &|id| {
                json!({"resourceType": "Patient", "id": id, "meta": {"source": "urn:causeway:9265486345:source:CMS:QMH"},
                    "identifier": [{"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                    "code": "MR"}]}, "system": "urn:causeway:9265486345:QMH", "value": patient}],
                    "name": [{"use": "official", "family": demographics.family, "given": [demographics.given]}],
                    "gender": "male", "birthDate": "1980-01-01", "address": [{"line": ["FLAT A"], "city": "HONG KONG",
                    "country": "HKG"}]})
            }),
            record(Domain::Encounter, "Encounter", &["QMH", &patient, &order], &|id| {
                json!({"resourceType": "Encounter", "id": id, "meta": {"source": "urn:causeway:9265486345:source:CMS:QMH"},
                    "status": "in-progress", "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                    "code": "AMB"}, "subject": {"reference": format!("Patient/{subject}")}, "participant": [{"type":
                    [{"coding": [{"code": "ATND"}]}], "individual": {"identifier": {"value": "DR001"}, "display":
                    "WONG SIU MING"}}], "location": [{"location": {"display": "MED QMH"}}]})
            }),
            record(Domain::Laboratory, "DiagnosticReport", &[&order, "57021-8"], &|id| {
                json!({"resourceType": "DiagnosticReport", "id": id, "meta": {"source":
                    "urn:causeway:9265486345:source:CMS:QMH"}, "identifier": [{"value": order}], "status": "final",
                    "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "HM"}]}],
                    "code": {"coding": [{"system": "http://loinc.org", "code": "57021-8", "display":
                    "CBC W Auto Differential panel"}]}, "subject": {"reference": format!("Patient/{subject}")},
                    "effectiveDateTime": "2026-11-01T09:00:00+08:00", "issued": "2026-11-01T09:25:00+08:00",
                    "conclusion": "Platelets repeated and confirmed."})
            }),
        ];
        let results = [
            ("718-7", "Hemoglobin", 13.5),
            ("6690-2", "Leukocytes", 7.2),
            ("777-3", "Platelets", 88.0),
            ("4544-3", "Hematocrit", 0.41),
        ];
        for (code, name, value) in results {
            records.push(record(Domain::Laboratory, "Observation", &[&order, code, "1"], &|id| {
                json!({"resourceType": "Observation", "id": id, "meta": {"source":
                    "urn:causeway:9265486345:source:CMS:QMH"}, "status": "final", "category": [{"coding": [{"system":
                    "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
                    "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": name}]},
                    "subject": {"reference": format!("Patient/{subject}")}, "effectiveDateTime":
                    "2026-11-01T09:00:00+08:00", "valueQuantity": {"value": value, "unit": "g/dL", "system":
                    "http://unitsofmeasure.org", "code": "g/dL"}, "referenceRange": [{"text": "13.0-17.0"}]})
            }));
        }
        records
    }
}

/// Processor time of this thread so far.
fn processor_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(now.tv_sec), u32::try_from(now.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanos.unwrap_or(0))
}

fn joining(person: PersonId, at: Timestamp) -> NewEvent {
    NewEvent {
        person,
        kind: ConsentEventKind::RegisterInPerson,
        provider: None,
        at,
        policy: PolicyVersion::V2025,
        by: "SELF".to_owned(),
        channel: "COUNTER".to_owned(),
    }
}
