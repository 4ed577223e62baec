//! The deposit of one message's records: whom they are about, one decision a record, and what the message comes to.

use std::borrow::Cow;
use std::sync::Arc;

use causeway_core::decision::{Decision, Verdict};
use causeway_core::identity::{Identification, Matched, Remark, identify, local_number_key};
use causeway_core::mapped::{Identity, Mapped, Note, UnmappedCode};
use causeway_core::outcome::{Outcome, State};
use causeway_core::person::{LocalNumber, PersonId};
use causeway_core::policy::{Deposit, Rules, deposit};
use causeway_core::port::Participant;
use causeway_core::provider::ProviderStatus;
use causeway_core::reason::Reason;
use causeway_core::record::{Lack, Record};
use jiff::{Timestamp, civil, tz};

use super::{Known, ended, findable, notes};
use crate::message::Message;

/// One message whose identity block could be read.
pub(super) struct Depositing<'a> {
    message: &'a Message,
    mapped: &'a Mapped,
    identity: &'a Identity,
    known: Known<'a>,
    subject: Subject,
    at: Timestamp,
    rules: Rules,
}

/// Whom the message is about.
enum Subject {
    /// This person of the registry.
    Person(Matched),
    /// In doubt, and one of those it may be about takes part: it is held (D4).
    Doubtful(Reason),
    /// The number itself is wrong, whoever was meant (D4).
    Invalid(Reason),
    /// Nobody who takes part, so nothing is kept of it (D5).
    Nobody,
}

impl<'a> Depositing<'a> {
    pub(super) fn new(
        message: &'a Message,
        mapped: &'a Mapped,
        identity: &'a Identity,
        known: Known<'a>,
        at: Timestamp,
        rules: Rules,
    ) -> Self {
        let one_takes_part =
            |candidates: &[Arc<Participant>]| candidates.iter().any(|one| one.standing.participates(at));
        let subject = match identify(identity, known.candidates) {
            Identification::Match(matched) => Subject::Person(matched),
            Identification::Hold { reason, candidates } | Identification::Reject { reason, candidates }
                if one_takes_part(&candidates) =>
            {
                Subject::Doubtful(reason)
            }
            Identification::Reject { reason: reason @ Reason::IdCheckDigit, .. } => Subject::Invalid(reason),
            Identification::Hold { .. } | Identification::Reject { .. } | Identification::Nobody => Subject::Nobody,
        };
        Self { message, mapped, identity, known, subject, at, rules }
    }

    /// The message is accepted if at least one of its records is permitted; the reason then says why others were not.
    pub(super) fn outcome(&self) -> Outcome {
        let decisions: Vec<Decision> = self.mapped.records.iter().map(|record| self.decide(record)).collect();
        let (state, reason, place) = self.conclude(&decisions);
        let outcome = ended(self.message, state, Reason::NothingSharable, place);
        let outcome = Outcome { reason, person: self.person(), ..outcome };
        match state {
            State::Accepted => Outcome {
                records: permitted(&self.mapped.records, &decisions),
                instance: self.mapped.instance.clone().filter(|_| decisions.iter().any(Decision::permits)),
                unmapped: self.unmapped(&decisions),
                decisions: distinct(decisions),
                notes: self.notes(),
                links: self.links(),
                ..outcome
            },
            // What waits for its document is decided when the document is there.
            State::Held if self.mapped.pending.iter().any(|pending| reason == Some(pending.reason)) => {
                Outcome { notes: self.notes(), ..findable(outcome, self.identity) }
            }
            State::Held => {
                Outcome { decisions: distinct(decisions), notes: self.notes(), ..findable(outcome, self.identity) }
            }
            State::Withheld | State::Rejected | State::Discarded => {
                Outcome { decisions: distinct(decisions), ..findable(outcome, self.identity) }
            }
        }
    }

    fn decide(&self, record: &Record) -> Decision {
        let standing = match &self.subject {
            Subject::Person(matched) => Some(&matched.participant.standing),
            Subject::Doubtful(_) | Subject::Invalid(_) | Subject::Nobody => None,
        };
        let question = Deposit {
            provider: self.known.provider,
            standing,
            domain: record.domain,
            location: &self.mapped.location,
            date: record.clinical_date.unwrap_or_else(|| date_in_hong_kong(record.clock.at)),
            level: record.level,
            lacks: record.lacks,
            at: self.at,
        };
        let decision = deposit(&question, self.rules);
        match self.subject {
            // Row D4 stands before D5 and after D3.
            Subject::Doubtful(reason) | Subject::Invalid(reason)
                if decision.verdict == Verdict::Withhold(Reason::NotRegistered) =>
            {
                Decision { verdict: Verdict::Withhold(reason), rule: Cow::Borrowed("D4"), ..decision }
            }
            Subject::Doubtful(_) | Subject::Invalid(_) | Subject::Person(_) | Subject::Nobody => decision,
        }
    }

    fn conclude(&self, decisions: &[Decision]) -> (State, Option<Reason>, &'a str) {
        let empty = self.mapped.records.is_empty();
        let first = if empty { self.obstacle() } else { decisions.iter().find_map(withheld_for) };
        let place = self.missing(decisions);
        if let Subject::Doubtful(reason) = self.subject
            && (first == Some(reason) || decisions.iter().any(|decision| withheld_for(decision) == Some(reason)))
        {
            return (State::Held, Some(reason), "");
        }
        let permits = decisions.iter().any(Decision::permits) || (empty && first.is_none());
        // What will not come by itself is what an operator has to hear of.
        let stuck = self.mapped.pending.iter().find(|pending| pending.reason != Reason::DocumentPending);
        match stuck.or(self.mapped.pending.first()) {
            _ if !permits => (State::Withheld, first, place),
            Some(pending) => (State::Held, Some(pending.reason), &pending.place),
            None if empty => (State::Withheld, Some(Reason::NothingSharable), ""),
            None => (State::Accepted, first, place),
        }
    }

    /// What the first record lacks that is withheld, where it lacks something of its level.
    fn missing(&self, decisions: &[Decision]) -> &'static str {
        let decided = self.mapped.records.iter().zip(decisions);
        let withheld = decided.filter_map(|(record, decision)| Some((record, withheld_for(decision)?)));
        let first = withheld.map(|(record, reason)| record.lacks.filter(|_| reason == Reason::LevelTooLow)).next();
        first.flatten().map_or("", Lack::place)
    }

    /// What stands against a message without records, as far as that can be said without a domain: D2, D4, D5.
    fn obstacle(&self) -> Option<Reason> {
        if !self.known.provider.is_some_and(|provider| provider.status == ProviderStatus::Registered) {
            return Some(Reason::ProviderStatus);
        }
        match &self.subject {
            Subject::Person(matched) if matched.participant.standing.participates(self.at) => None,
            Subject::Doubtful(reason) | Subject::Invalid(reason) => Some(*reason),
            Subject::Person(_) | Subject::Nobody => Some(Reason::NotRegistered),
        }
    }

    /// Of someone who takes no part not even the number is kept beside the message (D5).
    fn person(&self) -> Option<PersonId> {
        match &self.subject {
            Subject::Person(matched) if matched.participant.standing.participates(self.at) => {
                Some(matched.participant.person.id)
            }
            Subject::Person(_) | Subject::Doubtful(_) | Subject::Invalid(_) | Subject::Nobody => None,
        }
    }

    fn notes(&self) -> Vec<Note> {
        let remarks: &[Remark] = match &self.subject {
            Subject::Person(matched) => &matched.remarks,
            Subject::Doubtful(_) | Subject::Invalid(_) | Subject::Nobody => &[],
        };
        let of_remark = |remark: &Remark| Note {
            code: remark.code().to_owned(),
            place: String::new(),
            text: remark.text().to_owned(),
        };
        let mut notes = notes(self.mapped);
        notes.extend(remarks.iter().map(of_remark));
        notes
    }

    /// Local codes of what is permitted: of the rest nothing is kept.
    fn unmapped(&self, decisions: &[Decision]) -> Vec<UnmappedCode> {
        let permits = |domain| decisions.iter().any(|decision| decision.domain == domain && decision.permits());
        self.mapped.unmapped.iter().filter(|code| permits(code.domain)).cloned().collect()
    }

    /// The sender's own numbers, once a document has shown whose they are; and what a merge says are theirs, too.
    fn links(&self) -> Vec<LocalNumber> {
        let Subject::Person(Matched { participant, by_document, .. }) = &self.subject else { return Vec::new() };
        let linked: Vec<_> = participant.person.local_numbers.iter().map(local_number_key).collect();
        let Identity { local_numbers, prior, .. } = self.identity;
        let own = local_numbers.iter().filter(|_| *by_document);
        let merged = prior.local_numbers.iter().filter(|_| prior.merged);
        own.chain(merged).filter(|number| !linked.contains(&local_number_key(number))).cloned().collect()
    }
}

fn permitted(records: &[Record], decisions: &[Decision]) -> Vec<Record> {
    let decided = records.iter().zip(decisions);
    decided.filter(|(_, decision)| decision.permits()).map(|(record, _)| record.clone()).collect()
}

/// One a domain; two where one domain's records were decided differently.
fn distinct(decisions: Vec<Decision>) -> Vec<Decision> {
    let mut distinct: Vec<Decision> = Vec::new();
    for decision in decisions {
        if !distinct.contains(&decision) {
            distinct.push(decision);
        }
    }
    distinct
}

fn withheld_for(decision: &Decision) -> Option<Reason> {
    match decision.verdict {
        Verdict::Permit => None,
        Verdict::Withhold(reason) => Some(reason),
    }
}

/// What a record without a clinical date is dated: the day its version was made (UTC+8).
fn date_in_hong_kong(at: Timestamp) -> civil::Date {
    tz::offset(8).to_datetime(at).date()
}
