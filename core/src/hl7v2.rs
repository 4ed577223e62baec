//! HL7 v2 in its pipe encoding: our own bounded, panic-free codec.
//!
//! Bytes become text by [`charset`], text becomes a [`Message`] in one linear pass, and a message is read through
//! [`Segment`], [`Field`], [`Repetition`], [`Component`] and [`Part`]: views of a few words that copy nothing. Order
//! matters: frame on bytes, decode, then split, because in Big5 and GB 18030 the second byte of a character may look
//! like a delimiter.
//!
//! Chapter 2 of the standard is meant wherever a section is named; where it is silent the rule is stated here.
//!
//! ```
//! use causeway_core::feed::LineEnds;
//! use causeway_core::hl7v2::{Limits, Message, Presence};
//!
//! let text = "MSH|^~\\&|PAS|QMH|HUB|EHR|20240307110000||ADT^A08|1|P|2.5\rPID|1||H2001^^^QMH||CHAN^TAI MAN||\"\"|\r";
//! let message = Message::parse(text, LineEnds::Strict, &Limits::default())?;
//! let pid = message.segment("PID").ok_or("no PID")?;
//! assert_eq!(pid.field(5).component(2).text(), "TAI MAN");
//! assert_eq!(pid.field(7).presence(), Presence::Null); // delete what you have
//! assert_eq!(pid.field(8).presence(), Presence::Empty); // nothing said
//! assert_eq!(pid.field(9).presence(), Presence::Absent); // the segment ended before
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod charset;
mod delimiters;
pub mod escape;
mod fault;
pub mod header;
mod index;
mod message;
pub mod number;
pub mod time;
mod view;
pub mod write;

pub use delimiters::{DelimiterFault, Delimiters};
pub use fault::{ParseFault, Warning, WarningKind};
pub use message::{Message, Segment};
pub use view::{Component, Components, Field, Part, Parts, Presence, Repetition, Repetitions};

/// How much of a message is indexed before it is refused with [`Reason::TooManyParts`](crate::reason::Reason).
///
/// The bytes of a message are bounded by the door; these bound the work and the memory a few bytes can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Segments in a message.
    pub segments_max: usize,
    /// Repetition, component and sub-component separators in one field.
    pub parts_max: usize,
    /// Separators of every kind in a message; each costs up to twelve bytes of index.
    pub separators_max: usize,
}

impl Default for Limits {
    /// 20,000 segments, 65,536 parts a field, 2,097,152 separators in all (24 MiB of index at the very most).
    fn default() -> Self {
        Self { segments_max: 20_000, parts_max: 65_536, separators_max: 2_097_152 }
    }
}
