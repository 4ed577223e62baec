//! Times as arguments: `2026-11-22T15:00:00+08:00`, `2026-11-22`, or how long ago, as `15m`.

use causeway_core::human;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};

/// A time as written; what it means depends on when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// This instant.
    At(Timestamp),
    /// The beginning of this day, in the configured zone.
    Day(civil::Date),
    /// So long ago.
    Ago(SignedDuration),
}

impl When {
    /// For clap.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Ok(Self::At(at));
        }
        if let Ok(day) = text.parse::<civil::Date>() {
            return Ok(Self::Day(day));
        }
        let ago = human::parse_duration(text).ok().and_then(|ago| SignedDuration::try_from(ago).ok());
        ago.map(Self::Ago).ok_or_else(|| {
            "write a time (2026-11-22T15:00:00+08:00), a day (2026-11-22) or how long ago (15m)".to_owned()
        })
    }

    /// The instant meant.
    pub(crate) fn resolve(self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Day(day) => day.to_zoned(zone.clone()).map_or(now, |zoned| zoned.timestamp()),
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::UNIX_EPOCH),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_where_the_hub_is() {
        let zone = TimeZone::get("Asia/Hong_Kong").expect("known");
        let now: Timestamp = "2026-11-22T04:00:00Z".parse().expect("time");
        let resolve = |text: &str| When::parse(text).expect(text).resolve(now, &zone).to_string();
        assert_eq!(resolve("2026-11-22"), "2026-11-21T16:00:00Z");
        assert_eq!(resolve("15m"), "2026-11-22T03:45:00Z");
        assert_eq!(resolve("2026-11-22T09:00:00+08:00"), "2026-11-22T01:00:00Z");
        assert!(When::parse("yesterday").is_err());
    }
}
