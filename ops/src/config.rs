//! The configuration of a hub: one TOML file, over which the environment and flags may lie. `docs/configuration.md` and
//! the JSON Schema for editors are written from these types.

pub(crate) mod check;
pub(crate) mod code_tables;
pub(crate) mod document;
pub(crate) mod find;
pub(crate) mod images;
pub(crate) mod layers;
pub(crate) mod policy;
pub(crate) mod profiles;
pub(crate) mod trouble;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use causeway_chinese_medicine::config::{CmDoorConfig, CmFeedConfig, CmFileDoorConfig};
use causeway_core::code_table::CodeTables;
use causeway_core::envelope::FeedName;
use causeway_core::feed::FeedSettings;
use causeway_core::human;
use causeway_core::provider::ProviderId;
use causeway_dicom::config::{DicomDoorConfig, DicomFeedConfig};
use causeway_hl7::FileDoorConfig;
use causeway_hl7::config::{DoorConfig, FeedConfig, SenderPattern};
use causeway_serve::dicomweb::ReaderConfig;
use causeway_serve::http::HttpLimits;
use causeway_storage::blob::folder_settings::FolderBlobSettings;
use causeway_storage::blob::s3_settings::S3BlobSettings;
use causeway_storage::log::embedded::EmbeddedLogSettings;
use causeway_storage::log::kafka_settings::KafkaLogSettings;
use causeway_storage::repository::postgres_settings::PostgresSettings;
use causeway_storage::repository::sqlite::SqliteSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::images::ImagesConfig;
use self::policy::PolicyConfig;

/// The configuration of a hub.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where everything durable is kept, relative to the configuration file. It must be on a local disk.
    pub(crate) data_dir: PathBuf,
    /// The time zone in which the command line and the pages show times; an IANA name.
    pub(crate) time_zone: String,
    /// Whether all data is made up, which every page then says.
    pub(crate) synthetic: bool,
    /// Pages, metrics and health.
    pub(crate) server: ServerConfig,
    /// The durable log between the doors and the mappers.
    pub(crate) log: LogConfig,
    /// Records, registry, decisions and audit.
    pub(crate) repository: RepositoryConfig,
    /// Documents and images.
    pub(crate) blobs: BlobsConfig,
    /// Reading images.
    pub(crate) images: ImagesConfig,
    /// The walk from the log to the repository.
    pub(crate) router: RouterConfig,
    /// What the law leaves open; every default is the safe one.
    pub(crate) policy: PolicyConfig,
    /// The clients that read images.
    pub(crate) reader: Vec<ReaderConfig>,
    /// The listening endpoints, each with its feeds.
    pub(crate) door: Vec<DoorConfig>,
    /// The DICOM doors, each with its feeds.
    pub(crate) dicom_door: Vec<DicomDoorConfig>,
    /// The watched folders of HL7 files, each with its feed.
    pub(crate) file_door: Vec<FileDoorConfig>,
    /// The doors for Chinese-medicine records by HTTP, each with its feeds.
    pub(crate) cm_door: Vec<CmDoorConfig>,
    /// The watched folders of Chinese-medicine files, each with its feed.
    pub(crate) cm_file_door: Vec<CmFileDoorConfig>,
    /// The code tables of the feeds that have some, read from their files.
    #[serde(skip)]
    pub(crate) code_tables: BTreeMap<FeedName, Arc<CodeTables>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            time_zone: "Asia/Hong_Kong".to_owned(),
            synthetic: false,
            server: ServerConfig::default(),
            log: LogConfig::default(),
            repository: RepositoryConfig::default(),
            blobs: BlobsConfig::default(),
            images: ImagesConfig::default(),
            router: RouterConfig::default(),
            policy: PolicyConfig::default(),
            reader: Vec::new(),
            door: Vec::new(),
            dicom_door: Vec::new(),
            file_door: Vec::new(),
            cm_door: Vec::new(),
            cm_file_door: Vec::new(),
            code_tables: BTreeMap::new(),
        }
    }
}

impl Config {
    /// What is common to all feeds, whatever they speak.
    pub(crate) fn all_feeds(&self) -> impl Iterator<Item = AnyFeed<'_>> {
        let hl7 = self.door.iter().enumerate().flat_map(|(number, door)| {
            door.feeds.iter().map(move |feed| AnyFeed {
                name: &feed.name,
                provider: &feed.provider,
                protocol: "mllp",
                listen: door.listen.to_string(),
                door: format!("door.{number}"),
                expect_every: feed.expect_every,
                catch_all: feed.senders.contains(&SenderPattern::any()),
            })
        });
        let dicom = self.dicom_door.iter().enumerate().flat_map(|(number, door)| {
            door.feeds.iter().map(move |feed| AnyFeed {
                name: &feed.name,
                provider: &feed.provider,
                protocol: "dicom",
                listen: door.listen.to_string(),
                door: format!("dicom_door.{number}"),
                expect_every: feed.expect_every,
                catch_all: false,
            })
        });
        let files = self.file_door.iter().enumerate().map(|(number, door)| AnyFeed {
            name: &door.feed.name,
            provider: &door.feed.provider,
            protocol: "file",
            listen: door.pickup.folder.display().to_string(),
            door: format!("file_door.{number}"),
            expect_every: door.feed.expect_every,
            catch_all: door.feed.senders.contains(&SenderPattern::any()),
        });
        let clinics = self.cm_door.iter().enumerate().flat_map(|(number, door)| {
            door.feeds.iter().map(move |feed| AnyFeed {
                name: &feed.name,
                provider: &feed.provider,
                protocol: causeway_chinese_medicine::desk::PROTOCOL,
                listen: door.listen.to_string(),
                door: format!("cm_door.{number}"),
                expect_every: feed.expect_every,
                catch_all: false,
            })
        });
        let clinic_files = self.cm_file_door.iter().enumerate().map(|(number, door)| AnyFeed {
            name: &door.feed.name,
            provider: &door.feed.provider,
            protocol: causeway_chinese_medicine::file::PROTOCOL,
            listen: door.pickup.folder.display().to_string(),
            door: format!("cm_file_door.{number}"),
            expect_every: door.feed.expect_every,
            catch_all: false,
        });
        hl7.chain(dicom).chain(files).chain(clinics).chain(clinic_files)
    }

    /// Where the doors listen, each with the key of the setting.
    pub(crate) fn doors(&self) -> impl Iterator<Item = (String, SocketAddr)> {
        let hl7 = self.door.iter().enumerate().map(|(number, door)| (format!("door.{number}.listen"), door.listen));
        let dicom = self.dicom_door.iter().enumerate();
        let clinics = self.cm_door.iter().enumerate();
        let stow = self.dicom_door.iter().enumerate().filter_map(|(number, door)| {
            Some((format!("dicom_door.{number}.stow.listen"), door.stow.as_ref()?.listen))
        });
        hl7.chain(dicom.map(|(number, door)| (format!("dicom_door.{number}.listen"), door.listen)))
            .chain(stow)
            .chain(clinics.map(|(number, door)| (format!("cm_door.{number}.listen"), door.listen)))
    }

    /// All HL7 feeds, door by door.
    pub(crate) fn feeds(&self) -> impl Iterator<Item = &FeedConfig> {
        self.door.iter().flat_map(|door| &door.feeds).chain(self.file_door.iter().map(|door| &door.feed))
    }

    /// All feeds of Chinese-medicine clinics, door by door.
    pub(crate) fn clinics(&self) -> impl Iterator<Item = &CmFeedConfig> {
        self.cm_door.iter().flat_map(|door| &door.feeds).chain(self.cm_file_door.iter().map(|door| &door.feed))
    }

    /// What mappers and router need to know of the feeds.
    pub(crate) fn feed_settings(&self) -> impl Iterator<Item = FeedSettings> {
        let dicom = self.dicom_door.iter().flat_map(|door| &door.feeds).map(DicomFeedConfig::settings);
        let clinics = self.clinics().map(|feed| self.settings_of_clinic(feed));
        self.feeds().map(|feed| self.settings_of(feed)).chain(dicom).chain(clinics)
    }

    /// What mappers and router need to know of a feed.
    pub(crate) fn settings_of(&self, feed: &FeedConfig) -> FeedSettings {
        let code_tables = self.code_tables.get(&feed.name).cloned().unwrap_or_default();
        FeedSettings { code_tables, ..feed.settings() }
    }

    /// The same of a clinic's feed.
    pub(crate) fn settings_of_clinic(&self, feed: &CmFeedConfig) -> FeedSettings {
        let code_tables = self.code_tables.get(&feed.name).cloned().unwrap_or_default();
        FeedSettings { code_tables, ..feed.settings() }
    }

    /// The HL7 feed of this name.
    pub(crate) fn feed(&self, name: &str) -> Option<&FeedConfig> {
        self.feeds().find(|feed| feed.name.as_str() == name)
    }
}

/// What is common to all feeds.
#[derive(Debug, Clone)]
pub(crate) struct AnyFeed<'c> {
    /// Its name.
    pub(crate) name: &'c FeedName,
    /// The provider whose data it is.
    pub(crate) provider: &'c ProviderId,
    /// `mllp`, `dicom`, `file`, `cm` or `cm-file`.
    pub(crate) protocol: &'static str,
    /// Where its door listens, or the folder that is watched.
    pub(crate) listen: String,
    /// The key of its door, as `door.0`.
    pub(crate) door: String,
    /// How often something is expected of it.
    pub(crate) expect_every: Option<Duration>,
    /// Whether it takes whatever no other feed takes.
    pub(crate) catch_all: bool,
}

/// Pages, metrics and health.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ServerConfig {
    /// Where HTTP listens.
    #[schemars(with = "String")]
    pub(crate) listen: SocketAddr,
    /// Let HTTP listen beyond loopback although it asks nobody who they are: there are no accounts in this version.
    /// Protected text is masked on every page, but counts, feeds and control ids are not.
    pub(crate) insecure_beyond_loopback: bool,
    /// Bounds on time, memory and connections, and the host names answered to.
    pub(crate) limits: HttpLimits,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            insecure_beyond_loopback: false,
            limits: HttpLimits::default(),
        }
    }
}

/// The engines of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogEngine {
    /// A file in `data_dir`, one process.
    Embedded,
    /// Apache Kafka, for any number of processes; in builds with the feature `kafka`.
    Kafka,
}

/// The durable log between the doors and the mappers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogConfig {
    /// The engine.
    pub(crate) engine: LogEngine,
    /// How often it is looked what can be given up.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub(crate) prune_interval: Duration,
    /// Settings of the embedded engine.
    pub(crate) embedded: EmbeddedLogSettings,
    /// Settings of the engine on Kafka.
    pub(crate) kafka: KafkaLogSettings,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            engine: LogEngine::Embedded,
            prune_interval: Duration::from_secs(60),
            embedded: EmbeddedLogSettings::default(),
            kafka: KafkaLogSettings::default(),
        }
    }
}

impl LogConfig {
    /// How many partitions the log has.
    pub(crate) const fn partitions(&self) -> u16 {
        match self.engine {
            LogEngine::Embedded => self.embedded.partitions,
            LogEngine::Kafka => self.kafka.partitions,
        }
    }
}

/// The engines of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RepositoryEngine {
    /// A file in `data_dir`, one process.
    Sqlite,
    /// PostgreSQL, for any number of processes; in builds with the feature `postgres`.
    Postgres,
}

/// Records, registry, decisions and audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RepositoryConfig {
    /// The engine.
    pub(crate) engine: RepositoryEngine,
    /// Settings of the SQLite engine.
    pub(crate) sqlite: SqliteSettings,
    /// Settings of the PostgreSQL engine.
    pub(crate) postgres: PostgresSettings,
}

impl Default for RepositoryConfig {
    fn default() -> Self {
        Self {
            engine: RepositoryEngine::Sqlite,
            sqlite: SqliteSettings::default(),
            postgres: PostgresSettings::default(),
        }
    }
}

/// The engines of the blob store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BlobEngine {
    /// Files in `data_dir`, on one machine.
    Folder,
    /// An S3-compatible server, for any number of processes; in builds with the feature `s3`.
    S3,
}

/// Documents and images, each under the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BlobsConfig {
    /// The engine.
    pub(crate) engine: BlobEngine,
    /// What a killed process left unfinished, and what nothing points to, is removed after so long: at least ten seconds, and
    /// longer than any one document may take to arrive and to be processed.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub(crate) sweep_age: Duration,
    /// The most that is removed in one walk through a store because nothing points to it. The next one goes on.
    pub(crate) sweep_count_max: u64,
    /// Settings of the engine in a folder.
    pub(crate) folder: FolderBlobSettings,
    /// Settings of the engine on an S3-compatible server.
    pub(crate) s3: S3BlobSettings,
}

impl Default for BlobsConfig {
    fn default() -> Self {
        Self {
            engine: BlobEngine::Folder,
            sweep_age: Duration::from_hours(24),
            sweep_count_max: 100_000,
            folder: FolderBlobSettings::default(),
            s3: S3BlobSettings::default(),
        }
    }
}

/// The walk from the log to the repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RouterConfig {
    /// Messages committed in one transaction.
    pub(crate) batch_count_max: usize,
    /// Bytes of messages committed in one transaction, but always one message.
    #[serde(with = "human::bytes")]
    #[schemars(with = "String")]
    pub(crate) batch_bytes_max: u64,
    /// The longest pause between two tries when the log or the repository is busy.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub(crate) retry_pause_max: Duration,
    /// How often it is asked who joined or consented, so that what was withheld for want of it is taken up.
    #[serde(with = "human::duration")]
    #[schemars(with = "String")]
    pub(crate) take_up_interval: Duration,
}

impl Default for RouterConfig {
    fn default() -> Self {
        Self {
            batch_count_max: 500,
            batch_bytes_max: 16 << 20,
            retry_pause_max: Duration::from_secs(5),
            take_up_interval: Duration::from_secs(2),
        }
    }
}
