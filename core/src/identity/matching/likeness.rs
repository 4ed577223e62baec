//! How far what a message says of its patient agrees with what the registry knows.

use jiff::civil;

use super::Remark;
use crate::identity::names;
use crate::person::{BirthDate, Demographics, Precision, Sex};

/// Two names compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// The same, letter by letter.
    Same,
    /// The same but for case, blanks, hyphens, commas, the order of the given names, full-width letters.
    Normalised,
    /// One side has no English name; the Chinese names are the same.
    ByChinese,
    /// One word more, less or other; or only the Chinese names are the same.
    Near,
    /// Another name.
    Different,
    /// One side has no name that could be compared.
    Unsaid,
}

impl Name {
    pub(super) fn compare(said: &Demographics, known: &Demographics) -> Self {
        // The usual case first: it costs no normalisation.
        if same_letters(said, known) {
            return Self::Same;
        }
        let (ours, theirs) = (names::english_tokens(known), names::english_tokens(said));
        let same_chinese = chinese_likeness(said, known);
        if ours.is_empty() || theirs.is_empty() {
            return match same_chinese {
                Some(true) => Self::ByChinese,
                Some(false) => Self::Different,
                None => Self::Unsaid,
            };
        }
        if ours == theirs || names::english_run(known) == names::english_run(said) {
            return Self::Normalised;
        }
        if one_word_apart(&ours, &theirs) || same_chinese == Some(true) { Self::Near } else { Self::Different }
    }

    pub(super) const fn agrees(self) -> bool {
        match self {
            Self::Same | Self::Normalised | Self::ByChinese => true,
            Self::Near | Self::Different | Self::Unsaid => false,
        }
    }

    pub(super) const fn remark(self) -> Option<Remark> {
        match self {
            Self::Normalised => Some(Remark::NameNormalised),
            Self::ByChinese => Some(Remark::ChineseNameOnly),
            Self::Same | Self::Near | Self::Different | Self::Unsaid => None,
        }
    }

    /// The Chinese name is no major key: a different one is remarked, since glyphs vary.
    pub(super) fn chinese_remark(self, said: &Demographics, known: &Demographics) -> Option<Remark> {
        (chinese_likeness(said, known) == Some(false)).then_some(Remark::ChineseNameDiffers)
    }
}

/// Two birth dates compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Birth {
    /// The same.
    Same,
    /// The same as far as the less precise one goes.
    Precision,
    /// One of year, month and day differs, or month and day are swapped.
    Near,
    /// Another date.
    Different,
    /// Not known on one side.
    Unsaid,
}

impl Birth {
    pub(super) fn compare(said: &Demographics, known: &Demographics) -> Self {
        let (Some(said), Some(known)) = (&said.birth, &known.birth) else { return Self::Unsaid };
        let (said, known) = (*said.expose(), *known.expose());
        if said == known {
            return Self::Same;
        }
        let precision = said.precision.min(known.precision);
        if cut(said, precision) == cut(known, precision) {
            return if said.precision == known.precision { Self::Same } else { Self::Precision };
        }
        let (a, b) = (said.date, known.date);
        let swapped =
            precision == Precision::Day && a.year() == b.year() && (a.month(), a.day()) == (b.day(), b.month());
        if swapped || components_apart(a, b, precision) == 1 { Self::Near } else { Self::Different }
    }

    pub(super) const fn agrees(self) -> bool {
        match self {
            Self::Same | Self::Precision => true,
            Self::Near | Self::Different | Self::Unsaid => false,
        }
    }

    pub(super) const fn remark(self) -> Option<Remark> {
        match self {
            Self::Precision => Some(Remark::BirthDatePrecision),
            Self::Same | Self::Near | Self::Different | Self::Unsaid => None,
        }
    }
}

/// The sex on both sides compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sexes {
    /// The same.
    Same,
    /// Another one.
    Different,
    /// Not known on one side.
    Unsaid,
}

impl Sexes {
    pub(super) fn compare(said: &Demographics, known: &Demographics) -> Self {
        let sayable = |sex: Option<Sex>| sex.filter(|sex| *sex != Sex::Unknown);
        match (sayable(said.sex), sayable(known.sex)) {
            (Some(said), Some(known)) if said == known => Self::Same,
            (Some(_), Some(_)) => Self::Different,
            (None, _) | (_, None) => Self::Unsaid,
        }
    }

    pub(super) const fn agrees(self) -> bool {
        match self {
            Self::Same | Self::Unsaid => true,
            Self::Different => false,
        }
    }

    pub(super) const fn remark(self) -> Option<Remark> {
        match self {
            Self::Unsaid => Some(Remark::SexNotKnown),
            Self::Same | Self::Different => None,
        }
    }
}

fn chinese_likeness(said: &Demographics, known: &Demographics) -> Option<bool> {
    if said.chinese.expose().is_empty() || known.chinese.expose().is_empty() {
        return None;
    }
    let (said, known) = (names::chinese(said), names::chinese(known));
    (!said.is_empty() && !known.is_empty()).then(|| said == known)
}

fn same_letters(said: &Demographics, known: &Demographics) -> bool {
    let named = said.family.expose().chars().chain(said.given.expose().chars()).any(char::is_alphanumeric);
    named && said.family == known.family && said.given == known.given
}

/// Whether two sorted lists of words have a word in common, and at most one on each side that the other lacks.
fn one_word_apart(ours: &[String], theirs: &[String]) -> bool {
    let mut left = theirs.to_vec();
    let mut only_ours = 0_usize;
    for word in ours {
        match left.iter().position(|other| other == word) {
            Some(at) => drop(left.remove(at)),
            None => only_ours = only_ours.saturating_add(1),
        }
    }
    let in_common = theirs.len().saturating_sub(left.len());
    in_common > 0 && only_ours <= 1 && left.len() <= 1
}

fn cut(birth: BirthDate, precision: Precision) -> (i16, i8, i8) {
    let date = birth.date;
    match precision {
        Precision::Year => (date.year(), 0, 0),
        Precision::Month => (date.year(), date.month(), 0),
        Precision::Day => (date.year(), date.month(), date.day()),
    }
}

fn components_apart(a: civil::Date, b: civil::Date, precision: Precision) -> u8 {
    let (year, month, day) = (a.year() != b.year(), a.month() != b.month(), a.day() != b.day());
    match precision {
        Precision::Year => u8::from(year),
        Precision::Month => u8::from(year).saturating_add(u8::from(month)),
        Precision::Day => u8::from(year).saturating_add(u8::from(month)).saturating_add(u8::from(day)),
    }
}
