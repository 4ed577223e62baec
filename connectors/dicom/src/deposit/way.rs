//! Who takes an instance in: the thread that reads it, where that may block; else one of the pool, while the next bytes are read.

use std::sync::Arc;

use causeway_core::port::{BlobStore, SharedBlobs};
use tokio::sync::{mpsc, oneshot};

use super::clerk::{Clerk, Logging};
use crate::hands::Hands;
use crate::intake::{Intake, IntakeFault, Order, Piece, Sealed};

/// Pieces that may wait for the store before reading stops.
const PIECES: usize = 2;

/// Who takes it in.
pub(super) enum Way {
    /// The thread that reads it.
    Here(Here),
    /// One of the pool.
    Apart {
        /// Where the pieces go.
        pieces: mpsc::Sender<Piece>,
        /// What becomes of them.
        intake: oneshot::Receiver<Result<Logging, IntakeFault>>,
    },
}

impl Way {
    /// A thread of the pool does all of `take`, then gives the claim to the log.
    pub(super) fn apart(
        blobs: SharedBlobs,
        clerk: Clerk,
        take: impl FnOnce(mpsc::Receiver<Piece>) -> Result<Sealed, IntakeFault> + Send + 'static,
    ) -> Self {
        let (pieces, incoming) = mpsc::channel(PIECES);
        let (told, intake) = oneshot::channel();
        tokio::task::spawn_blocking(move || {
            let logging = take(incoming).map(|sealed| clerk.log(sealed));
            let goes_on = logging.is_ok();
            // Nobody asks any more when the sender is gone.
            drop(told.send(logging));
            if goes_on {
                // While the log is at work.
                blobs.prepare();
            }
        });
        Self::Apart { pieces, intake }
    }

    /// The thread of the association does it; the first piece begins with the head of the file, of so many bytes.
    pub(super) fn here(hands: Hands, blobs: SharedBlobs, clerk: Clerk, order: Order, head: usize) -> Self {
        Self::Here(Here { hands, blobs, clerk, state: State::Ordered(Box::new(order), head) })
    }

    /// Takes the next piece, and gives its memory back where it is done with it. Whether more are wanted: who has given up says why
    /// at the end.
    pub(super) async fn take(&mut self, piece: Vec<u8>) -> (bool, Vec<u8>) {
        match self {
            Self::Apart { pieces, .. } if piece.is_empty() => (!pieces.is_closed(), piece),
            Self::Apart { pieces, .. } => (pieces.send(Piece::Bytes(piece)).await.is_ok(), Vec::new()),
            Self::Here(here) => here.take(piece).await,
        }
    }

    /// The last piece has come: makes the instance durable, and gives its claim to the log.
    pub(super) async fn finish(self) -> Result<Logging, IntakeFault> {
        match self {
            Self::Here(here) => here.finish().await,
            Self::Apart { pieces, intake } => {
                // An intake that has given up already says why.
                drop(pieces.send(Piece::End).await);
                intake.await.unwrap_or(Err(IntakeFault::Broken))
            }
        }
    }
}

/// An instance taken in by the thread that reads it.
pub(super) struct Here {
    hands: Hands,
    blobs: SharedBlobs,
    clerk: Clerk,
    state: State,
}

/// How far it is.
enum State {
    /// Nothing has come; the file has a head of so many bytes.
    Ordered(Box<Order>, usize),
    /// It has begun.
    Begun(Box<Intake>),
    /// It is given up, for this.
    Over(IntakeFault),
}

impl State {
    fn take(self, piece: &[u8], blobs: &dyn BlobStore) -> Self {
        let taken = match self {
            Self::Ordered(order, head) => Intake::begin(*order, head, piece, blobs).map(Box::new),
            Self::Begun(mut intake) => intake.feed(piece).map(|()| intake),
            Self::Over(fault) => Err(fault),
        };
        taken.map_or_else(Self::Over, Self::Begun)
    }

    fn finish(self) -> Result<Sealed, IntakeFault> {
        match self {
            Self::Begun(intake) => intake.finish(),
            Self::Over(fault) => Err(fault),
            // The first piece has a head at least.
            Self::Ordered(..) => Err(IntakeFault::Broken),
        }
    }
}

impl Here {
    async fn take(&mut self, mut piece: Vec<u8>) -> (bool, Vec<u8>) {
        let state = std::mem::replace(&mut self.state, State::Over(IntakeFault::Broken));
        let blobs = Arc::clone(&self.blobs);
        let taken = self.hands.work(move || {
            let state = state.take(&piece, &*blobs);
            piece.clear();
            (state, piece)
        });
        let piece = match taken.await {
            Ok((state, piece)) => {
                self.state = state;
                piece
            }
            Err(_broken) => Vec::new(),
        };
        (!matches!(self.state, State::Over(_)), piece)
    }

    async fn finish(self) -> Result<Logging, IntakeFault> {
        let Self { hands, blobs, clerk, state } = self;
        let work = move || {
            let logging = clerk.log(state.finish()?);
            // While the log is at work.
            blobs.prepare();
            Ok(logging)
        };
        hands.work(work).await.unwrap_or(Err(IntakeFault::Broken))
    }
}
