//! Durations and sizes as people write them in a configuration: `5m`, `250ms`, `16MiB`.
//!
//! Fields stay plain `Duration` and `u64`; the modules [`duration`], [`optional_duration`] and [`bytes`] are named in
//! `#[serde(with = "…")]`, beside `#[schemars(with = "String")]`.

use std::fmt::Write as _;
use std::time::Duration;

/// A text that is no duration or no size.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HumanError {
    /// No duration.
    #[error("`{0}` is no duration: write a number and ms, s, m, h or d, as in 250ms, 30s, 1h30m")]
    Duration(String),
    /// No size.
    #[error("`{0}` is no size: write a number and B, KiB, MiB, GiB or TiB, as in 16MiB")]
    Bytes(String),
}

/// The units of durations with their milliseconds, largest first.
const TIME_UNITS: &[(&str, u64)] = &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// The units of sizes with their bytes, largest first.
const SIZE_UNITS: &[(&str, u64)] = &[("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Reads a duration: one or more pairs of a whole number and a unit, without blanks. `0` needs no unit.
pub fn parse_duration(text: &str) -> Result<Duration, HumanError> {
    parse(text, TIME_UNITS).map(Duration::from_millis).ok_or_else(|| HumanError::Duration(text.to_owned()))
}

/// Writes a duration so that [`parse_duration`] reads it back; what is finer than a millisecond is left off.
pub fn format_duration(duration: Duration) -> String {
    format(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX), TIME_UNITS, "0s")
}

/// Reads a size in bytes: one or more pairs of a whole number and a binary unit. `0` needs no unit.
pub fn parse_bytes(text: &str) -> Result<u64, HumanError> {
    parse(text, SIZE_UNITS).ok_or_else(|| HumanError::Bytes(text.to_owned()))
}

/// Writes a size so that [`parse_bytes`] reads it back.
pub fn format_bytes(bytes: u64) -> String {
    format(bytes, SIZE_UNITS, "0B")
}

/// Adds up pairs of number and unit.
fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(0);
    }
    let mut total = None;
    while !rest.is_empty() {
        let (number, after) = rest.split_at_checked(rest.find(|c: char| !c.is_ascii_digit())?)?;
        let (unit, after) = after.split_at_checked(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()))?;
        let factor = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1;
        let part = number.parse::<u64>().ok()?.checked_mul(factor)?;
        total = Some(total.unwrap_or(0_u64).checked_add(part)?);
        rest = after;
    }
    total
}

/// Takes the units apart, largest first.
fn format(mut value: u64, units: &[(&str, u64)], zero: &str) -> String {
    if value == 0 {
        return zero.to_owned();
    }
    let mut text = String::new();
    for (unit, factor) in units {
        let count = value / factor;
        value %= factor;
        if count > 0 && write!(text, "{count}{unit}").is_err() {
            return text;
        }
    }
    text
}

/// For `#[serde(with = "causeway_core::human::duration")]` on a `Duration`.
pub mod duration {
    use std::time::Duration;

    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    /// Writes `5m`.
    pub fn serialize<S: Serializer>(value: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::format_duration(*value))
    }

    /// Reads `5m`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        super::parse_duration(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// For `#[serde(default, with = "causeway_core::human::optional_duration")]` on an `Option<Duration>`.
pub mod optional_duration {
    use std::time::Duration;

    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    /// Writes `5m`, or nothing.
    pub fn serialize<S: Serializer>(value: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.serialize_some(&super::format_duration(*value)),
            None => serializer.serialize_none(),
        }
    }

    /// Reads `5m`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| super::parse_duration(&text)).transpose().map_err(D::Error::custom)
    }
}

/// For `#[serde(with = "causeway_core::human::bytes")]` on a `u64` of bytes.
pub mod bytes {
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    /// Writes `16MiB`.
    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::format_bytes(*value))
    }

    /// Reads `16MiB`.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        super::parse_bytes(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_read_back_as_written() {
        for text in ["250ms", "30s", "5m", "1h30m", "7d", "0s"] {
            assert_eq!(parse_duration(text).map(format_duration).as_deref(), Ok(text));
        }
        for text in ["1B", "16MiB", "1GiB512MiB", "0B"] {
            assert_eq!(parse_bytes(text).map(format_bytes).as_deref(), Ok(text));
        }
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_bytes("16mib"), Ok(16 << 20));
    }

    #[test]
    fn a_number_without_a_unit_is_refused_because_nobody_knows_what_it_means() {
        for bad in ["", "5", "m", "5 m", "-5m", "5x", "1.5h", "99999999999999999999d", "213503982335d"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
        for bad in ["", "16", "16M", "16MB", "20000000TiB"] {
            assert!(parse_bytes(bad).is_err(), "{bad}");
        }
    }
}
