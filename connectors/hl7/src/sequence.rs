//! The sequence number protocol (HL7 v2.9.1, §2.10.1): what is answered to a number, on what was taken before. Pure.
//!
//! The sender counts its messages in MSH-13, and MSA-4 of each answer tells what the hub has or expects. A number is taken
//! once something durable came under it: a message that was refused and kept as well as one that was taken.

use causeway_core::envelope::Digest;
use causeway_core::port::Sequence;
use causeway_core::reason::Reason;

/// The largest number: what NM has digits for.
const NUMBER_MAX: u64 = 999_999_999_999_999;

/// What MSH-13 says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// 0: the link starts. The sender asks which number is expected; the message says nothing else.
    Start,
    /// -1: begin anew, with whatever number comes next; the message says nothing else.
    Resync,
    /// The number of a message.
    Of(u64),
}

/// MSA-4.
pub(crate) type Expected = i64;

/// What becomes of a numbered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It is its turn.
    Take,
    /// It came before, and its answer was lost: it is known by its bytes.
    Again,
    /// It is not its turn: another number is expected.
    Refuse,
}

impl Number {
    /// Reads MSH-13.
    ///
    /// # Errors
    /// Why the message cannot be taken from a feed that numbers its messages.
    pub(crate) fn read(text: &str) -> Result<Self, Reason> {
        match text.trim() {
            "" | "\"\"" => Err(Reason::MissingField),
            "-1" => Ok(Self::Resync),
            text => match text.parse() {
                Ok(0) => Ok(Self::Start),
                Ok(number) if number <= NUMBER_MAX => Ok(Self::Of(number)),
                Ok(_) | Err(_) => Err(Reason::BadValue),
            },
        }
    }
}

/// Whether it is the turn of a number, and what MSA-4 says.
pub(crate) fn turn(last: Option<&Sequence>, number: u64, digest: Digest) -> (Turn, Expected) {
    let Some(last) = last else { return (Turn::Take, told(number)) };
    let next = last.number.saturating_add(1);
    if number == next {
        return (Turn::Take, told(number));
    }
    match last.digest {
        // What was refused may come again, corrected.
        None if number == last.number => (Turn::Take, told(number)),
        Some(known) if number == last.number && known == digest => (Turn::Again, told(next)),
        Some(_) | None => (Turn::Refuse, told(next)),
    }
}

/// The number that is expected next; -1 when any is.
pub(crate) fn expected(last: Option<&Sequence>) -> Expected {
    last.map_or(-1, |last| told(last.number.saturating_add(1)))
}

fn told(number: u64) -> Expected {
    Expected::try_from(number).unwrap_or(Expected::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Digest = Digest([1; 32]);
    const B: Digest = Digest([2; 32]);

    #[test]
    fn each_number_is_taken_in_its_turn_and_another_is_told_which_one_is() {
        let seven = Sequence { number: 7, digest: Some(A) };
        assert_eq!(turn(None, 40, A), (Turn::Take, 40), "any, when nothing is remembered");
        assert_eq!(turn(Some(&seven), 8, B), (Turn::Take, 8));
        assert_eq!(turn(Some(&seven), 7, A), (Turn::Again, 8), "its answer was lost");
        assert_eq!(turn(Some(&seven), 7, B), (Turn::Refuse, 8), "something else under a number that is taken");
        for number in [1, 6, 9, 1000] {
            assert_eq!(turn(Some(&seven), number, A), (Turn::Refuse, 8), "{number}");
        }
        let refused = Sequence { number: 7, digest: None };
        assert_eq!(turn(Some(&refused), 7, B), (Turn::Take, 7), "corrected");
        assert_eq!(turn(Some(&refused), 8, B), (Turn::Take, 8), "or passed over");
        assert_eq!((expected(None), expected(Some(&seven))), (-1, 8));
    }

    #[test]
    fn msh_13_is_a_number_or_a_word_of_the_protocol() {
        assert_eq!(Number::read("0"), Ok(Number::Start));
        assert_eq!(Number::read("-1"), Ok(Number::Resync));
        assert_eq!(Number::read("17"), Ok(Number::Of(17)));
        assert_eq!(Number::read("999999999999999"), Ok(Number::Of(NUMBER_MAX)));
        assert_eq!(Number::read(""), Err(Reason::MissingField));
        for text in ["-2", "1.5", "x", "1000000000000000", "99999999999999999999999"] {
            assert_eq!(Number::read(text), Err(Reason::BadValue), "{text}");
        }
    }
}
