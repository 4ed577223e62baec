//! Storage commitment (DICOM PS3.4 annex J): who asks is told whether instances are kept, so that it may delete its own.
//!
//! A request is read ([`request`]), remembered, and answered. Later the courier looks whether each instance is there
//! ([`custody`]) and reports it ([`report`]): over the association that asked while it is open, else over a new one. What
//! could not be reported is tried again, after a restart too.

pub(crate) mod courier;
pub(crate) mod custody;
pub(crate) mod post;
pub(crate) mod report;
pub(crate) mod request;

use std::fmt;
use std::sync::Arc;

use causeway_core::port::{Commitments, Images, Repository};

/// What a door needs to commit to the safekeeping of instances.
#[derive(Clone)]
pub struct Safekeeping {
    /// Where requests are remembered.
    pub requests: Arc<dyn Commitments>,
    /// What became of the instances.
    pub repository: Arc<dyn Repository>,
    /// Where they stand.
    pub images: Arc<dyn Images>,
}

impl fmt::Debug for Safekeeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Safekeeping").finish_non_exhaustive()
    }
}
