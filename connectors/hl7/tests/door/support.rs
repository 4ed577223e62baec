//! A door with everything behind it, and a peer to knock on it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_core::ack::{Settled, Settlement as _};
use causeway_core::envelope::{Envelope, FeedName, Offset, Position};
use causeway_core::metric::{Metric, Metrics};
use causeway_core::outcome::State;
use causeway_core::port::{Appended, Clock, Completion, Entry, Log, LogError, PartitionState, ReadLimit};
use causeway_core::provider::ProviderId;
use causeway_core::reason::Reason;
use causeway_hl7::config::{DoorConfig, FeedConfig, SenderPattern};
use causeway_hl7::{Door, Drained, Ports, Sequences, Support, Suspect, Waiters};
use causeway_storage::log::embedded::{EmbeddedLog, EmbeddedLogSettings};
use jiff::Timestamp;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// How long anything may take before a test calls it stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// How long nothing may happen before a test believes that nothing will.
pub(crate) const SILENCE: Duration = Duration::from_millis(150);

/// Eight minutes past nine on a winter's morning in Hong Kong, for ever.
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

    fn all(&self) -> String {
        format!("{:#?}", self.0.lock().expect("numbers"))
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

/// The embedded log, whose word can be held back or replaced by a failure: for tests of what the door does then.
pub(crate) struct Wire {
    inner: Arc<EmbeddedLog>,
    appends: AtomicU64,
    holding: AtomicBool,
    held: Arc<Mutex<Vec<Held>>>,
    fault: Mutex<Option<Fault>>,
}

type Held = (Completion, Result<Appended, LogError>);

/// What goes wrong, from the n-th append on, counted from 1.
pub(crate) struct Fault {
    pub(crate) from: u64,
    pub(crate) how: How,
}

#[derive(Clone, Copy)]
pub(crate) enum How {
    /// The append is refused.
    Busy,
    /// The append is taken, and its completion says that the sync failed.
    SyncFails,
    /// The append is taken, and the completion is dropped uncalled.
    Forgotten,
}

impl Wire {
    /// Keeps the log's word back from now on.
    pub(crate) fn hold(&self) {
        self.holding.store(true, Ordering::SeqCst);
    }

    /// How many words are held back.
    pub(crate) fn held(&self) -> usize {
        self.held.lock().expect("held").len()
    }

    /// Lets the words go, in the order of `places` first and then the rest.
    pub(crate) fn release(&self, places: &[usize]) {
        self.holding.store(false, Ordering::SeqCst);
        let mut all: Vec<Option<Held>> = self.held.lock().expect("held").drain(..).map(Some).collect();
        let order: Vec<usize> = places.iter().copied().chain(0..all.len()).collect();
        for place in order {
            if let Some((done, result)) = all[place].take() {
                done(result);
            }
        }
    }

    pub(crate) fn fail(&self, fault: Fault) {
        *self.fault.lock().expect("fault") = Some(fault);
    }

    pub(crate) fn appends(&self) -> u64 {
        self.appends.load(Ordering::SeqCst)
    }

    fn fault_now(&self, append: u64) -> Option<How> {
        self.fault.lock().expect("fault").as_ref().filter(|fault| append >= fault.from).map(|fault| fault.how)
    }
}

impl Log for Wire {
    fn append(&self, envelope: Envelope, done: Completion) -> Result<(), LogError> {
        let append = self.appends.fetch_add(1, Ordering::SeqCst) + 1;
        match self.fault_now(append) {
            Some(How::Busy) => return Err(LogError::Busy),
            Some(How::SyncFails) => {
                let failed = |_| done(Err(LogError::Sync { cause: "planted".to_owned() }));
                return self.inner.append(envelope, Box::new(failed));
            }
            Some(How::Forgotten) => {
                drop(done);
                return Ok(());
            }
            None => {}
        }
        if self.holding.load(Ordering::SeqCst) {
            let held = Arc::clone(&self.held);
            let keep = move |result| held.lock().expect("held").push((done, result));
            return self.inner.append(envelope, Box::new(keep));
        }
        self.inner.append(envelope, done)
    }

    fn read(
        &self,
        partition: causeway_core::envelope::PartitionId,
        from: Offset,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError> {
        self.inner.read(partition, from, limit, wait)
    }

    fn entry(&self, position: Position) -> Result<Entry, LogError> {
        self.inner.entry(position)
    }

    fn partitions(&self) -> u16 {
        self.inner.partitions()
    }

    fn state(&self) -> Result<Vec<PartitionState>, LogError> {
        self.inner.state()
    }

    fn size_bytes(&self) -> Result<u64, LogError> {
        self.inner.size_bytes()
    }

    fn prune(&self, now: Timestamp, processed: &[Position]) -> Result<u64, LogError> {
        self.inner.prune(now, processed)
    }

    fn verify(&self) -> Result<u64, LogError> {
        self.inner.verify()
    }
}

/// A door that is open.
pub(crate) struct Hub {
    pub(crate) address: SocketAddr,
    pub(crate) wire: Arc<Wire>,
    /// What the door was given, for another door beside it.
    pub(crate) ports: Ports,
    pub(crate) numbers: Arc<Numbers>,
    pub(crate) waiters: Arc<Waiters>,
    pub(crate) paused: Arc<AtomicBool>,
    pub(crate) halts: Arc<AtomicU64>,
    /// What the repository knows, for messages sent again.
    pub(crate) outcomes: Arc<Mutex<Vec<Settled>>>,
    /// Who was refused as somebody who may not come in.
    pub(crate) suspects: Arc<Mutex<Vec<Suspect>>>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<Drained>,
    _dir: tempfile::TempDir,
}

/// A door with one feed, `lab`, for `LIS|QMH`.
pub(crate) fn config() -> DoorConfig {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    DoorConfig::new(listen, vec![feed("lab", "LIS|QMH")])
}

pub(crate) fn feed(name: &str, sender: &str) -> FeedConfig {
    let sender: SenderPattern = sender.parse().expect("sender");
    FeedConfig::new(FeedName::parse(name).expect("name"), ProviderId("9265486345".to_owned()), vec![sender])
}

/// A door with one feed like [`config`]'s, changed.
pub(crate) fn with_feed(change: impl FnOnce(&mut FeedConfig)) -> DoorConfig {
    let mut config = config();
    change(&mut config.feeds[0]);
    config
}

/// ADT and ORU are taken; A01, A08, A40 and R01 of them.
fn supports(code: &str, event: &str) -> Support {
    match (code, event) {
        ("ADT", "A01" | "A08" | "A40") | ("ORU", "R01" | "") => Support::Taken { patient: true },
        ("MFN", "M02") => Support::Taken { patient: false },
        ("ADT" | "ORU" | "MFN", _) => Support::EventUnknown,
        _ => Support::TypeUnknown,
    }
}

impl Hub {
    pub(crate) async fn open(config: DoorConfig) -> Self {
        let dir = tempfile::tempdir().expect("directory");
        let numbers = Arc::new(Numbers::default());
        let settings = EmbeddedLogSettings { disk_used_percent_max: 100, ..EmbeddedLogSettings::default() };
        let halt_log = Arc::new(|error: &LogError| panic!("the log halted: {error}"));
        let inner = EmbeddedLog::open(
            dir.path(),
            settings,
            Arc::new(Stopped),
            Arc::clone(&numbers) as Arc<dyn Metrics>,
            halt_log,
        )
        .expect("log");
        let wire = Arc::new(Wire {
            inner,
            appends: AtomicU64::new(0),
            holding: AtomicBool::new(false),
            held: Arc::default(),
            fault: Mutex::new(None),
        });
        let (waiters, paused, halts) = (Waiters::new(), Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let outcomes: Arc<Mutex<Vec<Settled>>> = Arc::default();
        let (is_paused, count_halts, known) = (Arc::clone(&paused), Arc::clone(&halts), Arc::clone(&outcomes));
        let suspects: Arc<Mutex<Vec<Suspect>>> = Arc::default();
        let suspected = Arc::clone(&suspects);
        let ports = Ports {
            log: Arc::clone(&wire) as Arc<dyn Log>,
            clock: Arc::new(Stopped),
            metrics: Arc::clone(&numbers) as Arc<dyn Metrics>,
            waiters: Arc::clone(&waiters),
            supports: Arc::new(supports),
            is_paused: Arc::new(move |_| is_paused.load(Ordering::SeqCst)),
            halt: Arc::new(move |_| {
                count_halts.fetch_add(1, Ordering::SeqCst);
            }),
            outcome_of: Arc::new(move |position| {
                known.lock().expect("outcomes").iter().find(|settled| settled.position == position).cloned()
            }),
            sequences: Sequences { last: Arc::new(|_| Ok(None)), keep: Arc::new(|_, _, _| Ok(true)) },
            suspect: Arc::new(move |suspect| suspected.lock().expect("suspects").push(suspect.clone())),
        };
        let door = Door::open(config, ports.clone()).await.expect("door");
        let address = door.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(door.serve(async move { drop(stopped.await) }));
        Self {
            address,
            wire,
            ports,
            numbers,
            waiters,
            paused,
            halts,
            outcomes,
            suspects,
            stop: Some(stop),
            served,
            _dir: dir,
        }
    }

    pub(crate) async fn peer(&self) -> Peer {
        Peer::new(TcpStream::connect(self.address).await.expect("connection"))
    }

    /// Everything in the log, ordered by control id.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let limit = ReadLimit { count_max: 10_000, bytes_max: usize::MAX };
        let read =
            |state: PartitionState| self.wire.read(state.partition, Offset(0), limit, Duration::ZERO).expect("entries");
        let mut all: Vec<Entry> = self.wire.state().expect("state").into_iter().flat_map(read).collect();
        all.sort_by(|a, b| a.envelope.control_id.cmp(&b.envelope.control_id));
        all
    }

    /// The one entry there is.
    pub(crate) fn only_entry(&self) -> Entry {
        let mut entries = self.entries();
        assert_eq!(entries.len(), 1, "{entries:?}");
        entries.remove(0)
    }

    /// What the router says of a committed message.
    pub(crate) fn settle(&self, position: Position, state: State, reason: Option<Reason>) -> Settled {
        let feed = FeedName::parse("lab").expect("name");
        let settled = Settled { position, feed, state, reason, at: Stopped.now() };
        self.waiters.settled(std::slice::from_ref(&settled));
        settled
    }

    /// Bytes that formed no message, by cause, of no feed.
    pub(crate) fn frames_refused(&self, cause: &str) -> f64 {
        self.numbers.get(&format!("frames_refused_total[\"-\", \"{cause}\"]"))
    }

    /// Waits until a number is what it should be.
    pub(crate) async fn until(&self, key: &str, value: f64) {
        let is_there = until(|| (self.numbers.get(key) - value).abs() < 0.5).await;
        assert!(is_there, "{key} is not {value} but {}: {}", self.numbers.get(key), self.numbers.all());
    }

    /// Asks the door to close.
    pub(crate) fn begin_stop(&mut self) {
        self.stop.take().expect("still open").send(()).expect("serving");
    }

    /// Waits until it is closed.
    pub(crate) async fn stopped(self) -> Drained {
        timeout(Duration::from_secs(30), self.served).await.expect("in time").expect("no panic")
    }
}

/// Waits for a condition, up to [`PATIENCE`].
pub(crate) async fn until(condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        sleep(Duration::from_millis(2)).await;
    }
    true
}

/// A sender, byte by byte.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Peer {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("option");
        Self { stream, read: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("in time").expect("written");
    }

    /// Sends a message in its frame.
    pub(crate) async fn send(&mut self, message: &str) {
        self.write(&framed(message.as_bytes())).await;
    }

    /// The payload of the next answer.
    pub(crate) async fn answer_bytes(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.read.windows(2).position(|pair| pair == [0x1c, 0x0d]) {
                let frame: Vec<u8> = self.read.drain(..end + 2).collect();
                assert_eq!(frame[0], 0x0b, "{}", String::from_utf8_lossy(&frame));
                return frame[1..end].to_vec();
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await;
            assert_ne!(read.expect("an answer in time").expect("connection"), 0, "closed without an answer");
        }
    }

    pub(crate) async fn answer(&mut self) -> String {
        String::from_utf8(self.answer_bytes().await).expect("text")
    }

    /// MSA and what follows it in the next answer.
    pub(crate) async fn msa(&mut self) -> String {
        let answer = self.answer().await;
        answer.split_once('\r').unwrap_or_else(|| panic!("{answer:?}")).1.to_owned()
    }

    /// Sends a message and gives MSA-1 and MSA-2 of its answer, as `AA|7`.
    pub(crate) async fn exchange(&mut self, message: &str) -> String {
        self.send(message).await;
        short(&self.msa().await)
    }

    /// Nothing comes, and the connection stays.
    pub(crate) async fn hears_nothing(&mut self) {
        assert_eq!(self.read, b"");
        let read = timeout(SILENCE, self.stream.read_buf(&mut self.read)).await;
        assert!(read.is_err(), "heard {read:?}: {}", String::from_utf8_lossy(&self.read));
    }

    /// The door closes the connection, without another byte.
    pub(crate) async fn sees_the_end(mut self) {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.read)).await.expect("closed in time");
        assert!(matches!(read, Ok(0) | Err(_)), "heard {}", String::from_utf8_lossy(&self.read));
        assert_eq!(self.read, b"");
    }
}

/// MSA-1 and MSA-2, as `AA|7`.
pub(crate) fn short(msa: &str) -> String {
    let fields: Vec<&str> = msa.split('\r').next().unwrap_or_default().split('|').collect();
    assert_eq!(fields[0], "MSA", "{msa}");
    format!("{}|{}", fields[1], fields[2])
}

/// MSA-1.
pub(crate) fn code(msa: &str) -> String {
    short(msa).split('|').next().unwrap_or_default().to_owned()
}

pub(crate) fn framed(payload: &[u8]) -> Vec<u8> {
    [b"\x0b", payload, b"\x1c\r"].concat()
}

/// A message in original mode.
pub(crate) fn message(id: &str) -> String {
    format!("MSH|^~\\&|LIS|QMH|CAUSEWAY|EHR|20261101093000||ADT^A08^ADT_A01|{id}|P|2.5\r{PID}")
}

/// A message that asks for acknowledgements by MSH-15 and MSH-16.
pub(crate) fn enhanced(id: &str, accept: &str, application: &str) -> String {
    format!("MSH|^~\\&|LIS|QMH|CAUSEWAY|EHR|20261101093000||ADT^A08^ADT_A01|{id}|P|2.5|||{accept}|{application}\r{PID}")
}

pub(crate) const PID: &str = "PID|1||H2001^^^QMH^MR||CHAN^TAI MAN||19800101|M\r";
