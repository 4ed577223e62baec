//! Whose message is it? By door, peer address, client certificate, and MSH-3 and MSH-4.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use causeway_core::feed::CharsetRule;
use causeway_core::hl7v2::header::{Header, HeaderFault};
use jiff::tz::TimeZone;

use crate::application_ack::courier::Courier;
use crate::config::FeedConfig;
use crate::peer::{Peer, Token};

/// A feed, ready to take messages.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) config: FeedConfig,
    /// The zone of MSH-7 of its answers.
    pub(crate) zone: TimeZone,
    pub(crate) frame_bytes_max: usize,
    /// Carries its application acknowledgements, when they go elsewhere.
    pub(crate) courier: Option<Courier>,
    /// A message that is numbered is being looked at.
    pub(crate) numbering: Arc<AtomicBool>,
}

impl Feed {
    /// The feed of a configuration that was checked.
    pub(crate) fn new(config: FeedConfig, courier: Option<Courier>) -> Self {
        let zone = TimeZone::get(&config.time_zone).unwrap_or(TimeZone::UTC);
        let frame_bytes_max = usize::try_from(config.frame_bytes_max).unwrap_or(usize::MAX);
        Self { config, zone, frame_bytes_max, courier, numbering: Arc::default() }
    }

    /// Its name, as a label.
    pub(crate) fn name(&self) -> &str {
        self.config.name.as_str()
    }

    /// The peer may send for it.
    pub(crate) fn hears(&self, peer: IpAddr) -> bool {
        self.config.from.iter().any(|network| network.contains(peer))
    }

    /// The peer's certificate is one of its own, and its token too, or it asks for none.
    fn knows(&self, peer: &Peer) -> bool {
        let has_token = match (&self.config.http_token_sha256, peer.token) {
            (None, _) | (Some(_), Token::NotAsked) => true,
            (Some(_), Token::Missing) => false,
            (Some(own), Token::Shown(digest)) => own.eq_ignore_ascii_case(&digest.to_string()),
        };
        has_token && self.knows_certificate(peer)
    }

    /// Anybody at its addresses could send for it by this protocol.
    fn asks_for_nothing(&self, peer: &Peer) -> bool {
        let by_token = self.config.http_token_sha256.is_some() && peer.token != Token::NotAsked;
        self.config.certificates.is_empty() && !by_token
    }

    fn knows_certificate(&self, peer: &Peer) -> bool {
        let own = &self.config.certificates;
        let shown = peer.certificate.as_deref();
        own.is_empty() || shown.is_some_and(|shown| own.iter().any(|pattern| pattern.fits(shown)))
    }

    /// MSH-3 and MSH-4 name one of its senders.
    fn has_sender(&self, header: &Header<'_>) -> bool {
        let (application, facility) = (header.sending_application(), header.sending_facility());
        self.config.senders.iter().any(|sender| sender.fits(&application, &facility))
    }

    /// MSH-5 and MSH-6 name one of its receivers.
    pub(crate) fn has_receiver(&self, header: &Header<'_>) -> bool {
        let (application, facility) = (header.receiving_application(), header.receiving_facility());
        self.config.receivers.iter().any(|receiver| receiver.fits(&application, &facility))
    }
}

/// A header, or what can be read of it all the same.
pub(crate) type Peeked<'b> = Result<Header<'b>, HeaderFault>;

/// Whose message it is.
#[derive(Debug)]
pub(crate) enum Whose<'b> {
    /// That of a feed, by its index.
    Feed(usize, Peeked<'b>),
    /// That of a sender nobody configured.
    Stranger(Header<'b>),
    /// That of a feed, by its index, if it did not come with another certificate than the feed's.
    Impostor(usize, Header<'b>),
    /// Its header cannot be read. The feed is the only one that hears this peer, if there is only one.
    Faceless(Option<usize>),
}

/// The first feed that hears and knows the peer and has this sender and receiver; without one that has the receiver too,
/// the first that has the sender. A sender that a feed binds to a certificate is never taken by a later feed that asks
/// for none.
pub(crate) fn recognise<'b>(feeds: &[Feed], peer: &Peer, bytes: &'b [u8]) -> Whose<'b> {
    let mut latest: Option<(&CharsetRule, Peeked<'b>)> = None;
    let mut by_sender_only = None;
    let mut claimed = None;
    let mut heard = Heard::default();
    for (index, feed) in feeds.iter().enumerate().filter(|(_, feed)| feed.hears(peer.address)) {
        let is_known = feed.knows(peer);
        if is_known {
            heard.note(index);
        }
        let rule = feed.config.charset.rule();
        let (_, peeked) = match latest.take() {
            Some((known, peeked)) if known == rule => latest.insert((known, peeked)),
            Some(_) | None => latest.insert((rule, Header::peek(bytes, rule))),
        };
        let Some(header) = readable(peeked) else { continue };
        if !feed.has_sender(header) {
            continue;
        }
        if !is_known {
            claimed.get_or_insert(index);
            continue;
        }
        if claimed.is_some() && feed.asks_for_nothing(peer) {
            continue;
        }
        if feed.has_receiver(header) {
            let peeked = latest.map_or_else(|| Header::peek(bytes, rule), |(_, peeked)| peeked);
            return Whose::Feed(index, peeked);
        }
        by_sender_only.get_or_insert((index, rule));
    }
    if let Some((index, rule)) = by_sender_only {
        return Whose::Feed(index, Header::peek(bytes, rule));
    }
    let refused = |header| match claimed {
        Some(feed) => Whose::Impostor(feed, header),
        None => Whose::Stranger(header),
    };
    match latest.map_or_else(|| Header::peek(bytes, &CharsetRule::Auto), |(_, peeked)| peeked) {
        Ok(header) => refused(header),
        Err(HeaderFault { readable: Some(header), .. }) => refused(*header),
        Err(_) => Whose::Faceless(heard.only()),
    }
}

/// The header, or the stand-in for it.
pub(crate) fn readable<'h, 'b>(peeked: &'h Peeked<'b>) -> Option<&'h Header<'b>> {
    match peeked {
        Ok(header) => Some(header),
        Err(fault) => fault.readable.as_deref(),
    }
}

/// Which feeds hear a peer.
#[derive(Default)]
enum Heard {
    #[default]
    None,
    One(usize),
    Several,
}

impl Heard {
    fn note(&mut self, index: usize) {
        *self = match self {
            Self::None => Self::One(index),
            Self::One(_) | Self::Several => Self::Several,
        };
    }

    const fn only(&self) -> Option<usize> {
        match self {
            Self::One(index) => Some(*index),
            Self::None | Self::Several => None,
        }
    }
}
