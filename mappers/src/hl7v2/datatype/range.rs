//! A reference range as laboratories write it, `3.9-6.1`, `[ 150 - 450 ]`, `< 0.21`, to its ends. The text is kept
//! beside them, for it alone says whether an end belongs to the range.

/// The two ends of a range; one of them may be open.
pub(crate) fn ends(text: &str) -> Option<(Option<&str>, Option<&str>)> {
    let text = text.trim();
    let text = text.strip_prefix(['[', '(']).unwrap_or(text);
    let text = text.strip_suffix([']', ')']).unwrap_or(text).trim();
    for (sign, is_low) in [("<=", false), (">=", true), ("<", false), (">", true), ("≤", false), ("≥", true)] {
        if let Some(rest) = text.strip_prefix(sign) {
            let number = whole(rest)?;
            return Some(if is_low { (Some(number), None) } else { (None, Some(number)) });
        }
    }
    let (low, rest) = number(text)?;
    let rest = rest.trim_start();
    let rest = rest.strip_prefix("to").or_else(|| rest.strip_prefix(['-', '–', '~']))?;
    Some((Some(low), Some(whole(rest)?)))
}

/// A number and nothing else.
fn whole(text: &str) -> Option<&str> {
    let (number, rest) = number(text.trim())?;
    rest.is_empty().then_some(number)
}

/// The number at the beginning of a text, and what follows it.
fn number(text: &str) -> Option<(&str, &str)> {
    let sign = usize::from(text.starts_with(['-', '+']));
    let digits = text.bytes().skip(sign).take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (number, rest) = text.split_at_checked(sign + digits)?;
    number.bytes().any(|b| b.is_ascii_digit()).then_some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_laboratories_write_them() {
        for (text, low, high) in [
            ("49 - 92", Some("49"), Some("92")),
            ("[ 150 - 450 ]", Some("150"), Some("450")),
            ("3.9-6.1", Some("3.9"), Some("6.1")),
            ("13.0 to 17.0", Some("13.0"), Some("17.0")),
            ("-2 - 2", Some("-2"), Some("2")),
            ("-3--1", Some("-3"), Some("-1")),
            ("< 0.21", None, Some("0.21")),
            ("[ > 1.5]", Some("1.5"), None),
            ("≥60", Some("60"), None),
            ("<=5", None, Some("5")),
        ] {
            assert_eq!(ends(text), Some((low, high)), "{text}");
        }
        for text in ["", "[ ]", "NEG", "49", "1-2-3", "1 - ", "- 2", "< x", "M 13-17; F 12-15", "1.5 mg - 2"] {
            assert_eq!(ends(text), None, "{text}");
        }
    }
}
