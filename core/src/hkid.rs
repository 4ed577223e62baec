//! The Hong Kong identity card number and its check digit.
//!
//! Form: one or two letters, six digits, a check digit 0-9 or A. The check digit is found by padding to eight
//! characters with a space in front, giving each its value (space 36, A 10 … Z 35), weighing by 9 … 2, and taking
//! eleven minus the sum modulo eleven.

use std::fmt;

/// A number whose check digit is right, in canonical form `A1234563`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hkid(String); // INVARIANT: canonical, check digit right; only `parse` builds it.

/// Why a text is no HKID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HkidError {
    /// Not one or two letters, six digits and a check digit.
    #[error("not of the form of an HKID: one or two letters, six digits, a check digit")]
    Form,
    /// The form is right, the check digit is not; one character is mistyped.
    #[error("the HKID check digit is wrong")]
    CheckDigit,
}

impl Hkid {
    /// Reads the forms seen in the wild: `A123456(3)`, `A1234563`, lower case, full-width characters, `HKID:A1234563`,
    /// blanks inside. A missing check digit is an error of form: it is never guessed.
    pub fn parse(text: &str) -> Result<Self, HkidError> {
        let plain: String = text
            .chars()
            .map(half_width)
            .filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')'))
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let plain = plain.strip_prefix("HKID:").unwrap_or(&plain);
        let letters = plain.bytes().take_while(u8::is_ascii_uppercase).count();
        let (Some(body), Some(check)) =
            (plain.get(..letters.saturating_add(6)), plain.get(letters.saturating_add(6)..))
        else {
            return Err(HkidError::Form);
        };
        let digits_good = body.bytes().skip(letters).all(|b| b.is_ascii_digit());
        let mut check = check.chars();
        let (Some(given), None) = (check.next(), check.next()) else { return Err(HkidError::Form) };
        if !(1..=2).contains(&letters) || !digits_good || !(given.is_ascii_digit() || given == 'A') {
            return Err(HkidError::Form);
        }
        if given == check_digit(body) { Ok(Self(format!("{body}{given}"))) } else { Err(HkidError::CheckDigit) }
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hkid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hkid(***)")
    }
}

/// The check digit of one or two letters and six digits, already in upper case.
pub fn check_digit(body: &str) -> char {
    let padding = std::iter::repeat_n(36_u32, 8_usize.saturating_sub(body.len()));
    let values = padding.chain(body.chars().map(|c| c.to_digit(36).unwrap_or(0)));
    let sum: u32 = values.zip((2..=9).rev()).map(|(value, weight)| value * weight).sum();
    match sum % 11 {
        0 => '0',
        1 => 'A',
        rest => char::from_digit(11 - rest, 10).unwrap_or('0'),
    }
}

/// Full-width forms U+FF01 to U+FF5E stand 0xFEE0 above their ASCII twins.
fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_vectors_hold() {
        for good in [
            "A123456(3)",
            "AB987654(3)",
            "AB123456(9)",
            "E364912(5)",
            "D288754(2)",
            "G123456(A)",
            "K000000(0)",
            "C123456(9)",
            "Z123456(1)",
            "A000002(A)",
            "A000007(0)",
            "a1234563",
            "HKID:A1234563",
            "Ａ１２３４５６（３）",
        ] {
            assert!(Hkid::parse(good).is_ok(), "{good}");
        }
        assert_eq!(Hkid::parse("A123456(4)"), Err(HkidError::CheckDigit));
        for bad in ["", "A", "A123456", "1234567", "ABC1234563", "A12345678", "A12345６", "陳大文"] {
            assert_eq!(Hkid::parse(bad), Err(HkidError::Form), "{bad}");
        }
    }

    #[test]
    fn every_single_digit_error_is_found() {
        let body = "A123456";
        for place in 1..7 {
            for digit in '0'..='9' {
                let mut wrong: Vec<char> = body.chars().collect();
                if wrong[place] == digit {
                    continue;
                }
                wrong[place] = digit;
                let text: String = wrong.iter().collect::<String>() + "3";
                assert_eq!(Hkid::parse(&text), Err(HkidError::CheckDigit), "{text}");
            }
        }
    }
}
