//! An instance on its way, whoever brings it: handed piece by piece to who stores it, then claimed in the log; only then is it
//! said to be safe. Associations, STOW-RS and imports share it, so that nothing is safe by one of them that is
//! not by the others.

mod clerk;
pub(crate) mod earlier;
mod way;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use causeway_core::dicom::uid::Uid;
use causeway_core::port::{Appended, Freshness, LogError};
use causeway_tls::Suspect;
use tracing::warn;

use self::clerk::{Clerk, Logging};
use self::way::Way;
use crate::door::{Distrust, Shared};
use crate::hands::Hands;
use crate::intake::{self, FileOrder, IntakeFault, Order};
use crate::part10;
use crate::status::{Refusal, Status};

/// Bytes handed to the store at once.
pub(crate) const PIECE: usize = 128 << 10;

/// An instance on its way.
pub(crate) struct Deposit {
    /// What was read and not handed over; first the head of the file, where we write it.
    piece: Vec<u8>,
    /// Everything read so far, in bytes.
    pub(crate) bytes: u64,
    /// The place of the feed in the configuration.
    feed: usize,
    /// The operation.
    kind: &'static str,
    names: Arc<OnceLock<Names>>,
    way: Way,
}

/// What an instance is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// SOP Class UID.
    pub sop_class: Uid,
    /// SOP Instance UID.
    pub sop_instance: Uid,
}

/// Who brings it, and by what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bringer<'a> {
    /// The place of the feed in the configuration.
    pub(crate) feed: usize,
    /// What the sender calls itself.
    pub(crate) sender: &'a str,
    /// The operation, as it stands in the envelope.
    pub(crate) kind: &'static str,
}

/// An instance that is safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deposited {
    /// What it is called.
    pub names: Names,
    /// Its Study Instance UID.
    pub study: Uid,
    /// Its Series Instance UID.
    pub series: Uid,
    /// Whether it had come before.
    pub freshness: Freshness,
}

/// Why an instance was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undeposited {
    /// Its status, and what is wrong.
    pub refusal: Refusal,
    /// What it is called, as far as was read.
    pub names: Option<Names>,
    /// It is no fault of the instance: the same bytes may be taken later.
    pub later: bool,
}

impl Undeposited {
    /// Nothing is taken at the moment.
    pub(crate) fn not_now() -> Self {
        let refusal = Refusal::new(Status::OUT_OF_RESOURCES, "the feed is paused, or the hub is stopping");
        Self { refusal, names: None, later: true }
    }
}

impl Deposit {
    /// The data set of a command, taken in by the thread that reads it.
    pub(crate) fn of_command(shared: &Arc<Shared>, by: Bringer<'_>, order: Order, hands: Hands) -> Self {
        let names = Names { sop_class: order.sop_class.clone(), sop_instance: order.sop_instance.clone() };
        // With the head it makes a whole piece, and so each piece behind it lies where file systems like it best.
        let piece = part10::head(&order.sop_class, &order.sop_instance, &order.transfer_syntax);
        let way = Way::here(hands, Arc::clone(&shared.ports.blobs), Clerk::new(shared, by), order, piece.len());
        let Bringer { feed, kind, .. } = by;
        Self { piece, bytes: 0, feed, kind, names: Arc::new(OnceLock::from(names)), way }
    }

    /// A file, which says itself what it is.
    pub(crate) fn of_file(shared: &Arc<Shared>, by: Bringer<'_>, order: FileOrder) -> Self {
        let (blobs, names) = (Arc::clone(&shared.ports.blobs), Arc::new(OnceLock::new()));
        let told = Arc::clone(&names);
        let take = move |mut incoming| intake::take_file(&order, &told, &*blobs, &mut incoming);
        let way = Way::apart(Arc::clone(&shared.ports.blobs), Clerk::new(shared, by), take);
        let Bringer { feed, kind, .. } = by;
        Self { piece: Vec::new(), bytes: 0, feed, kind, names, way }
    }

    /// Takes the next bytes; waits while the store has enough to do. Whether more are wanted: an intake that has given up
    /// says why when it is asked.
    pub(crate) async fn pour(&mut self, bytes: &[u8]) -> bool {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.piece.extend_from_slice(bytes);
        self.room() > 0 || self.hand_over().await
    }

    /// Where the next bytes go, with room for all that are wanted.
    pub(crate) fn place(&mut self) -> &mut Vec<u8> {
        self.piece.reserve_exact(self.room());
        &mut self.piece
    }

    /// How many bytes are wanted before they are handed over.
    pub(crate) const fn room(&self) -> usize {
        PIECE.saturating_sub(self.piece.len())
    }

    /// Gives what was read to the store. Whether it wants more.
    pub(crate) async fn hand_over(&mut self) -> bool {
        let piece = std::mem::take(&mut self.piece);
        let (more, rest) = self.way.take(piece).await;
        self.piece = rest;
        more
    }
}

impl Shared {
    /// How the files of a feed are taken; `None` while nothing of it is.
    pub(crate) fn file_order(&self, feed: usize) -> Option<FileOrder> {
        let config = self.feed(feed).filter(|_| !self.is_paused(feed) && !self.is_halted())?;
        Some(FileOrder {
            limits: self.scan_limits(config),
            charset: config.charset.clone(),
            any_class: config.unknown_sop_classes,
            bare: true,
            study: None,
        })
    }

    /// The last byte has come: makes the instance durable, in the store and in the log.
    pub(crate) async fn complete(&self, mut deposit: Deposit) -> Result<Deposited, Undeposited> {
        let feed = deposit.feed;
        self.tally.received(feed, deposit.kind, deposit.bytes, self.ports.clock.now());
        // Who has given up already says why below.
        deposit.hand_over().await;
        let Deposit { names, way, .. } = deposit;
        let not = |refusal, later| Undeposited { refusal, names: names.get().cloned(), later };
        let logging = match way.finish().await {
            Ok(logging) => logging,
            Err(IntakeFault::Refused(refusal)) => return Err(not(refusal, false)),
            Err(IntakeFault::Store(error)) => {
                warn!(%error, "an instance could not be stored");
                self.check(Distrust::Blobs(&error));
                return Err(not(Refusal::from(&error), true));
            }
            Err(IntakeFault::Cut) => return Err(not(Refusal::new(Status::PROCESSING, "it was cut short"), false)),
            Err(IntakeFault::Broken) => {
                warn!("the intake of an instance broke");
                return Err(not(Refusal::new(Status::PROCESSING, "the hub failed; see its log"), false));
            }
        };
        let Logging { names, study, series, earlier, appended } = logging;
        let appended: Result<Appended, LogError> = match appended {
            Ok(appended) => appended.await.unwrap_or(Err(LogError::Closed)),
            Err(error) => Err(error),
        };
        let appended = appended.map_err(|error| {
            warn!(%error, "a claim could not be logged");
            self.check(Distrust::Log(&error));
            let refusal = Refusal::from(&error);
            let later = refusal.status == Status::OUT_OF_RESOURCES;
            not(refusal, later)
        })?;
        let freshness = match appended.freshness {
            Freshness::New => earlier,
            told @ (Freshness::Resent | Freshness::ControlIdReused) => told,
        };
        match freshness {
            Freshness::New => {}
            Freshness::Resent => self.tally.duplicate(feed),
            Freshness::ControlIdReused => {
                let name = self.feed(feed).map(|feed| feed.name.as_str());
                let position = appended.position;
                warn!(feed = name, %position, "a SOP Instance UID was used for another instance: both are kept");
                self.tally.conflict(feed);
            }
        }
        Ok(Deposited { names, study, series, freshness })
    }

    /// Notes who sent an instance that is refused for good. What may be sent again is no matter of the audit.
    pub(crate) fn note_refused(&self, address: IpAddr, who: &str, feed: usize, refusal: &Refusal) {
        let status = refusal.status;
        if [Status::OUT_OF_RESOURCES, Status::PROCESSING].contains(&status) {
            return;
        }
        let detail = format!("{who}, status 0x{:04X}: {}", status.0, refusal.comment);
        let feed = self.feed(feed).map(|feed| feed.name.to_string());
        (self.ports.refused)(&Suspect { address, cause: status.outcome(), detail, feed });
    }
}
