//! The journey of one message: when it came, where it stands in the log, what was decided and why, what was stored.
//! Never what it says: no field of the message, no key of a record, no comment of a person is shown.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use causeway_core::decision::{Decision, Verdict};
use causeway_core::envelope::TraceId;
use causeway_core::mapped::Note;
use causeway_core::outcome::State as MessageState;
use causeway_core::port::{MessageDetail, RecordRow, Transition};
use causeway_serve::http::Problem;
use causeway_serve::language::{Speaker, Value};
use jiff::Timestamp;

use super::badge::Badge;
use super::words::{Explained, Moment, domain_name};
use super::{Area, DashboardState, Reader, ask, framed, rendered};

/// The page. A trace id the repository does not know is not found.
pub(super) async fn page(
    State(state): State<DashboardState>,
    reader: Reader,
    Path((_, trace)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let trace: TraceId =
        serde_json::from_value(serde_json::Value::String(trace)).map_err(|_no_trace_id| Problem::NotFound)?;
    let say = reader.say();
    let known = ask(&state, move |repository| repository.trace(&trace.to_string())).await?;
    let Some(detail) = known.iter().find(|detail| detail.row.facts.trace == trace) else {
        return Err(Problem::NotFound);
    };
    let now = (state.snapshot)().at;
    Ok(framed(&state, &reader, Area::Messages, &say.text("journey-title"), rendered(&Journey::of(detail, now, say))?))
}

#[derive(Template)]
#[template(path = "dashboard/journey.html")]
pub(super) struct Journey<'a> {
    say: Speaker<'a>,
    badge: Badge,
    in_part: bool,
    reason: Option<Explained>,
    place: String,
    trace: String,
    feed: String,
    kind: String,
    control_id: String,
    control_id_reused: bool,
    sender: String,
    size: String,
    digest: String,
    position: String,
    received: Moment,
    steps: Vec<Step>,
    decisions: Vec<Decided>,
    records: Vec<Stored>,
    notes: Vec<Note>,
}

impl<'a> Journey<'a> {
    /// What is known of a message.
    pub(super) fn of(detail: &MessageDetail, now: Timestamp, say: Speaker<'a>) -> Self {
        let (row, facts) = (&detail.row, &detail.row.facts);
        Self {
            say,
            badge: Badge::of_message(row.state, say),
            in_part: row.state == MessageState::Accepted,
            reason: row.reason.map(|reason| Explained::of(reason, say)),
            place: row.place.clone(),
            trace: facts.trace.to_string(),
            feed: facts.feed.to_string(),
            kind: facts.kind.clone(),
            control_id: facts.control_id.clone(),
            control_id_reused: facts.control_id_reused,
            sender: facts.sender.clone(),
            size: say.size(facts.bytes),
            digest: facts.digest.to_string(),
            position: facts.position.to_string(),
            received: Moment::of(facts.received_at, now, say),
            steps: detail.transitions.iter().map(|step| Step::of(step, facts.received_at, say)).collect(),
            decisions: detail.decisions.iter().map(|decision| Decided::of(decision, say)).collect(),
            records: detail.records.iter().map(|record| Stored::of(record, now, say)).collect(),
            notes: detail.notes.clone(),
        }
    }
}

/// A step of its life.
struct Step {
    badge: Badge,
    at: Moment,
    after: String,
    in_part: bool,
    reason: Option<Explained>,
    actor: String,
}

impl Step {
    fn of(step: &Transition, received: Timestamp, say: Speaker<'_>) -> Self {
        let after = say.duration(step.at.duration_since(received).as_secs_f64());
        Self {
            badge: Badge::of_message(step.state, say),
            at: Moment::of(step.at, step.at, say),
            after: say.fill("step-after", &[("span", Value::Text(&after))]),
            in_part: step.state == MessageState::Accepted,
            reason: step.reason.map(|reason| Explained::of(reason, say)),
            actor: step.actor.0.clone(),
        }
    }
}

/// A decision for one domain.
struct Decided {
    domain: &'static str,
    code: &'static str,
    permitted: bool,
    reason: Option<Explained>,
    rule: String,
    policy: &'static str,
}

impl Decided {
    fn of(decision: &Decision, say: Speaker<'_>) -> Self {
        let reason = match decision.verdict {
            Verdict::Permit => None,
            Verdict::Withhold(reason) => Some(Explained::of(reason, say)),
        };
        Self {
            domain: domain_name(decision.domain, say.language()),
            code: decision.domain.code(),
            permitted: decision.permits(),
            reason,
            rule: decision.rule.clone().into_owned(),
            policy: decision.policy.as_str(),
        }
    }
}

/// A record version it wrote.
struct Stored {
    resource: String,
    domain: &'static str,
    code: &'static str,
    version: String,
    current: bool,
    retracted: bool,
    at: Moment,
}

impl Stored {
    fn of(record: &RecordRow, now: Timestamp, say: Speaker<'_>) -> Self {
        // The key goes on with the sender's own numbers: of it only the type of the resource is shown.
        let resource = record.key.0.split('/').next().unwrap_or_default().to_owned();
        Self {
            resource,
            domain: domain_name(record.domain, say.language()),
            code: record.domain.code(),
            version: record.version.to_string(),
            current: record.current,
            retracted: record.retracted,
            at: Moment::of(record.stored_at, now, say),
        }
    }
}
