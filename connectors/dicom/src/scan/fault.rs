//! What keeps a data set from being taken.

use causeway_core::dicom::tag::Tag;
use causeway_core::disposition::Disposition;

/// What is wrong with a data set, and where: bytes are counted from the first one of the data set. Never a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanFault {
    /// It ends before its last element does, or with a sequence open.
    #[error("the data set ends at byte {at}, before what has begun there is whole")]
    Truncated {
        /// Where it ends.
        at: u64,
    },
    /// It has more bytes than may be.
    #[error("the data set may have {bytes_max} bytes")]
    TooLong {
        /// The limit.
        bytes_max: u64,
    },
    /// An element reaches beyond what holds it, or beyond the limit of the whole.
    #[error("{tag} at byte {at} declares more bytes than what holds it has")]
    Overrun {
        /// The element.
        tag: Tag,
        /// Where it stands.
        at: u64,
    },
    /// An undefined length where there may be none.
    #[error("{tag} at byte {at} has no length")]
    NoLength {
        /// The element.
        tag: Tag,
        /// Where it stands.
        at: u64,
    },
    /// An element where an item must be, an item where an element must be, or a delimiter of nothing.
    #[error("{tag} at byte {at} stands where it may not")]
    Misplaced {
        /// The element.
        tag: Tag,
        /// Where it stands.
        at: u64,
    },
    /// Two letters that are no value representation.
    #[error("{tag} at byte {at} has no value representation: is the transfer syntax right?")]
    BadVr {
        /// The element.
        tag: Tag,
        /// Where it stands.
        at: u64,
    },
    /// One of the kept elements comes twice: nobody could say which one holds.
    #[error("{tag} comes a second time at byte {at}")]
    Twice {
        /// The element.
        tag: Tag,
        /// Where it stands.
        at: u64,
    },
    /// Sequences nested deeper than may be.
    #[error("sequences are nested deeper than {depth_max} at byte {at}")]
    TooDeep {
        /// The limit.
        depth_max: usize,
        /// Where.
        at: u64,
    },
    /// More elements than may be.
    #[error("more than {elements_max} elements")]
    TooManyElements {
        /// The limit.
        elements_max: u32,
    },
    /// What should be deflated is not, or goes on behind its end.
    #[error("the deflated data set cannot be inflated")]
    BadDeflate,
    /// A deflated data set becomes longer than may be.
    #[error("the deflated data set becomes longer than its limits allow")]
    InflatesTooLong,
    /// The File Meta Information of a file cannot be read.
    #[error("the File Meta Information cannot be read: {what}")]
    BadMeta {
        /// What is wrong.
        what: &'static str,
    },
}

impl ScanFault {
    /// What the caller does about it: the input is at fault, whatever it is.
    pub const fn disposition(&self) -> Disposition {
        Disposition::Reject
    }
}
