//! Messages: a command, then its data set, in fragments; and what each operation does with them.

use causeway_core::dicom::uid::Uid;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tracing::debug;

use super::storing::Storing;
use super::{Agreed, Association, End};
use crate::classes::VERIFICATION;
use crate::dimse::{COMMAND_BYTES_MAX, Command, CommandWriter, field};
use crate::outgoing;
use crate::pdu::Abort;
use crate::status::{Refusal, Status};
use crate::tally::Step;
use crate::wire::ValueHead;

/// N-EVENT-REPORT-RSP.
const REPORT_ANSWER: u16 = field::EVENT_REPORT | field::ANSWER;

/// What comes next of a message.
pub(super) enum Waiting {
    /// Fragments of a command.
    Command { context: Option<u8>, bytes: Vec<u8> },
    /// Fragments of its data set.
    DataSet { context: u8, command: Box<Command>, sink: Sink },
}

/// Where a data set goes.
pub(super) enum Sink {
    /// Into the store.
    Instance(Box<Storing>),
    /// Into memory: a request for storage commitment, of at most so many bytes.
    Request(Vec<u8>, usize),
    /// Nowhere: the answer is known.
    Nowhere(Refusal, u64),
}

impl Default for Waiting {
    fn default() -> Self {
        Self::Command { context: None, bytes: Vec::new() }
    }
}

impl Waiting {
    /// Nothing of a message has come.
    pub(super) const fn is_between_messages(&self) -> bool {
        matches!(self, Self::Command { context: None, .. })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Association<S> {
    /// One fragment.
    pub(super) async fn fragment(
        &mut self,
        agreed: &Agreed,
        waiting: Waiting,
        head: ValueHead,
    ) -> Result<Waiting, End> {
        let unexpected = End::Abort(Abort::UNEXPECTED, "unexpected_data");
        let length = usize::try_from(head.bytes.saturating_sub(2)).unwrap_or(usize::MAX);
        match waiting {
            Waiting::Command { context, mut bytes } => {
                if !head.is_command || context.is_some_and(|context| context != head.context) {
                    return Err(unexpected);
                }
                if bytes.len().saturating_add(length) > COMMAND_BYTES_MAX {
                    return Err(End::Abort(Abort::INVALID, "command_too_long"));
                }
                self.wire.append(&mut bytes, length, self.patience()).await?;
                if !head.is_last {
                    return Ok(Waiting::Command { context: Some(head.context), bytes });
                }
                let command = Command::read(&bytes).map_err(|_fault| End::Abort(Abort::INVALID, "bad_command"))?;
                self.begin(agreed, head.context, command).await
            }
            Waiting::DataSet { context, command, mut sink } => {
                if head.is_command || context != head.context {
                    return Err(unexpected);
                }
                self.pour(&mut sink, length).await?;
                if !head.is_last {
                    return Ok(Waiting::DataSet { context, command, sink });
                }
                self.finish(agreed, context, &command, sink).await?;
                Ok(Waiting::default())
            }
        }
    }

    /// A command is whole: what is answered at once is, and a data set is given its place.
    async fn begin(&mut self, agreed: &Agreed, context: u8, command: Command) -> Result<Waiting, End> {
        let judged = match command.field {
            field::CANCEL => return Ok(Waiting::default()),
            field::ECHO => self.echo(agreed, context).map(|()| None),
            field::STORE => {
                self.order(agreed, context, &command).map(|storing| Some(Sink::Instance(Box::new(storing))))
            }
            field::ACTION => self.action(agreed, context, &command).map(|most| Some(Sink::Request(Vec::new(), most))),
            REPORT_ANSWER => return self.heard(&command).map(|()| Waiting::default()),
            _ => Err(Refusal::new(Status::UNRECOGNISED, "this operation is not offered")),
        };
        let sink = match judged {
            Ok(Some(sink)) => sink,
            Ok(None) => {
                let mut answer = CommandWriter::answer(&command, Status::SUCCESS.0);
                if let Some((class, _)) = agreed.contexts.get(&context) {
                    answer.uid(0x0002, class);
                }
                self.say(agreed, context, &answer).await?;
                return Ok(Waiting::default());
            }
            Err(refusal) => {
                debug!(peer = %self.peer.address, status = refusal.status.0, comment = refusal.comment, "operation refused");
                if !command.has_data_set() {
                    self.refuse(agreed, context, &command, &refusal).await?;
                    return Ok(Waiting::default());
                }
                Sink::Nowhere(refusal, 0)
            }
        };
        Ok(Waiting::DataSet { context, command: Box::new(command), sink })
    }

    /// The data set is whole.
    async fn finish(&mut self, agreed: &Agreed, context: u8, command: &Command, sink: Sink) -> Result<(), End> {
        match sink {
            Sink::Nowhere(refusal, _) => {
                if command.field == field::STORE {
                    self.shared.tally.refused(agreed.feed, refusal.status);
                }
                self.refuse(agreed, context, command, &refusal).await
            }
            Sink::Request(bytes, _) => {
                if let Err(refusal) = self.ask(agreed, context, &bytes).await {
                    return self.refuse(agreed, context, command, &refusal).await;
                }
                let mut answer = CommandWriter::answer(command, Status::SUCCESS.0);
                echo_uids(&mut answer, command);
                self.say(agreed, context, &answer).await?;
                // Not before the answer: what was asked for is answered first.
                self.shared.asked.notify_one();
                Ok(())
            }
            Sink::Instance(storing) => {
                let (received, answered) = (Instant::now(), self.store(agreed, *storing).await);
                if self.shared.is_halted() {
                    // What was written last may be lost: nobody is told anything any more.
                    return Err(End::Abort(Abort::NO_REASON, "halted"));
                }
                let status = match answered {
                    Ok(()) => {
                        let mut answer = CommandWriter::answer(command, Status::SUCCESS.0);
                        echo_uids(&mut answer, command);
                        self.say(agreed, context, &answer).await?;
                        Status::SUCCESS
                    }
                    Err(refusal) => {
                        self.refuse(agreed, context, command, &refusal).await?;
                        refusal.status
                    }
                };
                self.shared.tally.answered(agreed.feed, status, received.elapsed());
                Ok(())
            }
        }
    }

    fn echo(&self, agreed: &Agreed, context: u8) -> Result<(), Refusal> {
        let is_verification = agreed.contexts.get(&context).is_some_and(|(class, _)| class.as_str() == VERIFICATION);
        if is_verification {
            Ok(())
        } else {
            Err(Refusal::new(Status::CLASS_NOT_SUPPORTED, "not a context of the Verification SOP class"))
        }
    }

    async fn refuse(&mut self, agreed: &Agreed, context: u8, command: &Command, refusal: &Refusal) -> Result<(), End> {
        debug!(feed = agreed.feed, status = refusal.status.0, comment = refusal.comment, "refused");
        match command.field {
            field::ACTION => self.shared.tally.commitment(agreed.feed, Step::Refused),
            field::STORE => self.note(agreed, refusal),
            _ => {}
        }
        let mut answer = CommandWriter::answer(command, refusal.status.0);
        echo_uids(&mut answer, command);
        if !refusal.offending.is_empty() {
            answer.offending(&refusal.offending);
        }
        answer.comment(0x0902, &refusal.comment);
        self.say(agreed, context, &answer).await
    }

    /// Notes who sent an instance that is refused for good.
    fn note(&self, agreed: &Agreed, refusal: &Refusal) {
        let who = format!("calling AE title: {}", agreed.calling);
        self.shared.note_refused(self.peer.address, &who, agreed.feed, refusal);
    }

    /// Writes an answer in one go.
    async fn say(&mut self, agreed: &Agreed, context: u8, answer: &CommandWriter) -> Result<(), End> {
        let mut units = Vec::new();
        outgoing::command(&mut units, context, &answer.bytes(), agreed.piece);
        self.wire.write(&units).await?;
        Ok(())
    }
}

/// Affected SOP Class and Instance UID as they came, or those an operation was requested of, if they are any.
fn echo_uids(answer: &mut CommandWriter, command: &Command) {
    let pairs = [
        (0x0002, &command.affected_class, &command.requested_class),
        (0x1000, &command.affected_instance, &command.requested_instance),
    ];
    for (element, affected, requested) in pairs {
        let value = affected.as_deref().or(requested.as_deref());
        if let Some(uid) = value.and_then(|value| Uid::of_value(value).ok()) {
            answer.uid(element, &uid);
        }
    }
    if let (field::ACTION, Some(action)) = (command.field, command.type_id) {
        answer.number(0x1008, action);
    }
}
