//! One association, from its request to its end: messages come in fragments, and each is answered before the next is read.

mod committing;
mod message;
mod storing;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use causeway_core::dicom::uid::Uid;
use causeway_tls::{Certificate, Suspect};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::{debug, info, warn};

use crate::classes::STORAGE_COMMITMENT;
use crate::commitment::post::Parcel;
use crate::door::Shared;
use crate::hands::Hands;
use crate::negotiate::{Caller, admit, answers, roles};
use crate::outgoing;
use crate::pdu::{self, ASSOCIATE_BYTES_MAX, Abort, Acceptance, Rejection, Request, kind};
use crate::seats::Seat;
use crate::wire::{Wire, WireFault};
use committing::Told;
use message::Waiting;

/// Who is on the other side.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    pub(crate) certificate: Option<Arc<Certificate>>,
    /// Its place among the associations; none when there are as many as may be.
    pub(crate) seat: Option<Seat>,
}

/// One association.
#[derive(Debug)]
pub(crate) struct Association<S> {
    wire: Wire<S>,
    peer: Peer,
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
    /// Who does what may block.
    hands: Hands,
    /// The message ID of our latest request.
    last_id: u16,
    /// A report that waits for its answer.
    told: Option<Told>,
    /// When the message that is being read must be whole.
    whole_by: Instant,
}

/// What both sides agreed on.
#[derive(Debug)]
pub(crate) struct Agreed {
    /// The place of the feed in the configuration.
    feed: usize,
    /// The calling AE title.
    calling: String,
    /// By number: SOP class and transfer syntax.
    contexts: HashMap<u8, (Uid, Uid)>,
    /// The longest fragment the peer takes, in bytes.
    piece: usize,
}

impl Agreed {
    /// The context of storage commitment and its transfer syntax, where it was agreed on.
    fn commitment(&self) -> Option<(u8, &Uid)> {
        let found = self.contexts.iter().find(|(_, (class, _))| class.as_str() == STORAGE_COMMITMENT);
        found.map(|(id, (_, syntax))| (*id, syntax))
    }
}

/// How an association ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The peer released it.
    Released,
    /// The peer aborted it.
    Aborted,
    /// The connection was lost.
    Lost,
    /// It was not let in.
    Rejected(Rejection),
    /// We abort it, for this.
    Abort(Abort, &'static str),
}

impl End {
    /// The label of a metric: a closed set.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Aborted => "aborted_by_peer",
            Self::Lost => "lost",
            Self::Rejected(rejection) if rejection.is_transient() => "rejected_for_now",
            Self::Rejected(_) => "rejected",
            Self::Abort(_, cause) => cause,
        }
    }
}

impl From<WireFault> for End {
    fn from(fault: WireFault) -> Self {
        match fault {
            WireFault::Closed => Self::Lost,
            WireFault::TimedOut => Self::Abort(Abort::NO_REASON, "timed_out"),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Association<S> {
    pub(crate) fn new(
        stream: S,
        peer: Peer,
        shared: Arc<Shared>,
        stopped: watch::Receiver<bool>,
        hands: Hands,
    ) -> Self {
        Self {
            wire: Wire::new(stream, shared.config.limits.write_timeout),
            whole_by: Instant::now(),
            peer,
            shared,
            stopped,
            hands,
            last_id: 0,
            told: None,
        }
    }

    /// The whole of it.
    pub(crate) async fn run(mut self) {
        let (feed, end) = match self.open().await {
            Ok(agreed) => {
                self.shared.tally.joined(agreed.feed);
                (Some(agreed.feed), self.hold(&agreed).await)
            }
            Err(end) => (None, end),
        };
        // Whoever hears that this one is over may begin the next.
        drop(self.peer.seat.take());
        if let Some(feed) = feed {
            self.shared.tally.left(feed);
        }
        self.shared.tally.ended(feed, end.as_str());
        let name = feed.and_then(|feed| self.shared.feed(feed)).map(|feed| feed.name.as_str());
        debug!(peer = %self.peer.address, feed = name, end = end.as_str(), "association over");
        let last = match end {
            End::Released => Some(pdu::released()),
            End::Rejected(rejection) => Some(pdu::refused(rejection)),
            End::Abort(abort, _) => Some(pdu::abort(abort)),
            End::Aborted | End::Lost => None,
        };
        if let Some(last) = last
            && self.wire.write(&last).await.is_ok()
        {
            self.wire.close().await;
        }
    }

    /// From the request to the acceptance.
    async fn open(&mut self) -> Result<Agreed, End> {
        let until = Instant::now() + self.shared.config.limits.association_timeout;
        let head = self.wire.unit(until).await?;
        match head.kind {
            kind::REQUEST => {}
            kind::ABORT => return Err(End::Aborted),
            known => return Err(unexpected(known)),
        }
        if head.bytes > ASSOCIATE_BYTES_MAX {
            return Err(End::Abort(Abort::INVALID, "unit_too_long"));
        }
        let mut body = Vec::new();
        self.wire.append(&mut body, usize::try_from(head.bytes).unwrap_or(usize::MAX), until).await?;
        let request = pdu::request(&body).map_err(|fault| {
            debug!(peer = %self.peer.address, %fault, "an association request that is none");
            End::Abort(Abort::INVALID, "bad_request")
        })?;
        let feed = self.judge(&request)?;
        self.accept(request, feed).await
    }

    /// Whether it is let in, and for which feed.
    fn judge(&self, request: &Request) -> Result<usize, End> {
        let shared = &self.shared;
        let caller = Caller { address: self.peer.address, certificate: self.peer.certificate.as_deref() };
        let feed = admit(&shared.config, request, caller).map_err(|rejection| {
            warn!(peer = %self.peer.address, ?rejection, "association rejected");
            self.suspect(request, rejection);
            End::Rejected(rejection)
        })?;
        if self.peer.seat.is_none() {
            info!(peer = %self.peer.address, "association rejected: as many as may be are open");
            return Err(End::Rejected(Rejection::LIMIT));
        }
        if *self.stopped.borrow() || shared.is_paused(feed) || shared.is_halted() {
            return Err(End::Rejected(Rejection::CONGESTION));
        }
        Ok(feed)
    }

    /// Notes who may not come in, and why.
    fn suspect(&self, request: &Request, rejection: Rejection) {
        let address = self.peer.address;
        let known = self.shared.config.feeds.iter().find(|feed| {
            feed.ae_titles.contains(&request.calling) && feed.from.iter().any(|network| network.contains(address))
        });
        let cause = match rejection {
            Rejection::CALLED => "called_title",
            Rejection::CALLING if known.is_some() => "certificate",
            Rejection::CALLING => "unknown_sender",
            // It speaks something else, which tells nothing of who it is.
            _ => return,
        };
        let certificate = self.peer.certificate.as_deref().map_or("none", Certificate::name);
        let detail =
            format!("calling AE title: {}, called: {}, certificate: {certificate}", request.calling, request.called);
        let feed = known.map(|feed| feed.name.to_string());
        (self.shared.ports.suspect)(&Suspect { address, cause, detail, feed });
    }

    async fn accept(&mut self, request: Request, feed: usize) -> Result<Agreed, End> {
        let Some(config) = self.shared.feed(feed) else { return Err(End::Rejected(Rejection::CALLING)) };
        let commits = self.shared.ports.safekeeping.is_some();
        let contexts = answers(config, commits, &request.contexts);
        let proposed = request.contexts.iter().zip(&contexts);
        let agreed = proposed.filter_map(|(proposal, answer)| {
            let syntax = answer.result.clone().ok()?;
            Some((proposal.id, (proposal.abstract_syntax.clone(), syntax)))
        });
        let piece = outgoing::piece(request.pdu_bytes_max);
        let agreed = Agreed { feed, calling: request.calling.clone(), contexts: agreed.collect(), piece };
        let pdu_bytes_max = u32::try_from(self.shared.config.limits.pdu_bytes_max).unwrap_or(u32::MAX);
        let roles = roles(&request.roles);
        let acceptance =
            Acceptance { called: request.called, calling: request.calling, contexts, pdu_bytes_max, roles };
        self.wire.write(&pdu::accepted(&acceptance)).await?;
        debug!(peer = %self.peer.address, feed = %config.name, contexts = agreed.contexts.len(), "association open");
        Ok(agreed)
    }

    /// From the acceptance to the end. Meanwhile it can be told what storage commitment was asked for.
    async fn hold(&mut self, agreed: &Agreed) -> End {
        let post = agreed.commitment().map(|_| self.shared.post.opened(agreed.feed, &agreed.calling));
        let (number, mut reports) = post.unzip();
        let ended = self.talk(agreed, &mut reports).await;
        if let Some(number) = number {
            self.shared.post.closed(agreed.feed, &agreed.calling, number);
        }
        match ended {
            Ok(()) => End::Released,
            Err(end) => end,
        }
    }

    /// Message after message, until the peer releases it.
    async fn talk(&mut self, agreed: &Agreed, reports: &mut Option<mpsc::Receiver<Parcel>>) -> Result<(), End> {
        let mut waiting = Waiting::default();
        loop {
            let limits = self.shared.config.limits;
            if waiting.is_between_messages() {
                let until = Instant::now() + limits.idle_timeout;
                let told = self.told.is_some();
                let report = tokio::select! {
                    biased;
                    _ = self.stopped.wait_for(|stopped| *stopped) => return Err(End::Abort(Abort::NO_REASON, "stopped")),
                    ready = self.wire.ready(until) => ready.map(|()| None)?,
                    Some(report) = next(reports), if !told => Some(report),
                };
                if let Some(report) = report {
                    self.tell(agreed, report).await?;
                    continue;
                }
                self.message_begins();
            }
            let head = self.wire.unit(self.patience()).await?;
            match head.kind {
                kind::DATA => waiting = self.data(agreed, waiting, head.bytes).await?,
                kind::RELEASE if waiting.is_between_messages() => return Ok(()),
                kind::ABORT => return Err(End::Aborted),
                known => return Err(unexpected(known)),
            }
        }
    }

    /// The values of one P-DATA-TF.
    async fn data(&mut self, agreed: &Agreed, mut waiting: Waiting, bytes: u32) -> Result<Waiting, End> {
        let invalid = End::Abort(Abort::INVALID, "bad_data_unit");
        if bytes == 0 || u64::from(bytes) > self.shared.config.limits.pdu_bytes_max {
            return Err(invalid);
        }
        let mut left = bytes;
        while left > 0 {
            if waiting.is_between_messages() {
                self.message_begins();
            }
            let room = left.checked_sub(4).filter(|room| *room >= 2).ok_or(invalid)?;
            let head = self.wire.value(self.patience()).await?;
            // Fragments are of even length (PS3.8 annex E.2), so what stands before them is too.
            if head.bytes < 2 || head.bytes > room || !head.bytes.is_multiple_of(2) {
                return Err(invalid);
            }
            if !agreed.contexts.contains_key(&head.context) {
                return Err(End::Abort(Abort::INVALID, "bad_context"));
            }
            left = room.saturating_sub(head.bytes);
            waiting = self.fragment(agreed, waiting, head).await?;
        }
        Ok(waiting)
    }

    /// The first byte of a message is there: its time runs.
    fn message_begins(&mut self) {
        self.whole_by = Instant::now() + self.shared.config.limits.instance_timeout;
    }

    /// Until when the next bytes of a message are waited for: neither is it silent for long, nor does it go on for ever.
    fn patience(&self) -> Instant {
        self.whole_by.min(Instant::now() + self.shared.config.limits.read_timeout)
    }
}

/// The next report; for ever pending where none can come.
async fn next(reports: &mut Option<mpsc::Receiver<Parcel>>) -> Option<Parcel> {
    match reports {
        Some(reports) => reports.recv().await,
        None => std::future::pending().await,
    }
}

/// What a unit that may not come now, or is none, is answered.
const fn unexpected(known: u8) -> End {
    match known {
        kind::REQUEST..=kind::ABORT => End::Abort(Abort::UNEXPECTED, "unexpected_unit"),
        _ => End::Abort(Abort::UNRECOGNISED, "unknown_unit"),
    }
}
