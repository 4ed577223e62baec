//! The contract of the log port, for the log on Kafka, with a real broker.

#![cfg(feature = "kafka")]
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

#[path = "log_kafka/server.rs"]
mod server;
#[path = "log_kafka/support.rs"]
mod support;

use std::sync::Arc;

use causeway_core::contract::log::{Needs, Subject};
use causeway_core::port::Log;
use causeway_storage::log::kafka::KafkaLogSettings;

/// A log in a topic of its own.
struct Kafka(KafkaLogSettings);

impl Subject for Kafka {
    fn open(&self) -> Arc<dyn Log> {
        support::open(&self.0).expect("the log opens")
    }
}

fn kafka(needs: &Needs) -> Box<dyn Subject> {
    let settings = KafkaLogSettings {
        partitions: needs.partitions,
        queue_max: needs.queue_max,
        message_bytes_max: u64::try_from(needs.entry_bytes_max).expect("size"),
        retention_age: needs.retention_age,
        ..server::settings()
    };
    support::create(&settings);
    Box::new(Kafka(settings))
}

causeway_core::log_contract!(kafka);

/// The same with a blob store for large envelopes, so small a bound that many bodies of the contract are claims; and what
/// only claims promise.
mod with_claims {
    use std::sync::Mutex;
    use std::sync::mpsc::Receiver;
    use std::time::Duration;

    use causeway_core::contract::log::{Needs, PATIENCE, Subject, envelope};
    use causeway_core::envelope::{Digest, Offset, PartitionId, Position};
    use causeway_core::port::{BlobError, BlobRow, BlobStore, BlobWriter, Log, LogError, ReadLimit, SharedBlobs};
    use causeway_storage::blob::folder::FolderBlobs;
    use causeway_storage::blob::folder_settings::FolderBlobSettings;
    use causeway_storage::log::claims::{ClaimLimits, ClaimedLog};
    use jiff::Timestamp;

    use super::{Arc, KafkaLogSettings, server, support};

    /// A log in a topic of its own, with a folder.
    struct Claimed {
        log: KafkaLogSettings,
        folder: FolderBlobSettings,
        dir: tempfile::TempDir,
    }

    impl Claimed {
        fn new(needs: &Needs) -> Self {
            let bytes_max = u64::try_from(needs.entry_bytes_max).expect("size");
            let log = KafkaLogSettings {
                partitions: needs.partitions,
                queue_max: needs.queue_max,
                message_bytes_max: 20_000,
                retention_age: needs.retention_age,
                ..server::settings()
            };
            support::create(&log);
            let folder = FolderBlobSettings { blob_bytes_max: bytes_max, free_bytes_min: 0 };
            Self { log, folder, dir: tempfile::tempdir().expect("a folder") }
        }

        fn with(&self, blobs: SharedBlobs) -> Arc<dyn Log> {
            let log = support::open(&self.log).expect("the log opens");
            let limits = ClaimLimits {
                above: 200,
                bytes_max: self.folder.blob_bytes_max,
                queue_max: self.log.queue_max,
                queue_bytes_max: self.log.queue_bytes_max,
            };
            Arc::new(ClaimedLog::new(log, blobs, limits).expect("threads"))
        }

        fn blobs(&self) -> Arc<FolderBlobs> {
            Arc::new(FolderBlobs::open(self.dir.path(), self.folder.clone()).expect("a store"))
        }
    }

    impl Subject for Claimed {
        fn open(&self) -> Arc<dyn Log> {
            self.with(self.blobs())
        }
    }

    fn claimed(needs: &Needs) -> Box<dyn Subject> {
        Box::new(Claimed::new(needs))
    }

    causeway_core::log_contract!(claimed);

    const FIRST: Position = Position { partition: PartitionId(0), offset: Offset(0) };

    fn put(log: &dyn Log, number: u64, body: &[u8]) {
        let (done, answer) = std::sync::mpsc::channel();
        log.append(envelope(number, body), Box::new(move |result| drop(done.send(result)))).expect("taken");
        answer.recv_timeout(PATIENCE).expect("answered").expect("durable");
    }

    #[test]
    fn a_message_above_the_brokers_limit_is_a_small_claim_in_the_topic_and_comes_back_whole() {
        let subject = Claimed::new(&Needs { partitions: 1, ..Needs::default() });
        let log = subject.open();
        let body = vec![b'x'; 500_000];
        put(&*log, 1, &body);
        put(&*log, 2, b"small");
        assert_eq!(log.entry(FIRST).expect("an entry").envelope, envelope(1, &body));
        let raw = support::open(&subject.log).expect("the log opens").entry(FIRST).expect("an entry").envelope;
        let value = String::from_utf8(raw.body.expose().to_vec()).expect("text");
        assert_eq!(value, format!("causeway-claim sha256={} bytes=500000\n", raw.digest));
        let limit = ReadLimit { count_max: 10, bytes_max: 400_000 };
        let read = log.read(PartitionId(0), Offset(0), limit, PATIENCE).expect("read");
        assert_eq!(read.len(), 1, "what a claim stands for counts, not the claim");
        assert_eq!(log.verify().expect("whole"), 2);
    }

    #[test]
    fn a_body_that_looks_like_a_claim_is_a_body() {
        let subject = Claimed::new(&Needs { partitions: 1, ..Needs::default() });
        let log = subject.open();
        let body = format!("causeway-claim sha256={} bytes=5\n", "ab".repeat(32));
        put(&*log, 1, body.as_bytes());
        assert_eq!(log.entry(FIRST).expect("an entry").envelope, envelope(1, body.as_bytes()));
    }

    #[test]
    fn bytes_that_are_missing_are_damage_of_the_log_and_never_skipped() {
        let subject = Claimed::new(&Needs { partitions: 1, ..Needs::default() });
        let log = subject.open();
        put(&*log, 1, b"small");
        put(&*log, 2, &[b'x'; 5000]);
        put(&*log, 3, b"behind it");
        let store = subject.blobs();
        let blob = store.list(None, 10).expect("a list")[0].blob;
        store.remove(&blob.digest).expect("removed");
        let limit = ReadLimit { count_max: 10, bytes_max: 1 << 20 };
        let good = log.read(PartitionId(0), Offset(0), limit, PATIENCE).expect("what stands before it");
        assert_eq!(good.len(), 1);
        let damage = |error| matches!(error, LogError::Damaged { offset: Offset(1), .. });
        assert!(damage(log.read(PartitionId(0), Offset(1), limit, PATIENCE).expect_err("missing")));
        assert!(damage(log.verify().expect_err("missing")));
    }

    #[test]
    fn the_bytes_go_when_the_log_gives_up_their_claims_and_not_before() {
        let age = Duration::from_hours(1);
        let subject = Claimed::new(&Needs { partitions: 1, retention_age: age, ..Needs::default() });
        let log = subject.open();
        put(&*log, 1, &[b'x'; 5000]);
        put(&*log, 2, &[b'y'; 5000]);
        let store = subject.blobs();
        let later = "2100-01-01T00:00:00Z".parse::<Timestamp>().expect("a time");
        let upto = |offset| Position { partition: PartitionId(0), offset: Offset(offset) };
        assert_eq!(log.prune(later, &[upto(1)]).expect("pruned"), 1);
        assert_eq!(store.list(None, 10).expect("a list").len(), 2, "an entry received as early may name them");
        assert_eq!(log.prune(later, &[upto(2)]).expect("pruned"), 1);
        assert!(store.list(None, 10).expect("a list").is_empty());
    }

    /// A folder that stores nothing until it is let.
    struct Gated {
        folder: Arc<FolderBlobs>,
        gate: Mutex<Receiver<()>>,
    }

    impl BlobStore for Gated {
        fn create(&self) -> Result<Box<dyn BlobWriter>, BlobError> {
            let gate = self.gate.lock().expect("no panic");
            let let_in = gate.recv_timeout(PATIENCE);
            let_in.map_err(|error| BlobError::Unavailable { cause: error.to_string() })?;
            self.folder.create()
        }

        fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
            self.folder.size(digest)
        }

        fn read(&self, digest: &Digest, from: u64, bytes_max: usize) -> Result<Vec<u8>, BlobError> {
            self.folder.read(digest, from, bytes_max)
        }

        fn remove(&self, digest: &Digest) -> Result<bool, BlobError> {
            self.folder.remove(digest)
        }

        fn remove_older(&self, digest: &Digest, before: Timestamp) -> Result<bool, BlobError> {
            self.folder.remove_older(digest, before)
        }

        fn list(&self, after: Option<&Digest>, count_max: usize) -> Result<Vec<BlobRow>, BlobError> {
            self.folder.list(after, count_max)
        }

        fn sweep(&self, before: Timestamp) -> Result<u64, BlobError> {
            self.folder.sweep(before)
        }

        fn probe(&self) -> Result<(), BlobError> {
            self.folder.probe()
        }
    }

    /// Who appends is not held up, nor is another partition; what follows in the same partition stays behind.
    #[test]
    fn a_large_message_is_stored_beside_and_the_order_of_its_partition_holds() {
        let subject = Claimed::new(&Needs { partitions: 2, queue_max: 8, ..Needs::default() });
        let (open, gate) = std::sync::mpsc::channel();
        let log = subject.with(Arc::new(Gated { folder: subject.blobs(), gate: Mutex::new(gate) }));
        let of = |lane: u16| {
            let here = move |number: &u64| envelope(*number, b"").partition(2) == PartitionId(lane);
            (0_u64..).filter(here)
        };
        let send = |number: u64, body: &[u8]| {
            let (done, answer) = std::sync::mpsc::channel();
            let taken = log.append(envelope(number, body), Box::new(move |result| drop(done.send(result))));
            taken.map(|()| answer)
        };
        let mut here = of(0);
        let mut next = || here.next().expect("a number");
        let mut answers = vec![send(next(), &[b'x'; 5000]).expect("taken at once")];
        answers.extend((1..8).map(|_| send(next(), b"small").expect("taken at once")));
        assert!(matches!(send(next(), b"one too many"), Err(LogError::Busy)));
        put(&*log, of(1).next().expect("a number"), b"another partition");
        open.send(()).expect("it waits");
        for (place, answer) in answers.into_iter().enumerate() {
            let position = answer.recv_timeout(PATIENCE).expect("answered").expect("durable").position;
            let offset = Offset(u64::try_from(place).expect("few"));
            assert_eq!(position, Position { partition: PartitionId(0), offset });
        }
        // A store that fails is answered as such, and nothing of it is in the log.
        drop(open);
        let refused = send(next(), &[b'y'; 5000]).expect("taken").recv_timeout(PATIENCE).expect("answered");
        assert!(matches!(refused, Err(LogError::Unavailable { .. })), "{refused:?}");
        assert_eq!(log.state().expect("a state")[0].end, Offset(8));
    }
}
