//! The binary `causeway`: configuration, wiring, command line and operations. The one crate that knows everyone.

pub(crate) mod status;

use std::process::ExitCode;

/// Runs the command line and gives its exit code.
pub fn run() -> ExitCode {
    ExitCode::SUCCESS
}
