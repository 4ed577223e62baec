//! What follows a pointer, and what the repository remembers of it.

use jiff::Timestamp;

use crate::envelope::Digest;
use crate::fetch::FetchPlace;
use crate::phi::Phi;
use crate::reason::Reason;

/// What can go wrong with one try. No text of it names the pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Nothing answers, the time is over, or the server says it has no such document now.
    #[error("{0}")]
    Unreachable(String),
    /// The place is not one that may be asked: a redirect elsewhere, an address nobody named.
    #[error("{0}")]
    Forbidden(String),
    /// Another size than the sender announced.
    #[error("the sender announced {announced} bytes, {came} came")]
    Size {
        /// What was announced.
        announced: u64,
        /// What came.
        came: u64,
    },
    /// More bytes than the place may give.
    #[error("the document has more than the {bytes_max} bytes that may be fetched here")]
    TooLong {
        /// The limit.
        bytes_max: u64,
    },
}

impl FetchError {
    /// Whether another try may end otherwise.
    pub const fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) => true,
            Self::Forbidden(_) | Self::Size { .. } | Self::TooLong { .. } => false,
        }
    }

    /// Why the message is held when there is no further try.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Unreachable(_) => Reason::DocumentUnreachable,
            Self::Forbidden(_) => Reason::DocumentNotListed,
            Self::Size { .. } | Self::TooLong { .. } => Reason::DocumentSize,
        }
    }

    /// A word for a metric.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Forbidden(_) => "forbidden",
            Self::Size { .. } | Self::TooLong { .. } => "size",
        }
    }
}

/// Follows pointers. Bounded in time and bytes by the place.
pub trait Fetch: Send + Sync {
    /// The document at `pointer`, which lies in `place`. `announced` is the size the sender gave, in bytes.
    ///
    /// # Errors
    /// See [`FetchError`].
    fn fetch(&self, place: &FetchPlace, pointer: &Phi<String>, announced: Option<u64>) -> Result<Vec<u8>, FetchError>;
}

/// What is remembered of a pointer of a message. The pointer itself is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRow {
    /// Of the pointer.
    pub pointer: Digest,
    /// Tries begun in this round.
    pub tries: u32,
    /// Before this nobody tries again: the lease of a try that goes on, and the pause after one that failed.
    pub next_at: Timestamp,
    /// The document, once it came.
    pub document: Option<Digest>,
    /// Why the latest try failed. Never names the pointer.
    pub failure: Option<String>,
}
