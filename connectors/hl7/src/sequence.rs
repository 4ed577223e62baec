//! The sequence number protocol (HL7 v2.9.1, §2.10.1): what is answered to a number, on what was taken before.
//!
//! The sender counts its messages in MSH-13, and MSA-4 of each answer tells what the hub has or expects. A number is taken
//! before its message goes to the log, by comparing and setting what is remembered: of two processes that take the same
//! feed one gets it, and the other judges the number anew. Should the process end between the two, the sender had no answer
//! and sends the message again; it is known by its bytes, and goes to the log then.

use causeway_core::envelope::{Digest, FeedName};
use causeway_core::port::{RepositoryError, Sequence};
use causeway_core::reason::Reason;

use crate::door::Sequences;

/// The largest number: what NM has digits for.
const NUMBER_MAX: u64 = 999_999_999_999_999;

/// How often a number is judged anew because another process was first.
const TRIES: u32 = 16;

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

/// A number that was taken, and what was remembered before: to give it back when its message cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    before: Option<Sequence>,
    now: Sequence,
}

/// The word on a numbered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim {
    /// What becomes of it.
    pub(crate) turn: Turn,
    /// MSA-4.
    pub(crate) expected: Expected,
    /// Its number, when it was taken for it.
    pub(crate) taken: Option<Taken>,
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

/// Takes a number of a feed, if it is its turn. `refused` says that what came under it is kept and not taken, so that
/// something else may come under it. May block.
pub(crate) fn claim(
    sequences: &Sequences,
    feed: &FeedName,
    number: u64,
    digest: Digest,
    refused: bool,
) -> Result<Claim, RepositoryError> {
    let now = Sequence { number, digest: (!refused).then_some(digest) };
    for _ in 0..TRIES {
        let before = (sequences.last)(feed)?;
        let (turn, expected) = turn(before.as_ref(), number, digest);
        if turn != Turn::Take {
            return Ok(Claim { turn, expected, taken: None });
        }
        if (sequences.keep)(feed, before.as_ref(), Some(&now))? {
            return Ok(Claim { turn, expected, taken: Some(Taken { before, now }) });
        }
    }
    Err(overtaken())
}

/// Gives a number back whose message could not be kept. Whether nobody took another one meanwhile. May block.
pub(crate) fn give_back(sequences: &Sequences, feed: &FeedName, taken: &Taken) -> Result<bool, RepositoryError> {
    (sequences.keep)(feed, Some(&taken.now), taken.before.as_ref())
}

/// The word on a message that asks which number is expected, or begins anew. May block.
pub(crate) fn link(sequences: &Sequences, feed: &FeedName, begins_anew: bool) -> Result<Claim, RepositoryError> {
    for _ in 0..TRIES {
        let before = (sequences.last)(feed)?;
        if !begins_anew {
            return Ok(Claim { turn: Turn::Take, expected: expected(before.as_ref()), taken: None });
        }
        if (sequences.keep)(feed, before.as_ref(), None)? {
            return Ok(Claim { turn: Turn::Take, expected: expected(None), taken: None });
        }
    }
    Err(overtaken())
}

fn overtaken() -> RepositoryError {
    RepositoryError::Unavailable {
        cause: "other processes take the sequence numbers of the feed all the time".to_owned(),
    }
}

/// Whether it is the turn of a number, and what MSA-4 says.
fn turn(last: Option<&Sequence>, number: u64, digest: Digest) -> (Turn, Expected) {
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
fn expected(last: Option<&Sequence>) -> Expected {
    last.map_or(-1, |last| told(last.number.saturating_add(1)))
}

fn told(number: u64) -> Expected {
    Expected::try_from(number).unwrap_or(Expected::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

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

    /// Sequences in memory, of which another process takes `stolen` just before each of the first takings.
    fn contested(last: Option<Sequence>, stolen: Vec<Sequence>) -> Sequences {
        let state = Arc::new(Mutex::new((last, stolen)));
        let read = Arc::clone(&state);
        Sequences {
            last: Arc::new(move |_| Ok(read.lock().expect("whole").0)),
            keep: Arc::new(move |_, expect, to| {
                let mut state = state.lock().expect("whole");
                if let Some(other) = state.1.pop() {
                    state.0 = Some(other);
                }
                let is = state.0.as_ref() == expect;
                state.0 = if is { to.copied() } else { state.0 };
                Ok(is)
            }),
        }
    }

    #[test]
    fn a_number_that_another_process_took_first_is_judged_anew() {
        let feed = FeedName::parse("lab").expect("a name");
        let at = |number, digest| Sequence { number, digest };
        let seven = Some(at(7, Some(A)));
        let claimed = |stolen: Vec<Sequence>| claim(&contested(seven, stolen), &feed, 8, A, false).expect("a word");
        let alone = claimed(Vec::new());
        assert_eq!((alone.turn, alone.expected), (Turn::Take, 8));
        assert_eq!(alone.taken, Some(Taken { before: seven, now: at(8, Some(A)) }));
        let same = claimed(vec![at(8, Some(A))]);
        assert_eq!((same.turn, same.expected, same.taken), (Turn::Again, 9, None), "sent to both");
        let other = claimed(vec![at(8, Some(B))]);
        assert_eq!((other.turn, other.expected, other.taken), (Turn::Refuse, 9, None), "something else was first");
        let corrected = claimed(vec![at(8, None)]);
        assert_eq!(corrected.taken.map(|taken| taken.before), Some(Some(at(8, None))), "in place of what was refused");
        let busy = claim(&contested(seven, vec![at(8, None); 99]), &feed, 8, A, true);
        assert!(busy.is_ok(), "what is remembered is the same each time");
    }

    #[test]
    fn a_number_given_back_can_be_taken_by_another_message_unless_it_went_on() {
        let feed = FeedName::parse("lab").expect("a name");
        let sequences = contested(None, Vec::new());
        let taken = claim(&sequences, &feed, 1, A, false).expect("a word").taken.expect("taken");
        assert!(give_back(&sequences, &feed, &taken).expect("a word"));
        let again = claim(&sequences, &feed, 1, B, false).expect("a word");
        assert_eq!((again.turn, again.expected), (Turn::Take, 1));
        claim(&sequences, &feed, 2, A, false).expect("a word");
        assert!(!give_back(&sequences, &feed, &again.taken.expect("taken")).expect("a word"));
        assert_eq!(link(&sequences, &feed, false).expect("a word").expected, 3);
        assert_eq!(link(&sequences, &feed, true).expect("a word").expected, -1);
        assert_eq!(claim(&sequences, &feed, 40, A, false).expect("a word").expected, 40);
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
