//! What becomes of one message: pure, on what the repository resolved inside the transaction that will store it.

mod depositing;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod properties;

use causeway_core::identity::subject_keys;
use causeway_core::mapped::{Fault, Identity, Mapped, Note};
use causeway_core::outcome::{Outcome, State};
use causeway_core::policy::Rules;
use causeway_core::port::Candidates;
use causeway_core::provider::Provider;
use causeway_core::reason::Reason;
use jiff::Timestamp;

use self::depositing::Depositing;
use crate::message::{Content, Message};

/// Plans one message. No record without a permit; no answer is never a permit.
pub fn plan(message: &Message, known: Known<'_>, at: Timestamp, rules: Rules) -> Outcome {
    match &message.content {
        Content::Refused(refusal) => ended(message, state_of_refusal(refusal.reason), refusal.reason, &refusal.place),
        Content::FeedUnknown => ended(message, State::Held, Reason::FeedUnknown, ""),
        Content::Gone => ended(message, State::Held, Reason::LogEntryGone, ""),
        Content::Mapped(mapped) => plan_mapped(message, mapped, known, at, rules),
    }
}

/// What the repository knows about one message.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The provider; `None` when the registry does not have it.
    pub provider: Option<&'a Provider>,
    /// The persons it may be about.
    pub candidates: &'a Candidates,
}

fn plan_mapped(message: &Message, mapped: &Mapped, known: Known<'_>, at: Timestamp, rules: Rules) -> Outcome {
    if let (true, Some(fault)) = (mapped.records.is_empty(), mapped.faults.first()) {
        return unmappable(message, mapped, fault);
    }
    let Some(identity) = &mapped.identity else {
        let nothing = mapped.records.is_empty() && mapped.pending.is_empty();
        let reason = if nothing { Reason::NothingSharable } else { Reason::NoIdentifier };
        return ended(message, State::Withheld, reason, "");
    };
    Depositing::new(message, mapped, identity, known, at, rules).outcome()
}

/// Nothing could be made of it, and no change of the registry will mend that. What the door had refused stays refused,
/// now for the mapper's reason.
fn unmappable(message: &Message, mapped: &Mapped, fault: &Fault) -> Outcome {
    let state = if message.refused { state_of_refusal(fault.reason) } else { State::Held };
    Outcome { notes: notes(mapped), ..ended(message, state, fault.reason, &fault.place) }
}

/// Text in a character set that is not what was thought is the one refusal an operator can repair without the sender.
const fn state_of_refusal(reason: Reason) -> State {
    if matches!(reason, Reason::Undecodable | Reason::CharsetUnknown) { State::Held } else { State::Rejected }
}

/// Permitted, and yet nothing can be stored of it now: it waits for an operator.
pub(crate) fn held(message: &Message, mapped: &Mapped, reason: Reason) -> Outcome {
    let outcome = Outcome { notes: notes(mapped), ..ended(message, State::Held, reason, "") };
    match &mapped.identity {
        Some(identity) => findable(outcome, identity),
        None => outcome,
    }
}

/// An outcome with nothing stored.
fn ended(message: &Message, state: State, reason: Reason, place: &str) -> Outcome {
    Outcome {
        facts: message.facts.clone(),
        state,
        reason: Some(reason),
        place: place.to_owned(),
        person: None,
        subject_keys: Vec::new(),
        decisions: Vec::new(),
        records: Vec::new(),
        notes: Vec::new(),
        links: Vec::new(),
        unmapped: Vec::new(),
        instance: None,
    }
}

/// Makes a withheld or held message findable when its person joins, consents or is corrected.
fn findable(outcome: Outcome, identity: &Identity) -> Outcome {
    let subject_keys = subject_keys(&outcome.facts.provider, identity);
    Outcome { subject_keys, ..outcome }
}

/// What mapping noted, the faults that cost a part of the message, and documents that did not come: nothing is dropped
/// silently.
fn notes(mapped: &Mapped) -> Vec<Note> {
    let note = |reason: Reason, place: &String, text: &String| Note {
        code: reason.code().to_ascii_lowercase().replace('_', "-"),
        place: place.clone(),
        text: text.clone(),
    };
    let faults = mapped.faults.iter().map(|fault| note(fault.reason, &fault.place, &fault.text));
    let told = mapped.pending.iter().filter(|pending| !pending.text.is_empty());
    let pending = told.map(|pending| note(pending.reason, &pending.place, &pending.text));
    faults.chain(pending).chain(mapped.notes.iter().cloned()).collect()
}
