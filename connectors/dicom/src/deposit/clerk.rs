//! Claims, written to the log by the thread that made their instances durable: nobody has to wake up in between.

use std::sync::Arc;

use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::{Digest, Envelope, Format, TraceId};
use causeway_core::phi::Phi;
use causeway_core::port::{Appended, Freshness, LogError};
use tokio::sync::oneshot;
use tracing::debug;

use super::{Bringer, Names};
use crate::config::{DicomFeedConfig, OnConflict};
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
    /// What it is to those before it, as far as that is known without the log.
    pub(super) earlier: Freshness,
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
        let digest = Digest::of(&body);
        let earlier = self.earlier(&names, digest);
        let appended = self.append(&names, patient_key, digest, body);
        Logging { names, study: claim.study, series: claim.series, earlier, appended }
    }

    /// What came before, where the sender wants to hear of it and the log does not tell.
    fn earlier(&self, names: &Names, claim: Digest) -> Freshness {
        let asks = |feed: &&DicomFeedConfig| feed.on_conflict != OnConflict::Success;
        let asked = self.shared.earlier.as_ref().zip(self.shared.feed(self.feed).filter(asks));
        asked.map_or(Freshness::New, |(earlier, feed)| {
            earlier.note(&feed.name, &self.sender, names.sop_instance.as_str(), claim)
        })
    }

    fn append(
        self,
        names: &Names,
        patient_key: Phi<String>,
        digest: Digest,
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
            digest,
            refusal: None,
            body: Phi::new(body.into()),
        };
        debug!(feed = %envelope.feed, trace = %envelope.trace, "instance stored");
        let (told, appended) = oneshot::channel();
        let log = Arc::clone(&self.shared.ports.log);
        let (shared, name, sender) = (self.shared, envelope.feed.clone(), envelope.sender.clone());
        let instance = names.sop_instance.clone();
        let forget = move || {
            if let Some(earlier) = &shared.earlier {
                earlier.forget(&name, &sender, instance.as_str(), digest);
            }
        };
        let forget_at_once = forget.clone();
        let done = move |result: Result<Appended, LogError>| {
            if result.is_err() {
                forget();
            }
            // Nobody listens any more when the sender is gone; the claim is durable all the same.
            drop(told.send(result));
        };
        log.append(envelope, Box::new(done)).inspect_err(|_| forget_at_once())?;
        Ok(appended)
    }
}
