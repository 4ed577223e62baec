//! The repository: records with history, decisions, audit, and the offsets up to which the log is processed.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::blob::BlobError;
use super::registry::{Actor, Participant};
use crate::decision::Decision;
use crate::disposition::Disposition;
use crate::envelope::{Digest, FeedName, Offset, PartitionId, Position, TraceId};
use crate::mapped::{Identity, Note};
use crate::outcome::{MessageFacts, Outcome, State};
use crate::person::PersonId;
use crate::provider::{Provider, ProviderId};
use crate::reason::Reason;
use crate::record::{Effect, RecordKey, VersionClock};
use crate::scope::Domain;

/// What to resolve for one message of a batch.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    /// Whose data.
    pub provider: &'a ProviderId,
    /// Whom it names.
    pub identity: Option<&'a Identity>,
    /// What makes it the same as another; `None` when it need not be asked whether it was there before.
    pub message: Option<MessageKey<'a>>,
}

/// What makes two messages one: the same bytes under the same control id of the same sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageKey<'a> {
    /// The feed.
    pub feed: &'a FeedName,
    /// MSH-3 and MSH-4.
    pub sender: &'a str,
    /// MSH-10; never empty.
    pub control_id: &'a str,
    /// Of the bytes.
    pub digest: Digest,
}

/// Whether a message was stored before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sameness {
    /// It was not, or it was not asked.
    #[default]
    New,
    /// Its control id was, with other bytes.
    ControlIdReused,
    /// It was, and this became of it. It gets no outcome of its own.
    Resent {
        /// The first one's state.
        state: State,
        /// The first one's reason.
        reason: Option<Reason>,
    },
}

/// The persons a message may be about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Candidates {
    /// Persons with one of its documents.
    pub by_document: Vec<Arc<Participant>>,
    /// Persons to whom one of the sender's numbers is linked.
    pub by_local_number: Vec<Arc<Participant>>,
    /// Persons of the same look-alike key ([`crate::identity::look_alike_key`]); sought only when the other two are empty.
    pub look_alikes: Vec<Arc<Participant>>,
    /// Persons with one of the prior numbers ([`crate::mapped::Identity::prior`]).
    pub by_prior: Vec<Arc<Participant>>,
}

/// What the repository knows, read inside the transaction that will store the outcome.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resolved {
    /// The providers named by the lookups.
    pub providers: BTreeMap<ProviderId, Provider>,
    /// In the order of the lookups.
    pub candidates: Vec<Candidates>,
    /// In the order of the lookups: about messages stored by earlier batches.
    pub sameness: Vec<Sameness>,
}

/// The compare-and-set on a partition's offset: a zombie's commit touches no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fence {
    /// The partition.
    pub partition: PartitionId,
    /// What the stored next offset must be.
    pub expect: Offset,
    /// What it becomes.
    pub next: Offset,
}

/// What a message's records did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Effects {
    /// First versions.
    pub created: u64,
    /// Newer versions.
    pub updated: u64,
    /// Same content.
    pub unchanged: u64,
    /// Older versions, kept as history.
    pub late: u64,
}

impl Effects {
    /// Counts one more.
    pub fn count(&mut self, effect: Effect) {
        let counter = match effect {
            Effect::Created => &mut self.created,
            Effect::Updated => &mut self.updated,
            Effect::Unchanged => &mut self.unchanged,
            Effect::Late => &mut self.late,
        };
        *counter = counter.saturating_add(1);
    }

    /// Adds another count.
    pub fn add(&mut self, other: Self) {
        self.created = self.created.saturating_add(other.created);
        self.updated = self.updated.saturating_add(other.updated);
        self.unchanged = self.unchanged.saturating_add(other.unchanged);
        self.late = self.late.saturating_add(other.late);
    }
}

/// The result of a commit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Committed {
    /// The outcomes as stored, in order, each with what its records did.
    pub outcomes: Vec<(Outcome, Effects)>,
    /// What the records of the whole batch did, by domain.
    pub by_domain: BTreeMap<Domain, Effects>,
}

/// Whether a redo is for keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedoMode {
    /// Store it.
    Commit,
    /// Do everything, tell what it would do, and roll back.
    Preview,
}

/// What can go wrong with the repository.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// The offset was moved by someone else: this worker is a zombie and must stop.
    #[error("partition {} was expected at offset {} and stands at {}", fence.partition.0, fence.expect.0, found.0)]
    Fenced {
        /// What was expected.
        fence: Fence,
        /// What was found.
        found: Offset,
    },
    /// The engine is busy or cannot be reached; nothing was written.
    #[error("the repository is unavailable: {cause}")]
    Unavailable {
        /// What the engine said.
        cause: String,
    },
    /// A write or sync failed; it is not known whether the transaction is there.
    #[error("the repository could not be made durable: {cause}")]
    Sync {
        /// What the engine said.
        cause: String,
    },
    /// Stored data does not hold.
    #[error("the repository is damaged: {what}")]
    Damaged {
        /// What does not hold.
        what: String,
    },
    /// What the records of the batch point to could not be stored; nothing was written.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// No such thing, or not in a state that allows it.
    #[error("{0}")]
    Refused(String),
}

impl RepositoryError {
    /// What the caller does about it.
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Unavailable { .. } => Disposition::Retry,
            Self::Refused(_) => Disposition::Reject,
            Self::Blobs(error) => error.disposition(),
            Self::Fenced { .. } | Self::Sync { .. } | Self::Damaged { .. } => Disposition::Halt,
        }
    }
}

/// Which messages. All conditions given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageQuery {
    /// Of this feed.
    pub feed: Option<FeedName>,
    /// In this state.
    pub state: Option<State>,
    /// With this reason.
    pub reason: Option<Reason>,
    /// With this control id.
    pub control_id: Option<String>,
    /// Received at or after.
    pub since: Option<Timestamp>,
    /// About this person.
    pub person: Option<PersonId>,
    /// Stored after this row, for tailing: oldest first. Without it: newest first.
    pub after_row: Option<i64>,
    /// Older than this row, for paging newest first.
    pub before_row: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// A message as listed.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRow {
    /// Its number in the repository, growing in order of storing.
    pub row: i64,
    /// The message.
    pub facts: MessageFacts,
    /// Where it stands now.
    pub state: State,
    /// Why.
    pub reason: Option<Reason>,
    /// The place the reason is about.
    pub place: String,
    /// The person.
    pub person: Option<PersonId>,
    /// When it got to this state.
    pub settled_at: Timestamp,
    /// What its records did.
    pub effects: Effects,
}

/// One step in a message's life.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// To which state.
    pub state: State,
    /// Why.
    pub reason: Option<Reason>,
    /// Who caused it: `router`, `take-up`, an operator.
    pub actor: Actor,
    /// Said by the operator, on a discard.
    pub comment: String,
}

/// All that is known of one message.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageDetail {
    /// As listed.
    pub row: MessageRow,
    /// Every step, oldest first.
    pub transitions: Vec<Transition>,
    /// The decisions of the last step, with their rules.
    pub decisions: Vec<Decision>,
    /// What mapping could not use, the last time.
    pub notes: Vec<Note>,
    /// The record versions it wrote, without their content (`resource` is null): that is read with
    /// [`Repository::records`], which asks for a grant and audits it.
    pub records: Vec<RecordRow>,
}

/// The right to read records, with what the audit line says. It is built by the policy module or, for the operator at
/// the machine, by [`AccessGrant::operator`]; nothing else gives one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessGrant {
    actor: Actor,
    purpose: String,
}

impl AccessGrant {
    /// The operator at the machine, who holds the database anyway. Every use is audited with `purpose`.
    pub const fn operator(actor: Actor, purpose: String) -> Self {
        Self { actor, purpose }
    }

    /// Who reads.
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What for.
    pub fn purpose(&self) -> &str {
        &self.purpose
    }
}

/// Which records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordQuery {
    /// Of this person.
    pub person: Option<PersonId>,
    /// Of this domain.
    pub domain: Option<Domain>,
    /// With this key.
    pub key: Option<RecordKey>,
    /// Older versions too, newest first; otherwise the current ones only.
    pub history: bool,
    /// Retracted ones too.
    pub retracted: bool,
    /// At most so many.
    pub limit: u32,
}

/// A stored record version.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordRow {
    /// Whose.
    pub person: PersonId,
    /// Its domain.
    pub domain: Domain,
    /// Its key.
    pub key: RecordKey,
    /// Its version number, from 1 in order of storing.
    pub version: u32,
    /// Whether it is the current one.
    pub current: bool,
    /// Whether the sender took it back.
    pub retracted: bool,
    /// Its clock.
    pub clock: VersionClock,
    /// When it was stored.
    pub stored_at: Timestamp,
    /// The message it came by.
    pub source: Position,
    /// The trace of that message.
    pub trace: TraceId,
    /// The feed of that message.
    pub feed: FeedName,
    /// The resource.
    pub resource: Value,
}

/// How many messages of a feed are in a state, and when the last one came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FeedCount {
    /// The feed.
    pub feed: FeedName,
    /// The state.
    pub state: State,
    /// How many.
    pub count: u64,
    /// When the last one was received.
    pub last_received_at: Option<Timestamp>,
}

/// Held messages of one reason and feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldGroup {
    /// Why.
    pub reason: Reason,
    /// The feed.
    pub feed: FeedName,
    /// How many.
    pub count: u64,
    /// When the first one was received.
    pub first: Timestamp,
    /// When the last one was received.
    pub last: Timestamp,
}

/// Messages to take up again because their person joined or consented, or their provider changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakeUp {
    /// The ticket to close when done.
    pub ticket: i64,
    /// The person who joined or consented; `None` when a provider or its scope changed.
    pub person: Option<PersonId>,
    /// Where the messages stand, oldest first. A bounded part of them: while there are more, the ticket is given again
    /// with the next part after [`Repository::take_up_done`].
    pub positions: Vec<Position>,
}

/// An audit line to write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// What: `deposit`, `read-records`, `consent`, `person`, `replay`, `discard`, …
    pub action: String,
    /// About whom.
    pub person: Option<PersonId>,
    /// The rest: domains, rule, policy, purpose, counts. Never clinical content.
    pub detail: BTreeMap<String, String>,
}

/// An audit line as stored, chained to the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number, from 1, gap-free.
    pub seq: u64,
    /// What it says.
    pub entry: AuditEntry,
    /// SHA-256 over number, former hash and canonical JSON.
    pub hash: Digest,
}

/// Which audit lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// About this person.
    pub person: Option<PersonId>,
    /// Of this action.
    pub action: Option<String>,
    /// At or after.
    pub since: Option<Timestamp>,
    /// At most so many, newest first.
    pub limit: u32,
}

/// The result of checking the audit chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// Lines read.
    pub lines: u64,
    /// The last hash.
    pub head: Option<Digest>,
    /// The first line that does not hold.
    pub first_bad: Option<u64>,
}

/// Makes the plan of a batch. What has to be durable before the outcomes are stored (documents, in the blob store) is
/// made so here; when that fails, nothing of the batch is stored and the engine gives the error back.
pub type Decide<'a> = dyn FnMut(&Resolved) -> Result<Vec<Outcome>, BlobError> + 'a;

/// The repository. Its contract suite is `core::contract::repository`.
pub trait Repository: Send + Sync {
    /// The next offset to process of a partition; 0 at first.
    fn next_offset(&self, partition: PartitionId) -> Result<Offset, RepositoryError>;

    /// One batch, in one transaction: compare and set the offset, resolve all lookups in one query, let `decide` make the
    /// plan, and store records, decisions, audit and message states. `decide` may be called again if the engine asks
    /// for the transaction to be tried again; it gives one outcome a lookup, in order, and none for a message that is the
    /// same as another.
    fn commit(
        &self,
        fence: Fence,
        lookups: &[Lookup<'_>],
        now: Timestamp,
        decide: &mut Decide<'_>,
    ) -> Result<Committed, RepositoryError>;

    /// Messages already known, once more (replay, take-up): no offset moves; each message's state is replaced by the new
    /// one and the step is kept in its history. A message that is accepted already keeps its state unless accepted anew.
    fn redo(
        &self,
        actor: &Actor,
        mode: RedoMode,
        lookups: &[Lookup<'_>],
        now: Timestamp,
        decide: &mut Decide<'_>,
    ) -> Result<Committed, RepositoryError>;

    /// Gives up a held message, with a reason said by the operator. Refused unless it is held or rejected.
    fn discard(&self, position: Position, comment: &str, actor: &Actor, now: Timestamp) -> Result<(), RepositoryError>;

    /// Some messages.
    fn messages(&self, query: &MessageQuery) -> Result<Vec<MessageRow>, RepositoryError>;

    /// How many messages a query would find, without its limit.
    fn count_messages(&self, query: &MessageQuery) -> Result<u64, RepositoryError>;

    /// All about the messages with this trace id, control id or `partition:offset`; several when a control id was reused.
    fn trace(&self, id: &str) -> Result<Vec<MessageDetail>, RepositoryError>;

    /// Counts a feed and state since the beginning; never reset.
    fn feed_counts(&self) -> Result<Vec<FeedCount>, RepositoryError>;

    /// Local codes that no table knew when their messages were accepted, of one feed or of all; the most frequent first.
    /// Each message is counted once, however often it is replayed. Bounded by [`super::UNMAPPED_FEED_MAX`].
    fn unmapped_codes(&self, feed: Option<&FeedName>, limit: u32)
    -> Result<Vec<super::UnmappedCount>, RepositoryError>;

    /// What is held, by reason and feed.
    fn held(&self) -> Result<Vec<HeldGroup>, RepositoryError>;

    /// Records, after writing the audit line of the reading.
    fn records(
        &self,
        grant: &AccessGrant,
        query: &RecordQuery,
        now: Timestamp,
    ) -> Result<Vec<RecordRow>, RepositoryError>;

    /// How many current records there are of each domain.
    fn count_records(&self) -> Result<Vec<(Domain, u64)>, RepositoryError>;

    /// Registry changes that ask for a take-up and have waiting messages, oldest first. Tickets without any are closed here.
    fn take_ups(&self, limit: u32) -> Result<Vec<TakeUp>, RepositoryError>;

    /// The positions given with this ticket are done: the ticket is closed, or goes on with its next part.
    fn take_up_done(&self, ticket: i64) -> Result<(), RepositoryError>;

    /// Messages held for a document ([`Reason::DocumentPending`]) none of whose pointers is leased or pausing, oldest first.
    fn fetches_due(&self, now: Timestamp, limit: u32) -> Result<Vec<Position>, RepositoryError>;

    /// What is remembered of the pointers of a message, in the order of their digests. It outlives a rebuild.
    fn fetches(&self, position: Position) -> Result<Vec<super::FetchRow>, RepositoryError>;

    /// Leases a pointer for one try: stores `row`, only if the pointer stands at `expect` tries (0: unknown) and its
    /// `next_at` is not after `now`. Whether it was so: of several who try it is so for one. A document remembered stays.
    fn fetch_begin(
        &self,
        position: Position,
        expect: u32,
        row: &super::FetchRow,
        now: Timestamp,
    ) -> Result<bool, RepositoryError>;

    /// Remembers the document a pointer leads to, and ends its lease.
    fn fetch_done(&self, position: Position, pointer: Digest, document: Digest) -> Result<(), RepositoryError>;

    /// Remembers why the latest try of a pointer failed. The text never names the pointer.
    fn fetch_failed(&self, position: Position, pointer: Digest, failure: &str) -> Result<(), RepositoryError>;

    /// The sequence number last taken from a feed; `None` when the next one is taken whatever it is.
    fn sequence(&self, feed: &FeedName) -> Result<Option<super::Sequence>, RepositoryError>;

    /// Remembers the sequence number taken from a feed, durably, or forgets it, only if `expect` is what is remembered.
    /// Whether it was so: of several processes that take one number it is so for one.
    fn set_sequence(
        &self,
        feed: &FeedName,
        expect: Option<&super::Sequence>,
        sequence: Option<&super::Sequence>,
    ) -> Result<bool, RepositoryError>;

    /// The paused feeds.
    fn paused_feeds(&self) -> Result<Vec<FeedName>, RepositoryError>;

    /// Pauses or resumes a feed.
    fn pause_feed(&self, feed: &FeedName, paused: bool, actor: &Actor, now: Timestamp) -> Result<(), RepositoryError>;

    /// Writes an audit line.
    fn audit(&self, entry: &AuditEntry) -> Result<u64, RepositoryError>;

    /// Some audit lines.
    fn audit_lines(&self, query: &AuditQuery) -> Result<Vec<AuditLine>, RepositoryError>;

    /// Checks the whole chain.
    fn verify_audit(&self) -> Result<AuditReport, RepositoryError>;
}
