//! The `causeway` binary. All it does is hand over to the library, so that tests and the binary run the same code.

use std::process::ExitCode;

fn main() -> ExitCode {
    causeway_ops::run()
}
