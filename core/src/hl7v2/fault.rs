//! What can be wrong, or a little wrong, with the structure of a message.

use crate::disposition::Disposition;
use crate::reason::Reason;

/// Why a text is no message. Says where, never what stood there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text} (at byte {offset} of the decoded text)")]
pub struct ParseFault {
    /// The reason code.
    pub reason: Reason,
    /// The segment it is in, or the last good one before it; empty before the first.
    pub segment: String,
    /// The field it is in, counted as the standard does.
    pub field: Option<usize>,
    /// The byte offset in the decoded text.
    pub offset: usize,
    /// What is wrong, without any value.
    pub text: String,
}

impl ParseFault {
    /// The place as `PID-3` or `PID`; empty when no segment was read.
    pub fn place(&self) -> String {
        match self.field {
            Some(field) if !self.segment.is_empty() => format!("{}-{field}", self.segment),
            Some(_) | None => self.segment.clone(),
        }
    }

    /// A sender's fault: it is answered with a refusal.
    pub const fn disposition(&self) -> Disposition {
        Disposition::Reject
    }
}

/// Something not as the standard has it, that changes no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Warning {
    /// What it is.
    pub kind: WarningKind,
    /// The byte offset in the decoded text.
    pub offset: usize,
}

/// The kinds of [`Warning`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WarningKind {
    /// One or more blank lines between segments, skipped.
    BlankLine,
    /// A line feed after a carriage return, in a message whose other segments end with a carriage return alone.
    MixedLineEnds,
    /// Line feeds or blank lines after the last segment, skipped.
    TrailingLineEnds,
}

impl WarningKind {
    /// The stable code used in notes and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::BlankLine => "blank-line",
            Self::MixedLineEnds => "mixed-line-ends",
            Self::TrailingLineEnds => "trailing-line-ends",
        }
    }
}
