//! Characters that nobody sees and that change what is seen: they turn the direction of text, or hide between letters. They are
//! stored as they came, since some names need them; whoever shows such a text says that they are there.

/// Whether a character turns or hides text: the controls of the Unicode bidirectional algorithm (UAX 9), and what takes no
/// place between letters.
pub const fn turns_or_hides(character: char) -> bool {
    matches!(
        character,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206F}' | '\u{FEFF}'
    )
}

/// Whether a text has one.
pub fn has_hidden(text: &str) -> bool {
    !text.is_ascii() && text.contains(turns_or_hides)
}

/// A text with each of them written out as `<U+202E>`, for where text is shown without a frame that keeps it to itself.
pub fn spelled_out(text: &str) -> String {
    let mut spelled = String::with_capacity(text.len());
    for character in text.chars() {
        if turns_or_hides(character) {
            spelled.push_str(&format!("<U+{:04X}>", u32::from(character)));
        } else {
            spelled.push(character);
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_found_and_written_out_and_everything_else_is_left() {
        assert!(has_hidden("王\u{202e}文") && has_hidden("A\u{200b}B") && has_hidden("\u{feff}"));
        for text in ["CHAN TAI MAN", "陳大文", "O’BRIEN", "𠝹😀", "e\u{301}"] {
            assert!(!has_hidden(text), "{text}");
            assert_eq!(spelled_out(text), text);
        }
        assert_eq!(spelled_out("王\u{202e}文"), "王<U+202E>文");
    }
}
