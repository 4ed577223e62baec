//! The grammars of FHIR R4 primitives (<https://hl7.org/fhir/R4/datatypes.html>).

use std::borrow::Cow;

use causeway_core::hl7v2::number::Number;

use super::scan::is_graphic;
use smol_str::SmolStr;

/// A `code`: no blanks around it, single blanks within.
pub(crate) fn code(text: &str) -> Cow<'_, str> {
    if is_graphic(text) {
        return Cow::Borrowed(text);
    }
    let text = text.trim();
    let plain = !text.contains(|c: char| c.is_whitespace() && c != ' ' || c.is_control()) && !text.contains("  ");
    if plain {
        return Cow::Borrowed(text);
    }
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    Cow::Owned(words.collect::<Vec<_>>().join(" "))
}

/// A number of JSON, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decimal(SmolStr);

impl Decimal {
    /// Whether it is above zero.
    pub(crate) fn is_positive(&self) -> bool {
        let digits = self.0.as_str();
        !digits.starts_with('-') && digits.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
    }

    /// The digits.
    pub(super) fn into_text(self) -> SmolStr {
        self.0
    }
}

/// A `decimal` with the digits as sent; `None` when the text is no number of type NM.
pub(crate) fn decimal(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let number = Number::parse(text).ok()?;
    Some(Decimal(if is_json(text.as_bytes()) { text.into() } else { number.to_decimal().into() }))
}

/// Whether a number of type NM is a number of JSON as it stands: no plus, no zeros in front, digits around the point.
fn is_json(number: &[u8]) -> bool {
    let number = number.strip_prefix(b"-").unwrap_or(number);
    let begins = !matches!(number, [b'0', b'0'..=b'9', ..]) && number.first().is_some_and(u8::is_ascii_digit);
    begins && number.last().is_some_and(u8::is_ascii_digit)
}

/// Text as a part of a URN: everything but letters, digits and `-._~` becomes `%XX` (RFC 3986 §2.1).
pub(crate) fn urn_part(text: &str) -> Cow<'_, str> {
    encoded(text, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'))
}

/// An absolute URI, in which what RFC 3986 does not allow becomes `%XX`; `None` without a scheme.
pub(crate) fn uri(text: &str) -> Option<Cow<'_, str>> {
    let (scheme, rest) = text.split_once(':')?;
    let good = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty();
    let allowed =
        |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}');
    good.then(|| encoded(text, allowed))
}

/// Text in which every byte that is not `plain` becomes `%XX`.
fn encoded(text: &str, plain: impl Fn(u8) -> bool) -> Cow<'_, str> {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    if text.bytes().all(&plain) {
        return Cow::Borrowed(text);
    }
    let mut encoded = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            let digits = [byte >> 4, byte & 15].map(usize::from);
            encoded.push('%');
            encoded.extend(digits.into_iter().filter_map(|digit| HEX.get(digit)));
        }
    }
    Cow::Owned(encoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        for (sent, kept) in [
            ("13.50", "13.50"),
            ("98.00", "98.00"),
            ("0", "0"),
            ("-0.4", "-0.4"),
            ("+5", "5"),
            ("007", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-.25", "-0.25"),
            (" 42 ", "42"),
            ("123456789012345678901234567890.10", "123456789012345678901234567890.10"),
        ] {
            assert_eq!(decimal(sent).as_ref().map(|n| n.0.as_str()), Some(kept), "{sent}");
        }
        for (sent, positive) in [("0", false), ("0.00", false), ("-1", false), ("0.01", true), ("10", true)] {
            assert_eq!(decimal(sent).is_some_and(|number| number.is_positive()), positive, "{sent}");
        }
        for bad in ["", ".", "-", "+", "1,000", "1e5", "<5", "5 mg", "1.2.3", "--1", "NaN", "٣"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn codes_have_single_blanks_within() {
        assert_eq!(code(" a  b\tc "), "a b c");
        assert!(matches!(code("718-7"), Cow::Borrowed("718-7")));
    }

    #[test]
    fn a_pointer_becomes_a_uri_or_nothing() {
        assert_eq!(uri("ftp://h/a.pdf").as_deref(), Some("ftp://h/a.pdf"));
        assert_eq!(uri("https://h/a b|陳.pdf?x=1&y=%20").as_deref(), Some("https://h/a%20b%7C%E9%99%B3.pdf?x=1&y=%20"));
        for bad in ["", "a.pdf", "\\\\h\\a.pdf", "/a/b.pdf", "1a:b", "a:"] {
            assert_eq!(uri(bad), None, "{bad}");
        }
    }

    #[test]
    fn urn_parts_hold_only_what_a_urn_may() {
        assert_eq!(urn_part("SIMULATOR MRN|香"), "SIMULATOR%20MRN%7C%E9%A6%99");
        assert_eq!(urn_part("QMH-1.2_~"), "QMH-1.2_~");
    }
}
