//! What the hub says of its own doing: on standard error, as text on a terminal and as JSON elsewhere.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

/// How much is said, when `CAUSEWAY_LOG` does not say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// What an operator wants to see.
    Normal,
    /// What needs somebody at once.
    Errors,
}

/// Begins to log. A second call changes nothing.
pub(crate) fn log_to_stderr(verbosity: Verbosity) {
    let default = match verbosity {
        Verbosity::Normal => "info",
        Verbosity::Errors => "error",
    };
    let filter = EnvFilter::try_from_env("CAUSEWAY_LOG").unwrap_or_else(|_unset| EnvFilter::new(default));
    let is_terminal = std::io::stderr().is_terminal();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let begun =
        if is_terminal { builder.with_ansi(!no_color).try_init() } else { builder.with_ansi(false).json().try_init() };
    // Only tests call it twice.
    drop(begun);
    std::panic::set_hook(Box::new(tell_place));
}

/// A panic tells its place only: what it says may hold text of a message (promise 9).
fn tell_place(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(%place, "a thread panicked");
}
