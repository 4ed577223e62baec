//! The words of a dialect that are more than text: each is checked where it is read, so that an error has a place.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::hl7v2::charset::Charset;

/// A place of numbers of patients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NumberPlace {
    /// PID-2, patient id; MRG-4.
    #[serde(rename = "PID-2")]
    Pid2,
    /// PID-3, patient identifier list; MRG-1.
    #[serde(rename = "PID-3")]
    Pid3,
    /// PID-4, alternate patient id; MRG-2.
    #[serde(rename = "PID-4")]
    Pid4,
    /// PID-19, SSN number, which is read only in dialects that have it here.
    #[serde(rename = "PID-19")]
    Pid19,
    /// Patient ID (0010,0020) of DICOM.
    #[serde(rename = "Patient ID")]
    PatientId,
}

impl NumberPlace {
    /// The place of a field of PID or MRG.
    pub fn of(segment: &str, field: usize) -> Option<Self> {
        match (segment, field) {
            ("PID", 2) | ("MRG", 4) => Some(Self::Pid2),
            ("PID", 3) | ("MRG", 1) => Some(Self::Pid3),
            ("PID", 4) | ("MRG", 2) => Some(Self::Pid4),
            ("PID", 19) => Some(Self::Pid19),
            _ => None,
        }
    }
}

/// A class of patient: table 0004.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatientClass {
    /// Emergency.
    E,
    /// Inpatient.
    I,
    /// Outpatient.
    O,
    /// Pre-admission.
    P,
    /// Recurring patient.
    R,
    /// Obstetrics.
    B,
    /// Commercial account.
    C,
    /// Not applicable.
    N,
    /// Unknown.
    U,
}

impl PatientClass {
    /// Its letter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::E => "E",
            Self::I => "I",
            Self::O => "O",
            Self::P => "P",
            Self::R => "R",
            Self::B => "B",
            Self::C => "C",
            Self::N => "N",
            Self::U => "U",
        }
    }
}

/// What an entry of the allergy dialect says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllergyMeaning {
    /// That no allergy to a drug is known.
    NoKnownDrugAllergy,
    /// An allergy.
    Allergy,
    /// An allergy as a former system recorded it: not confirmed.
    Previous,
    /// An adverse reaction.
    Reaction,
    /// An adverse reaction as a former system recorded it: not confirmed.
    PreviousReaction,
    /// How the entry before it shows.
    Manifestation,
}

/// The category of an allergen, of R4's `allergy-intolerance-category`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllergyCategory {
    /// A drug.
    Medication,
    /// Food.
    Food,
    /// The surroundings: pollen, latex, dust.
    Environment,
    /// A substance of living things, as a serum.
    Biologic,
}

impl AllergyCategory {
    /// Its code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Medication => "medication",
            Self::Food => "food",
            Self::Environment => "environment",
            Self::Biologic => "biologic",
        }
    }
}

/// A word that is checked when it is read.
macro_rules! word {
    ($(#[$about:meta])* $name:ident, $check:expr) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String); // INVARIANT: as the check of its name has it.

        impl $name {
            /// As it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let check: fn(&str) -> Result<(), String> = $check;
                check(&text).map_err(de::Error::custom)?;
                Ok(Self(text))
            }
        }
    };
}

word! {
    /// The name of a character set we can read.
    CharsetName, |text| match Charset::named(text) {
        Some(_) => Ok(()),
        None => Err(format!("`{text}` is no character set we read: write UNICODE UTF-8, BIG-5, GB 18030-2000 or another name of table 0211")),
    }
}

word! {
    /// The form of a number: `#` stands for a digit, `?` for any character, every other character for itself.
    NumberForm, |text| match text {
        "" => Err("an empty text is no form of a number: write as in HN########?".to_owned()),
        _ => Ok(()),
    }
}

word! {
    /// The name of a segment that a message can do without.
    SegmentName, |text| match text {
        "MSH" | "PID" => Err(format!("`{text}` cannot be ignored: no message can do without it")),
        _ if is_segment(text) => Ok(()),
        _ => Err(format!("`{text}` is no name of a segment: write three capital letters or digits, as ZFA")),
    }
}

word! {
    /// A field, as `PV1-19`.
    FieldName, |text| match split(text) {
        Some(_) => Ok(()),
        None => Err(format!("`{text}` is no field: write segment and number, as PV1-19")),
    }
}

impl NumberForm {
    /// Whether a number is of this form.
    pub fn fits(&self, number: &str) -> bool {
        let mut form = self.0.chars();
        let is_like = |c: char| match form.next() {
            Some('#') => c.is_ascii_digit(),
            Some('?') => true,
            Some(own) => own == c,
            None => false,
        };
        number.chars().all(is_like) && form.next().is_none()
    }
}

impl FieldName {
    /// The segment, and the number of the field from 1.
    pub fn parts(&self) -> (&str, usize) {
        split(&self.0).unwrap_or_default()
    }
}

fn split(text: &str) -> Option<(&str, usize)> {
    let (segment, number) = text.split_once('-')?;
    let number: u8 = number.parse().ok().filter(|number| *number > 0)?;
    is_segment(segment).then_some((segment, number.into()))
}

fn is_segment(text: &str) -> bool {
    text.len() == 3
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}
