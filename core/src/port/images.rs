//! The index of instances: which studies, series and instances there are, whose, and where their bytes stand.
//!
//! It is written with the records, in the transaction that permits them, and derived from the log like them; what operators
//! ruled about images ([`crate::dicom::ruling`]) the log does not hold. Asking it decides nothing: whoever shows what it tells
//! asks `core::policy::access` first, and writes the audit line.

use jiff::Timestamp;

use super::repository::{RedoMode, RepositoryError};
use crate::dicom::instance::{ConflictQuery, InstanceQuery, InstanceRow, OpenStudy, StudyQuery, StudyRow};
use crate::dicom::ruling::{Ruling, RulingEffect, RulingQuery, RulingRow};
use crate::envelope::Position;

/// The index. Its contract suite is part of `core::contract::repository`.
pub trait Images: Send + Sync {
    /// Studies with instances that readers find, the newest date first, then by study and person.
    ///
    /// # Errors
    /// The engine's.
    fn studies(&self, query: &StudyQuery) -> Result<Vec<StudyRow>, RepositoryError>;

    /// Instances by series, instance and position. Of several under one UID a provider has one that readers find
    /// ([`crate::dicom::change::hidden`]); what is hidden is there for who asks for it.
    ///
    /// # Errors
    /// The engine's.
    fn instances(&self, query: &InstanceQuery) -> Result<Vec<InstanceRow>, RepositoryError>;

    /// The instance a message brought, without metadata; `None` where it brought none that may be kept.
    ///
    /// # Errors
    /// The engine's.
    fn instance_of(&self, position: Position) -> Result<Option<InstanceRow>, RepositoryError>;

    /// Instances that contradict others with their SOP Instance UID, by that UID and position; hidden ones too.
    ///
    /// # Errors
    /// The engine's.
    fn conflicts(&self, query: &ConflictQuery) -> Result<Vec<InstanceRow>, RepositoryError>;

    /// Studies that may still grow, of which nothing came since `before`, or of which a final report was stored under their
    /// accession number; those first of which nothing came for the longest.
    ///
    /// # Errors
    /// The engine's.
    fn open_studies(&self, before: Timestamp, limit: u32) -> Result<Vec<OpenStudy>, RepositoryError>;

    /// How many studies may still grow.
    ///
    /// # Errors
    /// The engine's.
    fn open_study_count(&self) -> Result<u64, RepositoryError>;

    /// The study is complete, unless something of it came meanwhile.
    ///
    /// # Errors
    /// The engine's.
    fn close_study(&self, study: &OpenStudy) -> Result<(), RepositoryError>;

    /// Rules about the images under a UID, in a transaction of its own: index, counts, ImagingStudy and messages follow, and an
    /// audit line (`image-reject`, `image-delete`, `image-restore`) is written for each person. A study of which nothing is
    /// left is taken back: `cancelled` where the rest is rejected, `entered-in-error` where all of it is deleted. The messages
    /// of images that are deleted are discarded, with the ruling's reason as the operator's words. A ruling that changes
    /// nothing is not made; the effect tells.
    ///
    /// # Errors
    /// `Refused` without a reason, or with one that is too long; else the engine's.
    fn rule(&self, ruling: &Ruling, mode: RedoMode) -> Result<RulingEffect, RepositoryError>;

    /// Rulings, the newest first; those that others followed, too.
    ///
    /// # Errors
    /// The engine's.
    fn rulings(&self, query: &RulingQuery) -> Result<Vec<RulingRow>, RepositoryError>;

    /// How many SOP Instance UIDs stand for instances that contradict each other, without those that were corrected by a feed
    /// that may.
    ///
    /// # Errors
    /// The engine's.
    fn conflicting(&self) -> Result<u64, RepositoryError>;
}
