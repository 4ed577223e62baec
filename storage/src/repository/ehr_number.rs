//! The eHR number shown to people: eleven digits of the registry's own number and a check digit.

use causeway_core::person::PersonId;

/// The eHR number of a person. `None` for a number that does not fit into eleven digits, which no registry reaches.
///
/// The check digit is that of ISO/IEC 7064 MOD 11,10: it finds every single wrong digit and nearly every swap of two.
pub fn ehr_number(person: PersonId) -> Option<String> {
    let body = format!("{:011}", u64::try_from(person.0).ok()?);
    (body.len() == 11).then(|| format!("{body}{}", check_digit(&body)))
}

/// Whether a text is an eHR number with the right check digit.
pub fn is_ehr_number(text: &str) -> bool {
    let Some((body, check)) = text.split_at_checked(11) else { return false };
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) && check == check_digit(body).to_string()
}

/// ISO/IEC 7064 MOD 11,10, section 8 (hybrid systems).
fn check_digit(body: &str) -> u32 {
    let product = body.chars().filter_map(|c| c.to_digit(10)).fold(10, |product, digit| {
        let sum = (product + digit) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_that_of_the_standard() {
        // The example of ISO/IEC 7064: 0794 has the check digit 5.
        assert_eq!(check_digit("0794"), 5);
    }

    #[test]
    fn numbers_have_twelve_digits_and_a_wrong_digit_is_found() {
        for id in [1, 2, 10, 99, 1_234_567, 99_999_999_999] {
            let number = ehr_number(PersonId(id)).expect("fits");
            assert_eq!(number.len(), 12);
            assert!(is_ehr_number(&number), "{number}");
            for place in 0..12 {
                for digit in b'0'..=b'9' {
                    let mut wrong = number.clone().into_bytes();
                    if wrong[place] == digit {
                        continue;
                    }
                    wrong[place] = digit;
                    assert!(!is_ehr_number(std::str::from_utf8(&wrong).expect("digits")));
                }
            }
        }
        assert_eq!(ehr_number(PersonId(100_000_000_000)), None);
        assert_eq!(ehr_number(PersonId(-1)), None);
    }
}
