//! The end at once: when it is not known any more whether what was acknowledged is durable, nothing may be answered, so
//! nothing is drained. The next start recovers from disk.

use std::io::Write as _;

use causeway_core::port::{BlobError, LogError};

use crate::diagnostic::{Code, Diagnostic};
use crate::exit::Exit;

/// Tells what happened and ends the process.
#[expect(clippy::exit, reason = "a drain would acknowledge what may not be durable; every other end returns from main")]
pub(crate) fn halt(diagnostic: &Diagnostic) -> ! {
    // Nobody is left to be told when standard error is gone.
    drop(writeln!(std::io::stderr().lock(), "{}", diagnostic.render(false)));
    std::process::exit(i32::from(Exit::Halted.number()));
}

/// For doors that store blobs.
pub(crate) fn blobs(error: &BlobError) {
    halt(&Diagnostic::new(Code::BlobsSync, error.to_string()));
}

/// For the log and the doors.
pub(crate) fn log(error: &LogError) {
    let code = match error {
        LogError::Damaged { .. } => Code::LogDamaged,
        LogError::Sync { .. }
        | LogError::Busy
        | LogError::Closed
        | LogError::TooLong { .. }
        | LogError::Unavailable { .. }
        | LogError::OutOfRange { .. } => Code::LogSync,
    };
    halt(&Diagnostic::new(code, error.to_string()));
}
