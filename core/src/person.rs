//! A person: a healthcare recipient of the registry.

use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::from_objects_alone;
use crate::phi::Phi;
use crate::provider::ProviderId;

/// The registry's own number of a person. Stable, never reused, means nothing outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub i64);

impl std::fmt::Display for PersonId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Kinds of identity documents of Hong Kong and elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DocumentKind {
    /// Hong Kong identity card; the number carries a check digit.
    Hkid,
    /// Hong Kong birth certificate.
    Hkbc,
    /// Passport, with its issuing country or region.
    Passport,
    /// Certificate of exemption.
    Exemption,
    /// Re-entry permit.
    ReentryPermit,
    /// Document of identity.
    DocI,
    /// One-way permit.
    OneWayPermit,
    /// Any other; the issuer says what it is.
    Other,
}

impl DocumentKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Hkid,
        Self::Hkbc,
        Self::Passport,
        Self::Exemption,
        Self::ReentryPermit,
        Self::DocI,
        Self::OneWayPermit,
        Self::Other,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hkid => "HKID",
            Self::Hkbc => "HKBC",
            Self::Passport => "PASSPORT",
            Self::Exemption => "EXEMPTION",
            Self::ReentryPermit => "REENTRY_PERMIT",
            Self::DocI => "DOC_I",
            Self::OneWayPermit => "ONE_WAY_PERMIT",
            Self::Other => "OTHER",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str().eq_ignore_ascii_case(word))
    }
}

/// An identity document. For an HKID the number is in canonical form without brackets, e.g. `A1234563`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// Issuing country, region or authority; empty for HKID and HKBC.
    #[serde(default)]
    pub issuer: String,
    /// Its number.
    pub number: Phi<String>,
}

/// A number a provider's own system gives a patient (PID-3, type MR, PI and the like).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LocalNumber {
    /// Whose system.
    pub provider: ProviderId,
    /// The assigning authority as sent in CX.4, e.g. `QMH`; empty when none is sent.
    #[serde(default)]
    pub authority: String,
    /// The number.
    pub number: Phi<String>,
}

/// Administrative sex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Sex {
    /// Male.
    #[serde(rename = "M")]
    Male,
    /// Female.
    #[serde(rename = "F")]
    Female,
    /// Other.
    #[serde(rename = "O")]
    Other,
    /// Not known.
    #[serde(rename = "U")]
    Unknown,
}

impl Sex {
    /// HL7 table 0001; anything else is unknown.
    pub fn from_hl7(code: &str) -> Self {
        match code {
            "M" | "m" => Self::Male,
            "F" | "f" => Self::Female,
            "O" | "o" | "A" | "N" => Self::Other,
            _ => Self::Unknown,
        }
    }

    /// One letter: M, F, O or U.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Male => "M",
            Self::Female => "F",
            Self::Other => "O",
            Self::Unknown => "U",
        }
    }
}

/// How much of a birth date is known: cards may show the year only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Year.
    Year,
    /// Year and month.
    Month,
    /// The whole date.
    Day,
}

/// A birth date with its precision. Parts beyond the precision are 1 and mean nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BirthDate {
    /// The date.
    pub date: civil::Date,
    /// How much of it is known.
    pub precision: Precision,
}

impl BirthDate {
    /// Reads `1983`, `1983-01`, `1983-01-14`, and the HL7 forms `1983`, `198301`, `19830114…`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.chars().filter(|c| *c != '-').take(8).collect();
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let part = |from: usize, to: usize| digits.get(from..to).and_then(|d| d.parse::<i16>().ok());
        let small = |from: usize, to: usize| part(from, to).and_then(|n| i8::try_from(n).ok());
        let (precision, month, day) = match digits.len() {
            4 => (Precision::Year, 1, 1),
            6 => (Precision::Month, small(4, 6)?, 1),
            8 => (Precision::Day, small(4, 6)?, small(6, 8)?),
            _ => return None,
        };
        let date = civil::Date::new(part(0, 4)?, month, day).ok()?;
        Some(Self { date, precision })
    }
}

impl std::fmt::Display for BirthDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.precision {
            Precision::Year => write!(f, "{:04}", self.date.year()),
            Precision::Month => write!(f, "{:04}-{:02}", self.date.year(), self.date.month()),
            Precision::Day => write!(f, "{}", self.date),
        }
    }
}

impl Serialize for BirthDate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BirthDate {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected YYYY, YYYY-MM or YYYY-MM-DD"))
    }
}

/// What identifies a person besides a number. Also what a message says of its patient.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Demographics {
    /// English family name.
    #[serde(default)]
    pub family: Phi<String>,
    /// English given names.
    #[serde(default)]
    pub given: Phi<String>,
    /// Chinese name, family name first, up to six characters on a card.
    #[serde(default)]
    pub chinese: Phi<String>,
    /// Birth date; absent when not sent or not readable.
    #[serde(default)]
    pub birth: Option<Phi<BirthDate>>,
    /// Administrative sex; absent when not sent.
    #[serde(default)]
    pub sex: Option<Sex>,
}

/// A person of the registry. Whether the person takes part is the matter of [`crate::consent::Standing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The registry's number.
    pub id: PersonId,
    /// The eHR number shown to people: twelve digits, given by the registry.
    pub ehr_number: String,
    /// Identity documents, the first one being the major key.
    pub documents: Vec<Document>,
    /// Names, birth date, sex.
    pub demographics: Demographics,
    /// Numbers linked to this person by registration staff or by a confirmed match.
    #[serde(default)]
    pub local_numbers: Vec<LocalNumber>,
}

from_objects_alone! { Document LocalNumber Demographics }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn birth_dates_keep_their_precision() {
        for (text, shown) in [
            ("1983", "1983"),
            ("198301", "1983-01"),
            ("19830114", "1983-01-14"),
            ("1983-01-14", "1983-01-14"),
            ("19890118000000", "1989-01-18"),
        ] {
            assert_eq!(BirthDate::parse(text).map(|b| b.to_string()).as_deref(), Some(shown), "{text}");
        }
        for bad in ["", "83", "20260230", "1983011", "abcd"] {
            assert_eq!(BirthDate::parse(bad), None, "{bad}");
        }
    }
}
