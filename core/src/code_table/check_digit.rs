//! Rules by which the last digit of a code is told from the others, so that a mistyped code is found. A table names the rule of
//! its codes; which one a terminology uses is its publisher's to say.

/// A rule of check digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckDigit {
    /// Weights 3 and 1 from the right, modulo 10: GTIN and all keys of GS1 (GS1 General Specifications, section 7.9.1).
    Gs1,
    /// The hybrid system MOD 11,10 of ISO/IEC 7064:2003, which is GB/T 17710-2008.
    Mod11And10,
}

impl CheckDigit {
    /// Every rule.
    pub const ALL: [Self; 2] = [Self::Gs1, Self::Mod11And10];

    /// What it is called in a table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gs1 => "gs1",
            Self::Mod11And10 => "iso7064-mod11-10",
        }
    }

    /// The rule of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == name)
    }

    /// Whether a code of digits ends in the digit that belongs to the others.
    ///
    /// # Errors
    /// [`CheckFault`], with the digit it should be where there is one.
    pub fn check(self, code: &str) -> Result<(), CheckFault> {
        if code.len() < 2 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(CheckFault::NoDigits);
        }
        let mut digits: Vec<u32> = code.bytes().map(|byte| u32::from(byte.wrapping_sub(b'0'))).collect();
        let last = digits.pop().ok_or(CheckFault::NoDigits)?;
        let wanted = match self {
            Self::Gs1 => gs1(&digits),
            Self::Mod11And10 => mod_11_and_10(&digits),
        };
        if last == wanted { Ok(()) } else { Err(CheckFault::Wrong { wanted }) }
    }
}

/// Why a code does not agree with its rule. It tells nothing of the code but its last digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckFault {
    /// Only codes of at least two digits and nothing else have a check digit.
    #[error("it is not of digits alone")]
    NoDigits,
    /// The last digit is another.
    #[error("its last digit would be {wanted}")]
    Wrong {
        /// The digit that belongs to the others.
        wanted: u32,
    },
}

fn gs1(digits: &[u32]) -> u32 {
    let weighted = digits.iter().rev().zip([3, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight);
    (10 - weighted.fold(0, |sum, one| (sum + one) % 10)) % 10
}

fn mod_11_and_10(digits: &[u32]) -> u32 {
    let rest = digits.iter().fold(10, |product, digit| {
        let sum = (product + digit) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - rest) % 10
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn published_codes_hold() {
        for (rule, code) in [
            (CheckDigit::Gs1, "4006381333931"),
            (CheckDigit::Gs1, "73513537"),
            (CheckDigit::Gs1, "614141000418"),
            (CheckDigit::Mod11And10, "07945"),
            (CheckDigit::Mod11And10, "86095742719"),
        ] {
            assert_eq!(rule.check(code), Ok(()), "{rule:?} {code}");
            assert_eq!(CheckDigit::parse(rule.as_str()), Some(rule));
        }
        assert_eq!(CheckDigit::Gs1.check("4006381333932"), Err(CheckFault::Wrong { wanted: 1 }));
        for none in ["", "7", "40063813339X1", "４００６"] {
            assert_eq!(CheckDigit::Gs1.check(none), Err(CheckFault::NoDigits), "{none}");
        }
        assert_eq!(CheckDigit::parse("luhn"), None);
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_always_found(body in "[0-9]{1,20}", at in any::<prop::sample::Index>(), by in 1_u32..10) {
            for rule in CheckDigit::ALL {
                let last = (0..10).find(|last| rule.check(&format!("{body}{last}")).is_ok()).expect("one of ten");
                let right = format!("{body}{last}");
                let at = at.index(right.len());
                let turned = |(place, digit): (usize, char)| {
                    let digit = digit.to_digit(10).expect("a digit");
                    char::from_digit(if place == at { (digit + by) % 10 } else { digit }, 10).expect("a digit")
                };
                let wrong: String = right.chars().enumerate().map(turned).collect();
                prop_assert!(rule.check(&wrong).is_err(), "{rule:?}: {right} and {wrong}");
            }
        }
    }
}
