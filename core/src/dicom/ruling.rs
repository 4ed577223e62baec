//! What operators rule about images: those under a Study, Series or SOP Instance UID are rejected, deleted, or restored.
//!
//! A ruling holds for all that is under its UID and all that comes under it later, until there is another one about the same
//! UID. It is not derived from the log: a repository that is built again from the log obeys the same rulings. None is ever
//! changed or removed; the last one about a UID stands, and those before it are its history.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::uid::Uid;
use crate::person::PersonId;
use crate::port::Actor;

/// The longest reason an operator may give, in bytes.
pub const REASON_BYTES_MAX: usize = 2000;

/// What is ruled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// No reader finds them; they are kept.
    Rejected,
    /// They are gone from the index, and their messages are given up. Nothing points to their pixels.
    Deleted,
    /// What was rejected is found again; what was deleted may come again.
    Restored,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rejected, Self::Deleted, Self::Restored];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
        }
    }

    /// The one of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == word)
    }

    /// Whether it keeps images from readers.
    pub const fn hides(self) -> bool {
        matches!(self, Self::Rejected | Self::Deleted)
    }

    /// Whether it changes anything about a UID of which the former one stands.
    pub fn follows(self, former: Option<Self>) -> bool {
        match self {
            Self::Rejected => !former.is_some_and(Self::hides),
            Self::Deleted => former != Some(Self::Deleted),
            Self::Restored => former.is_some_and(Self::hides),
        }
    }
}

/// A ruling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The Study, Series or SOP Instance UID.
    pub uid: Uid,
    /// What is ruled.
    pub verdict: Verdict,
    /// By whom.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why, in the operator's words: of 1 to [`REASON_BYTES_MAX`] bytes, and nothing about the patient.
    pub reason: String,
}

/// A ruling as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulingRow {
    /// Its number, growing in order of storing.
    pub row: i64,
    /// What it says.
    pub ruling: Ruling,
}

/// What a ruling does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RulingEffect {
    /// The one about the same UID that stood before.
    pub former: Option<Ruling>,
    /// Whether it is made. It is not where it changes nothing, where what should be rejected is deleted, and where nothing is
    /// known of the UID: then there are neither a former one nor images.
    pub made: bool,
    /// The images of the index that were under the UID.
    pub images: u64,
    /// Their studies.
    pub studies: BTreeSet<Uid>,
    /// Their persons.
    pub persons: BTreeSet<PersonId>,
    /// The images that readers found before and do not find any more, but for those that were deleted.
    pub hidden: u64,
    /// The images that readers find and did not find before.
    pub shown: u64,
    /// The images that were deleted.
    pub deleted: u64,
    /// Other UIDs under which images of this one are rejected, too.
    pub others: BTreeSet<Uid>,
}

impl RulingEffect {
    /// Whether anything is known of the UID.
    pub const fn is_known(&self) -> bool {
        self.images > 0 || self.former.is_some()
    }
}

/// Which rulings. All conditions given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RulingQuery {
    /// About this UID.
    pub uid: Option<Uid>,
    /// Made before this row, for paging: the newest come first.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_that_stands_is_not_made_again_and_what_is_deleted_is_not_rejected() {
        let follows = |verdict: Verdict| {
            let after = |former| verdict.follows(former);
            [None, Some(Verdict::Rejected), Some(Verdict::Deleted), Some(Verdict::Restored)].map(after)
        };
        assert_eq!(follows(Verdict::Rejected), [true, false, false, true]);
        assert_eq!(follows(Verdict::Deleted), [true, true, false, true]);
        assert_eq!(follows(Verdict::Restored), [false, true, true, false]);
        assert!(Verdict::ALL.iter().all(|verdict| Verdict::parse(verdict.as_str()) == Some(*verdict)));
    }
}
