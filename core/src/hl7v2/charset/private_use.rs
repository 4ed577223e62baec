//! Characters of Hong Kong's supplementary set (HKSCS) as systems wrote them before they had code points of their own: in the
//! private use area of Unicode, at the place that code page 950 gives to the user-defined ranges of Big5.
//!
//! | Big5 | Unicode |
//! | --- | --- |
//! | FA40–FEFE | U+E000–U+E310 |
//! | 8E40–A0FE | U+E311–U+EEB7 |
//! | 8140–8DFE | U+EEB8–U+F6B0 |
//! | C6A1–C8FE | U+F6B1–U+F848 |
//!
//! Going back by the table to the bytes, and from there by Big5-HKSCS to what the character is since ISO/IEC 10646:2003, gives
//! the standard character. HKSCS keeps these code points reserved for it, as compatibility points.

use std::borrow::Cow;

/// Trail bytes of a row of Big5: 40–7E and A1–FE.
const ROW: u32 = 157;
/// The first of the trail bytes from A1 on.
const UPPER: u32 = 0x7F - 0x40;

/// Rows of lead bytes: the first private character, the last, the lead byte of the first row, and the column it begins at.
const RANGES: [(u32, u32, u32, u32); 4] = [
    (0xE000, 0xE310, 0xFA, 0),
    (0xE311, 0xEEB7, 0x8E, 0),
    (0xEEB8, 0xF6B0, 0x81, 0),
    // Of lead byte C6 the upper half alone is user-defined.
    (0xF6B1, 0xF848, 0xC6, UPPER),
];

/// Whether a character has no meaning but what two parties agree on.
pub const fn is_private(character: char) -> bool {
    matches!(character, '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{FFFFD}' | '\u{100000}'..='\u{10FFFD}')
}

/// The standard character, or characters, of a private one of HKSCS; `None` of any other.
pub fn standard(character: char) -> Option<String> {
    let code = u32::from(character);
    let (first, _, lead, column) = RANGES.into_iter().find(|(first, last, ..)| (*first..=*last).contains(&code))?;
    let place = code - first + column;
    let (row, column) = (place / ROW, place % ROW);
    let trail = if column < UPPER { column + 0x40 } else { column - UPPER + 0xA1 };
    let bytes = [u8::try_from(lead + row).ok()?, u8::try_from(trail).ok()?];
    let text = encoding_rs::BIG5.decode_without_bom_handling_and_without_replacement(&bytes)?;
    (!text.chars().any(is_private)).then(|| text.into_owned())
}

/// A text with the private characters of HKSCS replaced by their standard ones; borrowed when there are none. Others stay as they are.
pub fn standardised(text: &str) -> Cow<'_, str> {
    // The first byte of a private character of this range is EE or EF.
    let may_have = !text.is_ascii() && text.bytes().any(|byte| matches!(byte, 0xEE | 0xEF));
    if !may_have || !text.contains(|character| standard(character).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut replaced = String::with_capacity(text.len());
    for character in text.chars() {
        match standard(character) {
            Some(known) => replaced.push_str(&known),
            None => replaced.push(character),
        }
    }
    Cow::Owned(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_leads_to_the_characters_of_its_rows() {
        // From what Java's MS950_HKSCS decodes (JDK-7006360), and from rows of HKSCS-2001.
        for (private, expected) in [
            ('\u{E01F}', "倩"),
            ('\u{E33A}', "箸"),
            ('\u{E11A}', "峯"),
            ('\u{E473}', "邨"),
            ('\u{E517}', "鰂"),
            ('\u{E88C}', "埗"),
            ('\u{EB78}', "𠝹"),
            ('\u{ECD4}', "𨋢"),
            ('\u{ECD8}', "喺"),
        ] {
            assert_eq!(standard(private).as_deref(), Some(expected), "{:X}", u32::from(private));
        }
        assert_eq!(standard('\u{F8FF}'), None, "no row of Big5");
        assert_eq!(standard('邨'), None, "standard already");
    }

    #[test]
    fn every_character_goes_back_to_one_that_big5_hkscs_has_at_its_bytes_or_stays() {
        let known: Vec<(char, String)> =
            ('\u{E000}'..='\u{F848}').filter_map(|private| Some((private, standard(private)?))).collect();
        assert!(known.len() > 4_000, "HKSCS-2008 has some 5,000 characters, most of them there: {}", known.len());
        assert!(known.iter().all(|(_, text)| !text.chars().any(is_private) && !text.contains('\u{FFFD}')));
    }

    #[test]
    fn a_text_without_any_is_borrowed_and_one_with_some_keeps_the_rest() {
        assert!(matches!(standardised("陳大文（ward）"), Cow::Borrowed(_)));
        assert!(matches!(standardised("\u{F8FF}"), Cow::Borrowed(_)), "nobody knows it");
        assert_eq!(standardised("屋\u{E473}\u{F8FF}x"), "屋邨\u{F8FF}x");
    }
}
