//! Unique identifiers (DICOM PS3.5 section 9): digits and dots, and nothing that could be a path.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The longest one, in characters (PS3.5 section 9.1).
pub const UID_MAX: usize = 64;

/// A well-formed unique identifier.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Uid(Arc<str>); // INVARIANT: matches the grammar of PS3.5 section 9.1; only `parse` builds it.

/// Text that is no unique identifier. The text itself is not told: it is whatever a peer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no unique identifier: 1 to 64 digits and dots, no part empty or with a leading zero")]
pub struct UidFault;

impl Uid {
    /// Checks the grammar. Padding (one NUL, or blanks, which older devices use) must be gone already: [`Uid::of_value`].
    ///
    /// # Errors
    /// It is not of the grammar of PS3.5 section 9.1.
    pub fn parse(text: &str) -> Result<Self, UidFault> {
        let part_is_good =
            |part: &str| part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'));
        let good =
            (1..=UID_MAX).contains(&text.len()) && text.split('.').all(|part| !part.is_empty() && part_is_good(part));
        if good { Ok(Self(text.into())) } else { Err(UidFault) }
    }

    /// Reads the value of an element of VR UI, without its padding.
    ///
    /// # Errors
    /// It is not of the grammar of PS3.5 section 9.1.
    pub fn of_value(value: &[u8]) -> Result<Self, UidFault> {
        let text = std::str::from_utf8(value).map_err(|_not_text| UidFault)?;
        Self::parse(text.strip_suffix('\0').unwrap_or(text).trim_end_matches(' '))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Uid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogue_134_what_could_be_a_path_is_no_identifier() {
        let (longest, long) = (format!("1.{}", "2".repeat(62)), format!("1.{}", "2".repeat(63)));
        for bad in
            ["", ".", "1.", ".1", "1..2", "1.02", "../../etc/x", "C:\\", "1.2\0.3", " 1.2", "1 2", "1.2a", "一", &long]
        {
            assert_eq!(Uid::parse(bad), Err(UidFault), "{bad:?}");
        }
        for good in ["1.2.840.10008.1.1", "0", "2.25.0.1", &longest] {
            assert!(Uid::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn padding_is_no_part_of_it() {
        assert_eq!(Uid::of_value(b"1.2\0").map(|uid| uid.to_string()), Ok("1.2".to_owned()));
        assert_eq!(Uid::of_value(b"1.2 ").map(|uid| uid.to_string()), Ok("1.2".to_owned()));
        assert_eq!(Uid::of_value(b"1.2\0\0"), Err(UidFault));
        assert_eq!(Uid::of_value(b"\xff"), Err(UidFault));
    }
}
