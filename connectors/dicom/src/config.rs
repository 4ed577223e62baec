//! The configuration of a DICOM door: where it listens, whom it hears, and its limits.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use causeway_core::dicom::tag::SOP_INSTANCE_UID;
use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::{CharsetRule, FeedSettings, Profile};
use causeway_core::provider::ProviderId;
use causeway_tls::{ClientPattern, ClientTlsSettings, Network, Secrecy, TlsSettings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::status::{Refusal, Status};

mod check;
mod stow;

pub use check::ConfigFault;
pub use stow::StowSettings;

/// One DICOM door and the feeds that come in by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DicomDoorConfig {
    /// Where to listen. Default: loopback only, port 11112 (the one registered for DICOM).
    #[serde(default = "default_listen")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Our AE title: an association that calls another one is rejected. Default: CAUSEWAY.
    #[serde(default = "default_ae_title")]
    pub ae_title: String,
    /// TLS: every connection speaks it, those from this machine too. Default: plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// Addresses and networks beyond loopback that may speak DICOM without TLS.
    #[serde(default)]
    pub insecure_plaintext_from: Vec<Network>,
    /// Bounds on time, size and associations.
    #[serde(default)]
    pub limits: DicomLimits,
    /// STOW-RS: the same feeds by HTTP. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stow: Option<StowSettings>,
    /// The feeds, in order: the first that fits the address, the calling AE title and the certificate takes the
    /// association; without one it is rejected.
    #[serde(rename = "feed", default)]
    pub feeds: Vec<DicomFeedConfig>,
}

/// One sending system: a PACS, an archive or some modalities.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DicomFeedConfig {
    /// Its name: 1 to 40 of a-z, 0-9 and -, starting with a letter.
    #[schemars(with = "String")]
    pub name: FeedName,
    /// The provider whose data it is: the ten-digit number, or HA or DH.
    #[schemars(with = "String")]
    pub provider: ProviderId,
    /// Addresses and networks it may connect from. Default: loopback.
    #[serde(default = "loopback")]
    pub from: Vec<Network>,
    /// The AE titles it may call itself, compared exactly. May be left out of a feed that comes by STOW-RS alone.
    #[serde(default)]
    pub ae_titles: Vec<String>,
    /// The SHA-256 of its token for STOW-RS, in 64 hexadecimal digits; the token itself is never configured. With
    /// `certificates` too, both must be shown. Default: no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stow_token_sha256: Option<String>,
    /// Its client certificates, as `cn:NAME`, `dns:NAME`, `uri:URI`, `ip:ADDRESS` or `sha256:DIGITS`. Default: none is asked
    /// for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<ClientPattern>,
    /// Take SOP classes that are not of the Storage Service Class: private ones, and those of later editions. Default: no.
    #[serde(default)]
    pub unknown_sop_classes: bool,
    /// The character set of names: `auto` (what the header declares), `default:NAME` (NAME where nothing is declared, where
    /// the declaration cannot be right, or where Latin-1 is declared and the text reads as Chinese) or `force:NAME`.
    /// Default: `auto`.
    #[serde(default, with = "causeway_core::feed::charset_rule")]
    #[schemars(with = "String")]
    pub charset: CharsetRule,
    /// The dialect: `generic`, `hk-public-hospital`, or a file that ends in `.toml`, beside the configuration file. It says
    /// whether a Patient ID that is an HKID by its check digit is one, where no issuer says otherwise: with
    /// `hk-public-hospital` it is. Default: `generic`.
    #[serde(default)]
    #[schemars(with = "String", extend("pattern" = "^(generic|hk-public-hospital|.+\\.toml)$"))]
    pub profile: Profile,
    /// Whose numbers Patient ID (0010,0020) has where Issuer of Patient ID (0010,0021) is empty: the assigning authority of
    /// the same numbers in HL7, as `QMH`. Default: none.
    #[serde(default)]
    pub patient_id_issuer: String,
    /// What a sender is told of an instance whose SOP Instance UID it used for another one: `success` (0x0000), or `duplicate`
    /// (0x0111, duplicate SOP instance). It is kept and reported all the same. It holds for C-STORE, STOW-RS and imports. A log on
    /// Kafka does not tell: with `duplicate` the repository is asked before each answer. Default: `success`.
    #[serde(default)]
    pub on_conflict: OnConflict,
    /// The sender corrects images under the SOP Instance UIDs they had: of several, readers find the newest, and the former ones
    /// are kept. Default: no: readers find the first, and the others are kept beside it.
    #[serde(default)]
    pub corrections: bool,
    /// The IANA time zone of times without an offset. Default: Asia/Hong_Kong.
    #[serde(default = "hong_kong")]
    pub time_zone: String,
    /// Where the result of a storage commitment is reported when the association that asked is over: `host:port` by calling
    /// AE title, as `report_to = { "QMH-CT1" = "10.1.2.3:11112" }`. Without an address it waits for the next association of
    /// that title. Default: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub report_to: BTreeMap<String, String>,
    /// TLS of those connections. Without it they lead to this machine, or to `insecure_plaintext_from`. Default: plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_tls: Option<ClientTlsSettings>,
    /// How often an instance is expected; a longer silence is shown and may raise an alarm. Default: not watched.
    #[serde(default, with = "causeway_core::human::optional_duration", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub expect_every: Option<Duration>,
    /// The largest instance. Default: 4GiB.
    #[serde(default = "default_instance_bytes_max", with = "causeway_core::human::bytes")]
    #[schemars(with = "String")]
    pub instance_bytes_max: u64,
}

/// What a sender is told of an instance whose SOP Instance UID it used for another one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnConflict {
    /// 0x0000: the sender's queue goes on.
    #[default]
    Success,
    /// 0x0111: its operator hears of it.
    Duplicate,
}

impl OnConflict {
    /// The answer to an instance that is kept beside another one.
    pub(crate) fn answer(self) -> Result<(), Refusal> {
        match self {
            Self::Success => Ok(()),
            Self::Duplicate => {
                Err(Refusal::new(Status::DUPLICATE, "kept beside another image of this UID").about(SOP_INSTANCE_UID))
            }
        }
    }
}

/// Bounds of a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DicomLimits {
    /// Associations in all, each with a thread. One more is rejected as beyond a limit, which the sender tries again later. Default: 64.
    pub associations_max: usize,
    /// Associations from one address. Default: 16.
    pub associations_per_peer_max: usize,
    /// The longest P-DATA-TF we take, without its head; longer ones abort the association. 4KiB to 1MiB. Default: 128KiB.
    #[serde(with = "causeway_core::human::bytes")]
    #[schemars(with = "String")]
    pub pdu_bytes_max: u64,
    /// From the connection to a whole A-ASSOCIATE-RQ (the ARTIM timer). Default: 30s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub association_timeout: Duration,
    /// Silence between messages after which an association is aborted. Default: 5m.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub idle_timeout: Duration,
    /// Silence inside a message. Default: 30s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub read_timeout: Duration,
    /// From the first byte of a message to its last: a command, and the instance that comes with it. Default: 1h.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub instance_timeout: Duration,
    /// For a peer to take our answers. Default: 30s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub write_timeout: Duration,
    /// TCP keep-alive: the idle time before the first probe. Default: 60s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub keep_alive: Duration,
    /// For associations to finish the instance they began when the hub stops. Default: 20s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub drain_timeout: Duration,
    /// Elements and items of one data set. Default: 1000000.
    pub elements_max: u32,
    /// Sequences within sequences. Default: 64.
    pub depth_max: usize,
    /// Bytes a deflated data set may come to. Default: 256MiB.
    #[serde(with = "causeway_core::human::bytes")]
    #[schemars(with = "String")]
    pub inflated_bytes_max: u64,
    /// How many times longer a deflated data set may become. Default: 100.
    pub inflate_ratio_max: u64,
    /// Instances one request for storage commitment may name. Default: 10000.
    pub commitment_instances_max: usize,
    /// Requests for storage commitment of one feed that are not reported yet; one more is refused, to be made again later.
    /// Default: 1000.
    pub commitments_pending_max: u64,
    /// Requests for storage commitment that are worked on at one time. Default: 4.
    pub commitments_at_once: usize,
    /// How long the report of a storage commitment is tried before it is given up. Default: 1d.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub commitment_patience: Duration,
}

impl Default for DicomLimits {
    fn default() -> Self {
        Self {
            associations_max: 64,
            associations_per_peer_max: 16,
            pdu_bytes_max: 128 << 10,
            association_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(300),
            read_timeout: Duration::from_secs(30),
            instance_timeout: Duration::from_secs(3600),
            write_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(20),
            elements_max: 1_000_000,
            depth_max: 64,
            inflated_bytes_max: 256 << 20,
            inflate_ratio_max: 100,
            commitment_instances_max: 10_000,
            commitments_pending_max: 1000,
            commitments_at_once: 4,
            commitment_patience: Duration::from_hours(24),
        }
    }
}

impl DicomDoorConfig {
    /// A door on `listen` with every default and these feeds.
    pub fn new(listen: SocketAddr, feeds: Vec<DicomFeedConfig>) -> Self {
        Self {
            listen,
            ae_title: default_ae_title(),
            tls: None,
            insecure_plaintext_from: Vec::new(),
            limits: DicomLimits::default(),
            stow: None,
            feeds,
        }
    }

    /// The same with every relative path of a file below `folder`.
    #[must_use]
    pub fn below(mut self, folder: &Path) -> Self {
        self.tls = self.tls.map(|tls| tls.below(folder));
        for feed in &mut self.feeds {
            feed.report_tls = feed.report_tls.as_ref().map(|tls| tls.below(folder));
        }
        self
    }

    /// Who is heard in plain text.
    pub(crate) fn secrecy(&self) -> Secrecy<'_> {
        Secrecy { tls: self.tls.as_ref(), plaintext_from: &self.insecure_plaintext_from }
    }

    /// What is wrong with it; empty when nothing is.
    pub fn faults(&self) -> Vec<ConfigFault> {
        check::faults(self)
    }
}

impl DicomFeedConfig {
    /// A feed of `provider` with every default, for these calling AE titles.
    pub fn new(name: FeedName, provider: ProviderId, ae_titles: Vec<String>) -> Self {
        Self {
            name,
            provider,
            from: loopback(),
            ae_titles,
            stow_token_sha256: None,
            certificates: Vec::new(),
            unknown_sop_classes: false,
            charset: CharsetRule::default(),
            profile: Profile::default(),
            patient_id_issuer: String::new(),
            on_conflict: OnConflict::Success,
            corrections: false,
            time_zone: hong_kong(),
            report_to: BTreeMap::new(),
            report_tls: None,
            expect_every: None,
            instance_bytes_max: default_instance_bytes_max(),
        }
    }

    /// What mappers and router need to know of it.
    pub fn settings(&self) -> FeedSettings {
        FeedSettings {
            charset: self.charset.clone(),
            profile: self.profile.clone(),
            patient_id_issuer: self.patient_id_issuer.clone(),
            corrections: self.corrections,
            time_zone: self.time_zone.clone(),
            ..FeedSettings::new(self.name.clone(), Format::Dicom, self.provider.clone())
        }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 11112)
}

fn default_ae_title() -> String {
    "CAUSEWAY".to_owned()
}

fn loopback() -> Vec<Network> {
    Network::LOOPBACK.to_vec()
}

fn hong_kong() -> String {
    "Asia/Hong_Kong".to_owned()
}

const fn default_instance_bytes_max() -> u64 {
    4 << 30
}
