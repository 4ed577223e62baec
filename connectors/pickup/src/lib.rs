//! Watched folders, for every connector that takes files.
//!
//! ```text
//! folder/         where senders put files
//! folder/work/    the files being read; after a stop they are read again
//! folder/done/    the files that were taken, each with its report
//! folder/failed/  the files that were not, each with the reason
//! ```
//!
//! A file is taken when it has been still for a while, and by a rename, so that no file is read half written or by two
//! processes. Nothing outside the folder is ever opened: links, hard links and whatever is no regular file are put aside.
//! What is in a file is the business of the connector.

mod fit;
mod folder;
mod pickup;
mod report;
mod settings;
mod still;
mod watcher;

pub use fit::Unfit;
pub use pickup::{End, Picked, Pickup, Taken};
pub use report::Report;
pub use settings::{PickupFault, PickupSettings};
pub use watcher::{Bell, Facts, Kept, Read, Reader, Stopped, Watcher};

/// A folder cannot be used, or a file in it. The names of files are not repeated: senders write patients' numbers there.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct PickupError {
    /// What was tried.
    what: &'static str,
    /// Why it did not work.
    #[source]
    source: std::io::Error,
}

impl PickupError {
    /// For `map_err`.
    fn of<E: Into<std::io::Error>>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self { what, source: source.into() }
    }

    /// What the caller does about it: a disk that is full or away comes back.
    pub const fn disposition(&self) -> causeway_core::disposition::Disposition {
        causeway_core::disposition::Disposition::Retry
    }
}
