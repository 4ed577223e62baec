//! The `causeway` binary. All it does is hand over to the library, so that tests and the binary run the same code.

use std::process::ExitCode;

/// Mapping makes and drops many small values on one thread and hands some to others; the system's allocator spends a
/// third of the router's time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    take_small_pages();
    causeway_ops::run()
}

/// Lets memory come as it is used. The allocator asks Linux for huge pages, and the first byte in each of them takes 2 MiB: a hub
/// that uses 24 MiB has 37 then, and 70 instead of 44 while four associations bring images. Mapping is slower by about a fiftieth.
fn take_small_pages() {
    #[cfg(target_os = "linux")]
    // A kernel that does not let them be chosen takes more memory, nothing else.
    rustix::thread::disable_transparent_huge_pages(true).ok();
}
