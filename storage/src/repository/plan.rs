//! What a plan must be like to be stored, and what the audit says of it.

use std::collections::BTreeMap;

use causeway_core::decision::{Decision, Verdict};
use causeway_core::envelope::Position;
use causeway_core::outcome::{Outcome, State};
use causeway_core::port::Fence;
use causeway_core::reason::Reason;
use causeway_core::scope::Domain;

use super::error::{Result, StoreError};

/// Promise 3, held here as well: no record without a permit for its domain, nothing clinical of what is not accepted.
pub(in crate::repository) fn check_outcome(outcome: &Outcome) -> Result<()> {
    let refuse =
        |what: &str| Err(StoreError::Refused(format!("the plan for message {} {what}", outcome.facts.position)));
    if outcome.state != State::Accepted {
        return match (outcome.records.is_empty() && outcome.instance.is_none(), outcome.reason) {
            (false, _) => refuse("has records although it is not accepted"),
            (true, None) => refuse("gives no reason"),
            (true, Some(_)) => Ok(()),
        };
    }
    if !outcome.records.is_empty() && outcome.person.is_none() {
        return refuse("has records of nobody");
    }
    if outcome.instance.is_some() && outcome.records.is_empty() {
        return refuse("stores an instance without its study");
    }
    let permitted =
        |domain: Domain| outcome.decisions.iter().any(|decision| decision.domain == domain && decision.permits());
    match outcome.records.iter().find(|record| !permitted(record.domain)) {
        Some(record) => refuse(&format!("stores {} without a permit", record.domain)),
        None => Ok(()),
    }
}

/// Why an operator gives something up: said in words, and not in too many.
pub(in crate::repository) fn check_comment(comment: &str, bytes_max: usize) -> Result<()> {
    if comment.trim().is_empty() || comment.len() > bytes_max {
        return Err(StoreError::Refused(format!("a reason in words is needed, of at most {bytes_max} bytes")));
    }
    Ok(())
}

/// A message stands where the fence says.
pub(in crate::repository) fn check_position(fence: Fence, position: Position) -> Result<()> {
    let inside = (fence.expect..fence.next).contains(&position.offset) && position.partition == fence.partition;
    if inside { Ok(()) } else { Err(StoreError::Refused(format!("message {position} is not of this batch"))) }
}

/// What the audit line of a decided message says: decisions that are alike stand together.
pub(in crate::repository) fn deposit(outcome: &Outcome) -> BTreeMap<String, String> {
    let mut detail = BTreeMap::from([
        ("message".to_owned(), outcome.facts.position.to_string()),
        ("provider".to_owned(), outcome.facts.provider.0.clone()),
    ]);
    for group in outcome.decisions.chunk_by(alike) {
        let Some(first) = group.first() else { continue };
        let (verdict, reason) = match first.verdict {
            Verdict::Permit => ("permit", ""),
            Verdict::Withhold(reason) => ("withhold", reason.code()),
        };
        let said = detail.entry(verdict.to_owned()).or_default();
        let words = [first.rule.as_ref(), first.policy.as_str(), reason];
        let words = words.into_iter().chain(group.iter().map(|decision| decision.domain.code()));
        for word in words.filter(|word| !word.is_empty()) {
            if !said.is_empty() {
                said.push(' ');
            }
            said.push_str(word);
        }
    }
    detail
}

/// What the audit line says of an image that waits because it stands for another person: which, by its own identifier.
pub(in crate::repository) fn doubt(outcome: &Outcome) -> Option<BTreeMap<String, String>> {
    let detail = || {
        let facts = &outcome.facts;
        [
            ("message", facts.position.to_string()),
            ("provider", facts.provider.0.clone()),
            ("feed", facts.feed.to_string()),
            ("instance", facts.control_id.clone()),
            ("place", outcome.place.clone()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    };
    (outcome.reason == Some(Reason::ImageOfTwoPersons)).then(detail)
}

fn alike(a: &Decision, b: &Decision) -> bool {
    a.verdict == b.verdict && a.rule == b.rule && a.policy == b.policy
}
