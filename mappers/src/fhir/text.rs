//! The texts of the JSON that the mappers build. Most are short and hold nothing that JSON would have to escape: these take no
//! memory of their own, and are looked over once. One text is always of one kind, so that equal texts compare equal.

use smol_str::SmolStr;

use super::json::Json;
use super::scan::{is_free_of_controls, is_simple};

/// The longest text that stands within its value, in bytes.
const SHORT_MAX: usize = 23;

/// A text as it stands.
pub(super) fn of(text: &str) -> Json {
    match (is_simple(text), text.len()) {
        (true, ..=SHORT_MAX) => Json::Short(SmolStr::new(text)),
        (true, _) => Json::Simple(text.to_owned()),
        (false, _) => Json::Text(text.to_owned()),
    }
}

/// As [`of`], of a text that need not be copied.
pub(super) fn of_owned(text: String) -> Json {
    match (is_simple(&text), text.len()) {
        (true, ..=SHORT_MAX) => Json::Short(SmolStr::new(text)),
        (true, _) => Json::Simple(text),
        (false, _) => Json::Text(text),
    }
}

/// A text without the blanks around it, in which every control character that R4 forbids is a blank; null when nothing is left.
pub(crate) fn string(text: &str) -> Json {
    if text.is_empty() { Json::Null } else { trimmed(of(text)) }
}

/// As [`string`], of a value that may be a text.
pub(super) fn trimmed(value: Json) -> Json {
    match value {
        Json::Short(text) if is_open(&text) => some(text.trim_matches(' ')),
        Json::Simple(text) if is_open(&text) => some(text.trim_matches(' ')),
        Json::Text(text) if !is_free_of_controls(&text) && text.contains(is_forbidden) => {
            some(text.replace(is_forbidden, " ").trim())
        }
        Json::Text(text) if text.trim().len() < text.len() => some(text.trim()),
        value => value,
    }
}

/// A text, null when it is empty.
fn some(text: &str) -> Json {
    if text.is_empty() { Json::Null } else { of(text) }
}

/// Whether a blank stands at an end, or there is nothing at all.
fn is_open(text: &str) -> bool {
    let [first, last] = [text.as_bytes().first(), text.as_bytes().last()];
    matches!((first, last), (None | Some(b' '), _) | (_, Some(b' ')))
}

/// A control character, other than the three that R4 allows in text.
fn is_forbidden(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_loses_its_blanks_and_what_is_forbidden_however_it_is_kept(
            text in "[ \\x00-\\x7f]{0,5}[ -~\\x07\u{9673}]{0,40}[ \\n]{0,3}",
        ) {
            let expected = text.replace(is_forbidden, " ").trim().to_owned();
            let value = string(&text);
            prop_assert_eq!(value.as_str().unwrap_or_default(), &expected);
            prop_assert_eq!(&value, &string(&expected));
            prop_assert_eq!(value, trimmed(of_owned(text)));
        }
    }
}
