//! A small hub in a temporary folder. Everything is the real thing but the mapper, which reads a form of messages that
//! can be written in a test on one line, and can be told to fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use causeway_core::ack::{Settled, Settlement};
use causeway_core::consent::ConsentEventKind;
use causeway_core::envelope::{Digest, Envelope, FeedName, Format, Offset, PartitionId, Position, Refusal, TraceId};
use causeway_core::feed::{CharsetRule, FeedSettings};
use causeway_core::mapped::{Attachment, Fault, Identity, Mapped, Prior};
use causeway_core::metric::Silent;
use causeway_core::outcome::State;
use causeway_core::person::{BirthDate, Demographics, Document, DocumentKind, LocalNumber, PersonId, Sex};
use causeway_core::phi::Phi;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::{
    AccessGrant, Actor, Clock, Log as _, Map, MessageQuery, MessageRow, NewEvent, NewPerson, RecordQuery, RecordRow,
    Registry, Repository,
};
use causeway_core::provider::{Provider, ProviderId, ProviderKind, ProviderStatus};
use causeway_core::reason::Reason;
use causeway_core::record::{Record, RecordKey, VersionClock};
use causeway_core::scope::{Domain, Level};
use causeway_storage::blob::folder::FolderBlobs;
use causeway_storage::blob::folder_settings::FolderBlobSettings;
use causeway_storage::log::embedded::{EmbeddedLog, EmbeddedLogSettings};
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{Router, Settings, Step};

/// 1 June 2026 in Hong Kong, when policy 2025 is in force.
const START: i64 = 1_780_243_200;

/// The one partition of these hubs.
pub(super) const LANE: PartitionId = PartitionId(0);

/// A clock that stands until it is set forward.
pub(super) struct Hand(AtomicI64);

impl Hand {
    pub(super) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).expect("in range")
    }
}

/// Remembers what was told.
#[derive(Default)]
pub(super) struct Told(pub(super) Mutex<Vec<Settled>>);

impl Settlement for Told {
    fn settled(&self, batch: &[Settled]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(batch);
    }
}

/// Reads messages as [`lab`] writes them.
pub(super) struct Plain(pub(super) FeedSettings);

impl Map for Plain {
    fn map_with(&self, envelope: &Envelope, _documents: &[causeway_core::fetch::Document]) -> Mapped {
        self.map(envelope)
    }

    fn map(&self, envelope: &Envelope) -> Mapped {
        let body: Value = serde_json::from_slice(envelope.body.expose()).expect("JSON");
        assert!(body["panic"].is_null(), "as told");
        let readable = body["charset"].is_null() || self.0.charset == CharsetRule::Force("BIG-5".to_owned());
        if !readable || !body["fault"].is_null() {
            let reason = if readable { Reason::Unmappable } else { Reason::Undecodable };
            let fault = Fault { reason, place: "OBX[1]-5".to_owned(), offset: None, text: String::new() };
            return Mapped { faults: vec![fault], ..Mapped::default() };
        }
        let own = body["mrn"].as_str().map(|value| number(&self.0.provider.0, value));
        let foreign = body["foreign"].as_str().map(|value| number("1000000002", value));
        let identity = Identity {
            documents: body["hkid"].as_str().map(hkid).into_iter().collect(),
            hkid_check_failed: false,
            local_numbers: own.into_iter().chain(foreign).collect(),
            demographics: chan_tai_man(),
            prior: Prior::default(),
        };
        let record = Record {
            domain: Domain::Laboratory,
            key: RecordKey::new("Observation", &self.0.provider.0, &[body["key"].as_str().expect("a key")]),
            clock: VersionClock {
                rank: u8::try_from(body["rank"].as_u64().expect("a rank")).expect("small"),
                at: Timestamp::from_second(START + body["second"].as_i64().expect("a second")).expect("in range"),
                offset: 0,
            },
            clinical_date: None,
            level: Level::Coded,
            lacks: None,
            retracted: false,
            resource: json!({
                "resourceType": "Observation", "valueString": body["value"],
                "url": body["points_to"].as_str().map(|text| format!("Binary/{}", Digest::of(text.as_bytes()))),
            })
            .into(),
        };
        let documents = body["documents"].as_array().into_iter().flatten().filter_map(Value::as_str);
        Mapped {
            identity: Some(identity),
            records: vec![record],
            attachments: documents.map(document).collect(),
            ..Mapped::default()
        }
    }
}

fn document(text: &str) -> Attachment {
    let bytes = text.as_bytes();
    Attachment { digest: Digest::of(bytes), content_type: "text/plain".to_owned(), bytes: Phi::new(bytes.into()) }
}

/// A laboratory result of CHAN TAI MAN.
pub(super) fn lab(hkid: &str, key: &str, rank: u8, second: i64, value: &str) -> Value {
    json!({ "hkid": hkid, "mrn": format!("MRN-{hkid}"), "key": key, "rank": rank, "second": second, "value": value })
}

pub(super) fn hkid(number: &str) -> Document {
    Document { kind: DocumentKind::Hkid, issuer: String::new(), number: number.into() }
}

pub(super) fn number(provider: &str, value: &str) -> LocalNumber {
    LocalNumber { provider: ProviderId(provider.to_owned()), authority: "QMH".to_owned(), number: value.into() }
}

fn chan_tai_man() -> Demographics {
    Demographics {
        family: "CHAN".into(),
        given: "TAI MAN".into(),
        chinese: Phi::default(),
        birth: BirthDate::parse("19830114").map(Phi::new),
        sex: Some(Sex::Male),
    }
}

pub(super) struct Hub {
    pub(super) clock: Arc<Hand>,
    pub(super) log: Arc<EmbeddedLog>,
    pub(super) store: Arc<SqliteRepository>,
    pub(super) told: Arc<Told>,
    pub(super) router: Router,
    /// What is sent.
    pub(super) format: Format,
    sent: u64,
    dir: tempfile::TempDir,
}

impl Hub {
    /// A hub with one registered provider, allowed to share everything of any date.
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(Hand(AtomicI64::new(START)));
        let settings =
            EmbeddedLogSettings { partitions: 1, retention_age: Duration::from_secs(60), ..Default::default() };
        let halt = Arc::new(|error: &causeway_core::port::LogError| panic!("{error}"));
        let log = EmbeddedLog::open(&dir.path().join("log"), settings, clock.clone(), Arc::new(Silent), halt);
        let (log, store) = (log.expect("a log"), open_store(&dir, "repository.db"));
        let told = Arc::new(Told::default());
        let feed = FeedSettings::new(feed(), Format::Hl7v2, ProviderId("1000000001".to_owned()));
        let router = Router {
            log: log.clone(),
            map: Arc::new(Plain(feed.clone())),
            repository: store.clone(),
            blobs: Arc::new(blobs(&dir)),
            clock: clock.clone(),
            metrics: Arc::new(Silent),
            settlement: told.clone(),
            feeds: Arc::new([(feed.name.clone(), feed)].into()),
            pause: Arc::new(|_| panic!("nothing is to be tried again")),
            settings: Settings { read_wait: Duration::ZERO, ..Settings::default() },
        };
        let hub = Self { clock, log, store, told, router, format: Format::Hl7v2, sent: 0, dir };
        hub.provider(ProviderStatus::Registered);
        hub
    }

    /// Forgets the repository and the registry, and keeps the log.
    pub(super) fn with_an_empty_repository(&mut self) {
        self.store = open_store(&self.dir, "rebuilt.db");
        self.router.repository = self.store.clone();
        self.provider(ProviderStatus::Registered);
    }

    pub(super) fn provider(&self, status: ProviderStatus) {
        let provider = Provider {
            id: ProviderId("1000000001".to_owned()),
            name: String::new(),
            name_zh: String::new(),
            kind: ProviderKind::Laboratory,
            status,
            implied_since: None,
            domains: Domain::ALL.iter().map(|domain| (*domain, jiff::civil::date(2016, 3, 13))).collect(),
            locations: Default::default(),
        };
        self.store.put_provider(&provider, &actor(), self.clock.now()).expect("a provider");
    }

    pub(super) fn person(&self, number: &str) -> PersonId {
        let new = NewPerson { documents: vec![hkid(number)], demographics: chan_tai_man(), local_numbers: Vec::new() };
        self.store.add_person(&new, &actor(), self.clock.now()).expect("a person").person.id
    }

    pub(super) fn event(&self, person: PersonId, kind: ConsentEventKind, policy: PolicyVersion) {
        let event = NewEvent {
            person,
            kind,
            provider: Some(ProviderId("1000000001".to_owned())),
            at: self.clock.now(),
            policy,
            by: "SELF".to_owned(),
            channel: "COUNTER".to_owned(),
        };
        self.store.record_event(&event, &actor()).expect("possible");
    }

    /// A participant under policy 2025.
    pub(super) fn participant(&self, number: &str) -> PersonId {
        let person = self.person(number);
        self.event(person, ConsentEventKind::RegisterInPerson, PolicyVersion::V2025);
        person
    }

    /// Puts a message into the log.
    pub(super) fn receive(&mut self, body: &Value) -> Position {
        self.append(body, None)()
    }

    /// Puts one into the log that the door refused.
    pub(super) fn receive_refused(&mut self, body: &Value, reason: Reason) -> Position {
        self.append(body, Some(Refusal { reason, place: "MSH-18".to_owned() }))()
    }

    /// Puts the bytes of a real message into the log.
    pub(super) fn receive_bytes(&mut self, bytes: Vec<u8>) -> Position {
        self.append_bytes(bytes, None)()
    }

    /// Puts many into the log, in order.
    pub(super) fn receive_all(&mut self, bodies: impl IntoIterator<Item = Value>) -> Vec<Position> {
        let durable: Vec<_> = bodies.into_iter().map(|body| self.append(&body, None)).collect();
        durable.into_iter().map(|position| position()).collect()
    }

    /// Queues a message; what is returned waits until it is durable.
    fn append(&mut self, body: &Value, refusal: Option<Refusal>) -> impl FnOnce() -> Position + use<> {
        self.append_bytes(body.to_string().into_bytes(), refusal)
    }

    fn append_bytes(&mut self, bytes: Vec<u8>, refusal: Option<Refusal>) -> impl FnOnce() -> Position + use<> {
        let envelope = self.envelope(bytes, refusal);
        let (done, durable) = mpsc::channel();
        let completion = Box::new(move |result| drop(done.send(result)));
        self.log.append(envelope, completion).expect("taken");
        move || durable.recv_timeout(Duration::from_secs(30)).expect("answered").expect("durable").position
    }

    /// The next message as a door would hand it to the log.
    pub(super) fn envelope(&mut self, bytes: Vec<u8>, refusal: Option<Refusal>) -> Envelope {
        self.sent += 1;
        Envelope {
            trace: TraceId(uuid::Uuid::from_u128(u128::from(self.sent))),
            feed: feed(),
            format: self.format,
            sender: "LIS|LABX".to_owned(),
            control_id: format!("LABX-{}", self.sent),
            kind: "ORU^R01".to_owned(),
            patient_key: Phi::from("P"),
            received_at: self.clock.now(),
            digest: Digest::of(&bytes),
            refusal,
            body: Phi::new(bytes.into()),
        }
    }

    /// Steps until the log is processed.
    pub(super) fn process(&self) {
        while self.router.step(LANE).expect("a step") != Step::Idle {}
    }

    pub(super) fn message(&self, position: Position) -> MessageRow {
        let mut found = self.store.trace(&position.to_string()).expect("readable");
        assert_eq!(found.len(), 1, "one message at {position}");
        found.remove(0).row
    }

    /// State and reason of one message.
    pub(super) fn ended(&self, position: Position) -> (State, Option<Reason>) {
        let row = self.message(position);
        (row.state, row.reason)
    }

    pub(super) fn messages(&self) -> Vec<MessageRow> {
        self.store.messages(&MessageQuery { limit: 1_000, ..MessageQuery::default() }).expect("readable")
    }

    /// The current records of one person.
    pub(super) fn records(&self, person: PersonId) -> Vec<RecordRow> {
        let grant = AccessGrant::operator(actor(), "test".to_owned());
        let query = RecordQuery { person: Some(person), limit: 1_000, ..RecordQuery::default() };
        self.store.records(&grant, &query, self.clock.now()).expect("readable")
    }

    /// The current records, with those their senders took back.
    pub(super) fn records_and_retracted(&self, person: PersonId) -> Vec<RecordRow> {
        let grant = AccessGrant::operator(actor(), "test".to_owned());
        let query = RecordQuery { person: Some(person), retracted: true, limit: 1_000, ..RecordQuery::default() };
        self.store.records(&grant, &query, self.clock.now()).expect("readable")
    }

    /// The current values, by record key.
    pub(super) fn values(&self, person: PersonId) -> Vec<(String, String)> {
        let rows = self.records(person);
        let value = |resource: &Value| resource["valueString"].as_str().expect("a value").to_owned();
        let mut values: Vec<_> = rows.into_iter().map(|row| (row.key.0, value(&row.resource))).collect();
        values.sort_unstable();
        values
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.log.close();
    }
}

fn blobs(dir: &tempfile::TempDir) -> FolderBlobs {
    let settings = FolderBlobSettings { free_bytes_min: 0, blob_bytes_max: 1000 };
    FolderBlobs::open(&dir.path().join("blobs"), settings).expect("a blob store")
}

fn open_store(dir: &tempfile::TempDir, name: &str) -> Arc<SqliteRepository> {
    Arc::new(SqliteRepository::open(&dir.path().join(name), SqliteSettings::default()).expect("a repository"))
}

pub(super) fn actor() -> Actor {
    Actor("test".to_owned())
}

pub(super) fn feed() -> FeedName {
    FeedName::parse("lab-x").expect("a name")
}

pub(super) fn at(offset: u64) -> Position {
    Position { partition: LANE, offset: Offset(offset) }
}
