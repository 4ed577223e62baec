//! The outcome of one message: what the router plans, and the repository stores in one transaction.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decision::Decision;
use crate::dicom::instance::Instance;
use crate::envelope::{Digest, FeedName, Format, Position, TraceId};
use crate::mapped::{Note, UnmappedCode};
use crate::person::PersonId;
use crate::port::MessageDetail;
use crate::provider::ProviderId;
use crate::reason::Reason;
use crate::record::Record;

/// Where a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Stored.
    Accepted,
    /// No right to deposit: nothing clinical kept outside the log.
    Withheld,
    /// Waits for a person or a thing, in the operators' queue.
    Held,
    /// Refused at the door with a negative acknowledgement; the bytes are kept in the log.
    Rejected,
    /// Was held; an operator gave it up, with a reason.
    Discarded,
}

impl State {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Accepted, Self::Withheld, Self::Held, Self::Rejected, Self::Discarded];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Withheld => "withheld",
            Self::Held => "held",
            Self::Rejected => "rejected",
            Self::Discarded => "discarded",
        }
    }

    /// The state of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == word)
    }
}

/// A keyed hash of an identifier (document or local number), so that a withheld message can be found again when its
/// person joins, without keeping the identifier. Made by [`crate::identity::subject_keys`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectKey(pub i64);

/// What is known of a message as a whole, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageFacts {
    /// Where it stands in the log.
    pub position: Position,
    /// Follows it everywhere.
    pub trace: TraceId,
    /// The feed it came by.
    pub feed: FeedName,
    /// What the bytes are.
    pub format: Format,
    /// Whose data.
    pub provider: ProviderId,
    /// MSH-3 and MSH-4.
    pub sender: String,
    /// MSH-10.
    pub control_id: String,
    /// As `ADT^A01`.
    pub kind: String,
    /// When it was received.
    pub received_at: Timestamp,
    /// Of the bytes as they came.
    pub digest: Digest,
    /// How many bytes.
    pub bytes: u64,
    /// The control id had been used before by this sender for other bytes.
    pub control_id_reused: bool,
}

/// The plan for one message.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The message.
    pub facts: MessageFacts,
    /// Where it ends.
    pub state: State,
    /// Why, unless accepted. An accepted message may carry the reason for which some of its domains were withheld.
    pub reason: Option<Reason>,
    /// The place the reason is about, e.g. `PID-3`; empty for the whole. Never a value.
    pub place: String,
    /// The person it is about, when that was settled.
    pub person: Option<PersonId>,
    /// For finding it again when the person joins; filled for withheld and held ones.
    pub subject_keys: Vec<SubjectKey>,
    /// One a domain, permits and withholds alike.
    pub decisions: Vec<Decision>,
    /// The permitted records. Empty unless accepted.
    pub records: Vec<Record>,
    /// What mapping could not use.
    pub notes: Vec<Note>,
    /// Local numbers to link to the person: a confirmed match by document seen with the sender's own number.
    pub links: Vec<crate::person::LocalNumber>,
    /// Local codes no table of the feed knows; counted when the message is accepted.
    pub unmapped: Vec<UnmappedCode>,
    /// The instance it brought. `None` unless its study is permitted.
    pub instance: Option<Box<Instance>>,
}

impl Outcome {
    /// A step of a message that was accepted, by which a record is written anew: under the permit the message was stored by, so
    /// that nothing enters that was not permitted. `None` unless it stands accepted for this person, with such a permit.
    pub fn step(message: MessageDetail, person: PersonId, record: Record) -> Option<Self> {
        let permits = |decision: &Decision| decision.domain == record.domain && decision.permits();
        let stands = message.row.state == State::Accepted && message.row.person == Some(person);
        (stands && message.decisions.iter().any(permits)).then(|| Self {
            facts: message.row.facts,
            state: State::Accepted,
            reason: message.row.reason,
            place: message.row.place,
            person: Some(person),
            subject_keys: Vec::new(),
            decisions: message.decisions,
            records: vec![record],
            notes: message.notes,
            links: Vec::new(),
            unmapped: Vec::new(),
            instance: None,
        })
    }
}
