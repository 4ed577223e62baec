//! Claims, written to the log by the thread that made their instances durable: nobody has to wake up in between.

use std::sync::Arc;

use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::{Digest, Envelope, Format, TraceId};
use causeway_core::phi::Phi;
use causeway_core::port::{Appended, LogError};
use tokio::sync::oneshot;
use tracing::debug;

use super::{Bringer, Names};
use crate::door::{Shared, uuid_at};
use crate::intake::Sealed;

/// Who writes the claims of one bringer.
pub(super) struct Clerk {
    shared: Arc<Shared>,
    feed: usize,
    sender: String,
    kind: &'static str,
}

/// A claim on its way.
pub(super) struct Logging {
    /// What the instance is called.
    pub(super) names: Names,
    /// Its Study Instance UID.
    pub(super) study: Uid,
    /// Its Series Instance UID.
    pub(super) series: Uid,
    /// Tells when it is durable, if the log has taken it.
    pub(super) appended: Result<oneshot::Receiver<Result<Appended, LogError>>, LogError>,
}

impl Clerk {
    pub(super) fn new(shared: &Arc<Shared>, by: Bringer<'_>) -> Self {
        Self { shared: Arc::clone(shared), feed: by.feed, sender: by.sender.to_owned(), kind: by.kind }
    }

    /// Gives the claim of a durable instance to the log.
    pub(super) fn log(self, sealed: Sealed) -> Logging {
        let Sealed { claim, patient_key } = sealed;
        let body = claim.to_bytes();
        let names = Names { sop_class: claim.sop_class, sop_instance: claim.sop_instance };
        let appended = self.append(&names, patient_key, body);
        Logging { names, study: claim.study, series: claim.series, appended }
    }

    fn append(
        self,
        names: &Names,
        patient_key: Phi<String>,
        body: Vec<u8>,
    ) -> Result<oneshot::Receiver<Result<Appended, LogError>>, LogError> {
        let Some(feed) = self.shared.feed(self.feed) else { return Err(LogError::Closed) };
        let at = self.shared.ports.clock.now();
        let envelope = Envelope {
            trace: TraceId(uuid_at(at)),
            feed: feed.name.clone(),
            format: Format::Dicom,
            sender: self.sender,
            control_id: names.sop_instance.to_string(),
            kind: self.kind.to_owned(),
            patient_key,
            received_at: at,
            digest: Digest::of(&body),
            refusal: None,
            body: Phi::new(body.into()),
        };
        debug!(feed = %envelope.feed, trace = %envelope.trace, "instance stored");
        let (told, appended) = oneshot::channel();
        // Nobody listens any more when the sender is gone; the claim is durable all the same.
        self.shared.ports.log.append(envelope, Box::new(move |result| drop(told.send(result))))?;
        Ok(appended)
    }
}
