//! MSH-7 of our answers, written once a second.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The time of the latest answer, as text.
#[derive(Debug, Default)]
pub(crate) struct Stamp {
    written_for: Option<(i64, Option<usize>)>,
    text: String,
}

impl Stamp {
    /// `now` in the feed's zone with its offset from UTC, to the second, as `20261101093000+0800`; UTC without a zone.
    pub(crate) fn text(&mut self, now: Timestamp, feed: Option<usize>, zone: Option<&TimeZone>) -> &str {
        let key = Some((now.as_second(), feed));
        if self.written_for != key {
            self.written_for = key;
            let zone = zone.cloned().unwrap_or(TimeZone::UTC);
            self.text = now.to_zoned(zone).strftime("%Y%m%d%H%M%S%z").to_string();
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_has_the_offset_of_its_zone_and_follows_the_clock() {
        let mut stamp = Stamp::default();
        let hong_kong = TimeZone::get("Asia/Hong_Kong").expect("zone");
        let at = |text: &str| text.parse::<Timestamp>().expect("timestamp");
        assert_eq!(stamp.text(at("2026-11-01T01:30:00.9Z"), Some(0), Some(&hong_kong)), "20261101093000+0800");
        assert_eq!(stamp.text(at("2026-11-01T01:30:01.0Z"), Some(0), Some(&hong_kong)), "20261101093001+0800");
        assert_eq!(stamp.text(at("2026-11-01T01:30:01.5Z"), None, None), "20261101013001+0000");
        assert_eq!(stamp.text(at("2026-11-01T01:30:01.5Z"), Some(0), Some(&hong_kong)), "20261101093001+0800");
    }
}
