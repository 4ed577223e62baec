//! The hub's own form of consent events: one JSON object a line, as registration desks hand them over.
//!
//! `{"seq":2,"type":"GiveOneYear","hcr":"H1","hcp":"9265486345","at":"2024-02-29T09:00:00+08:00","channel":"HKIC_READER"}`
//!
//! `type`, `hcr` and `at` are required. `hcr` says whom, in whatever way the giver of the file and its taker agreed on;
//! the caller finds the person. Without `policy` the one in force at `at` counts; without `seq` the number of the line.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{ConsentEvent, ConsentEventKind};
use crate::person::PersonId;
use crate::phi::Phi;
use crate::policy::PolicyVersion;
use crate::provider::ProviderId;

/// Reads all lines. Blank ones are skipped; a bad one does not stop the others.
pub fn read(text: &str) -> impl Iterator<Item = Result<EventLine, ImportError>> {
    let numbered = (1_u32..).zip(text.lines());
    numbered
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| line_of(number, line).map_err(|fault| ImportError { line: number, fault }))
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLine {
    /// Its number in the history.
    pub seq: u32,
    /// What happened.
    pub kind: ConsentEventKind,
    /// To whom, as written.
    pub hcr: Phi<String>,
    /// The provider, for sharing consents.
    pub hcp: Option<ProviderId>,
    /// When it took effect.
    pub at: Timestamp,
    /// The policy under which it was given.
    pub policy: PolicyVersion,
    /// Who gave it; empty when not said.
    pub by: String,
    /// How; empty when not said.
    pub channel: String,
}

impl EventLine {
    /// The event, once the person is found.
    pub fn into_event(self, person: PersonId) -> ConsentEvent {
        let Self { seq, kind, hcr: _, hcp, at, policy, by, channel } = self;
        ConsentEvent { seq, kind, person, provider: hcp, at, policy, by, channel }
    }
}

/// A line that is no event. No value of it is in the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct ImportError {
    /// Its number, from 1.
    pub line: u32,
    /// What is wrong.
    pub fault: ImportFault,
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportFault {
    /// No JSON object.
    #[error("not a JSON object (column {column})")]
    NotAnObject {
        /// Where it stops being one, from 1; 0 when it is JSON of another kind.
        column: usize,
    },
    /// A key that means nothing.
    #[error("the key `{0}` is not known; known are seq, type, hcr, hcp, at, by, channel and policy")]
    UnknownKey(String),
    /// A key that has to be there.
    #[error("the key `{0}` is missing")]
    Missing(&'static str),
    /// A value that does not fit its key.
    #[error("the value of `{key}` is not {expected}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// What is expected.
        expected: &'static str,
    },
}

const KEYS: &[&str] = &["seq", "type", "hcr", "hcp", "at", "by", "channel", "policy"];

fn line_of(number: u32, line: &str) -> Result<EventLine, ImportFault> {
    let value: Value =
        serde_json::from_str(line).map_err(|error| ImportFault::NotAnObject { column: error.column() })?;
    let Value::Object(object) = value else { return Err(ImportFault::NotAnObject { column: 0 }) };
    if let Some(key) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(ImportFault::UnknownKey(key.clone()));
    }
    let kind = required(&object, "type", "a kind of event, as GiveIndefinite", ConsentEventKind::parse)?;
    let at = required(&object, "at", "a time with an offset, as 2024-02-29T09:00:00+08:00", |text| text.parse().ok())?;
    let policy = optional(&object, "policy", "2019 or 2025", PolicyVersion::parse)?;
    let seq = match object.get("seq") {
        None => number,
        Some(seq) => {
            let fits = seq.as_u64().and_then(|seq| u32::try_from(seq).ok()).filter(|seq| *seq > 0);
            fits.ok_or(ImportFault::BadValue { key: "seq", expected: "a number from 1" })?
        }
    };
    Ok(EventLine {
        seq,
        kind,
        hcr: Phi::from(required(&object, "hcr", "a text", words)?),
        hcp: optional(&object, "hcp", "a provider's number", words)?.map(|id| ProviderId(id.to_owned())),
        at,
        policy: policy.unwrap_or_else(|| PolicyVersion::in_force(at)),
        by: optional(&object, "by", "a text", words)?.unwrap_or_default().to_owned(),
        channel: optional(&object, "channel", "a text", words)?.unwrap_or_default().to_owned(),
    })
}

fn required<'o, T>(
    object: &'o Map<String, Value>,
    key: &'static str,
    expected: &'static str,
    parse: impl Fn(&'o str) -> Option<T>,
) -> Result<T, ImportFault> {
    optional(object, key, expected, parse)?.ok_or(ImportFault::Missing(key))
}

fn optional<'o, T>(
    object: &'o Map<String, Value>,
    key: &'static str,
    expected: &'static str,
    parse: impl Fn(&'o str) -> Option<T>,
) -> Result<Option<T>, ImportFault> {
    let Some(value) = object.get(key) else { return Ok(None) };
    value.as_str().and_then(parse).map(Some).ok_or(ImportFault::BadValue { key, expected })
}

/// Any text with something in it.
fn words(text: &str) -> Option<&str> {
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(line: &str) -> String {
        read(line).next().expect("a line").expect_err("a fault").to_string()
    }

    #[test]
    fn a_bad_line_says_where_and_what_and_never_the_value() {
        for (line, expected) in [
            ("{", "line 1: not a JSON object (column 1)"),
            ("[1]", "line 1: not a JSON object (column 0)"),
            (
                r#"{"hkid":"A1234563"}"#,
                "line 1: the key `hkid` is not known; known are seq, type, hcr, hcp, at, by, channel and policy",
            ),
            (r#"{"hcr":"A1234563"}"#, "line 1: the key `type` is missing"),
            (r#"{"type":"A1234563"}"#, "line 1: the value of `type` is not a kind of event, as GiveIndefinite"),
            (
                r#"{"type":"Withdraw","at":"2024-02-29T09:00:00","hcr":"H1"}"#,
                "line 1: the value of `at` is not a time with an offset, as 2024-02-29T09:00:00+08:00",
            ),
            (r#"{"type":"Withdraw","at":"2024-02-29T09:00:00Z","hcr":7}"#, "line 1: the value of `hcr` is not a text"),
            (
                r#"{"type":"Withdraw","at":"2024-02-29T09:00:00Z","hcr":"H1","seq":0}"#,
                "line 1: the value of `seq` is not a number from 1",
            ),
        ] {
            assert_eq!(fault(line), expected);
        }
    }

    #[test]
    fn a_bad_line_does_not_stop_the_others_and_blank_ones_are_skipped() {
        let good = r#"{"type":"Withdraw","at":"2025-12-01T00:00:00+08:00","hcr":"H1"}"#;
        let read: Vec<_> = read(&format!("\n?\r\n{good}\r\n")).collect();
        assert_eq!(read.len(), 2);
        assert!(read[0].is_err());
        let event = read[1].as_ref().expect("an event");
        assert_eq!((event.seq, event.policy), (3, PolicyVersion::V2025));
    }
}
