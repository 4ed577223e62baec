//! The bounded values of a record: text, lists, counts, amounts and moments that cannot be read beyond their bounds.
//! What they say when they refuse is `code|text`, which [`super::read`] takes apart; it never holds the value.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::phi::Phi;

/// Text of 1 to `MAX` characters, with no control character but tab and line ends, and no blanks around it.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<const MAX: usize>(Phi<String>); // INVARIANT: only `parse` builds it.

impl<const MAX: usize> Text<MAX> {
    /// Takes the blanks around a text away and checks it; the error says what is wrong, without the value.
    ///
    /// # Errors
    /// It is empty, too long, or holds a control character.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("bad-value|the text is empty: leave the field out instead".to_owned());
        }
        if text.chars().nth(MAX).is_some() {
            return Err(format!("out-of-range|the text is longer than {MAX} characters"));
        }
        if text.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r') || c == '\u{fffd}') {
            let what = "a control character or a character that could not be decoded";
            return Err(format!("bad-value|the text holds {what}"));
        }
        Ok(Self(Phi::new(text.to_owned())))
    }

    /// The text itself; as with [`Phi::expose`], never in a log.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<const MAX: usize> Serialize for Text<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(Error::custom)
    }
}

/// At most `MAX` items; the reader stops at the first one too many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> List<T, MAX> {
    /// The first `MAX` of `items`.
    pub fn of(mut items: Vec<T>) -> Self {
        items.truncate(MAX);
        Self(items)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The items.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }
}

impl<'a, T, const MAX: usize> IntoIterator for &'a List<T, MAX> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T, const MAX: usize>(std::marker::PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Items<T, MAX> {
            type Value = List<T, MAX>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MAX}")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() == MAX {
                        return Err(Error::custom(format!("out-of-range|the list has more than {MAX} items")));
                    }
                    items.push(item);
                }
                Ok(List(items))
            }
        }
        deserializer.deserialize_seq(Items(std::marker::PhantomData))
    }
}

/// A whole number from 1 to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Count<const MAX: u32>(u32); // INVARIANT: in its range; only `parse` builds it.

impl<const MAX: u32> Count<MAX> {
    /// Checks the range.
    ///
    /// # Errors
    /// It is 0 or more than `MAX`.
    pub fn parse(count: u64) -> Result<Self, String> {
        let fits = u32::try_from(count).ok().filter(|count| (1..=MAX).contains(count));
        fits.map(Self).ok_or_else(|| format!("out-of-range|the number is not one from 1 to {MAX}"))
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<'de, const MAX: u32> Deserialize<'de> for Count<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        let Some(count) = number.as_u64() else {
            return Err(Error::custom(format!("out-of-range|the number is not a whole one from 1 to {MAX}")));
        };
        Self::parse(count).map_err(Error::custom)
    }
}

/// An amount above 0 and below 10,000, with the digits it was sent with: at most four before the point and four behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Amount(serde_json::Number); // INVARIANT: as said; only `parse` builds it.

impl Amount {
    /// What is said of an amount that is none.
    const WRONG: &'static str =
        "out-of-range|the amount is not above 0 and below 10000, with at most four digits behind the point";

    /// Reads digits with at most one point.
    ///
    /// # Errors
    /// It is no number, or out of its range.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        let good = digits(whole) && digits(part) && (whole == "0" || !whole.starts_with('0'));
        let is_zero = whole.bytes().chain(part.bytes()).all(|b| b == b'0');
        let number = if good && !is_zero { text.parse().ok() } else { None };
        number.map(Self).ok_or_else(|| Self::WRONG.to_owned())
    }

    /// The number with its digits.
    pub const fn number(&self) -> &serde_json::Number {
        &self.0
    }

    /// Ten-thousandths, for comparing and adding.
    pub fn ten_thousandths(&self) -> u64 {
        let text = self.0.to_string();
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let of = |text: &str| text.parse::<u64>().unwrap_or(0);
        of(whole) * 10_000 + of(&format!("{part:0<4}"))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        Self::parse(&number.to_string()).map_err(Error::custom)
    }
}

/// A day, or a time with its offset from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A day.
    Day(Date),
    /// A time.
    Time(Timestamp),
}

impl Moment {
    /// Reads `2026-03-01` or `2026-03-01T09:30:00+08:00`.
    ///
    /// # Errors
    /// It is neither, or no day that exists.
    pub fn parse(text: &str) -> Result<Self, String> {
        let year = |date: &Date| (1900..=2199).contains(&date.year());
        let day = || text.parse::<Date>().ok().filter(|date| text.len() == 10 && year(date)).map(Self::Day);
        let time = text.contains('T').then(|| text.parse::<Timestamp>().ok().map(Self::Time)).flatten();
        time.or_else(day).ok_or_else(|| {
            "bad-value|neither a day like 2026-03-01 nor a time with its offset like 2026-03-01T09:30:00+08:00"
                .to_owned()
        })
    }

    /// The day, in a time zone for a time.
    pub fn day(self, zone: &jiff::tz::TimeZone) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Time(time) => time.to_zoned(zone.clone()).date(),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Day(day) => serializer.collect_str(day),
            Self::Time(time) => serializer.collect_str(time),
        }
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(Error::custom)
    }
}

#[cfg(feature = "schema")]
mod schema {
    use std::borrow::Cow;

    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    use super::{Amount, Count, List, Moment, Text};

    impl<const MAX: usize> JsonSchema for Text<MAX> {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> Cow<'static, str> {
            format!("Text{MAX}").into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": "string", "minLength": 1, "maxLength": MAX})
        }
    }

    impl<T: JsonSchema, const MAX: usize> JsonSchema for List<T, MAX> {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> Cow<'static, str> {
            format!("List{MAX}Of{}", T::schema_name()).into()
        }
        fn json_schema(generator: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": "array", "maxItems": MAX, "items": generator.subschema_for::<T>()})
        }
    }

    impl<const MAX: u32> JsonSchema for Count<MAX> {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> Cow<'static, str> {
            format!("Count{MAX}").into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": "integer", "minimum": 1, "maximum": MAX})
        }
    }

    impl JsonSchema for Amount {
        fn schema_name() -> Cow<'static, str> {
            "Amount".into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 10000,
                "description": "At most four digits before the point and four behind it."})
        }
    }

    impl JsonSchema for Moment {
        fn schema_name() -> Cow<'static, str> {
            "Moment".into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({"description": "A day, or a time with its offset from UTC.",
                "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_keeps_its_digits_and_is_never_absurd() {
        for good in ["6", "0.5", "12.0", "9999.9999", "1.50"] {
            assert_eq!(Amount::parse(good).map(|amount| amount.number().to_string()), Ok(good.to_owned()));
        }
        for bad in ["0", "0.0", "-1", "1e3", "10000", "1.23456", "", ".5", "5.", "007", "NaN", "1,000"] {
            assert!(Amount::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Amount::parse("1.5").map(|amount| amount.ten_thousandths()), Ok(15_000));
        assert_eq!(Amount::parse("0.05").map(|amount| amount.ten_thousandths()), Ok(500));
    }

    #[test]
    fn a_moment_is_a_day_or_a_time_with_its_offset() {
        assert!(matches!(Moment::parse("2026-03-01"), Ok(Moment::Day(_))));
        assert!(matches!(Moment::parse("2026-03-01T09:30:00+08:00"), Ok(Moment::Time(_))));
        for bad in ["2026-02-30", "2026-03-01T09:30:00", "1/3/2026", "", "20260301", "0001-01-01"] {
            assert!(Moment::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn text_is_trimmed_bounded_and_never_shown_by_debug() {
        let text = Text::<3>::parse(" 咳嗽 ").expect("text");
        assert_eq!((text.expose(), format!("{text:?}").as_str()), ("咳嗽", "***"));
        for bad in ["", "  ", "咳嗽咳嗽", "a\u{1}", "\u{fffd}"] {
            assert!(Text::<3>::parse(bad).is_err(), "{bad:?}");
        }
    }
}
