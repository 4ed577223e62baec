//! A door with everything behind it, and clients to knock on it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_core::dicom::claim::Claim;
use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::{FeedName, Offset, PartitionId};
use causeway_core::metric::{Metric, Metrics};
use causeway_core::port::{BlobStore as _, Clock, Entry, Log, ReadLimit};
use causeway_core::provider::ProviderId;
use causeway_dicom::client::{Client, ClientError, ClientSettings};
use causeway_dicom::config::{DicomDoorConfig, DicomFeedConfig};
use causeway_dicom::pdu::Proposal;
use causeway_dicom::{Door, Drained, Ports};
use causeway_storage::blob::folder::FolderBlobs;
use causeway_storage::blob::folder_settings::FolderBlobSettings;
use causeway_storage::log::embedded::{EmbeddedLog, EmbeddedLogSettings};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long anything may take before a test calls it stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
pub(crate) const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub(crate) const VERIFICATION: &str = "1.2.840.10008.1.1";

/// A winter's morning in Hong Kong, for ever.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_793_496_480).expect("timestamp")
    }
}

/// Numbers that can be read.
#[derive(Default)]
pub(crate) struct Numbers(Mutex<BTreeMap<String, f64>>);

impl Numbers {
    fn change(&self, metric: &Metric, labels: &[&str], change: impl FnOnce(&mut f64)) {
        assert_eq!(metric.labels.len(), labels.len(), "{} wants {:?}", metric.name, metric.labels);
        let key = format!("{}{labels:?}", metric.name.trim_start_matches("causeway_"));
        change(self.0.lock().expect("numbers").entry(key).or_default());
    }

    /// One of them, by its name without `causeway_` and its labels as `Debug` shows them; 0 when there is none.
    pub(crate) fn get(&self, key: &str) -> f64 {
        self.0.lock().expect("numbers").get(key).copied().unwrap_or_default()
    }
}

impl Metrics for Numbers {
    fn add(&self, metric: &'static Metric, labels: &[&str], by: u64) {
        self.change(metric, labels, |value| *value += u32::try_from(by).map(f64::from).expect("small"));
    }

    fn set(&self, metric: &'static Metric, labels: &[&str], to: f64) {
        self.change(metric, labels, |value| *value = to);
    }

    fn observe(&self, metric: &'static Metric, labels: &[&str], _seconds: f64) {
        self.change(metric, labels, |value| *value += 1.0);
    }
}

/// A door with log and store.
pub(crate) struct Hub {
    pub(crate) dir: TempDir,
    pub(crate) log: Arc<EmbeddedLog>,
    pub(crate) blobs: Arc<FolderBlobs>,
    pub(crate) numbers: Arc<Numbers>,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Drained>,
}

pub(crate) fn feed(title: &str) -> DicomFeedConfig {
    let name = FeedName::parse("pacs").expect("a name");
    DicomFeedConfig::new(name, ProviderId("1000000001".to_owned()), vec![title.to_owned()])
}

impl Hub {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut DicomDoorConfig)) -> Self {
        Self::behind(change, FolderBlobSettings { free_bytes_min: 0, ..FolderBlobSettings::default() }).await
    }

    pub(crate) async fn behind(change: impl FnOnce(&mut DicomDoorConfig), store: FolderBlobSettings) -> Self {
        let dir = TempDir::new().expect("a folder");
        let settings = EmbeddedLogSettings::default();
        let numbers = Arc::new(Numbers::default());
        let log = EmbeddedLog::open(
            &dir.path().join("log"),
            settings,
            Arc::new(Stopped),
            Arc::clone(&numbers) as _,
            Arc::new(|_| {}),
        );
        let log = log.expect("the log opens");
        let blobs = Arc::new(FolderBlobs::open(&dir.path().join("blobs"), store).expect("the store opens"));
        let mut config = DicomDoorConfig::new("127.0.0.1:0".parse().expect("an address"), vec![feed("CT1")]);
        change(&mut config);
        let ports = ports(&log, &blobs, &numbers);
        let door = Door::open(config, ports).await.expect("the door opens");
        let address = door.address();
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(door.serve(async {
            stopped.await.ok();
        }));
        Self { dir, log, blobs, numbers, address, stop: Some(stop), served }
    }

    /// What everything that takes instances is given.
    pub(crate) fn ports(&self) -> Ports {
        ports(&self.log, &self.blobs, &self.numbers)
    }

    /// Stops the door; gives how it was left.
    pub(crate) async fn stop(&mut self) -> Drained {
        self.stop.take().expect("once").send(()).expect("the door runs");
        timeout(PATIENCE, &mut self.served).await.expect("in time").expect("no panic")
    }

    /// Everything in the log.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let limit = ReadLimit { count_max: 1000, bytes_max: 1 << 24 };
        let read =
            |partition| self.log.read(PartitionId(partition), Offset(0), limit, Duration::ZERO).expect("readable");
        let mut entries: Vec<Entry> = (0..self.log.partitions()).flat_map(read).collect();
        entries.sort_by_key(|entry| entry.position);
        entries
    }

    pub(crate) fn claims(&self) -> Vec<Claim> {
        let entries = self.entries();
        entries.iter().map(|entry| Claim::read(entry.envelope.body.expose()).expect("a claim")).collect()
    }

    /// The data set kept for a claim.
    pub(crate) fn data_set(&self, claim: &Claim) -> Vec<u8> {
        let bytes = usize::try_from(claim.bytes).expect("short");
        let file = self.blobs.read(&claim.blob, 0, bytes).expect("a blob");
        assert_eq!(file.len(), bytes);
        file[usize::try_from(claim.data_set_at).expect("short")..].to_vec()
    }

    pub(crate) fn blob_count(&self) -> usize {
        self.blobs.list(None, 1000).expect("listed").len()
    }

    /// Files that unfinished writers left behind; empty ones are kept ready for the next.
    pub(crate) fn unfinished(&self) -> usize {
        let files = std::fs::read_dir(self.dir.path().join("blobs/unfinished")).expect("a folder");
        // One that is gone by now was finished or given up.
        files.filter_map(|file| file.and_then(|file| file.metadata()).ok()).filter(|about| about.len() > 0).count()
    }

    pub(crate) async fn client(&self, contexts: &[(&str, &[&str])]) -> Result<Client, ClientError> {
        self.client_as("CT1", "CAUSEWAY", contexts).await
    }

    pub(crate) async fn client_as(
        &self,
        calling: &str,
        called: &str,
        contexts: &[(&str, &[&str])],
    ) -> Result<Client, ClientError> {
        let settings =
            ClientSettings { calling: calling.to_owned(), called: called.to_owned(), timeout: PATIENCE, tls: None };
        let proposals = contexts.iter().enumerate().map(|(place, (class, syntaxes))| Proposal {
            id: u8::try_from(place * 2 + 1).expect("few"),
            abstract_syntax: uid(class),
            transfer_syntaxes: syntaxes.iter().map(|syntax| uid(syntax)).collect(),
        });
        Client::open(&self.address.to_string(), &settings, proposals.collect(), Vec::new()).await
    }

    /// A raw connection.
    pub(crate) async fn raw(&self) -> Raw {
        Raw(TcpStream::connect(self.address).await.expect("a connection"))
    }

    /// A raw connection with an association for CT in Explicit VR Little Endian, as context 1.
    pub(crate) async fn raw_open(&self) -> Raw {
        let mut raw = self.raw().await;
        raw.send(&request("CT1", "CAUSEWAY")).await;
        assert_eq!(raw.unit().await.expect("an answer").0, 2);
        raw
    }
}

fn ports(log: &Arc<EmbeddedLog>, blobs: &Arc<FolderBlobs>, numbers: &Arc<Numbers>) -> Ports {
    Ports {
        log: Arc::clone(log) as _,
        blobs: Arc::clone(blobs) as _,
        clock: Arc::new(Stopped),
        metrics: Arc::clone(numbers) as _,
        is_paused: Arc::new(|_| false),
        suspect: Arc::new(|_| {}),
        refused: Arc::new(|_| {}),
        repository: None,
        safekeeping: None,
        halt: Arc::new(|_| {}),
    }
}

pub(crate) fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("a uid")
}

/// An A-ASSOCIATE-RQ for CT in Explicit VR Little Endian, as context 1.
pub(crate) fn request(calling: &str, called: &str) -> Vec<u8> {
    causeway_dicom::pdu::proposed(&causeway_dicom::pdu::Request {
        version: 1,
        called: called.to_owned(),
        calling: calling.to_owned(),
        application_context: causeway_dicom::pdu::APPLICATION_CONTEXT.to_owned(),
        contexts: vec![Proposal {
            id: 1,
            abstract_syntax: uid(CT),
            transfer_syntaxes: vec![uid(causeway_dicom::syntax::EXPLICIT_LITTLE)],
        }],
        pdu_bytes_max: 0,
        roles: Vec::new(),
    })
}

/// A connection that says what it likes.
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("sent");
    }

    /// The next unit: type and body; `None` when the connection is closed.
    pub(crate) async fn unit(&mut self) -> Option<(u8, Vec<u8>)> {
        timeout(PATIENCE, async {
            let mut head = [0; 6];
            self.0.read_exact(&mut head).await.ok()?;
            let mut body = vec![0; u32::from_be_bytes([head[2], head[3], head[4], head[5]]).try_into().expect("short")];
            self.0.read_exact(&mut body).await.ok()?;
            Some((head[0], body))
        })
        .await
        .expect("an answer in time")
    }

    /// Expects an A-ABORT with this source and reason, and the close.
    pub(crate) async fn aborted(&mut self, source: u8, reason: u8) {
        assert_eq!(self.unit().await, Some((7, vec![0, 0, source, reason])));
        assert_eq!(self.unit().await, None);
    }

    /// Expects an A-ASSOCIATE-RJ, and the close.
    pub(crate) async fn rejected(&mut self, result: u8, source: u8, reason: u8) {
        assert_eq!(self.unit().await, Some((3, vec![0, result, source, reason])));
        assert_eq!(self.unit().await, None);
    }
}

/// A unit of this type.
pub(crate) fn unit(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut unit = vec![kind, 0];
    unit.extend(u32::try_from(body.len()).expect("short").to_be_bytes());
    unit.extend(body);
    unit
}

/// A presentation data value.
pub(crate) fn value(context: u8, control: u8, bytes: &[u8]) -> Vec<u8> {
    let mut value = u32::try_from(bytes.len() + 2).expect("short").to_be_bytes().to_vec();
    value.extend([context, control]);
    value.extend(bytes);
    value
}

/// A C-STORE-RQ command set.
pub(crate) fn store_command(class: &str, instance: &str) -> Vec<u8> {
    let mut command = causeway_dicom::dimse::CommandWriter::request(1, 1, true);
    command.uid(0x0002, &uid(class)).uid(0x1000, &uid(instance)).number(0x0700, 0);
    command.bytes()
}

/// The status of an answer.
pub(crate) fn status(body: &[u8]) -> u16 {
    let command = causeway_dicom::dimse::Command::read(&body[6..]).expect("an answer");
    command.status.expect("a status")
}

/// Waits until something holds.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds() {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::task::yield_now().await;
    }
}
