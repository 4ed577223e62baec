//! What several of the pages say the same way: moments, reasons, and text with commands in it.

use causeway_core::reason::{Class, Reason};
use causeway_core::scope::Domain;
use causeway_serve::language::{Language, Speaker};
use jiff::Timestamp;

/// A moment: from now for people, exact for everyone else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// `12 s ago`.
    pub(super) ago: String,
    /// `22 Nov 2026 15:12:03`.
    pub(super) exact: String,
    /// ISO 8601, for `datetime`.
    pub(super) machine: String,
}

impl Moment {
    /// A moment as seen from `now`.
    pub(super) fn of(at: Timestamp, now: Timestamp, say: Speaker<'_>) -> Self {
        Self { ago: say.ago(at, now), exact: say.moment(at), machine: at.to_string() }
    }
}

/// A piece of text, or a command or setting in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Whether it is to be typed as it stands.
    pub(super) code: bool,
    /// The text.
    pub(super) text: &'static str,
}

/// Takes a text apart at its backticks.
pub(super) fn pieces(text: &'static str) -> Vec<Piece> {
    text.split('`')
        .enumerate()
        .map(|(index, text)| Piece { code: index % 2 == 1, text })
        .filter(|piece| !piece.text.is_empty())
        .collect()
}

/// A reason in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Explained {
    /// The stable code.
    pub(super) code: &'static str,
    /// What it means.
    pub(super) text: &'static str,
    /// What to do about it.
    pub(super) fix: Vec<Piece>,
    /// What sort of trouble it is.
    pub(super) class: String,
}

impl Explained {
    /// Explains a reason.
    pub(super) fn of(reason: Reason, say: Speaker<'_>) -> Self {
        let (text, fix) = match say.language() {
            Language::English => (reason.text(), reason.fix()),
            Language::Chinese => (reason.text_zh(), reason.fix_zh()),
        };
        Self { code: reason.code(), text, fix: pieces(fix), class: say.text(class_key(reason.class())) }
    }
}

/// The name of a domain.
pub(super) const fn domain_name(domain: Domain, language: Language) -> &'static str {
    match language {
        Language::English => domain.name(),
        Language::Chinese => domain.name_zh(),
    }
}

/// The key of a class's name.
const fn class_key(class: Class) -> &'static str {
    match class {
        Class::Syntax => "class-syntax",
        Class::Profile => "class-profile",
        Class::Identity => "class-identity",
        Class::Consent => "class-consent",
        Class::Scope => "class-scope",
        Class::Level => "class-level",
        Class::Payload => "class-payload",
        Class::Capacity => "class-capacity",
        Class::Hub => "class-hub",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_in_a_text_are_set_apart() {
        let piece = |code, text| Piece { code, text };
        assert_eq!(
            pieces("Set `charset`, then replay"),
            [piece(false, "Set "), piece(true, "charset"), piece(false, ", then replay")]
        );
        assert_eq!(pieces("`a`"), [piece(true, "a")]);
        assert_eq!(pieces("Nothing"), [piece(false, "Nothing")]);
    }
}
