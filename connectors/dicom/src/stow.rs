//! STOW-RS (DICOM PS3.18 section 10.5): instances by HTTP, part by part, by the very same way as those of associations. What a
//! request looks like is the business of whoever has the HTTP server.

mod answer;
mod media;
mod multipart;

use std::net::IpAddr;
use std::sync::Arc;

use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::Digest;
use causeway_tls::{Acceptor, Certificate, Suspect};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

pub use answer::Answer;
pub use media::MediaType;
pub use multipart::{Event, Multipart, MultipartFault, PartHead, PartLimits};

use crate::config::StowSettings;
use crate::deposit::{Bringer, Deposit, Undeposited};
use crate::door::{Door, Shared};
use crate::status::{Refusal, Status};
use crate::tally::Unwelcome;
use answer::{Outcome, Telling};

/// The kind of the envelopes of STOW-RS.
const KIND: &str = "STOW-RS";
/// What a part is.
const DICOM: &str = "application/dicom";

/// Who sends, as far as the connection and the request tell.
#[derive(Debug, Clone)]
pub struct Sender<'s> {
    /// Where from.
    pub address: IpAddr,
    /// The certificate shown.
    pub certificate: Option<Arc<Certificate>>,
    /// The token shown.
    pub token: Option<&'s str>,
}

/// Why a request is at fault as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StowFault {
    /// The study of the address is none.
    #[error("the study of the address is no unique identifier")]
    BadStudy,
    /// The content type is none of ours.
    #[error("the content is not multipart/related with type=\"application/dicom\", nor application/dicom")]
    ContentType,
    /// Multipart without a boundary.
    #[error("Content-Type names no boundary, or one that cannot be (RFC 2046 section 5.1.1)")]
    NoBoundary,
    /// There is nothing in it.
    #[error("the body has no parts")]
    NoParts,
    /// The body cannot be taken apart.
    #[error("{0}")]
    Multipart(MultipartFault),
    /// More bytes than a request may have.
    #[error("the request is longer than {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: u64,
    },
    /// The sender fell silent.
    #[error("nothing came for too long, in the middle of the body")]
    Silent,
    /// The connection broke.
    #[error("the body was cut short")]
    Cut,
    /// The feed is paused, as many requests as may be are under way, or the hub stops.
    #[error("nothing can be taken now")]
    Later,
}

impl StowFault {
    /// The status of HTTP.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadStudy | Self::NoBoundary | Self::NoParts | Self::Cut => 400,
            Self::Multipart(fault) => match fault {
                MultipartFault::NoDelimiter | MultipartFault::Ended { .. } | MultipartFault::BadHead { .. } => 400,
                MultipartFault::HeadTooLong { .. } | MultipartFault::TooManyParts { .. } => 413,
            },
            Self::Silent => 408,
            Self::TooLong { .. } => 413,
            Self::ContentType => 415,
            Self::Later => 503,
        }
    }

    /// Its stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BadStudy => "bad-study",
            Self::ContentType => "content-type",
            Self::NoBoundary => "no-boundary",
            Self::NoParts => "no-parts",
            Self::Multipart(fault) => match fault {
                MultipartFault::NoDelimiter => "no-delimiter",
                MultipartFault::Ended { .. } => "part-cut-short",
                MultipartFault::BadHead { .. } => "bad-part-header",
                MultipartFault::HeadTooLong { .. } => "part-header-too-long",
                MultipartFault::TooManyParts { .. } => "too-many-parts",
            },
            Self::TooLong { .. } => "too-long",
            Self::Silent => "silent",
            Self::Cut => "cut-short",
            Self::Later => "not-now",
        }
    }

    /// What its sender can do.
    pub const fn fix(self) -> &'static str {
        match self {
            Self::BadStudy => "write the Study Instance UID as it stands in the instances, or post to /studies",
            Self::ContentType => "send each instance as a file of DICOM (PS3.10) in a part of its own",
            Self::NoBoundary | Self::NoParts => "see PS3.18 section 8.6.1.2 on multipart bodies",
            Self::Multipart(fault) => match fault {
                MultipartFault::NoDelimiter | MultipartFault::Ended { .. } | MultipartFault::BadHead { .. } => {
                    "send it again whole; instances that are stored are known again"
                }
                MultipartFault::HeadTooLong { .. } => "leave out headers that are not needed",
                MultipartFault::TooManyParts { .. } => "send the rest in another request",
            },
            Self::TooLong { .. } => "send fewer instances in a request",
            Self::Silent | Self::Cut => "send it again; instances that are stored are known again",
            Self::Later => "send it again later",
        }
    }

    /// Whether the same request may be taken later.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Later)
    }
}

/// The STOW-RS of a door.
#[derive(Debug, Clone)]
pub struct Stow {
    shared: Arc<Shared>,
    settings: StowSettings,
    under_way: Arc<Semaphore>,
}

impl Door {
    /// Its STOW-RS, when it has one.
    pub fn stow(&self) -> Option<Stow> {
        let settings = self.shared.config.stow.clone()?;
        let under_way = Arc::new(Semaphore::new(settings.requests_max));
        Some(Stow { shared: Arc::clone(&self.shared), settings, under_way })
    }
}

impl Stow {
    /// Its settings.
    pub const fn settings(&self) -> &StowSettings {
        &self.settings
    }

    /// The certificates of the door; `None` in plain text.
    pub fn tls(&self) -> Option<Arc<Acceptor>> {
        self.shared.tls.clone()
    }

    /// Silence inside a body after which it is given up.
    pub fn patience(&self) -> std::time::Duration {
        self.shared.config.limits.read_timeout
    }

    /// The feed of a sender, by its place: its address, and every proof that the feed asks for. A feed that asks for none is
    /// nobody's here.
    pub fn recognise(&self, sender: &Sender<'_>) -> Option<usize> {
        let config = &self.shared.config;
        let token = sender.token.map(|token| Digest::of(token.as_bytes()).to_string());
        let found = config.feeds.iter().position(|feed| {
            let hears = feed.from.iter().any(|network| network.contains(sender.address));
            let own = feed.stow_token_sha256.as_deref();
            let has_token = own.is_none_or(|own| token.as_ref().is_some_and(|shown| own.eq_ignore_ascii_case(shown)));
            let shown = sender.certificate.as_deref();
            let has_certificate = feed.certificates.is_empty()
                || shown.is_some_and(|shown| feed.certificates.iter().any(|pattern| pattern.fits(shown)));
            let asks = own.is_some() || !feed.certificates.is_empty();
            hears && asks && has_token && has_certificate
        });
        let found = found.filter(|_| config.secrecy().hears(sender.address));
        if found.is_none() {
            let (address, cause) = (sender.address, Unwelcome::UnknownSender);
            self.shared.tally.unwelcome(cause);
            let detail = "neither token nor certificate is that of a feed of STOW-RS".to_owned();
            (self.shared.ports.suspect)(&Suspect { address, cause: cause.as_str(), detail, feed: None });
        }
        found
    }

    /// Makes ready for the body of a request from there with this `Content-Type`, whose instances must belong to `study` if it
    /// is given.
    ///
    /// # Errors
    /// No byte of it need be read.
    pub fn begin(
        &self,
        feed: usize,
        address: IpAddr,
        content_type: &str,
        study: Option<&str>,
    ) -> Result<Taking, StowFault> {
        let study = study.map(|study| Uid::parse(study).map_err(|_no_uid| StowFault::BadStudy)).transpose()?;
        let kind = MediaType::parse(content_type).ok_or(StowFault::ContentType)?;
        let is_dicom = |kind: &str| kind.eq_ignore_ascii_case(DICOM);
        let parts = match kind.kind.as_str() {
            "multipart/related" if kind.parameter("type").is_none_or(is_dicom) => {
                let limits = PartLimits {
                    parts_max: self.settings.parts_max,
                    head_bytes_max: usize::try_from(self.settings.part_header_bytes_max).unwrap_or(usize::MAX),
                };
                Some(Multipart::new(kind.boundary().ok_or(StowFault::NoBoundary)?, limits))
            }
            // One instance, alone.
            DICOM => None,
            _ => return Err(StowFault::ContentType),
        };
        let permit = Arc::clone(&self.under_way).try_acquire_owned().map_err(|_busy| StowFault::Later)?;
        if self.shared.file_order(feed).is_none() {
            return Err(StowFault::Later);
        }
        let mut taking = Taking {
            stow: self.clone(),
            feed,
            address,
            study,
            parts,
            part: None,
            outcomes: Vec::new(),
            fault: None,
            bytes: 0,
            _permit: permit,
        };
        if taking.parts.is_none() {
            taking.open(&PartHead::default());
        }
        Ok(taking)
    }
}

/// A request on its way: no more of it is in memory than a few pieces of one instance.
pub struct Taking {
    stow: Stow,
    feed: usize,
    address: IpAddr,
    study: Option<Uid>,
    /// `None` for an instance alone.
    parts: Option<Multipart>,
    part: Option<Part>,
    outcomes: Vec<Outcome>,
    fault: Option<StowFault>,
    bytes: u64,
    _permit: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Taking {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Taking").field("outcomes", &self.outcomes.len()).finish_non_exhaustive()
    }
}

/// The part that is being read.
enum Part {
    /// Into the store, by then.
    Instance(Box<Deposit>, Instant),
    /// Nowhere: its outcome is known.
    Nowhere(Undeposited),
}

impl Taking {
    /// Takes the next bytes of the body. Whether more are wanted.
    pub async fn push(&mut self, bytes: &[u8]) -> bool {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let bytes_max = self.stow.settings.request_bytes_max;
        if self.bytes > bytes_max {
            self.fail(StowFault::TooLong { bytes_max });
        }
        if self.fault.is_some() {
            return false;
        }
        let Some(mut parts) = self.parts.take() else {
            self.pour(bytes).await;
            return true;
        };
        parts.push(bytes);
        loop {
            match parts.event() {
                Ok(Some(Event::Begin(head))) => self.open(&head),
                Ok(Some(Event::Bytes(bytes))) => self.pour(&bytes).await,
                Ok(Some(Event::End)) => self.close().await,
                Ok(None) => break,
                Err(fault) => {
                    self.fail(StowFault::Multipart(fault));
                    break;
                }
            }
        }
        let wants_more = !parts.is_over() && self.fault.is_none();
        self.parts = Some(parts);
        wants_more
    }

    /// The body is over, or broken: says what became of its parts.
    pub async fn finish(mut self, broken: Option<StowFault>) -> Answer {
        if let Some(fault) = broken {
            self.fail(fault);
        }
        let ended = self.parts.as_ref().map_or(Ok(()), Multipart::finish);
        match ended {
            Err(fault) => self.fail(StowFault::Multipart(fault)),
            Ok(()) if self.fault.is_none() => self.close().await,
            Ok(()) => {}
        }
        if self.stow.shared.is_halted() {
            // What was written last may be lost: nobody is told anything any more.
            return StowFault::Later.into();
        }
        let on_conflict = self.stow.shared.feed(self.feed).map(|feed| feed.on_conflict).unwrap_or_default();
        let telling = Telling { retrieve_url: self.stow.settings.retrieve_url.as_deref(), on_conflict };
        answer::answer(&self.outcomes, self.fault, telling)
    }

    /// The first fault is the one that is told; the part it stands in is forgotten, and leaves nothing.
    fn fail(&mut self, fault: StowFault) {
        self.part = None;
        self.fault.get_or_insert(fault);
    }

    fn open(&mut self, head: &PartHead) {
        let shared = &self.stow.shared;
        let part = match (unfit(head), shared.file_order(self.feed)) {
            (Some(refusal), _) => Part::Nowhere(Undeposited { refusal, names: None, later: false }),
            (None, None) => Part::Nowhere(Undeposited::not_now()),
            (None, Some(mut order)) => {
                order.study.clone_from(&self.study);
                order.bare = false;
                let until = Instant::now() + shared.config.limits.instance_timeout;
                let sender = shared.feed(self.feed).map(|feed| feed.name.to_string()).unwrap_or_default();
                let by = Bringer { feed: self.feed, sender: &sender, kind: KIND };
                Part::Instance(Box::new(Deposit::of_file(shared, by, order)), until)
            }
        };
        self.part = Some(part);
    }

    async fn pour(&mut self, bytes: &[u8]) {
        let Some(Part::Instance(deposit, until)) = &mut self.part else { return };
        if Instant::now() > *until {
            let refusal = Refusal::new(Status::OUT_OF_RESOURCES, "it took longer than an instance may");
            self.part = Some(Part::Nowhere(Undeposited { refusal, names: None, later: false }));
        } else if !deposit.pour(bytes).await {
            // The store hears no more of it; why is told when it is asked.
            self.close().await;
        }
    }

    /// The part is over.
    async fn close(&mut self) {
        let Some(part) = self.part.take() else { return };
        let shared = &self.stow.shared;
        let received = Instant::now();
        let outcome = match part {
            Part::Nowhere(not) => Err(not),
            Part::Instance(deposit, _) => shared.complete(*deposit).await,
        };
        let status = outcome.as_ref().map_or_else(|not| not.refusal.status, |_stored| Status::SUCCESS);
        shared.tally.answered(self.feed, status, received.elapsed());
        if let Err(not) = &outcome {
            shared.note_refused(self.address, "by STOW-RS", self.feed, &not.refusal);
        }
        self.outcomes.push(outcome);
    }
}

/// Why a part with such a head is none of ours.
fn unfit(head: &PartHead) -> Option<Refusal> {
    let refuse = |what: &str| Some(Refusal::new(Status::CANNOT_UNDERSTAND, what));
    if head.encoding.as_deref().is_some_and(|encoding| !["binary", "8bit", "7bit"].contains(&encoding)) {
        return refuse("the part is encoded: send it as binary");
    }
    match (&head.content_type, head.media_type()) {
        (None, _) => None,
        (Some(_), Some(kind)) if kind.kind == DICOM => None,
        (Some(_), Some(kind)) if kind.kind.starts_with("multipart/") => refuse("a part within a part is not taken"),
        (Some(_), _) => refuse("the part is not application/dicom"),
    }
}
