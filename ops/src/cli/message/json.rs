//! Messages as JSON: names and values stay what they are once they are published here.

use causeway_core::decision::{Decision, Verdict};
use causeway_core::port::{MessageDetail, MessageRow, RecordRow, Transition};
use serde_json::{Value, json};

/// A message as listed.
pub(crate) fn row(row: &MessageRow) -> Value {
    let facts = &row.facts;
    json!({
        "row": row.row,
        "trace": facts.trace,
        "position": facts.position.to_string(),
        "feed": facts.feed,
        "provider": facts.provider,
        "format": facts.format,
        "sender": facts.sender,
        "control_id": facts.control_id,
        "type": facts.kind,
        "received_at": facts.received_at,
        "settled_at": row.settled_at,
        "state": row.state,
        "reason": row.reason,
        "place": row.place,
        "person": row.person,
        "bytes": facts.bytes,
        "digest": facts.digest.to_string(),
        "control_id_reused": facts.control_id_reused,
        "records": row.effects,
    })
}

/// All that is known of a message.
pub(crate) fn detail(detail: &MessageDetail) -> Value {
    let mut value = row(&detail.row);
    if let Some(object) = value.as_object_mut() {
        object.insert("steps".to_owned(), detail.transitions.iter().map(step).collect());
        object.insert("decisions".to_owned(), detail.decisions.iter().map(decision).collect());
        object.insert("notes".to_owned(), json!(detail.notes));
        object.insert("versions".to_owned(), detail.records.iter().map(version).collect());
    }
    value
}

fn step(step: &Transition) -> Value {
    json!({ "at": step.at, "state": step.state, "reason": step.reason, "actor": step.actor, "comment": step.comment })
}

fn decision(decision: &Decision) -> Value {
    let (permits, reason) = match decision.verdict {
        Verdict::Permit => (true, None),
        Verdict::Withhold(reason) => (false, Some(reason)),
    };
    json!({
        "domain": decision.domain, "permit": permits, "reason": reason,
        "rule": decision.rule, "policy": decision.policy, "at": decision.at,
    })
}

/// A record version, without its key, which may hold a patient's number, and without its content.
fn version(row: &RecordRow) -> Value {
    json!({
        "domain": row.domain,
        "type": row.key.0.split('/').next(),
        "id": row.key.resource_id(),
        "version": row.version,
        "current": row.current,
        "retracted": row.retracted,
        "stored_at": row.stored_at,
    })
}
