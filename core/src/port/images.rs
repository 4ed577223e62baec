//! The index of instances: which studies, series and instances there are, whose, and where their bytes stand.
//!
//! It is written with the records, in the transaction that permits them, and derived from the log like them. Asking it
//! decides nothing: whoever shows what it tells asks `core::policy::access` first, and writes the audit line.

use jiff::Timestamp;

use super::repository::RepositoryError;
use crate::dicom::instance::{ConflictQuery, InstanceQuery, InstanceRow, OpenStudy, StudyQuery, StudyRow};
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

    /// The study is complete, unless something of it came meanwhile.
    ///
    /// # Errors
    /// The engine's.
    fn close_study(&self, study: &OpenStudy) -> Result<(), RepositoryError>;

    /// How many SOP Instance UIDs stand for instances that contradict each other, without those that were corrected by a feed
    /// that may.
    ///
    /// # Errors
    /// The engine's.
    fn conflicting(&self) -> Result<u64, RepositoryError>;
}
