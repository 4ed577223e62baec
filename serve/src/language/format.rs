//! Numbers, durations and times as people of each language write them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};

use super::{Language, Speaker, Value};

/// Seconds of a minute, an hour and a day.
const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// Groups the whole part of a decimal number by thousands, as both languages do in Hong Kong: `12,345.6`.
pub fn grouped(number: &str) -> String {
    let (whole, fraction) = number.split_at(number.find('.').unwrap_or(number.len()));
    let mut text = String::new();
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len().saturating_sub(index);
        if index > 0 && left % 3 == 0 && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text + fraction
}

impl Speaker<'_> {
    /// A number.
    pub fn number(&self, number: u64) -> String {
        grouped(&number.to_string())
    }

    /// A duration given in seconds, as precise as it helps: `2.4 ms`, `380 ms`, `1.2 s`, `2 min 5 s`, `3 h 20 min`.
    pub fn duration(&self, seconds: f64) -> String {
        self.span(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    }

    /// A rate given a second, or a minute where less than one comes a second.
    pub fn rate(&self, per_second: f64) -> String {
        let (key, rate) =
            if per_second >= 1.0 { ("rate-second", per_second) } else { ("rate-minute", per_second * 60.0) };
        let number = if rate == 0.0 || rate >= 10.0 { format!("{rate:.0}") } else { format!("{rate:.1}") };
        self.fill(key, &[("n", Value::Text(&grouped(&number)))])
    }

    /// A size in bytes, with decimal units.
    pub fn size(&self, bytes: u64) -> String {
        let (unit, divisor) = match bytes {
            0..1_000 => ("B", 1),
            1_000..1_000_000 => ("kB", 1_000),
            1_000_000..1_000_000_000 => ("MB", 1_000_000),
            _ => ("GB", 1_000_000_000),
        };
        let tenths = bytes.saturating_mul(10) / divisor;
        format!("{} {unit}", if divisor == 1 { bytes.to_string() } else { grouped(&in_tenths(tenths)) })
    }

    /// How long ago something was: `12 s ago`; beyond a week its date.
    pub fn ago(&self, at: Timestamp, now: Timestamp) -> String {
        let seconds = u64::try_from(now.as_second().saturating_sub(at.as_second())).unwrap_or(0);
        match seconds {
            0 => self.text("just-now"),
            1..MINUTE => self.before(self.fill("unit-seconds", &[("n", Value::Count(seconds))])),
            MINUTE..HOUR => self.before(self.fill("unit-minutes", &[("n", Value::Count(seconds / MINUTE))])),
            HOUR..604_800 => self.before(self.span(Duration::from_secs(seconds))),
            _ => self.date(at),
        }
    }

    /// Date and time in Hong Kong, to the second.
    pub fn moment(&self, at: Timestamp) -> String {
        format!("{} {}", self.date(at), self.time(at))
    }

    /// The time of day in Hong Kong, to the second.
    pub fn time(&self, at: Timestamp) -> String {
        in_hong_kong(at).strftime("%H:%M:%S").to_string()
    }

    /// The date in Hong Kong.
    fn date(&self, at: Timestamp) -> String {
        let layout = match self.language() {
            Language::English => "%-d %b %Y",
            Language::Chinese => "%Y年%-m月%-d日",
        };
        in_hong_kong(at).strftime(layout).to_string()
    }

    /// So long before now.
    fn before(&self, span: String) -> String {
        self.fill("ago", &[("span", Value::Text(&span))])
    }

    /// A duration in the two units that matter.
    fn span(&self, span: Duration) -> String {
        let one = |key, n: String| self.fill(key, &[("n", Value::Text(&n))]);
        let (seconds, micros) = (span.as_secs(), span.as_micros());
        match seconds {
            0 if micros == 0 => one("unit-seconds", "0".to_owned()),
            0 if micros < 10_000 => one("unit-milliseconds", in_tenths(u64::from(span.subsec_micros().max(100) / 100))),
            0 => one("unit-milliseconds", span.as_millis().to_string()),
            1..10 => one("unit-seconds", in_tenths(u64::try_from(span.as_millis() / 100).unwrap_or(u64::MAX))),
            10..MINUTE => one("unit-seconds", seconds.to_string()),
            MINUTE..600 => self.pair("unit-minutes-seconds", "unit-minutes", seconds / MINUTE, seconds % MINUTE),
            600..HOUR => one("unit-minutes", (seconds / MINUTE).to_string()),
            HOUR..DAY => self.pair("unit-hours-minutes", "unit-hours", seconds / HOUR, seconds % HOUR / MINUTE),
            _ => self.pair("unit-days-hours", "unit-days", seconds / DAY, seconds % DAY / HOUR),
        }
    }

    /// Two units, or one when there is none of the smaller.
    fn pair(&self, both: &str, alone: &str, large: u64, small: u64) -> String {
        match small {
            0 => self.fill(alone, &[("n", Value::Count(large))]),
            _ => self.fill(both, &[("n", Value::Count(large)), ("m", Value::Count(small))]),
        }
    }
}

/// A number given in tenths, without a useless `.0`.
fn in_tenths(tenths: u64) -> String {
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        tenth => format!("{}.{tenth}", tenths / 10),
    }
}

/// Hong Kong keeps UTC+8 all year, since 1979.
fn in_hong_kong(at: Timestamp) -> jiff::Zoned {
    at.to_zoned(TimeZone::fixed(offset(8)))
}

#[cfg(test)]
mod tests {
    use super::super::Texts;
    use super::*;

    fn both<T>(say: impl Fn(Speaker<'_>) -> T) -> [T; 2] {
        let texts = Texts::of_shell();
        [say(texts.in_language(Language::English)), say(texts.in_language(Language::Chinese))]
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in
            [("0", "0"), ("999", "999"), ("1000", "1,000"), ("-1234567.89", "-1,234,567.89"), ("-100", "-100")]
        {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(both(|say| say.number(1_234_567)), ["1,234,567"; 2].map(str::to_owned));
    }

    #[test]
    fn durations_have_the_units_that_matter() {
        let cases = [
            (0.0, "0 s", "0 秒"),
            (0.000_02, "0.1 ms", "0.1 毫秒"),
            (0.002_44, "2.4 ms", "2.4 毫秒"),
            (0.003, "3 ms", "3 毫秒"),
            (0.38, "380 ms", "380 毫秒"),
            (1.26, "1.2 s", "1.2 秒"),
            (9.99, "9.9 s", "9.9 秒"),
            (42.7, "42 s", "42 秒"),
            (125.0, "2 min 5 s", "2 分 5 秒"),
            (120.0, "2 min", "2 分鐘"),
            (840.0, "14 min", "14 分鐘"),
            (12_000.0, "3 h 20 min", "3 小時 20 分鐘"),
            (7_200.0, "2 h", "2 小時"),
            (187_200.0, "2 d 4 h", "2 天 4 小時"),
            (f64::NAN, "0 s", "0 秒"),
            (-1.0, "0 s", "0 秒"),
        ];
        for (seconds, english, chinese) in cases {
            assert_eq!(both(|say| say.duration(seconds)), [english, chinese].map(str::to_owned), "{seconds}");
        }
    }

    #[test]
    fn rates_are_told_a_second_or_a_minute() {
        let cases = [
            (0.0, "0/min", "每分鐘 0"),
            (0.01, "0.6/min", "每分鐘 0.6"),
            (0.5, "30/min", "每分鐘 30"),
            (1.25, "1.2/s", "每秒 1.2"),
            (5_432.1, "5,432/s", "每秒 5,432"),
        ];
        for (rate, english, chinese) in cases {
            assert_eq!(both(|say| say.rate(rate)), [english, chinese].map(str::to_owned), "{rate}");
        }
    }

    #[test]
    fn sizes_have_decimal_units() {
        for (bytes, text) in
            [(0, "0 B"), (736, "736 B"), (1_500, "1.5 kB"), (12_000_000, "12 MB"), (u64::MAX, "1,844,674,407.3 GB")]
        {
            assert_eq!(both(|say| say.size(bytes)), [text; 2].map(str::to_owned));
        }
    }

    #[test]
    fn times_are_told_from_now_and_in_hong_kong() {
        let now: Timestamp = "2026-11-22T07:12:03Z".parse().expect("time");
        let at = |text: &str| text.parse::<Timestamp>().expect("time");
        let cases = [
            ("2026-11-22T07:12:03.9Z", "just now", "剛剛"),
            ("2026-11-22T07:12:09Z", "just now", "剛剛"),
            ("2026-11-22T07:11:51Z", "12 s ago", "12 秒前"),
            ("2026-11-22T07:09:51Z", "2 min ago", "2 分鐘前"),
            ("2026-11-22T03:51:00Z", "3 h 21 min ago", "3 小時 21 分鐘前"),
            ("2026-11-20T03:12:03Z", "2 d 4 h ago", "2 天 4 小時前"),
            ("2026-11-01T16:30:00Z", "2 Nov 2026", "2026年11月2日"),
        ];
        for (text, english, chinese) in cases {
            assert_eq!(both(|say| say.ago(at(text), now)), [english, chinese].map(str::to_owned), "{text}");
        }
        assert_eq!(
            both(|say| say.moment(at("2026-11-01T16:30:09Z"))),
            ["2 Nov 2026 00:30:09", "2026年11月2日 00:30:09"].map(str::to_owned)
        );
    }
}
