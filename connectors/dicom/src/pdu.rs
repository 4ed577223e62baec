//! Protocol data units of the upper layer (DICOM PS3.8 section 9.3), except the data of P-DATA-TF, which streams by.
//!
//! Lengths are checked against what is there before anything is read; nothing is allocated by one.

mod read;
mod write;

use causeway_core::dicom::uid::Uid;

pub use read::{PduFault, accept, reject, request};
pub use write::{IMPLEMENTATION, IMPLEMENTATION_NAME, abort, accepted, proposed, refused, release, released};

/// Bytes of the head of a unit: type, reserved, length.
pub const HEAD: usize = 6;
/// Bytes of the head of a presentation data value: length, context, control.
pub const VALUE_HEAD: usize = 6;
/// The application context of DICOM (PS3.7 annex A).
pub const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";
/// An A-ASSOCIATE-RQ or -AC longer than this is none: 128 contexts of thirty syntaxes have 100 KiB.
pub const ASSOCIATE_BYTES_MAX: u32 = 256 << 10;

/// Types of units.
pub mod kind {
    /// A-ASSOCIATE-RQ.
    pub const REQUEST: u8 = 1;
    /// A-ASSOCIATE-AC.
    pub const ACCEPT: u8 = 2;
    /// A-ASSOCIATE-RJ.
    pub const REJECT: u8 = 3;
    /// P-DATA-TF.
    pub const DATA: u8 = 4;
    /// A-RELEASE-RQ.
    pub const RELEASE: u8 = 5;
    /// A-RELEASE-RP.
    pub const RELEASED: u8 = 6;
    /// A-ABORT.
    pub const ABORT: u8 = 7;
}

/// Who asks for an association, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Bit 0: version 1.
    pub version: u16,
    /// Called AE title, without the blanks around it.
    pub called: String,
    /// Calling AE title, without the blanks around it.
    pub calling: String,
    /// The application context.
    pub application_context: String,
    /// What is proposed, in order.
    pub contexts: Vec<Proposal>,
    /// The longest P-DATA-TF the other side takes, without its head; 0 for any.
    pub pdu_bytes_max: u32,
    /// The roles proposed.
    pub roles: Vec<Role>,
}

/// One presentation context as proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// An odd number.
    pub id: u8,
    /// The SOP class.
    pub abstract_syntax: Uid,
    /// In the order of preference.
    pub transfer_syntaxes: Vec<Uid>,
}

/// SCP/SCU role selection (PS3.7 annex D.3.3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The SOP class.
    pub class: Uid,
    /// The requestor is SCU.
    pub scu: bool,
    /// The requestor is SCP.
    pub scp: bool,
}

/// One presentation context as answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// As proposed.
    pub id: u8,
    /// The syntax that is taken, or why it is not.
    pub result: Result<Uid, ContextFault>,
}

/// Why a presentation context is not taken (PS3.8 table 9-18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextFault {
    /// User rejection.
    User,
    /// No reason given.
    Provider,
    /// Abstract syntax not supported.
    AbstractSyntax,
    /// Transfer syntaxes not supported.
    TransferSyntaxes,
}

/// An association as accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// As in the request.
    pub called: String,
    /// As in the request.
    pub calling: String,
    /// In the order of the proposals.
    pub contexts: Vec<Answer>,
    /// The longest P-DATA-TF taken; 0 for any.
    pub pdu_bytes_max: u32,
    /// The roles agreed on.
    pub roles: Vec<Role>,
}

/// Why an association is rejected (PS3.8 table 9-21): result, source, reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection(pub u8, pub u8, pub u8);

impl Rejection {
    /// No reason given, for good.
    pub const NO_REASON: Self = Self(1, 1, 1);
    /// Application context name not supported.
    pub const APPLICATION_CONTEXT: Self = Self(1, 1, 2);
    /// Calling AE title not recognised.
    pub const CALLING: Self = Self(1, 1, 3);
    /// Called AE title not recognised.
    pub const CALLED: Self = Self(1, 1, 7);
    /// Protocol version not supported.
    pub const VERSION: Self = Self(1, 2, 2);
    /// Temporary congestion.
    pub const CONGESTION: Self = Self(2, 3, 1);
    /// Local limit exceeded.
    pub const LIMIT: Self = Self(2, 3, 2);

    /// Whether it may be tried again later.
    pub const fn is_transient(self) -> bool {
        self.0 == 2
    }
}

/// Why an association is aborted (PS3.8 table 9-26): source, reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abort(pub u8, pub u8);

impl Abort {
    /// By the provider, no reason given: a time-out, a stop.
    pub const NO_REASON: Self = Self(2, 0);
    /// A unit of no known type.
    pub const UNRECOGNISED: Self = Self(2, 1);
    /// A unit that may not come now.
    pub const UNEXPECTED: Self = Self(2, 2);
    /// A value in a unit that cannot be.
    pub const INVALID: Self = Self(2, 6);
}

#[cfg(test)]
mod tests;
