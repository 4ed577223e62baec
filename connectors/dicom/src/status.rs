//! What an operation is answered: status, and why (DICOM PS3.4 annex B.2.3, PS3.7 annex C).

use causeway_core::dicom::tag::Tag;
use causeway_core::disposition::Disposition;
use causeway_core::port::{BlobError, LogError};

use crate::scan::ScanFault;

/// A status of DIMSE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u16);

impl Status {
    /// Success.
    pub const SUCCESS: Self = Self(0x0000);
    /// Processing failure: ours.
    pub const PROCESSING: Self = Self(0x0110);
    /// Duplicate SOP instance: its identifier was used for another one.
    pub const DUPLICATE: Self = Self(0x0111);
    /// No such SOP instance.
    pub const NO_INSTANCE: Self = Self(0x0112);
    /// Invalid argument value.
    pub const INVALID_ARGUMENT: Self = Self(0x0115);
    /// No such SOP class.
    pub const NO_CLASS: Self = Self(0x0118);
    /// The instance is not of the class named.
    pub const CONFLICT: Self = Self(0x0119);
    /// Invalid SOP instance: the identifier is none.
    pub const INVALID_INSTANCE: Self = Self(0x0117);
    /// SOP class not supported in this presentation context.
    pub const CLASS_NOT_SUPPORTED: Self = Self(0x0122);
    /// No such action type.
    pub const NO_ACTION: Self = Self(0x0123);
    /// The Transaction UID of a storage commitment is in use.
    pub const DUPLICATE_UID: Self = Self(0x0131);
    /// As much as may be is under way: to be asked again.
    pub const RESOURCES: Self = Self(0x0213);
    /// Unrecognised operation.
    pub const UNRECOGNISED: Self = Self(0x0211);
    /// Out of resources: to be tried again.
    pub const OUT_OF_RESOURCES: Self = Self(0xA700);
    /// The data set does not match the command.
    pub const MISMATCH: Self = Self(0xA900);
    /// The data set cannot be understood.
    pub const CANNOT_UNDERSTAND: Self = Self(0xC000);

    /// The label of a metric: a closed set.
    pub const fn outcome(self) -> &'static str {
        match self.0 {
            0x0000 => "stored",
            0xA700 => "not_now",
            0xA900 => "mismatch",
            0xC000 => "not_understood",
            0x0110 => "failed",
            0x0111 => "duplicate",
            _ => "refused",
        }
    }
}

/// Why an operation was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: Status,
    /// What is wrong, without a value of the data set. At most 64 characters reach the sender.
    pub comment: String,
    /// The elements at fault.
    pub offending: Vec<Tag>,
}

impl Refusal {
    /// A refusal with a comment.
    pub fn new(status: Status, comment: impl Into<String>) -> Self {
        Self { status, comment: comment.into(), offending: Vec::new() }
    }

    /// The same, with the element at fault.
    #[must_use]
    pub fn about(self, tag: Tag) -> Self {
        Self { offending: vec![tag], ..self }
    }
}

impl From<ScanFault> for Refusal {
    fn from(fault: ScanFault) -> Self {
        let status = match fault {
            // A larger limit may let it in, and the sender should keep it until then.
            ScanFault::TooLong { .. } => Status::OUT_OF_RESOURCES,
            ScanFault::Truncated { .. }
            | ScanFault::Overrun { .. }
            | ScanFault::NoLength { .. }
            | ScanFault::Misplaced { .. }
            | ScanFault::BadVr { .. }
            | ScanFault::Twice { .. }
            | ScanFault::TooDeep { .. }
            | ScanFault::TooManyElements { .. }
            | ScanFault::BadDeflate
            | ScanFault::InflatesTooLong
            | ScanFault::BadMeta { .. } => Status::CANNOT_UNDERSTAND,
        };
        Self::new(status, fault.to_string())
    }
}

impl From<&BlobError> for Refusal {
    fn from(error: &BlobError) -> Self {
        match error.disposition() {
            Disposition::Reject => Self::new(Status::OUT_OF_RESOURCES, "larger than the store takes"),
            Disposition::Retry | Disposition::Hold => {
                Self::new(Status::OUT_OF_RESOURCES, "the store cannot take it now")
            }
            Disposition::Halt => Self::new(Status::OUT_OF_RESOURCES, "the store could not make it durable"),
        }
    }
}

impl From<&LogError> for Refusal {
    fn from(error: &LogError) -> Self {
        match error.disposition() {
            Disposition::Reject => Self::new(Status::CANNOT_UNDERSTAND, "its header is longer than the log takes"),
            Disposition::Retry | Disposition::Hold | Disposition::Halt => {
                Self::new(Status::OUT_OF_RESOURCES, "the log cannot take it now")
            }
        }
    }
}
