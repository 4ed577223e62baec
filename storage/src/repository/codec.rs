//! How values of the domain stand in columns, and how they are read back.

use causeway_core::decision::{Decision, Verdict};
use causeway_core::envelope::{Digest, FeedName, Format, Offset, PartitionId, Position, TraceId};
use causeway_core::mapped::Note;
use causeway_core::outcome::State;
use causeway_core::policy::PolicyVersion;
use causeway_core::reason::Reason;
use causeway_core::scope::{Domain, Level};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::error::{Result, StoreError, damaged};

/// Microseconds since 1970. Finer parts are left off.
pub(in crate::repository) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The time of a column.
pub(in crate::repository) fn timestamp(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).ok().ok_or_else(|| damaged("a stored time is out of range"))
}

/// A number that SQLite can hold.
pub(in crate::repository) fn int(value: u64) -> Result<i64> {
    i64::try_from(value).ok().ok_or_else(|| StoreError::Refused(format!("{value} is beyond what can be stored")))
}

/// A count as stored.
pub(in crate::repository) fn count(value: i64) -> Result<u64> {
    u64::try_from(value).ok().ok_or_else(|| damaged("a stored count is negative"))
}

/// A small number as stored.
pub(in crate::repository) fn small<T: TryFrom<i64>>(value: i64) -> Result<T> {
    T::try_from(value).ok().ok_or_else(|| damaged("a stored number is out of range"))
}

/// The code of a state. Pinned: the schema's partial indexes name them.
pub(in crate::repository) const fn state_code(state: State) -> i64 {
    match state {
        State::Accepted => 0,
        State::Withheld => 1,
        State::Held => 2,
        State::Rejected => 3,
        State::Discarded => 4,
    }
}

/// The state of a code.
pub(in crate::repository) fn state_of(code: i64) -> Result<State> {
    let known = State::ALL.iter().copied().find(|state| state_code(*state) == code);
    known.ok_or_else(|| damaged("a message has an unknown state"))
}

/// The reason of a column.
pub(in crate::repository) fn reason_of(code: Option<String>) -> Result<Option<Reason>> {
    let parse = |code: String| Reason::parse(&code).ok_or_else(|| damaged(format!("`{code}` is no reason code")));
    code.map(parse).transpose()
}

/// The domain of a column.
pub(in crate::repository) fn domain_of(code: &str) -> Result<Domain> {
    Domain::parse(code).ok_or_else(|| damaged(format!("`{code}` is no domain")))
}

/// The feed of a column.
pub(in crate::repository) fn feed_of(name: &str) -> Result<FeedName> {
    FeedName::parse(name).ok().ok_or_else(|| damaged("a stored feed name is none"))
}

/// The format of a column.
pub(in crate::repository) fn format_of(word: &str) -> Result<Format> {
    let all = [Format::Hl7v2, Format::Dicom, Format::ChineseMedicine];
    all.into_iter().find(|format| format.as_str() == word).ok_or_else(|| damaged(format!("`{word}` is no format")))
}

/// The level as a number, 1 to 3 as in the eHR data standards.
pub(in crate::repository) const fn level_code(level: Level) -> i64 {
    match level {
        Level::Document => 1,
        Level::Structured => 2,
        Level::Coded => 3,
    }
}

/// The digest of a column.
pub(in crate::repository) fn digest_of(bytes: &[u8]) -> Result<Digest> {
    <[u8; 32]>::try_from(bytes).ok().map(Digest).ok_or_else(|| damaged("a stored digest has another length"))
}

/// The trace of a column.
pub(in crate::repository) fn trace_of(bytes: &[u8]) -> Result<TraceId> {
    uuid::Uuid::from_slice(bytes).map(TraceId).ok().ok_or_else(|| damaged("a stored trace id has another length"))
}

/// The position of two columns.
pub(in crate::repository) fn position_of(partition: i64, offset: i64) -> Result<Position> {
    Ok(Position { partition: PartitionId(small(partition)?), offset: Offset(count(offset)?) })
}

/// The first eight bytes of SHA-256, as a key.
pub(in crate::repository) fn hash_key(bytes: &[u8]) -> i64 {
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    first_eight(&digest)
}

/// The first eight bytes as a number.
pub(in crate::repository) fn first_eight(bytes: &[u8]) -> i64 {
    bytes.iter().take(8).fold(0, |key, byte| (key << 8) | i64::from(*byte))
}

/// Decisions as JSON: `[[rule, policy, reason or null, time or null, [domain, …]], …]`. Consecutive ones that differ in
/// the domain only stand together; the time is left off where it is that of the step.
pub(in crate::repository) fn write_decisions(decisions: &[Decision], settled: Timestamp) -> String {
    if decisions.is_empty() {
        return String::new();
    }
    let alike =
        |a: &Decision, b: &Decision| a.rule == b.rule && a.policy == b.policy && a.verdict == b.verdict && a.at == b.at;
    let groups: Vec<Value> = decisions
        .chunk_by(alike)
        .filter_map(|group| group.first().map(|first| (first, group)))
        .map(|(first, group)| {
            let reason = match first.verdict {
                Verdict::Permit => None,
                Verdict::Withhold(reason) => Some(reason.code()),
            };
            let at = (first.at != settled).then(|| first.at.to_string());
            let domains: Vec<&str> = group.iter().map(|decision| decision.domain.code()).collect();
            json!([first.rule, first.policy.as_str(), reason, at, domains])
        })
        .collect();
    Value::Array(groups).to_string()
}

/// What [`write_decisions`] wrote.
pub(in crate::repository) fn read_decisions(text: &str, settled: Timestamp) -> Result<Vec<Decision>> {
    type Group = (String, String, Option<String>, Option<Timestamp>, Vec<String>);
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let groups: Vec<Group> =
        serde_json::from_str(text).ok().ok_or_else(|| damaged("the decisions of a message cannot be read"))?;
    let mut decisions = Vec::new();
    for (rule, policy, reason, at, domains) in groups {
        let policy =
            PolicyVersion::parse(&policy).ok_or_else(|| damaged(format!("`{policy}` is no policy version")))?;
        let verdict = reason_of(reason)?.map_or(Verdict::Permit, Verdict::Withhold);
        for domain in domains {
            let domain = domain_of(&domain)?;
            let rule = rule.clone().into();
            decisions.push(Decision { domain, verdict, rule, policy, at: at.unwrap_or(settled) });
        }
    }
    Ok(decisions)
}

/// Notes as JSON: `[[code, place, text], …]`; empty for none. `texts` says whether the texts are kept.
pub(in crate::repository) fn write_notes(notes: &[Note], texts: bool) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let rows = notes.iter().map(|note| json!([note.code, note.place, if texts { note.text.as_str() } else { "" }]));
    Value::Array(rows.collect()).to_string()
}

/// What [`write_notes`] wrote.
pub(in crate::repository) fn read_notes(text: &str) -> Result<Vec<Note>> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, String, String)> =
        serde_json::from_str(text).ok().ok_or_else(|| damaged("the notes of a message cannot be read"))?;
    Ok(rows.into_iter().map(|(code, place, text)| Note { code, place, text }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_formats_read_back() {
        for state in State::ALL {
            assert_eq!(state_of(state_code(*state)).ok(), Some(*state));
        }
        for format in [Format::Hl7v2, Format::Dicom, Format::ChineseMedicine] {
            assert_eq!(format_of(format.as_str()).ok(), Some(format));
        }
        assert!(state_of(9).is_err());
    }

    #[test]
    fn decisions_read_back_in_their_order_and_stand_together_where_alike() {
        let at = |second| Timestamp::from_second(second).expect("in range");
        let decision = |domain, verdict, rule: &'static str, second| Decision {
            domain,
            verdict,
            rule: rule.into(),
            policy: PolicyVersion::V2025,
            at: at(second),
        };
        let all = vec![
            decision(Domain::Identification, Verdict::Permit, "D6", 5),
            decision(Domain::Laboratory, Verdict::Permit, "D6", 5),
            decision(Domain::RadiologyReport, Verdict::Withhold(Reason::OutOfScope), "D4", 5),
            decision(Domain::Encounter, Verdict::Permit, "D6", 4),
        ];
        let text = write_decisions(&all, at(5));
        assert!(text.starts_with(r#"[["D6","2025",null,null,["PERS","LABR"]],"#), "{text}");
        assert_eq!(read_decisions(&text, at(5)).expect("readable"), all);
    }

    #[test]
    fn notes_read_back_and_lose_their_texts_on_request() {
        let note = Note { code: "unused-field".to_owned(), place: "PID-13".to_owned(), text: "a number".to_owned() };
        assert_eq!(
            read_notes(&write_notes(std::slice::from_ref(&note), true)).expect("readable"),
            std::slice::from_ref(&note)
        );
        let bare = read_notes(&write_notes(&[note], false)).expect("readable");
        assert_eq!(bare.first().map(|note| note.text.as_str()), Some(""));
    }
}
