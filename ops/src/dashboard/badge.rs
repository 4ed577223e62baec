//! A state as an icon with a word: never a colour alone.

use causeway_core::outcome::State;
use causeway_serve::language::Speaker;

use crate::status::{FeedState, Level};

/// An icon, its tone, and the word beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Badge {
    /// `good`, `warning`, `bad` or `calm`; a class of the style sheet.
    pub(super) tone: &'static str,
    /// The path of the icon in a square of 16; every state has a shape of its own.
    pub(super) icon: &'static str,
    /// The word.
    pub(super) word: String,
}

const TICK: &str = "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm3.9 5.1-4.6 5.1a.8.8 0 0 1-1.2 0L3.9 9l1.2-1.2 1.6 1.6 4-4.4z";
const TRIANGLE: &str = "M8 1.3 15.5 14.7H.5zM7.2 6v4.2h1.6V6zm0 5.3v1.6h1.6v-1.6z";
const OCTAGON: &str = "M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1zm.6 3.5L4.5 5.7 6.8 8l-2.3 2.3 1.2 1.2L8 9.2l2.3 2.3 1.2-1.2L9.2 8l2.3-2.3-1.2-1.2L8 6.8z";
const CLOCK: &str = "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm-.8 3h1.6v3.9l2.6 1.8-.9 1.3-3.3-2.3z";
const PAUSE: &str = "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zM5.4 5h1.8v6H5.4zm3.4 0h1.8v6H8.8z";
const LOCK: &str = "M8 1a3.6 3.6 0 0 0-3.6 3.6V7H3v8h10V7h-1.4V4.6A3.6 3.6 0 0 0 8 1zM6 7V4.6a2 2 0 0 1 4 0V7z";
const HOURGLASS: &str = "M3 1h10v2.2L9.6 8l3.4 4.8V15H3v-2.2L6.4 8 3 3.2z";
const MINUS: &str = "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zM4 7.2h8v1.6H4z";

impl Badge {
    /// How serious the state of the hub is.
    pub(super) fn of_level(level: Level, say: Speaker<'_>) -> Self {
        let (tone, icon, key) = match level {
            Level::Good => ("good", TICK, "level-good"),
            Level::Warning => ("warning", TRIANGLE, "level-warning"),
            Level::Bad => ("bad", OCTAGON, "level-bad"),
        };
        Self { tone, icon, word: say.text(key) }
    }

    /// What a feed is doing.
    pub(super) fn of_feed(state: FeedState, say: Speaker<'_>) -> Self {
        let (tone, icon, key) = match state {
            FeedState::Flowing => ("good", TICK, "feed-flowing"),
            FeedState::Waiting => ("calm", CLOCK, "feed-waiting"),
            FeedState::Silent => ("warning", TRIANGLE, "feed-silent"),
            FeedState::Paused => ("calm", PAUSE, "feed-paused"),
            FeedState::Down => ("bad", OCTAGON, "feed-down"),
        };
        Self { tone, icon, word: say.text(key) }
    }

    /// Where a message stands.
    pub(super) fn of_message(state: State, say: Speaker<'_>) -> Self {
        let (tone, icon) = match state {
            State::Accepted => ("good", TICK),
            State::Withheld => ("calm", LOCK),
            State::Held => ("warning", HOURGLASS),
            State::Rejected => ("bad", OCTAGON),
            State::Discarded => ("calm", MINUS),
        };
        Self { tone, icon, word: say.text(state_key(state)) }
    }
}

/// The key of a state's name.
pub(super) const fn state_key(state: State) -> &'static str {
    match state {
        State::Accepted => "state-accepted",
        State::Withheld => "state-withheld",
        State::Held => "state-held",
        State::Rejected => "state-rejected",
        State::Discarded => "state-discarded",
    }
}
