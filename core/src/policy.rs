//! The rules: who may put a record in, and who may see it. Pure functions over versioned policy; the rows are those of
//! docs/decisions/0002-deposit-and-access.md.

mod access;
mod deposit;
#[cfg(test)]
mod invariants;
mod levels;
mod sharing;

pub use access::{Access, access, access_under};
pub use deposit::{Deposit, deposit};
pub use levels::MinimumLevels;
pub use sharing::ChineseMedicineRules;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::scope::Level;

/// 1 December 2025, 00:00 in Hong Kong: when the Electronic Health System Ordinance (Cap. 625 as amended) took effect.
const V2025_SINCE: i64 = 1_764_518_400;

/// A version of the rules. The one in force for a consent is the one under which it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PolicyVersion {
    /// Deposit and access both need sharing consent.
    #[serde(rename = "2019", alias = "PRE_2025_12")]
    V2019,
    /// In force from 1 December 2025: joining consent allows deposit; access still needs sharing consent.
    #[serde(rename = "2025", alias = "POST_2025_12")]
    V2025,
}

impl PolicyVersion {
    /// The version under which a consent is given that is given at `at`.
    pub fn in_force(at: Timestamp) -> Self {
        if at.as_second() < V2025_SINCE { Self::V2019 } else { Self::V2025 }
    }

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2019 => "2019",
            Self::V2025 => "2025",
        }
    }

    /// The version of a word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "2019" | "PRE_2025_12" => Some(Self::V2019),
            "2025" | "POST_2025_12" => Some(Self::V2025),
            _ => None,
        }
    }
}

/// What the sources leave open: configuration with a safe default, never a claim about the law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether a joining consent given under policy 2019 allows deposit without a sharing consent from 1 December 2025
    /// on. Off: the person was told otherwise when joining.
    pub legacy_join_allows_deposit: bool,
    /// The least level of structure of each domain.
    pub minimum_levels: MinimumLevels,
    /// The least level of a laboratory report whose results are numbers, where that is more than the domain's.
    pub laboratory_numbers: Level,
    /// What is shared between Chinese and western medicine, and from when on.
    pub chinese_medicine: ChineseMedicineRules,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            legacy_join_allows_deposit: false,
            minimum_levels: MinimumLevels::default(),
            laboratory_numbers: Level::Structured,
            chinese_medicine: ChineseMedicineRules::default(),
        }
    }
}
