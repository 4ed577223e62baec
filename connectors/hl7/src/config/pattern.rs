//! Texts with `*` for any text, alone or in pairs.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A text in which `*` stands for any text, the empty one included. `any` is written for `*`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// The pattern written as `text`.
    pub fn of(text: &str) -> Self {
        Self(if text == "any" { "*".to_owned() } else { text.to_owned() })
    }

    /// The one every text fits.
    pub fn any() -> Self {
        Self("*".to_owned())
    }

    /// Every text fits.
    pub fn is_any(&self) -> bool {
        self.0 == "*"
    }

    /// `text` fits it, in the same letters and case.
    pub fn fits(&self, text: &str) -> bool {
        if self.is_any() {
            return true;
        }
        let Some((head, rest)) = self.0.split_once('*') else { return self.0 == text };
        let Some(mut text) = text.strip_prefix(head) else { return false };
        let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
        // Taking each piece where it first occurs leaves the most for those after it.
        for piece in middle.split('*') {
            let Some((_, after)) = text.split_once(piece) else { return false };
            text = after;
        }
        text.ends_with(tail)
    }

    /// `version` is this one or, with a dot, a part of it: `2.5` takes 2.5 and 2.5.1.
    pub fn fits_version(&self, version: &str) -> bool {
        self.fits(version) || version.strip_prefix(self.0.as_str()).is_some_and(|rest| rest.starts_with('.'))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_any() { "any" } else { &self.0 })
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(&String::deserialize(deserializer)?))
    }
}

/// An application and a facility, written `application|facility`: MSH-3 and MSH-4, or MSH-5 and MSH-6. Each is
/// compared with the first component of the field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SenderPattern {
    application: Pattern,
    facility: Pattern,
}

/// A text that is no pair.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no pair of application and facility: write `LIS|QMH`, with * for any text, or `any`")]
pub struct SenderPatternError(pub String);

impl SenderPattern {
    /// The one every pair fits.
    pub fn any() -> Self {
        Self { application: Pattern::any(), facility: Pattern::any() }
    }

    /// The pair fits it.
    pub fn fits(&self, application: &str, facility: &str) -> bool {
        self.application.fits(application) && self.facility.fits(facility)
    }
}

impl FromStr for SenderPattern {
    type Err = SenderPatternError;

    fn from_str(text: &str) -> Result<Self, SenderPatternError> {
        if text == "any" {
            return Ok(Self::any());
        }
        match text.split_once('|') {
            Some((application, facility)) if !facility.contains('|') => {
                Ok(Self { application: Pattern(application.to_owned()), facility: Pattern(facility.to_owned()) })
            }
            Some(_) | None => Err(SenderPatternError(text.to_owned())),
        }
    }
}

impl fmt::Display for SenderPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.application.0, self.facility.0)
    }
}

impl Serialize for SenderPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SenderPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for SenderPattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SenderPattern".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "`application|facility`, with * for any text; or `any`",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text_and_nothing_else_does() {
        for (pattern, text, fits) in [
            ("P", "P", true),
            ("P", "p", false),
            ("P", "PP", false),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("any", "whatever", true),
            ("LAB*", "LAB", true),
            ("LAB*", "LABX", true),
            ("LAB*", "XLAB", false),
            ("*LAB", "XLAB", true),
            ("A*B*C", "A-B-B-C", true),
            ("A*B*C", "A-C-B", false),
            ("A*A", "A", false),
            ("A**A", "AA", true),
            ("鰂*", "鰂魚涌", true),
        ] {
            assert_eq!(Pattern::of(pattern).fits(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn a_version_takes_its_minor_ones_but_not_those_that_only_look_alike() {
        let pattern = Pattern::of("2.3");
        assert!(pattern.fits_version("2.3"));
        assert!(pattern.fits_version("2.3.1"));
        assert!(!pattern.fits_version("2.31"));
        assert!(!pattern.fits_version("2"));
    }

    #[test]
    fn both_halves_of_a_sender_must_fit() {
        let pattern: SenderPattern = "LIS|QM*".parse().expect("pattern");
        assert!(pattern.fits("LIS", "QMH"));
        assert!(!pattern.fits("LIS", "PWH"));
        assert!(!pattern.fits("RIS", "QMH"));
        assert!(SenderPattern::any().fits("", ""));
        for bad in ["LIS", "A|B|C", ""] {
            assert!(bad.parse::<SenderPattern>().is_err(), "{bad}");
        }
    }
}
