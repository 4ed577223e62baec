//! The configuration of a door: where it listens, whom it hears, what it takes, and its limits.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::{FeedSettings, LineEnds, Profile};
use causeway_core::provider::ProviderId;
use causeway_tls::{ClientPattern, ClientTlsSettings, Secrecy, TlsSettings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::frame::Framing;

mod charset;
mod check;
mod fetch;
mod limits;
mod pattern;

pub use causeway_tls::{Network, NetworkError};
pub use charset::CharsetSetting;
pub use check::ConfigFault;
pub use fetch::{FetchConfig, FetchFault};
pub use limits::DoorLimits;
pub use pattern::{Pattern, SenderPattern, SenderPatternError};

/// One MLLP door and the feeds that come in by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DoorConfig {
    /// Where to listen. Default: loopback only, port 2575 (the one registered for HL7).
    #[serde(default = "default_listen")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// Addresses and networks beyond loopback that may speak MLLP without TLS. Needed when the door listens beyond
    /// loopback: HL7 v2 in plain text can be read and changed by anyone between sender and hub.
    #[serde(default)]
    pub insecure_plaintext_from: Vec<Network>,
    /// TLS: every connection speaks it, those from this machine too. Default: plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// Where the same feeds are taken by HTTP too, at `/hl7`; with TLS when the door has it. Default: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub http_listen: Option<SocketAddr>,
    /// How strictly frames are read.
    #[serde(default)]
    pub framing: FramingConfig,
    /// Bounds on time, memory and connections.
    #[serde(default)]
    pub limits: DoorLimits,
    /// The feeds, in order: the first that fits the address, sender and receiver takes the message.
    #[serde(rename = "feed", default)]
    pub feeds: Vec<FeedConfig>,
}

/// One sending system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedConfig {
    /// Its name: 1 to 40 of a-z, 0-9 and -, starting with a letter.
    #[schemars(with = "String")]
    pub name: FeedName,
    /// The provider whose data it is: the ten-digit number, or HA or DH.
    #[schemars(with = "String")]
    pub provider: ProviderId,
    /// Addresses and networks it may connect from. Default: loopback.
    #[serde(default = "loopback")]
    pub from: Vec<Network>,
    /// The senders it may name, as `MSH-3|MSH-4`; `*` stands for any text, `any` for any sender.
    pub senders: Vec<SenderPattern>,
    /// Its client certificates, as `cn:NAME`, `dns:NAME`, `uri:URI`, `ip:ADDRESS` or `sha256:DIGITS`. A message that names
    /// one of its senders and comes with another certificate, or none, is refused, also by the feeds below this one that
    /// name no certificate. Default: none is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<ClientPattern>,
    /// The SHA-256, in 64 hexadecimal digits, of the token that its messages must bring when they come by HTTP, as
    /// `Authorization: Bearer TOKEN`. Default: none is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_token_sha256: Option<String>,
    /// The receivers it may name, as `MSH-5|MSH-6`. Default: any.
    #[serde(default = "any_sender")]
    pub receivers: Vec<SenderPattern>,
    /// The processing ids taken (MSH-11), or `any`. Default: `P`, so that no test data reaches the record.
    #[serde(default = "production")]
    pub processing_ids: Vec<Pattern>,
    /// The versions taken (MSH-12), or `any`; `2.5` takes 2.5.1 too. Default: 2.1 to 2.9.
    #[serde(default = "all_versions")]
    pub versions: Vec<Pattern>,
    /// The character set: `auto` (MSH-18, else strict UTF-8), `default:NAME` (MSH-18, else this one) or `force:NAME`
    /// (this one, whatever MSH-18 says). Default: `auto`.
    #[serde(default)]
    pub charset: CharsetSetting,
    /// `strict`: CR only between segments; `lenient`: LF and CRLF too when the message has no lone CR.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["strict", "lenient"]))]
    pub line_ends: LineEnds,
    /// The dialect: `generic`, `hk-public-hospital`, or a file that ends in `.toml`, beside the configuration file.
    /// docs/profiles.md tells what stands in it.
    #[serde(default)]
    #[schemars(with = "String", extend("pattern" = "^(generic|hk-public-hospital|.+\\.toml)$"))]
    pub profile: Profile,
    /// The IANA time zone of timestamps without an offset. Default: Asia/Hong_Kong.
    #[serde(default = "hong_kong")]
    pub time_zone: String,
    /// The longest message, without its frame. Default: 16MiB.
    #[serde(default = "default_frame_bytes_max", with = "causeway_core::human::bytes")]
    #[schemars(with = "String")]
    pub frame_bytes_max: u64,
    /// Tables that say which recognised codes the sender's local ones stand for: CSV files, beside the configuration file.
    /// docs/codes.md tells their columns. Default: none.
    #[serde(default)]
    pub code_tables: Vec<PathBuf>,
    /// Where reports sent by pointer may be fetched from. Default: nowhere; such a message is held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fetch: Vec<FetchConfig>,
    /// How often a message is expected; a longer silence is shown and may raise an alarm. Default: not watched.
    #[serde(default, with = "causeway_core::human::optional_duration", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub expect_every: Option<Duration>,
    /// What a positive answer in original mode says: `logged` (durable in the log) or `committed` (in the repository,
    /// or kept out of it by decision). Default: `logged`.
    #[serde(default)]
    pub acknowledge: Acknowledge,
    /// Take messages without a control id (MSH-10), and know one that comes again by its bytes alone. Default: no, they are refused.
    #[serde(default)]
    pub accept_empty_control_id: bool,
    /// The sender numbers its messages in MSH-13 (HL7 v2.9.1, §2.10.1): one out of its turn is refused, and MSA-4 tells which
    /// one is expected. Default: no, MSH-13 is not looked at.
    #[serde(default)]
    pub sequence_numbers: bool,
    /// Where the application acknowledgements go that a sender asks for in MSH-16. Default: `same`.
    #[serde(default)]
    pub application_ack: ApplicationAck,
    /// `host:port` for `application_ack = "separate"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_ack_to: Option<String>,
    /// TLS to `application_ack_to`. Default: plain text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application_ack_tls: Option<ClientTlsSettings>,
}

/// What a positive answer in original mode says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Acknowledge {
    /// The message is durable in the log.
    #[default]
    Logged,
    /// The message's outcome is committed.
    Committed,
}

/// Where application acknowledgements go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApplicationAck {
    /// Back on the connection the message came by, while it is open.
    #[default]
    Same,
    /// On a connection of ours to `application_ack_to` (HL7 v2.9.1, §2.8.3.2).
    Separate,
    /// Nowhere, whatever MSH-16 asks.
    Never,
}

/// How strictly frames are read. What is written is always strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FramingConfig {
    /// White space taken before a start block, in bytes. Default: 64.
    pub leading_bytes_max: usize,
    /// Take a message that begins with `MSH` instead of a start block. Default: no.
    pub accept_missing_start: bool,
    /// Take an end block without its carriage return. Default: no.
    pub accept_missing_end_cr: bool,
    /// Take an end-block byte inside the message as text. Default: no, such a message is refused and kept.
    pub accept_inner_end: bool,
}

impl Default for FramingConfig {
    fn default() -> Self {
        Self {
            leading_bytes_max: 64,
            accept_missing_start: false,
            accept_missing_end_cr: false,
            accept_inner_end: false,
        }
    }
}

impl DoorConfig {
    /// A door on `listen` with every default and these feeds.
    pub fn new(listen: SocketAddr, feeds: Vec<FeedConfig>) -> Self {
        Self {
            listen,
            insecure_plaintext_from: Vec::new(),
            tls: None,
            http_listen: None,
            framing: FramingConfig::default(),
            limits: DoorLimits::default(),
            feeds,
        }
    }

    /// What is wrong with it; empty when nothing is.
    pub fn faults(&self) -> Vec<ConfigFault> {
        check::faults(self)
    }

    /// Who is heard in plain text.
    pub(crate) fn secrecy(&self) -> Secrecy<'_> {
        Secrecy { tls: self.tls.as_ref(), plaintext_from: &self.insecure_plaintext_from }
    }

    /// The same with every relative path of a file below `folder`.
    #[must_use]
    pub fn below(mut self, folder: &Path) -> Self {
        self.tls = self.tls.map(|tls| tls.below(folder));
        self.feeds = self.feeds.into_iter().map(|feed| feed.below(folder)).collect();
        self
    }

    /// The settings of the frame reader: the feed is not known before the frame is whole, so the longest message of
    /// any feed bounds it, and each feed's own limit is checked afterwards.
    pub fn framing(&self) -> Framing {
        let longest = self.feeds.iter().map(|feed| feed.frame_bytes_max).max().unwrap_or(0);
        Framing {
            payload_bytes_max: usize::try_from(longest).unwrap_or(usize::MAX),
            leading_bytes_max: self.framing.leading_bytes_max,
            accept_missing_start: self.framing.accept_missing_start,
            accept_missing_end_cr: self.framing.accept_missing_end_cr,
            accept_inner_end: self.framing.accept_inner_end,
        }
    }
}

impl FeedConfig {
    /// The same with files that are named relatively taken from `folder`.
    #[must_use]
    pub(crate) fn below(mut self, folder: &Path) -> Self {
        for place in &mut self.fetch {
            place.ca = place.ca.as_ref().map(|ca| folder.join(ca));
        }
        self.application_ack_tls = self.application_ack_tls.take().map(|tls| tls.below(folder));
        self
    }

    /// A feed of `provider` with every default, for the senders given as `MSH-3|MSH-4`.
    pub fn new(name: FeedName, provider: ProviderId, senders: Vec<SenderPattern>) -> Self {
        Self {
            name,
            provider,
            from: loopback(),
            senders,
            certificates: Vec::new(),
            http_token_sha256: None,
            receivers: any_sender(),
            processing_ids: production(),
            versions: all_versions(),
            charset: CharsetSetting::default(),
            line_ends: LineEnds::default(),
            profile: Profile::default(),
            time_zone: hong_kong(),
            frame_bytes_max: default_frame_bytes_max(),
            code_tables: Vec::new(),
            fetch: Vec::new(),
            expect_every: None,
            acknowledge: Acknowledge::default(),
            accept_empty_control_id: false,
            sequence_numbers: false,
            application_ack: ApplicationAck::default(),
            application_ack_to: None,
            application_ack_tls: None,
        }
    }

    /// A feed that takes whatever comes from loopback: any sender, processing id and version.
    pub fn catch_all(name: FeedName, provider: ProviderId) -> Self {
        let any = vec![Pattern::any()];
        Self { processing_ids: any.clone(), versions: any, ..Self::new(name, provider, any_sender()) }
    }

    /// Its application acknowledgements go to an address of their own.
    pub(crate) fn sends_elsewhere(&self) -> bool {
        self.application_ack == ApplicationAck::Separate
    }

    /// What mappers and router need to know of it, but for its code tables, which are read from files.
    pub fn settings(&self) -> FeedSettings {
        FeedSettings {
            charset: self.charset.rule().clone(),
            line_ends: self.line_ends,
            profile: self.profile.clone(),
            time_zone: self.time_zone.clone(),
            fetch: self.fetch.iter().filter_map(|place| place.place().ok()).collect(),
            ..FeedSettings::new(self.name.clone(), Format::Hl7v2, self.provider.clone())
        }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 2575)
}

pub(crate) fn loopback() -> Vec<Network> {
    Network::LOOPBACK.to_vec()
}

fn any_sender() -> Vec<SenderPattern> {
    vec![SenderPattern::any()]
}

fn production() -> Vec<Pattern> {
    vec![Pattern::of("P")]
}

fn all_versions() -> Vec<Pattern> {
    (1..=9).map(|minor| Pattern::of(&format!("2.{minor}"))).collect()
}

fn hong_kong() -> String {
    "Asia/Hong_Kong".to_owned()
}

const fn default_frame_bytes_max() -> u64 {
    16 << 20
}

#[cfg(test)]
mod tests;
