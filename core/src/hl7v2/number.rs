//! Numbers of data type NM (§2A.2.47): kept as the sender wrote them, never a floating-point value.

/// A number: digits, an optional sign in front, an optional point. `98.00` keeps its two zeros, for they say how
/// exactly it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<'t> {
    // INVARIANT: ASCII digits only; not both empty.
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
}

/// Why a text is no number: `1e309`, `NaN`, `1,000`, `<5` and digits outside ASCII are text, whatever they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a number of type NM: an optional sign, digits, an optional decimal point")]
pub struct NumberFault;

impl<'t> Number<'t> {
    /// Reads a number; blanks around it are padding.
    pub fn parse(text: &'t str) -> Result<Self, NumberFault> {
        let text = text.trim_matches(' ');
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        let good = !(whole.is_empty() && fraction.is_empty()) && is_digits(whole) && is_digits(fraction);
        if good { Ok(Self { negative, whole, fraction }) } else { Err(NumberFault) }
    }

    /// As JSON and FHIR `decimal` write it: no plus, no leading zeros, a digit on both sides of a point. The number of
    /// decimals stays.
    pub fn to_decimal(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let whole = match self.whole.trim_start_matches('0') {
            "" => "0",
            whole => whole,
        };
        let point = if self.fraction.is_empty() { "" } else { "." };
        format!("{sign}{whole}{point}{}", self.fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_decimals() {
        let cases = [
            ("98.00", "98.00"),
            ("5", "5"),
            ("+5", "5"),
            ("-0.50", "-0.50"),
            (".5", "0.5"),
            ("7.", "7"),
            ("007", "7"),
            ("000", "0"),
            (" 12 ", "12"),
            ("123456789012345678901234567890.1", "123456789012345678901234567890.1"),
        ];
        for (sent, written) in cases {
            assert_eq!(Number::parse(sent).map(|n| n.to_decimal()).as_deref(), Ok(written), "{sent}");
        }
    }

    #[test]
    fn what_only_looks_like_a_number_stays_text() {
        for text in ["", ".", "-", "1e309", "NaN", "1,000", "<5", "１２", "1.2.3", "--1", "0x10", "1 2", "inf"] {
            assert_eq!(Number::parse(text), Err(NumberFault), "{text:?}");
        }
    }
}
