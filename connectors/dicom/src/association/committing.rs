//! Storage commitment on an association: requests that come (N-ACTION), and reports that go (N-EVENT-REPORT).

use causeway_core::dicom::uid::Uid;
use causeway_core::port::{Begun, Commitment};
use tokio::io::{AsyncRead, AsyncWrite};
use tracing::{debug, warn};

use super::{Agreed, Association, End};
use crate::classes::{STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE};
use crate::commitment::Safekeeping;
use crate::commitment::post::Parcel;
use crate::commitment::request::{self, RequestFault};
use crate::dimse::Command;
use crate::door::uuid_at;
use crate::outgoing;
use crate::pdu::Abort;
use crate::status::{Refusal, Status};
use crate::syntax::Syntax;
use crate::tally::Step;

/// Action Type ID of a request for storage commitment.
const REQUEST: u16 = 1;

/// A report that was sent and not answered yet.
#[derive(Debug)]
pub(super) struct Told {
    message_id: u16,
    answered: tokio::sync::oneshot::Sender<u16>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Association<S> {
    /// An N-ACTION-RQ: how many bytes its data set may have.
    pub(super) fn action(&self, agreed: &Agreed, context: u8, command: &Command) -> Result<usize, Refusal> {
        let class = agreed.contexts.get(&context).map(|(class, _)| class.as_str());
        if class != Some(STORAGE_COMMITMENT) || self.shared.ports.safekeeping.is_none() {
            return Err(Refusal::new(Status::UNRECOGNISED, "this operation is not offered"));
        }
        let uid = |value: &Option<Vec<u8>>| value.as_deref().and_then(|value| Uid::of_value(value).ok());
        if uid(&command.requested_class).is_none_or(|uid| uid.as_str() != STORAGE_COMMITMENT) {
            return Err(Refusal::new(Status::NO_CLASS, "not the SOP class of this context"));
        }
        if uid(&command.requested_instance).is_none_or(|uid| uid.as_str() != STORAGE_COMMITMENT_INSTANCE) {
            return Err(Refusal::new(Status::NO_INSTANCE, "not the instance of storage commitment"));
        }
        if command.type_id != Some(REQUEST) {
            return Err(Refusal::new(Status::NO_ACTION, "the one action is 1: request storage commitment"));
        }
        if !command.has_data_set() {
            return Err(Refusal::new(Status::INVALID_ARGUMENT, "there is no data set"));
        }
        Ok(request::bytes_max(self.shared.config.limits.commitment_instances_max))
    }

    /// Its data set is whole: it is remembered, durably.
    pub(super) async fn ask(&self, agreed: &Agreed, context: u8, bytes: &[u8]) -> Result<(), Refusal> {
        let limits = &self.shared.config.limits;
        let syntax = agreed.contexts.get(&context).map(|(_, syntax)| syntax);
        let (Some(syntax), Some(keeping), Some(feed)) =
            (syntax, self.shared.ports.safekeeping.clone(), self.shared.feed(agreed.feed))
        else {
            return Err(Refusal::new(Status::PROCESSING, "the hub failed; see its log"));
        };
        let asked = request::read(bytes, Syntax::of(syntax).coding, limits.commitment_instances_max)?;
        let now = self.shared.ports.clock.now();
        let commitment = Commitment {
            id: uuid_at(now),
            feed: feed.name.clone(),
            caller: agreed.calling.clone(),
            transaction: asked.transaction,
            requested_at: now,
            instances: asked.instances,
            uid_in_use: false,
        };
        let pending_max = limits.commitments_pending_max;
        let begun = self.hands.work(move || begin(&keeping, &commitment, pending_max)).await;
        let failed = || Refusal::new(Status::PROCESSING, "it cannot be remembered now: ask again");
        match begun {
            Ok(Ok(Some(Begun::New | Begun::Again(_)))) => {}
            Ok(Ok(Some(Begun::InUse))) => {
                warn!(feed = %feed.name, "a Transaction UID was used for two storage commitments: the second is refused");
            }
            Ok(Ok(None)) => {
                return Err(Refusal::new(Status::RESOURCES, "as many requests as may be are under way"));
            }
            Ok(Err(error)) => {
                warn!(%error, "a storage commitment could not be remembered");
                return Err(failed());
            }
            Err(error) => {
                warn!(%error, "a thread of storage commitment broke");
                return Err(failed());
            }
        }
        self.shared.tally.commitment(agreed.feed, Step::Taken);
        Ok(())
    }

    /// Sends a report.
    pub(super) async fn tell(&mut self, agreed: &Agreed, parcel: Parcel) -> Result<(), End> {
        let Some((context, syntax)) = agreed.commitment() else { return Ok(()) };
        self.last_id = self.last_id.wrapping_add(1);
        let Parcel { report, answered } = parcel;
        let Some(command) = report.command(self.last_id) else { return Ok(()) };
        let mut units = Vec::new();
        outgoing::command(&mut units, context, &command.bytes(), agreed.piece);
        outgoing::data_set(&mut units, context, &report.data_set(Syntax::of(syntax).coding), agreed.piece);
        self.told = Some(Told { message_id: self.last_id, answered });
        self.wire.write(&units).await?;
        Ok(())
    }

    /// An N-EVENT-REPORT-RSP.
    pub(super) fn heard(&mut self, command: &Command) -> Result<(), End> {
        let told = self.told.take().filter(|told| told.message_id == command.answers);
        let Some((told, status)) = told.zip(command.status).filter(|_| !command.has_data_set()) else {
            return Err(End::Abort(Abort::UNEXPECTED, "unexpected_answer"));
        };
        // The courier may have stopped waiting: then it reports once more.
        if told.answered.send(status).is_err() {
            debug!(peer = %self.peer.address, "a report was answered too late");
        }
        Ok(())
    }
}

/// Remembers a request, unless there are as many as may be. May block.
fn begin(
    keeping: &Safekeeping,
    commitment: &Commitment,
    pending_max: u64,
) -> Result<Option<Begun>, causeway_core::port::RepositoryError> {
    if keeping.requests.commitments_pending(&commitment.feed)? >= pending_max {
        return Ok(None);
    }
    keeping.requests.begin_commitment(commitment, commitment.requested_at).map(Some)
}

impl From<RequestFault> for Refusal {
    fn from(fault: RequestFault) -> Self {
        let status = match fault {
            RequestFault::TooMany => Status::RESOURCES,
            RequestFault::Broken | RequestFault::Missing(_) | RequestFault::NoUid(_) => Status::INVALID_ARGUMENT,
        };
        Self::new(status, fault.to_string())
    }
}
