//! What can be wrong with a door's configuration, found before it listens.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use causeway_core::envelope::{Digest, FeedName};
use causeway_core::hl7v2::charset::Charset;
use causeway_pickup::PickupFault;
use causeway_tls::{ClientTlsSettings, SecrecyFault, TlsFault};
use jiff::tz::TimeZone;

use super::{ApplicationAck, DoorConfig, FeedConfig, FetchFault, Network};

/// One thing wrong with a door's configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// The door has no feed.
    #[error("the door on {0} has no feed: it would refuse every message")]
    NoFeed(SocketAddr),
    /// Two feeds have one name.
    #[error("the feed name `{0}` is used twice")]
    NameTwice(FeedName),
    /// What the door hears from others could be read by anyone, or its settings contradict each other.
    #[error("the door on {listen}: {fault}")]
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
    #[error("feed `{0}`: `certificates` needs a door whose `[door.tls]` has a `client_ca`")]
    NoCertificates(FeedName),
    /// A setting of connections, for a feed that has none.
    #[error("feed `{feed}`: `{setting}` has no meaning for files: who may write to the folder may send")]
    NotForFiles {
        /// The feed.
        feed: FeedName,
        /// The setting.
        setting: &'static str,
    },
    /// The folder of a file door cannot be watched so.
    #[error("{0}")]
    Folder(PickupFault),
    /// What stands for the token is no digest.
    #[error("feed `{0}`: `http_token_sha256` is not 64 hexadecimal digits: printf %s TOKEN | sha256sum")]
    Token(FeedName),
    /// TLS to the receiver of application acknowledgements, and its settings do not go together.
    #[error("feed `{feed}`: `application_ack_tls`: {fault}")]
    AckTls {
        /// The feed.
        feed: FeedName,
        /// What is wrong.
        fault: TlsFault,
    },
    /// A place to fetch from.
    #[error("feed `{feed}`: `fetch` of `{pointers}`: {fault}")]
    Fetch {
        /// The feed.
        feed: FeedName,
        /// What the place is for.
        pointers: String,
        /// What is wrong.
        fault: FetchFault,
    },
    /// A feed can never take a message.
    #[error("feed `{feed}`: `{setting}` is empty, so it takes nothing")]
    Empty {
        /// The feed.
        feed: FeedName,
        /// The setting.
        setting: &'static str,
    },
    /// A feed stands behind another that takes all its messages.
    #[error(
        "feed `{feed}` gets nothing: `{before}` stands before it and takes the same sender from the same addresses"
    )]
    Hidden {
        /// The feed.
        feed: FeedName,
        /// The one before it.
        before: FeedName,
    },
    /// The character set is not known, or not safe over MLLP.
    #[error("feed `{feed}`: the character set `{name}` is not known or not safe over MLLP")]
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
    /// Application acknowledgements have nowhere to go.
    #[error("feed `{0}`: `application_ack = \"separate\"` needs `application_ack_to = \"host:port\"`")]
    NoAckAddress(FeedName),
    /// A limit of nothing.
    #[error("`{0}` must be more than nothing")]
    Zero(&'static str),
}

/// Everything wrong with `config`.
pub(super) fn faults(config: &DoorConfig) -> Vec<ConfigFault> {
    let mut faults = limits(config);
    if config.feeds.is_empty() {
        faults.push(ConfigFault::NoFeed(config.listen));
    }
    let listen = config.listen;
    let listens: Vec<SocketAddr> = config.http_listen.into_iter().chain([listen]).collect();
    let secrecy = config.secrecy();
    faults.extend(secrecy.faults(&listens).into_iter().map(|fault| ConfigFault::Secrecy { listen, fault }));
    let mut names = BTreeSet::new();
    for (place, feed) in config.feeds.iter().enumerate() {
        if !names.insert(&feed.name) {
            faults.push(ConfigFault::NameTwice(feed.name.clone()));
        }
        let unheard = secrecy.unheard(&feed.from);
        faults.extend(unheard.map(|network| ConfigFault::PeerNotHeard { feed: feed.name.clone(), network: *network }));
        if !feed.certificates.is_empty() && config.tls.as_ref().is_none_or(|tls| tls.client_ca.is_none()) {
            faults.push(ConfigFault::NoCertificates(feed.name.clone()));
        }
        faults.extend(feed_faults(feed));
        faults.extend(hidden(config.feeds.get(..place).unwrap_or_default(), feed));
    }
    faults
}

fn limits(config: &DoorConfig) -> Vec<ConfigFault> {
    let limits = &config.limits;
    let zero = [
        ("connections_max", limits.connections_max == 0),
        ("connections_per_peer_max", limits.connections_per_peer_max == 0),
        ("window", limits.window == 0),
        ("in_flight_bytes_max", limits.in_flight_bytes_max == 0),
        ("frame_timeout", limits.frame_timeout.is_zero()),
        ("idle_in_frame", limits.idle_in_frame.is_zero()),
        ("end_cr_timeout", limits.end_cr_timeout.is_zero()),
        ("write_timeout", limits.write_timeout.is_zero()),
        ("commit_timeout", limits.commit_timeout.is_zero()),
        ("idle_timeout", limits.idle_timeout.is_some_and(|timeout| timeout.is_zero())),
        ("keep_alive", limits.keep_alive.is_zero()),
        ("drain_timeout", limits.drain_timeout.is_zero()),
        ("batch_messages_max", limits.batch_messages_max == 0),
        ("application_acks_max", limits.application_acks_max == 0),
        ("frame_bytes_max", config.feeds.iter().any(|feed| feed.frame_bytes_max == 0)),
    ];
    zero.into_iter().filter(|(_, is_zero)| *is_zero).map(|(name, _)| ConfigFault::Zero(name)).collect()
}

fn feed_faults(feed: &FeedConfig) -> Vec<ConfigFault> {
    let name = || feed.name.clone();
    let empty = [
        ("from", feed.from.is_empty()),
        ("senders", feed.senders.is_empty()),
        ("receivers", feed.receivers.is_empty()),
        ("processing_ids", feed.processing_ids.is_empty()),
        ("versions", feed.versions.is_empty()),
    ];
    let mut faults: Vec<ConfigFault> = empty
        .into_iter()
        .filter(|(_, is_empty)| *is_empty)
        .map(|(setting, _)| ConfigFault::Empty { feed: name(), setting })
        .collect();
    if let Some(charset) = feed.charset.name().filter(|charset| Charset::named(charset).is_none()) {
        faults.push(ConfigFault::Charset { feed: name(), name: charset.to_owned() });
    }
    if TimeZone::get(&feed.time_zone).is_err() {
        faults.push(ConfigFault::TimeZone { feed: name(), name: feed.time_zone.clone() });
    }
    if feed.application_ack == ApplicationAck::Separate && feed.application_ack_to.is_none() {
        faults.push(ConfigFault::NoAckAddress(name()));
    }
    if feed.http_token_sha256.as_ref().is_some_and(|digits| Digest::parse(&digits.to_ascii_lowercase()).is_none()) {
        faults.push(ConfigFault::Token(name()));
    }
    let places = feed.fetch.iter().filter_map(|place| Some((place.pointers.clone(), place.place().err()?)));
    faults.extend(places.map(|(pointers, fault)| ConfigFault::Fetch { feed: name(), pointers, fault }));
    let ack_tls = feed.application_ack_tls.iter().flat_map(ClientTlsSettings::faults);
    faults.extend(ack_tls.map(|fault| ConfigFault::AckTls { feed: name(), fault }));
    faults
}

/// The feed before this one that leaves it nothing.
fn hidden(before: &[FeedConfig], feed: &FeedConfig) -> Option<ConfigFault> {
    let takes_all = |earlier: &&FeedConfig| {
        let addresses = feed.from.iter().all(|network| earlier.from.iter().any(|wider| wider.covers(network)));
        let senders = feed.senders.iter().all(|sender| earlier.senders.contains(sender) || has_any(earlier));
        let certificates = earlier.certificates.is_empty() || earlier.certificates == feed.certificates;
        addresses
            && senders
            && certificates
            && earlier.receivers == feed.receivers
            && !feed.senders.is_empty()
            && !feed.from.is_empty()
    };
    let earlier = before.iter().find(takes_all)?;
    Some(ConfigFault::Hidden { feed: feed.name.clone(), before: earlier.name.clone() })
}

fn has_any(feed: &FeedConfig) -> bool {
    feed.senders.contains(&super::SenderPattern::any())
}
