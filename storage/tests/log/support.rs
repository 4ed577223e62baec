//! What the tests of the embedded log share.

use std::path::Path;
use std::sync::Arc;

use causeway_core::metric::Silent;
use causeway_core::port::{Clock, LogError};
use causeway_storage::log::embedded::{EmbeddedLog, EmbeddedLogSettings, Halt};
use jiff::Timestamp;

/// A clock that stands still.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// Opens a log whose failures fail the test.
pub(crate) fn open(dir: &Path, settings: &EmbeddedLogSettings) -> Result<Arc<EmbeddedLog>, LogError> {
    open_with(dir, settings, Arc::new(|error| panic!("the log halted: {error}")))
}

/// Opens a log.
pub(crate) fn open_with(dir: &Path, settings: &EmbeddedLogSettings, halt: Halt) -> Result<Arc<EmbeddedLog>, LogError> {
    EmbeddedLog::open(dir, settings.clone(), Arc::new(Still), Arc::new(Silent), halt)
}
