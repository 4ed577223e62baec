//! Which engine keeps the log, which the repository and which the documents: the one place that knows them all.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::envelope::PartitionId;
use causeway_core::metric::Metrics;
#[cfg(feature = "kafka")]
use causeway_core::metric::Silent;
use causeway_core::port::{
    Clock, Commitments, Images, Log, Pointers, Registry, Repository, RepositoryError, SharedBlobs,
};
use causeway_storage::blob::folder::FolderBlobs;
use causeway_storage::blob::measured::MeasuredBlobs;
#[cfg(feature = "s3")]
use causeway_storage::blob::s3::S3Blobs;
#[cfg(feature = "kafka")]
use causeway_storage::log::claims::{ClaimLimits, ClaimedLog};
use causeway_storage::log::embedded::EmbeddedLog;
#[cfg(feature = "kafka")]
use causeway_storage::log::kafka::KafkaLog;
#[cfg(feature = "postgres")]
use causeway_storage::repository::postgres::PostgresRepository;
use causeway_storage::repository::sqlite::SqliteRepository;

use crate::config::{BlobEngine, BlobsConfig, Config, LogEngine, RepositoryEngine};
use crate::diagnostic::{Code, Diagnostic};
use crate::home::Home;
use crate::orphans::{Holds, Orphans, Shelf};

/// The repository, the registry, the index of instances, the requests to commit to them and what points to blobs, which every
/// engine keeps together.
pub(crate) trait Vault: Repository + Registry + Images + Commitments + Pointers {}

impl<T: Repository + Registry + Images + Commitments + Pointers> Vault for T {}

/// Who walks which lane, where several processes share them.
pub(crate) trait Leases: Send + Sync {
    /// Takes and renews this process's fair share of the lanes, for so long. Gives those it holds.
    fn hold(&self, partitions: u16, lease: Duration) -> Result<Vec<PartitionId>, RepositoryError>;

    /// Gives them back.
    fn release(&self) -> Result<(), RepositoryError>;
}

/// The repository of a process, on whatever engine.
#[derive(Clone)]
pub(crate) struct RepositoryHandle {
    /// The repository and the registry.
    pub(crate) vault: Arc<dyn Vault>,
    /// Where processes may share the lanes.
    pub(crate) leases: Option<Arc<dyn Leases>>,
}

/// The log of a process, on whatever engine.
#[derive(Clone)]
pub(crate) enum LogHandle {
    /// A file of this machine.
    Embedded(Arc<EmbeddedLog>),
    /// A topic of Kafka.
    #[cfg(feature = "kafka")]
    Kafka(Arc<KafkaLog>, Arc<ClaimedLog>),
}

impl LogHandle {
    /// The log.
    pub(crate) fn port(&self) -> Arc<dyn Log> {
        match self {
            Self::Embedded(log) => Arc::clone(log) as _,
            #[cfg(feature = "kafka")]
            Self::Kafka(_, claimed) => Arc::clone(claimed) as _,
        }
    }

    /// Whether it is kept on this machine.
    pub(crate) const fn is_local(&self) -> bool {
        match self {
            Self::Embedded(_) => true,
            #[cfg(feature = "kafka")]
            Self::Kafka(_, _) => false,
        }
    }

    /// Where messages are that are too large for it, if anywhere.
    fn messages(&self) -> Option<SharedBlobs> {
        match self {
            Self::Embedded(_) => None,
            #[cfg(feature = "kafka")]
            Self::Kafka(_, claimed) => Some(claimed.blobs()),
        }
    }

    /// Makes durable what is queued, and takes no more.
    pub(crate) fn close(&self) {
        match self {
            Self::Embedded(log) => log.close(),
            #[cfg(feature = "kafka")]
            Self::Kafka(log, _) => log.close(),
        }
    }
}

/// Opens the log for writing. `halt` ends the process when nobody knows any more what is durable.
///
/// # Errors
/// The engine's, told with what to do.
pub(crate) fn open_log(
    config: &Config,
    home: &Home,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<dyn Metrics>,
) -> Result<LogHandle, Diagnostic> {
    match config.log.engine {
        LogEngine::Embedded => {
            let (settings, halt) = (config.log.embedded.clone(), Arc::new(crate::wiring::halt_log));
            let log = EmbeddedLog::open(&home.log(), settings, Arc::clone(clock), Arc::clone(metrics), halt)?;
            Ok(LogHandle::Embedded(log))
        }
        #[cfg(feature = "kafka")]
        LogEngine::Kafka => {
            let halt = Arc::new(crate::wiring::halt_log);
            let log = KafkaLog::open(&config.log.kafka, Arc::clone(clock), Arc::clone(metrics), halt)?;
            claimed(config, home, metrics, log)
        }
        #[cfg(not(feature = "kafka"))]
        LogEngine::Kafka => Err(not_built("Kafka", "kafka")),
    }
}

/// Opens the log for reading, also beside processes that write it.
///
/// # Errors
/// As [`open_log`].
pub(crate) fn read_log(config: &Config, home: &Home, readers_max: usize) -> Result<LogHandle, Diagnostic> {
    match config.log.engine {
        LogEngine::Embedded => Ok(LogHandle::Embedded(EmbeddedLog::open_read_only(&home.log(), readers_max)?)),
        #[cfg(feature = "kafka")]
        LogEngine::Kafka => {
            let silent: Arc<dyn Metrics> = Arc::new(Silent);
            claimed(config, home, &silent, KafkaLog::open_read_only(&config.log.kafka)?)
        }
        #[cfg(not(feature = "kafka"))]
        LogEngine::Kafka => Err(not_built("Kafka", "kafka")),
    }
}

/// A log on Kafka whose large messages are in a blob store of its own: documents are kept for good, these as long as the
/// log keeps their claims.
#[cfg(feature = "kafka")]
fn claimed(
    config: &Config,
    home: &Home,
    metrics: &Arc<dyn Metrics>,
    log: Arc<KafkaLog>,
) -> Result<LogHandle, Diagnostic> {
    let mut blobs = config.blobs.clone();
    blobs.s3.prefix = format!("{}/claims", blobs.s3.prefix);
    let store = open_store(&blobs, &home.claims(), metrics)?;
    let bytes_max = match blobs.engine {
        BlobEngine::Folder => blobs.folder.blob_bytes_max,
        BlobEngine::S3 => blobs.s3.blob_bytes_max,
    };
    let kafka = &config.log.kafka;
    let limits = ClaimLimits {
        above: kafka.claims_above(),
        bytes_max,
        queue_max: kafka.queue_max,
        queue_bytes_max: kafka.queue_bytes_max,
    };
    let claimed = ClaimedLog::new(Arc::clone(&log) as _, store, limits)?;
    Ok(LogHandle::Kafka(log, Arc::new(claimed)))
}

/// Opens the repository; an embedded one is made when it is not there, and brought up to date.
///
/// # Errors
/// The engine's, told with what to do.
pub(crate) fn open_repository(config: &Config, home: &Home) -> Result<RepositoryHandle, Diagnostic> {
    match config.repository.engine {
        RepositoryEngine::Sqlite => {
            let repository = SqliteRepository::open(&home.repository(), config.repository.sqlite.clone())?;
            Ok(RepositoryHandle { vault: Arc::new(repository), leases: None })
        }
        #[cfg(feature = "postgres")]
        RepositoryEngine::Postgres => {
            let opened = PostgresRepository::open(config.repository.postgres.clone()).map_err(|error| {
                let what = error.to_string();
                let told = Diagnostic { code: Code::Repository, what, ..Diagnostic::from(error) };
                told.fix(
                    "see that the server runs and the url is right; `causeway db migrate` makes and mends the schema",
                )
            });
            let repository = Arc::new(opened?);
            let worker = Worker { repository: Arc::clone(&repository), id: uuid::Uuid::new_v4() };
            Ok(RepositoryHandle { vault: repository, leases: Some(Arc::new(worker)) })
        }
        #[cfg(not(feature = "postgres"))]
        RepositoryEngine::Postgres => Err(not_built("PostgreSQL", "postgres")),
    }
}

/// Opens the blob store, made when it is not there.
///
/// # Errors
/// The engine's, told with what to do.
pub(crate) fn open_blobs(config: &Config, home: &Home, metrics: &Arc<dyn Metrics>) -> Result<SharedBlobs, Diagnostic> {
    open_store(&config.blobs, &home.blobs(), metrics)
}

fn open_store(blobs: &BlobsConfig, dir: &Path, metrics: &Arc<dyn Metrics>) -> Result<SharedBlobs, Diagnostic> {
    let store: SharedBlobs = match blobs.engine {
        BlobEngine::Folder => Arc::new(FolderBlobs::open(dir, blobs.folder.clone())?),
        #[cfg(feature = "s3")]
        BlobEngine::S3 => Arc::new(S3Blobs::open(blobs.s3.clone())?),
        #[cfg(not(feature = "s3"))]
        BlobEngine::S3 => return Err(not_built("the blob store on S3", "s3")),
    };
    Ok(Arc::new(MeasuredBlobs::new(store, Arc::clone(metrics))))
}

/// Who looks for what nothing points to: in the store of documents and images, and in that of large messages.
pub(crate) fn orphans(config: &Config, blobs: SharedBlobs, log: &LogHandle, repository: Arc<dyn Vault>) -> Orphans {
    let messages = log.messages().map(|blobs| Shelf { holds: Holds::Messages, blobs });
    let documents = Shelf { holds: Holds::Documents, blobs };
    Orphans {
        shelves: [documents].into_iter().chain(messages).collect(),
        log: log.port(),
        repository,
        retention: match config.log.engine {
            LogEngine::Embedded => config.log.embedded.retention_age,
            LogEngine::Kafka => config.log.kafka.retention_age,
        },
        age: config.blobs.sweep_age,
        count_max: config.blobs.sweep_count_max,
    }
}

/// Whether anything of the hub is kept on this machine, so that only one hub may work on the folder.
pub(crate) const fn is_local(config: &Config) -> bool {
    matches!(config.log.engine, LogEngine::Embedded) || matches!(config.repository.engine, RepositoryEngine::Sqlite)
}

/// This process, as the others see it.
#[cfg(feature = "postgres")]
struct Worker {
    repository: Arc<PostgresRepository>,
    id: uuid::Uuid,
}

#[cfg(feature = "postgres")]
impl Leases for Worker {
    fn hold(&self, partitions: u16, lease: Duration) -> Result<Vec<PartitionId>, RepositoryError> {
        self.repository.hold(self.id, partitions, lease)
    }

    fn release(&self) -> Result<(), RepositoryError> {
        self.repository.release(self.id)
    }
}

/// The engine is known, and not in this binary.
#[cfg(not(all(feature = "kafka", feature = "postgres", feature = "s3")))]
pub(crate) fn not_built(engine: &str, feature: &str) -> Diagnostic {
    Diagnostic::new(Code::NoEngine, format!("this binary was built without {engine}"))
        .fix(format!("build it with `cargo build --release --features {feature}`, or use the embedded engine"))
}
