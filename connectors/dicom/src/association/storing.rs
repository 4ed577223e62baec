//! C-STORE: the data set streams into the store, its claim into the log, and only then is it said to be safe.

use std::sync::Arc;

use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::{Digest, Envelope, Format, TraceId};
use causeway_core::phi::Phi;
use causeway_core::port::{Appended, Freshness, LogError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tracing::{debug, warn};

use super::message::Sink;
use super::{Agreed, Association, End};
use crate::dimse::Command;
use crate::door::{Distrust, uuid_at};
use crate::intake::{self, IntakeFault, Order, Piece, Sealed};
use crate::pdu::Abort;
use crate::status::{Refusal, Status};
use crate::tally::KIND;

/// Bytes handed to the store at once.
const PIECE: usize = 64 << 10;
/// Pieces that may wait for the store before reading stops.
const PIECES: usize = 4;

/// An instance on its way.
pub(super) struct Storing {
    pieces: mpsc::Sender<Piece>,
    piece: Vec<u8>,
    bytes: u64,
    bytes_max: u64,
    until: Instant,
    intake: JoinHandle<Result<Sealed, IntakeFault>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Association<S> {
    /// A C-STORE-RQ: makes ready for its data set.
    pub(super) fn order(&self, agreed: &Agreed, context: u8, command: &Command) -> Result<Storing, Refusal> {
        let bad = |what: &str| Refusal::new(Status::INVALID_INSTANCE, format!("{what} is no unique identifier"));
        let uid = |value: &Option<Vec<u8>>| value.as_deref().and_then(|value| Uid::of_value(value).ok());
        let sop_class = uid(&command.affected_class).ok_or_else(|| bad("Affected SOP Class UID"))?;
        let sop_instance = uid(&command.affected_instance).ok_or_else(|| bad("Affected SOP Instance UID"))?;
        let Some((class, syntax)) = agreed.contexts.get(&context).filter(|(class, _)| *class == sop_class) else {
            return Err(Refusal::new(Status::CLASS_NOT_SUPPORTED, "not the SOP class of this context"));
        };
        if !command.has_data_set() {
            return Err(Refusal::new(Status::CANNOT_UNDERSTAND, "there is no data set"));
        }
        let shared = &self.shared;
        let Some(feed) = shared.feed(agreed.feed).filter(|_| !shared.is_paused(agreed.feed)) else {
            return Err(Refusal::new(Status::OUT_OF_RESOURCES, "the feed is paused"));
        };
        let order = Order {
            sop_class: class.clone(),
            sop_instance,
            transfer_syntax: syntax.clone(),
            limits: shared.scan_limits(feed),
            charset: feed.charset.clone(),
        };
        let (pieces, mut incoming) = mpsc::channel(PIECES);
        let blobs = Arc::clone(&shared.ports.blobs);
        let intake = tokio::task::spawn_blocking(move || intake::take(&order, &*blobs, &mut incoming));
        let until = Instant::now() + shared.config.limits.instance_timeout;
        Ok(Storing { pieces, piece: Vec::new(), bytes: 0, bytes_max: feed.instance_bytes_max, until, intake })
    }

    /// Bytes of a data set.
    pub(super) async fn pour(&mut self, sink: &mut Sink, length: usize) -> Result<(), End> {
        let patience = self.patience();
        let mut left = length;
        while left > 0 {
            let step = match sink {
                Sink::Instance(storing) => {
                    let step = left.min(PIECE.saturating_sub(storing.piece.len()));
                    let until = storing.until.min(Instant::now() + patience);
                    self.wire.append(&mut storing.piece, step, until).await?;
                    storing.bytes = storing.bytes.saturating_add(u64::try_from(step).unwrap_or(u64::MAX));
                    if storing.piece.len() >= PIECE {
                        storing.hand_over().await;
                    }
                    step
                }
                Sink::Nowhere(_, bytes) => {
                    let step = left.min(PIECE);
                    self.wire.append(&mut Vec::new(), step, Instant::now() + patience).await?;
                    *bytes = bytes.saturating_add(u64::try_from(step).unwrap_or(u64::MAX));
                    // What is refused anyway is not listened to for ever.
                    if *bytes > self.shared.config.feeds.iter().map(|feed| feed.instance_bytes_max).max().unwrap_or(0) {
                        return Err(End::Abort(Abort::NO_REASON, "refused_and_endless"));
                    }
                    step
                }
            };
            left = left.saturating_sub(step);
            if let Sink::Instance(storing) = sink
                && storing.bytes > storing.bytes_max
            {
                // The store hears no more of it, and forgets what it had.
                let refusal = Refusal::new(Status::OUT_OF_RESOURCES, "larger than this feed may send");
                *sink = Sink::Nowhere(refusal, 0);
            }
        }
        Ok(())
    }

    /// The last byte has come: makes it durable, there and here.
    pub(super) async fn store(&mut self, agreed: &Agreed, mut storing: Storing) -> Result<(), Refusal> {
        let now = self.shared.ports.clock.now();
        self.shared.tally.received(agreed.feed, storing.bytes, now);
        storing.hand_over().await;
        // An intake that has given up already says why below.
        drop(storing.pieces.send(Piece::End).await);
        let sealed = match storing.intake.await {
            Ok(Ok(sealed)) => sealed,
            Ok(Err(IntakeFault::Refused(refusal))) => return Err(refusal),
            Ok(Err(IntakeFault::Store(error))) => {
                warn!(%error, "an instance could not be stored");
                self.shared.check(Distrust::Blobs(&error));
                return Err(Refusal::from(&error));
            }
            Ok(Err(IntakeFault::Cut)) => return Err(Refusal::new(Status::PROCESSING, "it was cut short")),
            Err(error) => {
                warn!(%error, "the intake of an instance broke");
                return Err(Refusal::new(Status::PROCESSING, "the hub failed; see its log"));
            }
        };
        let appended = self.append(agreed, sealed).await.map_err(|error| {
            warn!(%error, "a claim could not be logged");
            self.shared.check(Distrust::Log(&error));
            Refusal::from(&error)
        })?;
        match appended.freshness {
            Freshness::New => {}
            Freshness::Resent => self.shared.tally.duplicate(agreed.feed),
            Freshness::ControlIdReused => {
                let feed = self.shared.feed(agreed.feed).map(|feed| feed.name.as_str());
                warn!(feed, position = %appended.position, "a SOP Instance UID was used for another instance: both are kept");
                self.shared.tally.conflict(agreed.feed);
            }
        }
        Ok(())
    }

    /// Writes the claim to the log.
    async fn append(&self, agreed: &Agreed, sealed: Sealed) -> Result<Appended, LogError> {
        let Some(feed) = self.shared.feed(agreed.feed) else { return Err(LogError::Closed) };
        let at = self.shared.ports.clock.now();
        let body = sealed.claim.to_bytes();
        let envelope = Envelope {
            trace: TraceId(uuid_at(at)),
            feed: feed.name.clone(),
            format: Format::Dicom,
            sender: agreed.calling.clone(),
            control_id: sealed.claim.sop_instance.to_string(),
            kind: KIND.to_owned(),
            patient_key: sealed.patient_key,
            received_at: at,
            digest: Digest::of(&body),
            refusal: None,
            body: Phi::new(body.into()),
        };
        debug!(feed = %envelope.feed, trace = %envelope.trace, "instance stored");
        let (told, tells) = oneshot::channel();
        // Nobody listens any more when the association is gone; the claim is durable all the same.
        self.shared.ports.log.append(envelope, Box::new(move |result| drop(told.send(result))))?;
        tells.await.unwrap_or(Err(LogError::Closed))
    }
}

impl Storing {
    /// Gives the piece to the store; waits while it has enough to do.
    async fn hand_over(&mut self) {
        if !self.piece.is_empty() {
            let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
            // An intake that has given up says why when it is asked.
            drop(self.pieces.send(Piece::Bytes(piece)).await);
        }
    }
}
