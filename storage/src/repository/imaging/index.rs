//! What an engine does for the index of instances; what is decided about it is written once, above.

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::dicom::instance::{Instance, InstanceRow, OpenStudy};
use causeway_core::dicom::ruling::{Ruling, Verdict};
use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::Position;
use causeway_core::outcome::Outcome;
use causeway_core::person::PersonId;
use causeway_core::port::{MessageDetail, RecordRow};
use causeway_core::provider::ProviderId;
use causeway_core::record::RecordKey;
use serde_json::Value;

use crate::repository::error::Result;

/// The tables of the index, inside a writing transaction.
pub(in crate::repository) trait Index {
    /// Whose instances readers find in these studies, or would find if no operator had rejected them. Keeps others from storing
    /// into the studies, and from ruling about images, until the transaction ends.
    fn owners(&mut self, studies: &BTreeSet<Uid>) -> Result<BTreeMap<Uid, BTreeSet<PersonId>>>;

    /// All instances with these SOP Instance UIDs, hidden ones too.
    fn twins(&mut self, instances: &BTreeSet<Uid>) -> Result<Vec<InstanceRow>>;

    /// Stores an instance in the place of what its message brought before, and gives the study and person of that.
    fn put(&mut self, outcome: &Outcome, person: PersonId, instance: &Instance) -> Result<Vec<(Uid, PersonId)>>;

    /// Whether instances of a study are hidden.
    fn hides(&mut self, study: &Uid, person: PersonId) -> Result<bool>;

    /// All instances of a study, hidden ones too, each with the study's resource as it alone makes it, where those are wanted
    /// and there.
    fn of_study(&mut self, study: &Uid, person: PersonId, parts: bool) -> Result<Vec<(InstanceRow, Option<Value>)>>;

    /// Writes what a row says of being hidden and in conflict.
    fn mark(&mut self, row: &InstanceRow) -> Result<()>;

    /// Counts a study anew, without what is hidden if something may be.
    fn count(&mut self, study: &Uid, person: PersonId, uneven: bool) -> Result<()>;

    /// Notes the last message of a study that may still grow; what came later stays.
    fn open(&mut self, study: &OpenStudy) -> Result<()>;

    /// The studies of a person with this accession number that a provider sends are complete.
    fn tell(&mut self, person: PersonId, provider: &ProviderId, accession: &str) -> Result<()>;

    /// The record that stands, with the clock of the latest message that said so, and keeps others from changing it until the
    /// transaction ends.
    fn standing(&mut self, person: PersonId, key: &RecordKey) -> Result<Option<RecordRow>>;

    /// Those of some UIDs about which a ruling stands that hides what is under them.
    fn ruled(&mut self, uids: &BTreeSet<Uid>) -> Result<BTreeMap<Uid, Verdict>>;

    /// Keeps others from storing any instance, and from ruling, until the transaction ends.
    fn alone(&mut self) -> Result<()>;

    /// The last ruling about a UID.
    fn last_ruling(&mut self, uid: &Uid) -> Result<Option<Ruling>>;

    /// Writes a ruling.
    fn rule(&mut self, ruling: &Ruling) -> Result<()>;

    /// All instances under a Study, Series or SOP Instance UID, hidden ones too.
    fn under(&mut self, uid: &Uid) -> Result<Vec<InstanceRow>>;

    /// Takes instances out of the index, and their studies from those that may still grow.
    fn remove(&mut self, positions: &[Position]) -> Result<()>;

    /// All that is known of a message.
    fn message(&mut self, position: Position) -> Result<Option<MessageDetail>>;
}
