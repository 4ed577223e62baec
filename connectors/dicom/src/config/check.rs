//! What can be wrong with a DICOM door's configuration, found before it listens.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use causeway_core::envelope::FeedName;
use causeway_core::feed::CharsetRule;
use causeway_core::hl7v2::charset::Charset;
use causeway_tls::{ClientTlsSettings, Network, SecrecyFault, TlsFault};
use jiff::tz::TimeZone;

use super::{DicomDoorConfig, DicomFeedConfig, stow};

/// The shortest and the longest P-DATA-TF that may be configured.
const PDU_BYTES: std::ops::RangeInclusive<u64> = (4 << 10)..=(1 << 20);

/// One thing wrong with a door's configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// The door has no feed.
    #[error("the DICOM door on {0} has no feed: it would reject every association")]
    NoFeed(SocketAddr),
    /// Two feeds have one name.
    #[error("the feed name `{0}` is used twice")]
    NameTwice(FeedName),
    /// What the door hears from others could be read by anyone, or its settings contradict each other.
    #[error("the DICOM door on {listen}: {fault}")]
    Secrecy {
        /// The door.
        listen: SocketAddr,
        /// What is wrong.
        fault: SecrecyFault,
    },
    /// A feed expects peers that the door will not hear.
    #[error("feed `{feed}`: {network} may not connect, because `insecure_plaintext_from` does not cover it")]
    PeerNotHeard {
        /// The feed.
        feed: FeedName,
        /// The network it names.
        network: Network,
    },
    /// A feed is bound to certificates that its door does not ask for.
    #[error("feed `{0}`: `certificates` needs a door whose `[dicom_door.tls]` has a `client_ca`")]
    NoCertificates(FeedName),
    /// A feed can never take an association.
    #[error("feed `{feed}`: `{setting}` is empty, so it takes nothing")]
    Empty {
        /// The feed.
        feed: FeedName,
        /// The setting.
        setting: &'static str,
    },
    /// An AE title that cannot be one.
    #[error("`{0}` is no AE title: 1 to 16 printable ASCII characters, no backslash, no blanks around it")]
    AeTitle(String),
    /// The character set is not known.
    #[error("feed `{feed}`: the character set `{name}` is not known")]
    Charset {
        /// The feed.
        feed: FeedName,
        /// What was written.
        name: String,
    },
    /// The time zone is not known.
    #[error("feed `{feed}`: `{name}` is no IANA time zone, as Asia/Hong_Kong is")]
    TimeZone {
        /// The feed.
        feed: FeedName,
        /// What was written.
        name: String,
    },
    /// A token that is not a digest.
    #[error("feed `{0}`: `stow_token_sha256` is not 64 hexadecimal digits; `printf %s TOKEN | sha256sum` gives them")]
    Digest(FeedName),
    /// Two feeds could not be told apart.
    #[error("feed `{0}` has the token of another feed")]
    TokenTwice(FeedName),
    /// A token that nobody asks for.
    #[error("feed `{0}`: `stow_token_sha256` needs a door with a [dicom_door.stow]")]
    NoStow(FeedName),
    /// STOW-RS that would refuse everybody.
    #[error("no feed of the STOW-RS on {0} has `stow_token_sha256` or `certificates`: nobody could be told to be one")]
    StowNameless(SocketAddr),
    /// An address that is none.
    #[error("`retrieve_url` is no address as `https://images.example/dicomweb`, without a slash at its end")]
    RetrieveUrl,
    /// Reports would go to nobody, or where anyone could read them.
    #[error("feed `{feed}`: `report_to` of `{title}` {what}")]
    ReportTo {
        /// The feed.
        feed: FeedName,
        /// The AE title.
        title: String,
        /// What is wrong.
        what: &'static str,
    },
    /// TLS of reports that cannot work.
    #[error("feed `{feed}`: `report_tls`: {fault}")]
    ReportTls {
        /// The feed.
        feed: FeedName,
        /// What is wrong.
        fault: TlsFault,
    },
    /// A P-DATA-TF too short or too long to work.
    #[error("`pdu_bytes_max` must be 4KiB to 1MiB")]
    PduBytes,
    /// A limit of nothing.
    #[error("`{0}` must be more than nothing")]
    Zero(&'static str),
}

/// Everything wrong with `config`.
pub(super) fn faults(config: &DicomDoorConfig) -> Vec<ConfigFault> {
    let mut faults = limits(config);
    if config.feeds.is_empty() {
        faults.push(ConfigFault::NoFeed(config.listen));
    }
    if !is_ae_title(&config.ae_title) {
        faults.push(ConfigFault::AeTitle(config.ae_title.clone()));
    }
    faults.extend(stow::faults(config));
    let listen = config.listen;
    let heard: Vec<SocketAddr> = config.stow.iter().map(|stow| stow.listen).chain([listen]).collect();
    faults.extend(config.secrecy().faults(&heard).into_iter().map(|fault| ConfigFault::Secrecy { listen, fault }));
    let mut names = BTreeSet::new();
    for feed in &config.feeds {
        if !names.insert(&feed.name) {
            faults.push(ConfigFault::NameTwice(feed.name.clone()));
        }
        faults.extend(feed_faults(config, feed));
    }
    faults
}

fn limits(config: &DicomDoorConfig) -> Vec<ConfigFault> {
    let limits = &config.limits;
    let zero = [
        ("associations_max", limits.associations_max == 0),
        ("associations_per_peer_max", limits.associations_per_peer_max == 0),
        ("association_timeout", limits.association_timeout.is_zero()),
        ("idle_timeout", limits.idle_timeout.is_zero()),
        ("read_timeout", limits.read_timeout.is_zero()),
        ("instance_timeout", limits.instance_timeout.is_zero()),
        ("write_timeout", limits.write_timeout.is_zero()),
        ("keep_alive", limits.keep_alive.is_zero()),
        ("drain_timeout", limits.drain_timeout.is_zero()),
        ("elements_max", limits.elements_max == 0),
        ("depth_max", limits.depth_max == 0),
        ("inflated_bytes_max", limits.inflated_bytes_max == 0),
        ("inflate_ratio_max", limits.inflate_ratio_max == 0),
        ("commitment_instances_max", limits.commitment_instances_max == 0),
        ("commitments_pending_max", limits.commitments_pending_max == 0),
        ("commitments_at_once", limits.commitments_at_once == 0),
        ("commitment_patience", limits.commitment_patience.is_zero()),
        ("instance_bytes_max", config.feeds.iter().any(|feed| feed.instance_bytes_max == 0)),
    ];
    let zero = zero.into_iter().filter(|(_, is_zero)| *is_zero).map(|(name, _)| ConfigFault::Zero(name));
    zero.chain((!PDU_BYTES.contains(&limits.pdu_bytes_max)).then_some(ConfigFault::PduBytes)).collect()
}

fn feed_faults(config: &DicomDoorConfig, feed: &DicomFeedConfig) -> Vec<ConfigFault> {
    let name = || feed.name.clone();
    let by_http = config.stow.is_some() && (feed.stow_token_sha256.is_some() || !feed.certificates.is_empty());
    let empty = [("from", feed.from.is_empty()), ("ae_titles", feed.ae_titles.is_empty() && !by_http)];
    let mut faults: Vec<ConfigFault> = empty
        .into_iter()
        .filter(|(_, is_empty)| *is_empty)
        .map(|(setting, _)| ConfigFault::Empty { feed: name(), setting })
        .collect();
    let bad_titles = feed.ae_titles.iter().filter(|title| !is_ae_title(title));
    faults.extend(bad_titles.map(|title| ConfigFault::AeTitle(title.clone())));
    match &feed.charset {
        CharsetRule::Default(charset) | CharsetRule::Force(charset) if Charset::named(charset).is_none() => {
            faults.push(ConfigFault::Charset { feed: name(), name: charset.clone() });
        }
        CharsetRule::Auto | CharsetRule::Default(_) | CharsetRule::Force(_) => {}
    }
    if TimeZone::get(&feed.time_zone).is_err() {
        faults.push(ConfigFault::TimeZone { feed: name(), name: feed.time_zone.clone() });
    }
    if !feed.certificates.is_empty() && config.tls.as_ref().is_none_or(|tls| tls.client_ca.is_none()) {
        faults.push(ConfigFault::NoCertificates(name()));
    }
    faults.extend(feed.report_to.iter().filter_map(|(title, to)| {
        let what = report_fault(config, feed, title, to)?;
        Some(ConfigFault::ReportTo { feed: name(), title: title.clone(), what })
    }));
    let of_tls = feed.report_tls.iter().flat_map(ClientTlsSettings::faults);
    faults.extend(of_tls.map(|fault| ConfigFault::ReportTls { feed: name(), fault }));
    let secrecy = config.secrecy();
    let unheard = secrecy.unheard(&feed.from);
    faults.extend(unheard.map(|network| ConfigFault::PeerNotHeard { feed: name(), network: *network }));
    faults
}

/// What is wrong with where reports for an AE title go.
fn report_fault(config: &DicomDoorConfig, feed: &DicomFeedConfig, title: &str, to: &str) -> Option<&'static str> {
    if !feed.ae_titles.iter().any(|known| known == title) {
        return Some("is none of its `ae_titles`");
    }
    let split =
        to.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0));
    let Some((host, _)) = split else { return Some("is no `host:port`") };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let may_be_plain = |address: IpAddr| {
        address.is_loopback() || config.insecure_plaintext_from.iter().any(|network| network.contains(address))
    };
    let secret = feed.report_tls.is_some() || address.is_ok_and(may_be_plain);
    (!secret)
        .then_some("would be sent in plain text: set `report_tls`, or an address that `insecure_plaintext_from` covers")
}

fn is_ae_title(title: &str) -> bool {
    let good = |c: char| matches!(c, ' '..='~') && c != '\\';
    (1..=16).contains(&title.len()) && title.chars().all(good) && title.trim() == title
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> DicomDoorConfig {
        toml::from_str(text).expect("TOML")
    }

    #[test]
    fn a_small_configuration_is_whole_and_one_word_wrong_is_told() {
        let good = "[[feed]]\nname = \"pacs\"\nprovider = \"1000000001\"\nae_titles = [\"CT1\"]\ncharset = \"default:big5-hkscs\"\n";
        assert_eq!(read(good).faults(), []);
        assert_eq!(read(good).listen.port(), 11112);
        let told = |text: &str| read(text).faults().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        assert!(told("").contains("has no feed"));
        assert!(told(&good.replace("CT1", "A TITLE THAT IS TOO LONG")).contains("no AE title"));
        assert!(told(&good.replace("big5-hkscs", "klingon")).contains("`klingon`"));
        assert!(told(&format!("listen = \"0.0.0.0:104\"\n{good}")).contains("plain text"));
        assert!(told(&format!("[limits]\npdu_bytes_max = \"100B\"\ndepth_max = 0\n{good}")).contains("4KiB to 1MiB"));
        assert!(told(&good.replace("[\"CT1\"]", "[\"CT1\"]\nfrom = [\"10.0.0.0/8\"]")).contains("10.0.0.0/8"));
        assert!(told(&good.replace("[\"CT1\"]", "[\"CT1\"]\ncertificates = [\"cn:PACS\"]")).contains("client_ca"));
        assert!(toml::from_str::<DicomDoorConfig>(&good.replace("default:", "maybe:")).is_err());
        let report = |rest: &str| told(&format!("{good}{rest}"));
        assert_eq!(report("report_to = { CT1 = \"127.0.0.1:104\" }\n"), "");
        assert!(report("report_to = { CT2 = \"127.0.0.1:104\" }\n").contains("`ae_titles`"));
        assert!(report("report_to = { CT1 = \"127.0.0.1\" }\n").contains("host:port"));
        for plain in ["10.0.0.9:104", "pacs.example:104"] {
            assert!(report(&format!("report_to = {{ CT1 = \"{plain}\" }}\n")).contains("plain text"), "{plain}");
        }
        let tls = "report_to = { CT1 = \"pacs.example:104\" }\nreport_tls = { ca = \"ca.pem\" }\n";
        assert_eq!(report(tls), "");
        assert!(report(&tls.replace("\"ca.pem\"", "\"ca.pem\", key = \"key.pem\"")).contains("go together"));
    }
}
