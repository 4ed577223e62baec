//! Requests for storage commitment as stored, the same on every engine.

use causeway_core::dicom::uid::Uid;
use causeway_core::port::{Begun, Commitment};

use super::codec::{feed_of, timestamp, trace_of};
use super::error::{Result, damaged};

/// The columns a request is read from, in the order of [`Stored`].
pub(super) const COLUMNS: &str = "id, feed, caller, transaction_uid, requested_at, instances, uid_in_use";

/// A request as its columns hold it.
pub(super) struct Stored {
    pub(super) id: Vec<u8>,
    pub(super) feed: String,
    pub(super) caller: String,
    pub(super) transaction: String,
    pub(super) requested_at: i64,
    pub(super) instances: String,
    pub(super) uid_in_use: bool,
}

/// What a request meets under its Transaction UID.
pub(super) enum Met {
    /// Nothing.
    Nothing,
    /// Itself, and whether that is settled.
    Itself(Commitment, bool),
    /// Other requests.
    Others,
}

impl Met {
    /// What that means for who asks.
    pub(super) const fn begun(&self) -> Begun {
        match self {
            Self::Nothing => Begun::New,
            Self::Itself(known, _) => Begun::Again(known.id),
            Self::Others => Begun::InUse,
        }
    }
}

/// The column `instances`.
pub(super) fn instances(commitment: &Commitment) -> String {
    serde_json::to_string(&commitment.instances).unwrap_or_default()
}

/// The request of some columns.
pub(super) fn read(stored: Stored) -> Result<Commitment> {
    let instances: Vec<(Uid, Uid)> = serde_json::from_str(&stored.instances)
        .map_err(|error| damaged(format!("the instances of a commitment: {error}")))?;
    Ok(Commitment {
        id: trace_of(&stored.id)?.0,
        feed: feed_of(&stored.feed)?,
        caller: stored.caller,
        transaction: Uid::parse(&stored.transaction).ok().ok_or_else(|| damaged("the UID of a transaction"))?,
        requested_at: timestamp(stored.requested_at)?,
        instances,
        uid_in_use: stored.uid_in_use,
    })
}

/// What `asked` meets among the requests under its Transaction UID, each with whether it is settled.
pub(super) fn meet(asked: &Commitment, known: Vec<(Commitment, bool)>) -> Met {
    let any = !known.is_empty();
    let same = known.into_iter().find(|(known, _)| known.instances == asked.instances);
    match same {
        Some((known, settled)) => Met::Itself(known, settled),
        None if any => Met::Others,
        None => Met::Nothing,
    }
}
