//! The index of instances: which studies, series and instances there are, whose, and where their bytes stand.
//!
//! It is written with the records, in the transaction that permits them, and derived from the log like them. Asking it
//! decides nothing: whoever shows what it tells asks `core::policy::access` first, and writes the audit line.

use super::repository::RepositoryError;
use crate::dicom::instance::{InstanceQuery, InstanceRow, StudyQuery, StudyRow};
use crate::envelope::Position;

/// The index. Its contract suite is part of `core::contract::repository`.
pub trait Images: Send + Sync {
    /// Studies, the newest date first, then by study and person. A study whose instances are of two persons is two.
    ///
    /// # Errors
    /// The engine's.
    fn studies(&self, query: &StudyQuery) -> Result<Vec<StudyRow>, RepositoryError>;

    /// Instances by series, instance and position. One sent twice with different contents is there twice.
    ///
    /// # Errors
    /// The engine's.
    fn instances(&self, query: &InstanceQuery) -> Result<Vec<InstanceRow>, RepositoryError>;

    /// The instance a message brought, without metadata; `None` where it brought none that may be kept.
    ///
    /// # Errors
    /// The engine's.
    fn instance_of(&self, position: Position) -> Result<Option<InstanceRow>, RepositoryError>;
}
