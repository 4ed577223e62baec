//! A sparkline: one small picture of the last minutes, drawn here as SVG so that it needs no script and prints, with a
//! text that says the same to those who do not see it.

use std::fmt::Write as _;

use causeway_serve::language::{Speaker, Value};

/// The height of the picture; the highest bar is as high.
const HEIGHT: u64 = 24;
/// The width of a bar with the gap after it.
const STEP: usize = 2;

/// A sparkline and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spark {
    /// The width of the picture.
    pub(super) width: usize,
    /// All bars as one path.
    pub(super) path: String,
    /// What it shows: the `<title>`.
    pub(super) title: String,
    /// The numbers in words: the `<desc>`.
    pub(super) description: String,
    /// The twin beside it, for everyone.
    pub(super) twin: String,
}

impl Spark {
    /// Draws the counts, oldest first, of steps of so many seconds.
    pub(super) fn of(counts: &[u32], step_seconds: u32, say: Speaker<'_>) -> Self {
        let total: u64 = counts.iter().copied().map(u64::from).sum();
        let highest = counts.iter().copied().max().map_or(0, u64::from);
        let latest = counts.last().copied().map_or(0, u64::from);
        let steps = u32::try_from(counts.len()).unwrap_or(u32::MAX);
        let (window, step) =
            (say.duration(f64::from(steps) * f64::from(step_seconds)), say.duration(step_seconds.into()));
        let values = [
            ("window", Value::Text(&window)),
            ("step", Value::Text(&step)),
            ("total", Value::Count(total)),
            ("highest", Value::Count(highest)),
            ("latest", Value::Count(latest)),
        ];
        Self {
            width: counts.len().saturating_mul(STEP),
            path: bars(counts, highest),
            title: say.fill("spark-title", &values),
            description: say.fill("spark-description", &values),
            twin: say.fill("spark-twin", &values),
        }
    }
}

/// One path for all bars. A count above nothing is at least one high, so that a single message shows.
fn bars(counts: &[u32], highest: u64) -> String {
    let mut path = String::new();
    for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let scaled = u64::from(*count).saturating_mul(HEIGHT).checked_div(highest).unwrap_or(0).max(1);
        let x = index.saturating_mul(STEP);
        let written = write!(path, "M{x} {HEIGHT}v-{scaled}h1.5v{scaled}z");
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
    }
    path
}

#[cfg(test)]
mod tests {
    use causeway_serve::language::{Language, Texts};

    use super::super::SOURCE;
    use super::*;

    fn spark(counts: &[u32], language: Language) -> Spark {
        Spark::of(counts, 10, Texts::with(&[SOURCE]).in_language(language))
    }

    #[test]
    fn the_highest_bar_fills_the_height_and_a_single_message_shows() {
        let spark = spark(&[0, 1, 1000], Language::English);
        assert_eq!(spark.width, 6);
        assert_eq!(spark.path, "M2 24v-1h1.5v1zM4 24v-24h1.5v24z");
    }

    #[test]
    fn nothing_draws_nothing_and_the_largest_counts_do_not_overflow() {
        assert_eq!(spark(&[0; 60], Language::English).path, "");
        assert_eq!(spark(&[], Language::English).width, 0);
        assert_eq!(spark(&[u32::MAX; 60], Language::English).path.matches("v-24").count(), 60);
    }

    #[test]
    fn the_text_says_what_the_picture_shows() {
        let mut counts = [0; 60];
        counts[3] = 1200;
        counts[59] = 34;
        let english = spark(&counts, Language::English);
        assert_eq!(english.title, "Messages received in the last 10 min");
        assert_eq!(english.description, "In steps of 10 s: highest 1,200, latest 34, in all 1,234.");
        assert_eq!(english.twin, "1,234 in 10 min");
        let chinese = spark(&counts, Language::Chinese);
        assert_eq!(chinese.description, "每 10 秒一格：最高 1,200，最近 34，合共 1,234。");
    }
}
