//! Texts a sender chose, as PostgreSQL can hold them: it has no zero character.
//!
//! `U+F8FF`, which no text of this world has, stands before a `0` for a zero character and before a `1` for itself.

use std::borrow::Cow;

const MARK: char = '\u{F8FF}';

/// As stored.
pub(super) fn put(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', MARK]) {
        Cow::Owned(text.replace(MARK, "\u{F8FF}1").replace('\0', "\u{F8FF}0"))
    } else {
        Cow::Borrowed(text)
    }
}

/// As it was before [`put`].
pub(super) fn take(stored: String) -> String {
    if !stored.contains(MARK) {
        return stored;
    }
    let mut parts = stored.split(MARK);
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (was, rest) = match part.strip_prefix('0') {
            Some(rest) => ('\0', rest),
            None => (MARK, part.strip_prefix('1').unwrap_or(part)),
        };
        text.push(was);
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn any_text_is_stored_without_a_zero_and_read_back(text in "[ab01\u{0}\u{F8FF}陳]{0,12}") {
            let stored = put(&text).into_owned();
            prop_assert!(!stored.contains('\0'));
            prop_assert_eq!(take(stored), text);
        }
    }
}
