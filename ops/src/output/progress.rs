//! Progress bars: on standard error, on a terminal only.

use indicatif::{ProgressBar, ProgressStyle};

use super::Terminal;

/// A bar of so many steps that says what is done; invisible where nobody looks.
pub(crate) fn bar(terminal: &Terminal, steps: u64, doing: &'static str) -> ProgressBar {
    if !terminal.shows_progress() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {bar:30} {human_pos}/{human_len} {per_sec} {eta}");
    ProgressBar::new(steps)
        .with_style(style.unwrap_or_else(|_unreadable| ProgressStyle::default_bar()))
        .with_message(doing)
}
