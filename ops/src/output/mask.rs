//! Masks for protected text: enough to tell two persons apart at a glance, too little to know either.

use causeway_core::person::{Demographics, Document};
use causeway_core::phi::Phi;

/// The first character and then stars: `C***`. The length is not told, and of a Chinese name nothing: its first
/// character is the whole surname.
pub(crate) fn text(value: &str) -> String {
    match value.chars().next() {
        None => String::new(),
        Some(first) if first.is_ascii() => format!("{first}***"),
        Some(_) => "***".to_owned(),
    }
}

/// Whether protected text is shown. Whoever builds [`Sight::Revealed`] writes the audit line first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sight {
    /// Masked.
    Masked,
    /// Shown as it is.
    Revealed,
}

impl Sight {
    /// One protected text.
    pub(crate) fn show(self, value: &Phi<String>) -> String {
        match self {
            Self::Masked => text(value.expose()),
            Self::Revealed => value.expose().clone(),
        }
    }

    /// The English name as on a card: `CHAN, Tai Man`.
    pub(crate) fn name(self, demographics: &Demographics) -> String {
        let (family, given) = (self.show(&demographics.family), self.show(&demographics.given));
        match (family.is_empty(), given.is_empty()) {
            (false, false) => format!("{family}, {given}"),
            _ => family + &given,
        }
    }

    /// The birth date; masked it is the year.
    pub(crate) fn birth(self, demographics: &Demographics) -> String {
        let Some(birth) = &demographics.birth else { return String::new() };
        match self {
            Self::Masked => format!("{:04}-**", birth.expose().date.year()),
            Self::Revealed => birth.expose().to_string(),
        }
    }

    /// A document: its kind, and its number.
    pub(crate) fn document(self, document: &Document) -> String {
        let issuer = if document.issuer.is_empty() { String::new() } else { format!(" {}", document.issuer) };
        format!("{}{issuer} {}", document.kind.as_str(), self.show(&document.number))
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::person::{BirthDate, DocumentKind};

    use super::*;

    #[test]
    fn a_mask_tells_neither_the_text_nor_its_length() {
        assert_eq!([text("CHAN"), text("陳大文"), text(""), text("A1234563")], ["C***", "***", "", "A***"]);
        let demographics = Demographics {
            family: "CHAN".into(),
            given: "TAI MAN".into(),
            birth: BirthDate::parse("19830114").map(Phi::new),
            ..Demographics::default()
        };
        assert_eq!(Sight::Masked.name(&demographics), "C***, T***");
        assert_eq!(Sight::Masked.birth(&demographics), "1983-**");
        assert_eq!(Sight::Revealed.name(&demographics), "CHAN, TAI MAN");
        let document = Document { kind: DocumentKind::Hkid, issuer: String::new(), number: "A1234563".into() };
        assert_eq!(Sight::Masked.document(&document), "HKID A***");
    }
}
