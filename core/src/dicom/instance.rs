//! An instance as readers find it: where its bytes and its frames stand, what it is searched by, and its metadata.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::{Change, Conflict, Hidden};
use super::claim::Pixels;
use super::uid::Uid;
use crate::envelope::{Digest, Position};
use crate::person::PersonId;
use crate::phi::Phi;
use crate::provider::ProviderId;

/// Stands in [`Instance::metadata`] before the rest of an address of bulk data, where the address of the instance goes. No
/// JSON text has this character unescaped.
pub const HERE: char = '\u{1}';

/// An instance, as mapping its claim gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Study Instance UID.
    pub study: Uid,
    /// Series Instance UID.
    pub series: Uid,
    /// SOP Instance UID.
    pub instance: Uid,
    /// SOP Class UID.
    pub class: Uid,
    /// Transfer Syntax UID.
    pub transfer_syntax: Uid,
    /// The file in the blob store.
    #[serde(with = "super::claim::hex_digest")]
    pub blob: Digest,
    /// Its bytes.
    pub bytes: u64,
    /// The bytes before the data set.
    pub data_set_at: u64,
    /// Where its pixels stand in the file.
    pub pixels: Option<Pixels>,
    /// What it is found by.
    pub search: Search,
    /// What it does to others.
    #[serde(default, skip_serializing_if = "Change::is_none")]
    pub change: Change,
    /// Whether the metadata lack elements, because the header was too long to be kept.
    pub cut: bool,
    /// Its header as DICOM JSON (PS3.18 annex F): one object. Values too long to be kept have addresses that begin with
    /// [`HERE`].
    #[serde(skip)]
    pub metadata: Phi<String>,
}

impl Instance {
    /// The UIDs it stands under: of its study, its series, and its own.
    pub const fn uids(&self) -> [&Uid; 3] {
        [&self.study, &self.series, &self.instance]
    }
}

/// What an instance is found by beside its identifiers, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// Study Date, as `YYYYMMDD`; empty when it is none.
    pub study_date: String,
    /// Modality.
    pub modality: String,
    /// Accession Number.
    pub accession: Phi<String>,
    /// Patient ID.
    pub patient_id: Phi<String>,
    /// Instance Number.
    pub number: Option<u32>,
    /// Number of Frames; 1 where nothing is said and there are pixels, 0 without any.
    pub frames: u32,
}

/// An instance as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceRow {
    /// The message it came by.
    pub position: Position,
    /// Whose.
    pub person: PersonId,
    /// Who sent it.
    pub provider: ProviderId,
    /// The instance; its metadata only where they were asked for.
    pub instance: Instance,
    /// Why readers do not find it.
    pub hidden: Option<Hidden>,
    /// How it contradicts others with its SOP Instance UID.
    pub conflict: Option<Conflict>,
}

/// A study as stored: what its instances say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyRow {
    /// Study Instance UID.
    pub study: Uid,
    /// Whose.
    pub person: PersonId,
    /// The least Study Date, as `YYYYMMDD`; empty when there is none.
    pub date: String,
    /// The modalities of its series, in the order of the alphabet.
    pub modalities: Vec<String>,
    /// How many series.
    pub series: u64,
    /// How many instances; different ones under one UID count once.
    pub instances: u64,
}

/// A study that may still grow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenStudy {
    /// Study Instance UID.
    pub study: Uid,
    /// Whose.
    pub person: PersonId,
    /// Who sends it.
    pub provider: ProviderId,
    /// The last message that brought an instance of it.
    pub position: Position,
    /// When that one was received.
    pub at: Timestamp,
}

/// Which studies. All conditions given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StudyQuery {
    /// With this UID.
    pub study: Option<Uid>,
    /// Of this person.
    pub person: Option<PersonId>,
    /// With an instance of this accession number.
    pub accession: Option<Phi<String>>,
    /// With an instance of this Patient ID.
    pub patient_id: Option<Phi<String>>,
    /// With an instance of this modality.
    pub modality: Option<String>,
    /// Not before this date, as `YYYYMMDD`.
    pub since: Option<String>,
    /// Not after this date.
    pub until: Option<String>,
    /// Behind this one, in the order of the list: date, study, person.
    pub after: Option<(String, Uid, PersonId)>,
    /// At most so many.
    pub limit: u32,
}

/// Which instances. All conditions given must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceQuery {
    /// Of this study.
    pub study: Uid,
    /// Of this series.
    pub series: Option<Uid>,
    /// With this UID.
    pub instance: Option<Uid>,
    /// Of this person.
    pub person: Option<PersonId>,
    /// Whether with metadata.
    pub metadata: bool,
    /// Whether with those that readers do not find.
    pub hidden: bool,
    /// Behind this one, in the order of the list: series, instance, position.
    pub after: Option<(Uid, Uid, Position)>,
    /// At most so many.
    pub limit: u32,
}

impl InstanceQuery {
    /// All instances of a study, without metadata.
    pub const fn of(study: Uid, limit: u32) -> Self {
        Self { study, series: None, instance: None, person: None, metadata: false, hidden: false, after: None, limit }
    }
}

/// Which instances that contradict others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConflictQuery {
    /// With this SOP Instance UID.
    pub instance: Option<Uid>,
    /// Behind this one, in the order of the list: instance, position.
    pub after: Option<(Uid, Position)>,
    /// At most so many.
    pub limit: u32,
}
