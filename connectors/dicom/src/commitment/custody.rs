//! Whether an instance is kept: accepted by the hub, of the class named, and whole in the store, byte for byte.
//!
//! The index follows the log. An instance that is not found is missing only when the index had all that was in the log when
//! it was asked; until then nobody knows.

use std::sync::Arc;

use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::{Digest, Format};
use causeway_core::outcome::State;
use causeway_core::port::{BlobError, Log, MessageQuery, MessageRow, SharedBlobs};
use causeway_core::provider::ProviderId;
use sha2::{Digest as _, Sha256};
use tracing::error;

use super::Safekeeping;
use super::report::Verdict;
use crate::classes::is_storage;
use crate::status::Status;

/// Bytes read at once.
const PIECE: usize = 1 << 20;
/// Messages looked at under one SOP Instance UID, the newest first.
const MESSAGES_MAX: u32 = 50;

/// Where instances are looked for.
#[derive(Clone)]
pub(crate) struct Custody {
    pub(crate) log: Arc<dyn Log>,
    pub(crate) blobs: SharedBlobs,
    pub(crate) keeping: Safekeeping,
}

/// What is found of an instance. In the order of what says most: of several messages under one UID the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    /// Nothing.
    Missing,
    /// It is of another SOP class.
    OtherClass,
    /// It is there and may be removed again, or what is stored is not what came.
    NotKept,
    /// It is there and will stay.
    Kept,
}

impl Found {
    /// The Failure Reason of what is not kept (PS3.3 section C.14.1.1).
    pub(crate) const fn failure(self) -> Option<Status> {
        match self {
            Self::Missing => Some(Status::NO_INSTANCE),
            Self::OtherClass => Some(Status::CONFLICT),
            Self::NotKept => Some(Status::PROCESSING),
            Self::Kept => None,
        }
    }
}

/// Why nothing can be said at the moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotYet {
    /// The index lags behind the log.
    #[error("the index lags behind the log")]
    Lag,
    /// Log, store or repository cannot be asked.
    #[error("{0}")]
    Unavailable(String),
}

impl NotYet {
    fn because(error: impl ToString) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl Custody {
    /// Looks for instances of a provider, one after the other; `goes_on` is asked before each and may end it. May block.
    pub(crate) fn look(
        &self,
        provider: &ProviderId,
        unknown_classes: bool,
        instances: &[(Uid, Uid)],
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<Vec<Verdict>, NotYet> {
        let caught_up = self.is_caught_up()?;
        let mut found = Vec::with_capacity(instances.len());
        for (class, instance) in instances {
            if !goes_on() {
                return Err(NotYet::Unavailable("another process has taken it over".to_owned()));
            }
            let failure = if is_storage(class.as_str()) || unknown_classes {
                let one = self.find(provider, class, instance)?;
                if one != Found::Kept && !caught_up {
                    return Err(NotYet::Lag);
                }
                one.failure()
            } else {
                Some(Status::CLASS_NOT_SUPPORTED)
            };
            found.push((class.clone(), instance.clone(), failure));
        }
        Ok(found)
    }

    /// Whether the index has everything that is in the log at this moment.
    fn is_caught_up(&self) -> Result<bool, NotYet> {
        for state in self.log.state().map_err(NotYet::because)? {
            let next = self.keeping.repository.next_offset(state.partition).map_err(NotYet::because)?;
            if next < state.end {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn find(&self, provider: &ProviderId, class: &Uid, instance: &Uid) -> Result<Found, NotYet> {
        let query =
            MessageQuery { control_id: Some(instance.to_string()), limit: MESSAGES_MAX, ..MessageQuery::default() };
        let messages = self.keeping.repository.messages(&query).map_err(NotYet::because)?;
        let mut best = Found::Missing;
        let of_provider = |row: &&MessageRow| row.facts.format == Format::Dicom && row.facts.provider == *provider;
        for message in messages.iter().filter(of_provider) {
            let one = match message.state {
                State::Accepted => self.accepted(message, class)?,
                // Withheld ones are removed after the log's retention, held ones when they are discarded.
                State::Withheld | State::Held => Found::NotKept,
                State::Rejected | State::Discarded => Found::Missing,
            };
            best = best.max(one);
            if best == Found::Kept {
                break;
            }
        }
        Ok(best)
    }

    fn accepted(&self, message: &MessageRow, class: &Uid) -> Result<Found, NotYet> {
        let row = self.keeping.images.instance_of(message.facts.position).map_err(NotYet::because)?;
        let Some(row) = row else { return Ok(Found::NotKept) };
        if row.instance.class != *class {
            return Ok(Found::OtherClass);
        }
        match self.is_whole(&row.instance.blob, row.instance.bytes) {
            Ok(true) => Ok(Found::Kept),
            Ok(false) => {
                error!(blob = %row.instance.blob, "an accepted instance is missing in the store, or is another");
                Ok(Found::NotKept)
            }
            Err(error @ (BlobError::Missing { .. } | BlobError::Damaged { .. })) => {
                error!(%error, "an accepted instance is not whole in the store");
                Ok(Found::NotKept)
            }
            Err(error) => Err(NotYet::because(error)),
        }
    }

    /// Whether the store has so many bytes of this digest: all of them are read.
    fn is_whole(&self, digest: &Digest, bytes: u64) -> Result<bool, BlobError> {
        if self.blobs.size(digest)? != Some(bytes) {
            return Ok(false);
        }
        let (mut hasher, mut from) = (Sha256::new(), 0);
        while from < bytes {
            let piece = self.blobs.read(digest, from, PIECE)?;
            if piece.is_empty() {
                return Ok(false);
            }
            hasher.update(&piece);
            from = from.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        }
        Ok(<[u8; 32]>::from(hasher.finalize()) == digest.0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use causeway_core::envelope::{Envelope, FeedName, Offset, PartitionId, TraceId};
    use causeway_core::metric::Silent;
    use causeway_core::phi::Phi;
    use causeway_core::port::{Clock, Fence};
    use causeway_storage::blob::folder::FolderBlobs;
    use causeway_storage::blob::folder_settings::FolderBlobSettings;
    use causeway_storage::log::embedded::{EmbeddedLog, EmbeddedLogSettings};
    use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};
    use jiff::Timestamp;

    use super::*;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    fn envelope() -> Envelope {
        Envelope {
            trace: TraceId(crate::door::uuid_at(Timestamp::UNIX_EPOCH)),
            feed: FeedName::parse("pacs").expect("a name"),
            format: Format::Dicom,
            sender: "CT1".to_owned(),
            control_id: "1.2.3".to_owned(),
            kind: "C-STORE".to_owned(),
            patient_key: Phi::new(String::new()),
            received_at: Timestamp::UNIX_EPOCH,
            digest: Digest::of(b"a claim"),
            refusal: None,
            body: Phi::new(b"a claim".to_vec().into()),
        }
    }

    #[test]
    fn an_instance_in_the_log_that_is_not_decided_yet_is_not_called_missing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let metrics = Arc::new(Silent);
        let log =
            EmbeddedLog::open(&path("log"), EmbeddedLogSettings::default(), Arc::new(Noon), metrics, Arc::new(|_| {}));
        let log = log.expect("the log opens");
        let settings = FolderBlobSettings { free_bytes_min: 0, ..FolderBlobSettings::default() };
        let blobs = Arc::new(FolderBlobs::open(&path("blobs"), settings).expect("the store opens"));
        let repository = SqliteRepository::open(&path("repository"), SqliteSettings::default()).expect("it opens");
        let repository = Arc::new(repository);
        let keeping = Safekeeping {
            requests: Arc::clone(&repository) as _,
            repository: Arc::clone(&repository) as _,
            images: Arc::clone(&repository) as _,
        };
        let custody = Custody { log: Arc::clone(&log) as _, blobs, keeping };
        let uid = |text: &str| Uid::parse(text).expect("a uid");
        let asked = [(uid("1.2.840.10008.5.1.4.1.1.2"), uid("1.2.3"))];
        let provider = ProviderId("1000000001".to_owned());
        let look = || custody.look(&provider, false, &asked, || true).map(|found| found[0].2);
        assert_eq!(look(), Ok(Some(Status::NO_INSTANCE)), "nothing is in the log");

        let (told, tells) = std::sync::mpsc::channel();
        log.append(envelope(), Box::new(move |done| told.send(done).expect("heard"))).expect("queued");
        let position = tells.recv_timeout(Duration::from_secs(20)).expect("in time").expect("durable").position;
        assert_eq!(look(), Err(NotYet::Lag));
        let partition = PartitionId(position.partition.0);
        let fence = Fence { partition, expect: Offset(0), next: Offset(1) };
        use causeway_core::port::Repository as _;
        repository.commit(fence, &[], Timestamp::UNIX_EPOCH, &mut |_| Ok(Vec::new())).expect("decided");
        assert_eq!(look(), Ok(Some(Status::NO_INSTANCE)), "it was decided that nothing is kept");
        assert_eq!(
            custody.look(&provider, false, &asked, || false).map(|_| ()),
            Err(NotYet::Unavailable("another process has taken it over".to_owned()))
        );
    }
}
