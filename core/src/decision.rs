//! A decision: permit or withhold, with the rule that gave it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::policy::PolicyVersion;
use crate::reason::Reason;
use crate::scope::Domain;

/// The answer to one question for one domain. There is no third value: no answer is never a permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// May be stored, or shown.
    Permit,
    /// May not, for this reason.
    Withhold(Reason),
}

/// One recorded decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// What it is about.
    pub domain: Domain,
    /// Permit or withhold.
    pub verdict: Verdict,
    /// The row of the decision table that fired, e.g. `D6`; see docs/decisions/0002-deposit-and-access.md.
    pub rule: std::borrow::Cow<'static, str>,
    /// The policy under which the consent was given.
    pub policy: PolicyVersion,
    /// When it was decided, UTC.
    pub at: Timestamp,
}

impl Decision {
    /// Whether it permits.
    pub const fn permits(&self) -> bool {
        matches!(self.verdict, Verdict::Permit)
    }
}
