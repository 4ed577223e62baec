//! Which acknowledgement a message gets: original and enhanced mode, as one pure decision.
//!
//! Original mode (HL7 v2.9.1, §2.9.2) answers every message once: AA, AE or AR. Enhanced mode (§2.9.3) is asked for by
//! MSH-15 or MSH-16: MSH-15 says when to send the accept acknowledgement (CA, CE, CR: "it is safe with us"), MSH-16
//! when to send the application acknowledgement (AA, AE, AR: "this became of it"), both by table 0155.

use causeway_core::outcome::State;
use causeway_core::reason::Reason;

mod echo;
mod identity;
mod write;

pub use echo::Echo;
pub use identity::MessageIds;
pub use write::{Answer, Complaint, Severity, write};

/// MSA-1 (table 0008).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// Application accept.
    AA,
    /// Application error.
    AE,
    /// Application reject.
    AR,
    /// Commit accept.
    CA,
    /// Commit error.
    CE,
    /// Commit reject.
    CR,
}

impl Code {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AA => "AA",
            Self::AE => "AE",
            Self::AR => "AR",
            Self::CA => "CA",
            Self::CE => "CE",
            Self::CR => "CR",
        }
    }

    /// The code as written; `None` for anything outside table 0008.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::AA, Self::AE, Self::AR, Self::CA, Self::CE, Self::CR].into_iter().find(|code| code.as_str() == text)
    }

    /// The sender may forget the message.
    pub const fn is_positive(self) -> bool {
        matches!(self, Self::AA | Self::CA)
    }

    /// It answers for safe storage, not for the outcome.
    pub const fn is_commit(self) -> bool {
        matches!(self, Self::CA | Self::CE | Self::CR)
    }
}

/// When an acknowledgement is wanted (table 0155).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// AL.
    Always,
    /// NE.
    Never,
    /// ER: on error and reject.
    OnError,
    /// SU: on success.
    OnSuccess,
}

impl Condition {
    /// `None` when the field is empty or not in the table.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "AL" => Some(Self::Always),
            "NE" => Some(Self::Never),
            "ER" => Some(Self::OnError),
            "SU" => Some(Self::OnSuccess),
            _ => None,
        }
    }

    /// It asks for a word on this.
    const fn wants(self, success: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::OnError => !success,
            Self::OnSuccess => success,
        }
    }
}

/// How a message wants to be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One answer.
    Original,
    /// An accept acknowledgement, then an application acknowledgement, each on its condition.
    Enhanced {
        /// MSH-15.
        accept: Condition,
        /// MSH-16.
        application: Condition,
    },
}

impl Mode {
    /// The mode that MSH-15 and MSH-16 ask for. A value outside table 0155 counts as empty; with one of the two valued,
    /// the empty other one is NE (§2.9.2: original mode is NE and AL).
    pub fn of(accept: &str, application: &str) -> Self {
        match (Condition::parse(accept), Condition::parse(application)) {
            (None, None) => Self::Original,
            (accept, application) => Self::Enhanced {
                accept: accept.unwrap_or(Condition::Never),
                application: application.unwrap_or(Condition::Never),
            },
        }
    }

    /// Whether MSH-15 or MSH-16 holds something that table 0155 does not know, which is worth a warning.
    pub fn has_unknown(accept: &str, application: &str) -> bool {
        [accept, application].iter().any(|value| !value.is_empty() && Condition::parse(value).is_none())
    }

    /// The sender wants to hear what became of the message, if it was stored.
    pub const fn wants_outcome(self) -> bool {
        match self {
            Self::Original => false,
            Self::Enhanced { application, .. } => !matches!(application, Condition::Never),
        }
    }
}

/// What the door made of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Durable.
    Stored,
    /// Something is wrong with the message, or with us: AE or CE.
    Error,
    /// It is not taken at all: AR or CR.
    Reject,
}

impl Verdict {
    /// The verdict that goes with a reason given at the door, which is about `place`.
    ///
    /// Rejected is what could not be taken whatever its content: the header, the kind of message, where it is from.
    pub fn of(reason: Reason, place: &str) -> Self {
        let in_header = matches!(reason, Reason::MissingField | Reason::BadValue) && place.starts_with("MSH");
        if in_header || REJECTED.contains(&reason) { Self::Reject } else { Self::Error }
    }
}

/// What is rejected whatever the content of the message; every other reason is an error.
const REJECTED: [Reason; 13] = [
    Reason::SequenceNumber,
    Reason::Unreadable,
    Reason::StrayEndBlock,
    Reason::NotOneMessage,
    Reason::TooLong,
    Reason::CharsetUnknown,
    Reason::FeedUnknown,
    Reason::CertificateMismatch,
    Reason::NotForUs,
    Reason::UnsupportedType,
    Reason::UnsupportedEvent,
    Reason::ProcessingId,
    Reason::VersionUnknown,
];

/// What to send when the door has made up its mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum First {
    /// This, on the connection the message came by.
    Answer(Code),
    /// This, where application acknowledgements go: the message is refused, no accept acknowledgement was wanted, and
    /// there will be no outcome to tell of.
    Application(Code),
    /// Nothing.
    Nothing,
}

/// The first exchange.
pub const fn first(mode: Mode, verdict: Verdict) -> First {
    let (original, commit) = match verdict {
        Verdict::Stored => (Code::AA, Code::CA),
        Verdict::Error => (Code::AE, Code::CE),
        Verdict::Reject => (Code::AR, Code::CR),
    };
    match mode {
        Mode::Original => First::Answer(original),
        Mode::Enhanced { accept, application } => {
            let success = matches!(verdict, Verdict::Stored);
            if accept.wants(success) {
                First::Answer(commit)
            } else if !success && application.wants(false) {
                First::Application(original)
            } else {
                First::Nothing
            }
        }
    }
}

/// The application acknowledgement of a stored message, once its outcome is committed. In original mode it is the one
/// answer, put off until then.
///
/// Withheld is told as accepted: whether a person joined or consented is not the sender's to know.
pub const fn outcome(mode: Mode, state: State) -> Option<Code> {
    let code = match state {
        State::Accepted | State::Withheld => Code::AA,
        State::Held | State::Discarded => Code::AE,
        // Refused at the door, where it was answered.
        State::Rejected => return None,
    };
    match mode {
        Mode::Original => Some(code),
        Mode::Enhanced { application, .. } if application.wants(code.is_positive()) => Some(code),
        Mode::Enhanced { .. } => None,
    }
}

#[cfg(test)]
mod tests;
