//! Looks over texts many bytes at a time: every text that is mapped is looked over, and most are shorter than what the compiler
//! would take wide registers for by itself.

/// Whether a text asks for an escape in JSON: it holds a quote, a backslash or a control character.
pub(super) fn asks_for_escapes(text: &str) -> bool {
    !all(text.as_bytes(), |byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

/// Whether a text is printable ASCII, blanks included, and asks for no escape.
pub(super) fn is_simple(text: &str) -> bool {
    all(text.as_bytes(), |byte| matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\'))
}

/// Whether a text surely holds no control character: those beyond ASCII are two bytes, the first of which is looked for.
pub(super) fn is_free_of_controls(text: &str) -> bool {
    all(text.as_bytes(), |byte| (byte >= b' ') & (byte != 0x7f) & (byte != 0xc2))
}

/// Whether a text is ASCII without blanks and controls.
pub(super) fn is_graphic(text: &str) -> bool {
    all(text.as_bytes(), |byte| matches!(byte, b'!'..=b'~'))
}

/// Whether all bytes are as they should be. The last stretch overlaps the one before it rather than leave bytes over; only a
/// text shorter than the smallest stretch is looked at byte by byte.
#[inline]
fn all(bytes: &[u8], is_good: impl Fn(u8) -> bool + Copy) -> bool {
    let (wide, _) = bytes.as_chunks::<16>();
    match (bytes.last_chunk::<16>(), bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(last), ..) => wide.iter().all(|stretch| are(stretch, is_good)) && are(last, is_good),
        (None, Some(first), Some(last)) => are(first, is_good) & are(last, is_good),
        (None, ..) => bytes.iter().all(|byte| is_good(*byte)),
    }
}

/// Without a way out before the end, so that one instruction looks at all bytes of the stretch.
#[inline]
fn are<const N: usize>(stretch: &[u8; N], is_good: impl Fn(u8) -> bool) -> bool {
    stretch.iter().fold(true, |so_far, byte| so_far & is_good(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn looking_wide_finds_what_looking_at_each_byte_finds(
            text in "[ -~]{0,40}[\\x00-\\x7f]?[ -~]{0,20}",
            any in any::<String>(),
        ) {
            for text in [&text, &any] {
                let asks = text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\');
                prop_assert_eq!(asks_for_escapes(text), asks);
                let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                prop_assert_eq!(is_simple(text), printable && !asks);
                prop_assert!(!is_free_of_controls(text) || !text.chars().any(char::is_control));
                let may_hold_one = |c: char| c.is_control() || ('\u{80}'..'\u{c0}').contains(&c);
                prop_assert_eq!(is_free_of_controls(text), !text.contains(may_hold_one));
                prop_assert_eq!(is_graphic(text), text.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
