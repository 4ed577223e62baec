//! The `causeway` binary. All it does is hand over to the library, so that tests and the binary run the same code.

use std::process::ExitCode;

/// Mapping makes and drops many small values on one thread and hands some to others; the system's allocator spends a
/// third of the router's time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    causeway_ops::run()
}
