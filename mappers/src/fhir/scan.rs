//! Looks over texts eight bytes at a time: every text that is mapped is looked over twice, and most are shorter than what the
//! compiler would take wide registers for.

/// The highest bit of each byte.
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
/// The lowest bit of each byte.
const LOW: u64 = u64::from_ne_bytes([1; 8]);

/// Whether a text asks for an escape in JSON: it holds a quote, a backslash or a control character.
pub(super) fn asks_for_escapes(text: &str) -> bool {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let wide = words.iter().map(|bytes| u64::from_ne_bytes(*bytes));
    wide.into_iter().any(|word| has_less(word, b' ') | has(word, b'"') | has(word, b'\\') != 0)
        || rest.iter().any(|byte| matches!(byte, ..b' ' | b'"' | b'\\'))
}

/// Whether all bytes are printable ASCII, blanks included.
pub(super) fn is_printable_ascii(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<8>();
    let wide = words.iter().map(|bytes| u64::from_ne_bytes(*bytes));
    wide.into_iter().all(|word| (word & HIGH) | has_less(word, b' ') | has(word, 0x7f) == 0)
        && rest.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Not zero when a byte of the word is below `limit`, which is at most 128.
const fn has_less(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(u64::from_ne_bytes([limit; 8])) & !word & HIGH
}

/// Not zero when a byte of the word is this one.
const fn has(word: u64, byte: u8) -> u64 {
    let zero_where_it_is = word ^ u64::from_ne_bytes([byte; 8]);
    zero_where_it_is.wrapping_sub(LOW) & !zero_where_it_is & HIGH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn looking_wide_finds_what_looking_at_each_byte_finds(
            text in "[ -~]{0,20}[\\x00-\\x7f]?[ -~]{0,9}",
            any in any::<String>(),
        ) {
            for text in [&text, &any] {
                let asks = text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\');
                prop_assert_eq!(asks_for_escapes(text), asks);
                let printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
                prop_assert_eq!(is_printable_ascii(text.as_bytes()), printable);
            }
        }
    }
}
