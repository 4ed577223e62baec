//! The configuration of a Chinese-medicine door: where it listens, whom it hears, and its limits.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_core::chinese_medicine::RECORD_BYTES_MAX;
use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::{CharsetRule, FeedSettings};
use causeway_core::hl7v2::charset::Charset;
use causeway_core::provider::ProviderId;
use causeway_pickup::{PickupFault, PickupSettings};
use causeway_tls::{ClientPattern, Network, Secrecy, SecrecyFault, TlsSettings};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One Chinese-medicine door, which takes records by HTTP, and the feeds that come in by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CmDoorConfig {
    /// Where to listen. Default: loopback only, port 8577.
    #[serde(default = "default_listen")]
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// TLS: every connection speaks it, those from this machine too. Default: plain text, which is heard from loopback only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// Bounds on time and size.
    #[serde(default)]
    pub limits: CmLimits,
    /// The feeds: the one whose token or certificate the sender shows takes what it sends.
    #[serde(rename = "feed", default)]
    pub feeds: Vec<CmFeedConfig>,
}

/// One sending system: a clinic, or a group of clinics with one system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CmFeedConfig {
    /// Its name: 1 to 40 of a-z, 0-9 and -, starting with a letter.
    #[schemars(with = "String")]
    pub name: FeedName,
    /// The provider whose data it is: the ten-digit number.
    #[schemars(with = "String")]
    pub provider: ProviderId,
    /// Addresses and networks it may connect from. Default: loopback.
    #[serde(default = "loopback")]
    pub from: Vec<Network>,
    /// The SHA-256 of its token, in 64 hexadecimal digits; the token itself is never configured. Default: no token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_sha256: Option<String>,
    /// Its client certificates, as `cn:NAME`, `dns:NAME`, `uri:URI`, `ip:ADDRESS` or `sha256:DIGITS`. Default: none is asked
    /// for. With both, both must be shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<ClientPattern>,
    /// The IANA time zone of days. Default: Asia/Hong_Kong.
    #[serde(default = "hong_kong")]
    pub time_zone: String,
    /// Whose numbers its patients have: the assigning authority of the same numbers in HL7. Default: none.
    #[serde(default)]
    pub patient_id_issuer: String,
    /// CSV files that say what its own codes stand for (docs/codes.md), relative to the configuration file. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub code_tables: Vec<PathBuf>,
    /// The encoding of its CSV files: `auto` (UTF-8), `default:NAME` (NAME for files that are not UTF-8) or `force:NAME`, as in
    /// `default:BIG-5` or `default:GB18030`. JSON is always UTF-8. Default: `auto`.
    #[serde(default, with = "causeway_core::feed::charset_rule")]
    #[schemars(with = "String")]
    pub charset: CharsetRule,
    /// How often a record is expected; a longer silence is shown and may raise an alarm. Default: not watched.
    #[serde(default, with = "causeway_core::human::optional_duration", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub expect_every: Option<Duration>,
}

/// A watched folder of Chinese-medicine files, and the feed whose files it takes: JSON, NDJSON, or CSV by the template
/// (docs/chinese-medicine.md).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CmFileDoorConfig {
    /// The folder, and when a file in it is taken.
    pub pickup: PickupSettings,
    /// Bounds on size. Those of requests have no meaning here.
    #[serde(default)]
    pub limits: CmLimits,
    /// The feed. Who may write to the folder may send for it, so `from`, `token_sha256` and `certificates` are left out.
    pub feed: CmFeedConfig,
}

impl CmFileDoorConfig {
    /// What is wrong with it; empty when nothing is. Does not look at the disk.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let feed = &self.feed;
        let foreign = [
            (feed.from != loopback(), "from"),
            (feed.token_sha256.is_some(), "token_sha256"),
            (!feed.certificates.is_empty(), "certificates"),
        ];
        let foreign = foreign.into_iter().filter(|(is_set, _)| *is_set);
        let foreign = foreign.map(|(_, setting)| ConfigFault::NotForFiles { feed: feed.name.clone(), setting });
        let folder = self.pickup.faults().into_iter().map(ConfigFault::Folder);
        // Its folder says whose they are.
        let door = self.as_door().faults().into_iter().filter(|fault| !matches!(fault, ConfigFault::Nameless(_)));
        door.chain(foreign).chain(folder).collect()
    }

    /// The same with every relative path below `folder`.
    #[must_use]
    pub fn below(mut self, folder: &Path) -> Self {
        self.pickup = self.pickup.below(folder);
        self
    }

    /// As a door that nobody connects to.
    pub(crate) fn as_door(&self) -> CmDoorConfig {
        let nowhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        CmDoorConfig { listen: nowhere, tls: None, limits: self.limits, feeds: vec![self.feed.clone()] }
    }
}

/// Bounds of a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CmLimits {
    /// The longest record, or line of a batch; at most 256KiB, which is also the default.
    #[serde(with = "causeway_core::human::bytes")]
    #[schemars(with = "String")]
    pub record_bytes_max: u64,
    /// The longest batch that announces its length. Default: 4GiB. Memory does not depend on it.
    #[serde(with = "causeway_core::human::bytes")]
    #[schemars(with = "String")]
    pub batch_bytes_max: u64,
    /// Records of one batch on their way to the log at one time. Default: 256.
    pub in_flight_max: usize,
    /// Silence inside a request after which it is given up. Default: 30s.
    #[serde(with = "causeway_core::human::duration")]
    #[schemars(with = "String")]
    pub read_timeout: Duration,
}

impl Default for CmLimits {
    fn default() -> Self {
        Self {
            record_bytes_max: u64::try_from(RECORD_BYTES_MAX).unwrap_or(u64::MAX),
            batch_bytes_max: 4 << 30,
            in_flight_max: 256,
            read_timeout: Duration::from_secs(30),
        }
    }
}

/// One thing wrong with a door's configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// The door has no feed.
    #[error("the Chinese-medicine door on {0} has no feed: it would take nothing")]
    NoFeed(SocketAddr),
    /// Two feeds have one name.
    #[error("the feed name `{0}` is used twice")]
    NameTwice(FeedName),
    /// Two feeds could not be told apart.
    #[error("feed `{0}` has the token of another feed")]
    TokenTwice(FeedName),
    /// What the door hears from others could be read by anyone, or its settings contradict each other.
    #[error("the Chinese-medicine door on {listen}: {fault}")]
    Secrecy {
        /// The door.
        listen: SocketAddr,
        /// What is wrong.
        fault: SecrecyFault,
    },
    /// A feed without anything to recognise it by.
    #[error("feed `{0}` has neither `token_sha256` nor `certificates`: nobody could be told to be it")]
    Nameless(FeedName),
    /// A digest that cannot be one.
    #[error("feed `{0}`: `token_sha256` is not 64 hexadecimal digits; `printf %s TOKEN | sha256sum` gives them")]
    Digest(FeedName),
    /// A feed is bound to certificates that its door does not ask for.
    #[error("feed `{0}`: `certificates` needs a door whose `[cm_door.tls]` has a `client_ca`")]
    NoCertificates(FeedName),
    /// The time zone is not known.
    #[error("feed `{feed}`: `{name}` is no IANA time zone, as Asia/Hong_Kong is")]
    TimeZone {
        /// The feed.
        feed: FeedName,
        /// What was written.
        name: String,
    },
    /// The character set is not known.
    #[error("feed `{0}`: `charset` names no known encoding; BIG-5 and GB18030 are two")]
    Charset(FeedName),
    /// A setting that has no meaning for files.
    #[error("feed `{feed}` takes files, for which `{setting}` has no meaning: take it out")]
    NotForFiles {
        /// The feed.
        feed: FeedName,
        /// The setting.
        setting: &'static str,
    },
    /// The settings of the folder cannot be.
    #[error(transparent)]
    Folder(#[from] PickupFault),
    /// A limit that cannot be.
    #[error("`{0}` is out of its range")]
    Limit(&'static str),
}

impl CmDoorConfig {
    /// The same with every relative path of a file below `folder`.
    #[must_use]
    pub fn below(mut self, folder: &Path) -> Self {
        self.tls = self.tls.map(|tls| tls.below(folder));
        self
    }

    /// What is wrong with it; empty when nothing is.
    pub fn faults(&self) -> Vec<ConfigFault> {
        let limits = &self.limits;
        let wrong = [
            ("record_bytes_max", !(1..=CmLimits::default().record_bytes_max).contains(&limits.record_bytes_max)),
            ("batch_bytes_max", limits.batch_bytes_max == 0),
            ("in_flight_max", !(1..=10_000).contains(&limits.in_flight_max)),
            ("read_timeout", limits.read_timeout.is_zero()),
        ];
        let mut faults: Vec<ConfigFault> =
            wrong.into_iter().filter(|(_, wrong)| *wrong).map(|(name, _)| ConfigFault::Limit(name)).collect();
        let (listen, secrecy) = (self.listen, Secrecy { tls: self.tls.as_ref(), plaintext_from: &[] });
        faults.extend(secrecy.faults(&[listen]).into_iter().map(|fault| ConfigFault::Secrecy { listen, fault }));
        if self.feeds.is_empty() {
            faults.push(ConfigFault::NoFeed(self.listen));
        }
        let (mut names, mut tokens) = (BTreeSet::new(), BTreeSet::new());
        for feed in &self.feeds {
            if !names.insert(&feed.name) {
                faults.push(ConfigFault::NameTwice(feed.name.clone()));
            }
            if feed.token_sha256.as_ref().is_some_and(|token| !tokens.insert(token.to_ascii_lowercase())) {
                faults.push(ConfigFault::TokenTwice(feed.name.clone()));
            }
            faults.extend(self.feed_faults(feed));
        }
        faults
    }

    fn feed_faults(&self, feed: &CmFeedConfig) -> Vec<ConfigFault> {
        let name = || feed.name.clone();
        let asks = self.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        let mut faults = Vec::new();
        if feed.token_sha256.is_none() && feed.certificates.is_empty() {
            faults.push(ConfigFault::Nameless(name()));
        }
        let is_digest = |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if feed.token_sha256.as_ref().is_some_and(|text| !is_digest(text)) {
            faults.push(ConfigFault::Digest(name()));
        }
        if !feed.certificates.is_empty() && !asks {
            faults.push(ConfigFault::NoCertificates(name()));
        }
        let charset = match &feed.charset {
            CharsetRule::Auto => None,
            CharsetRule::Default(charset) | CharsetRule::Force(charset) => Some(charset),
        };
        if charset.is_some_and(|charset| Charset::named(charset).is_none()) {
            faults.push(ConfigFault::Charset(name()));
        }
        if TimeZone::get(&feed.time_zone).is_err() {
            faults.push(ConfigFault::TimeZone { feed: name(), name: feed.time_zone.clone() });
        }
        faults
    }
}

impl CmFeedConfig {
    /// What mappers and router need to know of it.
    pub fn settings(&self) -> FeedSettings {
        FeedSettings {
            patient_id_issuer: self.patient_id_issuer.clone(),
            time_zone: self.time_zone.clone(),
            charset: self.charset.clone(),
            ..FeedSettings::new(self.name.clone(), Format::ChineseMedicine, self.provider.clone())
        }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8577)
}

fn loopback() -> Vec<Network> {
    Network::LOOPBACK.to_vec()
}

fn hong_kong() -> String {
    "Asia/Hong_Kong".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door(text: &str) -> CmDoorConfig {
        toml::from_str(text).expect("well formed")
    }

    #[test]
    fn a_door_that_cannot_work_says_why() {
        let digest = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";
        let good = format!("[[feed]]\nname = \"a\"\nprovider = \"1\"\ntoken_sha256 = \"{digest}\"\n");
        assert_eq!(door(&good).faults(), []);
        let name = || FeedName::parse("a").expect("a name");
        assert_eq!(door(&good.replace(digest, "open sesame")).faults(), [ConfigFault::Digest(name())]);
        assert_eq!(
            door(&format!("{good}{good}")).faults(),
            [ConfigFault::NameTwice(name()), ConfigFault::TokenTwice(name())]
        );
        assert!(matches!(door("").faults().as_slice(), [ConfigFault::NoFeed(_)]));
        let beyond = door(&format!("listen = \"0.0.0.0:8577\"\n{good}"));
        assert!(matches!(beyond.faults().as_slice(), [ConfigFault::Secrecy { .. }]));
        let nameless = door("[[feed]]\nname = \"a\"\nprovider = \"1\"\n");
        assert_eq!(nameless.faults(), [ConfigFault::Nameless(name())]);
        let bound = door("[[feed]]\nname = \"a\"\nprovider = \"1\"\ncertificates = [\"cn:a\"]\n");
        assert_eq!(bound.faults(), [ConfigFault::NoCertificates(name())]);
    }

    #[test]
    fn a_folder_has_no_use_for_what_tells_senders_apart() {
        let folder = |more: &str| {
            let text = format!("pickup.folder = \"in\"\n[feed]\nname = \"a\"\nprovider = \"1\"\n{more}");
            let config: CmFileDoorConfig = toml::from_str(&text).expect("well formed");
            config.faults()
        };
        let feed = FeedName::parse("a").expect("a name");
        assert_eq!(folder(""), []);
        assert_eq!(folder("charset = \"default:GB18030\""), []);
        assert_eq!(folder("charset = \"force:KLINGON\""), [ConfigFault::Charset(feed.clone())]);
        let told = folder("from = [\"10.0.0.0/8\"]\ncertificates = [\"cn:a\"]");
        let foreign = |setting| ConfigFault::NotForFiles { feed: feed.clone(), setting };
        assert!(told.contains(&foreign("from")) && told.contains(&foreign("certificates")), "{told:?}");
    }
}
