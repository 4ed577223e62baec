//! Whether the person a message names is one the registry knows: the rows of docs/decisions/0003-identity-matching.md,
//! one by one. Pure; nothing is ever stored under a person on less than a match.

#[cfg(test)]
mod golden;
mod likeness;

use std::sync::Arc;

use likeness::{Birth, Name, Sexes};

use super::keys::document_parts;
use crate::mapped::Identity;
use crate::person::{Document, DocumentKind, Person, PersonId};
use crate::port::{Candidates, Participant};
use crate::reason::Reason;

/// Judges a message's identity block against the persons it may be about.
pub fn identify(identity: &Identity, candidates: &Candidates) -> Identification {
    if identity.hkid_check_failed {
        return Identification::Reject { reason: Reason::IdCheckDigit, candidates: everyone(candidates) };
    }
    let mut numbered: Vec<_> = candidates.by_document.iter().chain(&candidates.by_local_number).cloned().collect();
    distinct(&mut numbered);
    let identification = match numbered.as_slice() {
        [] => by_resemblance(identity, candidates),
        [only] => by_number(identity, only, !candidates.by_document.is_empty()),
        [_, _, ..] => Identification::Hold { reason: Reason::IdentityReview, candidates: numbered },
    };
    unless_somebody_elses(identification, candidates)
}

/// A merge or a link joins what is said to be one patient's. When the other number is of a person who is not the one the
/// message is about, two persons would be made one: registration staff decide that, nobody else.
fn unless_somebody_elses(identification: Identification, candidates: &Candidates) -> Identification {
    let is_else = |own: Option<PersonId>| candidates.by_prior.iter().any(|other| Some(other.person.id) != own);
    let held = match &identification {
        Identification::Match(matched) => is_else(Some(matched.participant.person.id)),
        Identification::Nobody => is_else(None),
        Identification::Hold { .. } | Identification::Reject { .. } => false,
    };
    if !held {
        return identification;
    }
    Identification::Hold { reason: Reason::MergeOfTwoPersons, candidates: everyone(candidates) }
}

/// The answer of [`identify`].
#[derive(Debug, Clone, PartialEq)]
pub enum Identification {
    /// It is this person.
    Match(Matched),
    /// In doubt: registration staff decide.
    Hold {
        /// Why.
        reason: Reason,
        /// Whom it may be about.
        candidates: Vec<Arc<Participant>>,
    },
    /// It cannot be right: the sender has to correct it.
    Reject {
        /// Why.
        reason: Reason,
        /// Whom it may have been about.
        candidates: Vec<Arc<Participant>>,
    },
    /// Nobody the registry knows.
    Nobody,
}

/// A match, with what was seen on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Matched {
    /// The person.
    pub participant: Arc<Participant>,
    /// Whether a document matched, and not only a linked local number.
    pub by_document: bool,
    /// What was not quite the same.
    pub remarks: Vec<Remark>,
}

/// A difference that does not speak against a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Remark {
    /// The English name is the same only after normalisation.
    NameNormalised,
    /// One side has no English name; the Chinese names are the same.
    ChineseNameOnly,
    /// The English names agree, the Chinese ones do not.
    ChineseNameDiffers,
    /// One of the birth dates is less precise.
    BirthDatePrecision,
    /// The sex is not known on one side.
    SexNotKnown,
    /// No document matched; the sender's own number is linked to the person.
    LinkedNumber,
    /// A document of the message is not the registry's; it is not added by itself.
    DocumentNotRegistered,
}

impl Remark {
    /// The stable code of the note made of it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NameNormalised => "identity-name-normalised",
            Self::ChineseNameOnly => "identity-chinese-name-only",
            Self::ChineseNameDiffers => "identity-chinese-name-differs",
            Self::BirthDatePrecision => "identity-birth-date-precision",
            Self::SexNotKnown => "identity-sex-not-known",
            Self::LinkedNumber => "identity-linked-number",
            Self::DocumentNotRegistered => "identity-document-not-registered",
        }
    }

    /// What it means.
    pub const fn text(self) -> &'static str {
        match self {
            Self::NameNormalised => "the English name agrees after normalisation only",
            Self::ChineseNameOnly => "compared by the Chinese name, since one side has no English one",
            Self::ChineseNameDiffers => "the English name agrees, the Chinese one does not",
            Self::BirthDatePrecision => "one of the birth dates is less precise; the registry keeps its own",
            Self::SexNotKnown => "the sex is not known on one side",
            Self::LinkedNumber => "matched by the sender's own number, which is linked to the person",
            Self::DocumentNotRegistered => "a document of the message is not registered for the person",
        }
    }
}

/// One person has one of the numbers: the rest of the identity block has to agree.
fn by_number(identity: &Identity, candidate: &Arc<Participant>, by_document: bool) -> Identification {
    let (said, known) = (&identity.demographics, &candidate.person.demographics);
    let (name, birth, sexes) = (Name::compare(said, known), Birth::compare(said, known), Sexes::compare(said, known));
    let another_number = identity.documents.iter().any(|document| excludes(document, &candidate.person));
    let another_person = name == Name::Different && birth == Birth::Different;
    let candidates = vec![Arc::clone(candidate)];
    if another_number || another_person {
        return Identification::Reject { reason: Reason::IdentityConflict, candidates };
    }
    if !(name.agrees() && birth.agrees() && sexes.agrees()) {
        return Identification::Hold { reason: Reason::IdentityReview, candidates };
    }
    let unregistered = identity.documents.iter().any(|document| !has(&candidate.person, document));
    let remarks = [
        name.remark(),
        name.chinese_remark(said, known),
        birth.remark(),
        sexes.remark(),
        (!by_document).then_some(Remark::LinkedNumber),
        unregistered.then_some(Remark::DocumentNotRegistered),
    ];
    let remarks = remarks.into_iter().flatten().collect();
    Identification::Match(Matched { participant: Arc::clone(candidate), by_document, remarks })
}

/// Nobody has one of the numbers: persons of the same name, birth date and sex are never taken for the same by that
/// alone. One who holds another number of the same kind of document is somebody else.
fn by_resemblance(identity: &Identity, candidates: &Candidates) -> Identification {
    let mut alike: Vec<_> = candidates.look_alikes.clone();
    alike.retain(|other| !identity.documents.iter().any(|document| excludes(document, &other.person)));
    distinct(&mut alike);
    if alike.is_empty() {
        return Identification::Nobody;
    }
    let reason = if identity.documents.is_empty() { Reason::NoDocument } else { Reason::OtherDocument };
    Identification::Hold { reason, candidates: alike }
}

/// Whether the document shows that this is not the person: of these kinds nobody has two numbers in a life. A passport
/// is renewed under a new number and shows nothing of the sort.
fn excludes(document: &Document, person: &Person) -> bool {
    let once_in_a_life = match document.kind {
        DocumentKind::Hkid | DocumentKind::Hkbc => true,
        DocumentKind::Passport
        | DocumentKind::Exemption
        | DocumentKind::ReentryPermit
        | DocumentKind::DocI
        | DocumentKind::OneWayPermit
        | DocumentKind::Other => false,
    };
    let same_kind = person.documents.iter().any(|known| known.kind == document.kind);
    once_in_a_life && same_kind && !has(person, document)
}

fn has(person: &Person, document: &Document) -> bool {
    let same = |known: &Document| known.kind == document.kind && document_parts(known) == document_parts(document);
    person.documents.iter().any(same)
}

fn everyone(candidates: &Candidates) -> Vec<Arc<Participant>> {
    let Candidates { by_document, by_local_number, look_alikes, by_prior } = candidates;
    let lists = [by_document, by_local_number, look_alikes, by_prior];
    let mut all: Vec<_> = lists.into_iter().flatten().cloned().collect();
    distinct(&mut all);
    all
}

fn distinct(persons: &mut Vec<Arc<Participant>>) {
    persons.sort_by_key(|participant| participant.person.id);
    persons.dedup_by_key(|participant| participant.person.id);
}
