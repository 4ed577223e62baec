//! The patients of HL7 messages as persons: identified by their documents, or where there is none, by the sender's own
//! number as a document of kind OTHER.

use std::collections::BTreeMap;

use causeway_core::feed::FeedSettings;
use causeway_core::mapped::Identity;
use causeway_core::person::{Demographics, Document, DocumentKind, LocalNumber};
use causeway_core::phi::Phi;
use causeway_core::port::NewPerson;
use jiff::Timestamp;

use super::{BadRow, Join, Row};
use crate::input::Input;

/// One row a patient, in the order of the messages; a later message adds numbers and what an earlier one left open.
pub(crate) fn read(
    inputs: &[Input],
    feed: &FeedSettings,
    join: Option<Join>,
    now: Timestamp,
) -> Vec<Result<Row, BadRow>> {
    let mut patients = Patients::default();
    let mut rows = Vec::new();
    for input in inputs {
        let mapped = causeway_mappers::hl7v2::map(&input.bytes, feed, 0, now);
        match mapped.identity {
            Some(identity) if identity.hkid_check_failed => {
                let fix = "correct PID-3 at the sender";
                rows.push(Err(BadRow::new(&input.name(), "the HKID check digit is wrong", fix)));
            }
            Some(identity) => patients.add(input.name(), identity),
            None => {
                let why = mapped.faults.first().map_or("it names no patient", |fault| fault.reason.text());
                rows.push(Err(BadRow::new(&input.name(), why, "nothing, if it is not about a patient")));
            }
        }
    }
    for (place, identity) in patients.found {
        rows.push(match person(identity, feed) {
            Some(person) => Ok(Row { place, person, join, share: Vec::new() }),
            None => Err(BadRow::new(&place, "the patient has no usable number", "send PID-3")),
        });
    }
    rows
}

/// The patients seen so far.
#[derive(Default)]
struct Patients {
    found: Vec<(String, Identity)>,
    /// By each of their numbers, to the place in `found`.
    by_document: BTreeMap<Document, usize>,
    by_local_number: BTreeMap<LocalNumber, usize>,
}

impl Patients {
    fn add(&mut self, place: String, identity: Identity) {
        let known = identity.documents.iter().find_map(|document| self.by_document.get(document));
        let known = known.or_else(|| identity.local_numbers.iter().find_map(|number| self.by_local_number.get(number)));
        let at = known.copied().unwrap_or(self.found.len());
        self.by_document.extend(identity.documents.iter().map(|document| (document.clone(), at)));
        self.by_local_number.extend(identity.local_numbers.iter().map(|number| (number.clone(), at)));
        match self.found.get_mut(at) {
            Some((_, former)) => merge(former, identity),
            None => self.found.push((place, identity)),
        }
    }
}

/// Adds what is new; what is there already stays.
fn merge(former: &mut Identity, more: Identity) {
    for document in more.documents {
        if !former.documents.contains(&document) {
            former.documents.push(document);
        }
    }
    for number in more.local_numbers {
        if !former.local_numbers.contains(&number) {
            former.local_numbers.push(number);
        }
    }
    let (old, new) = (&mut former.demographics, more.demographics);
    let fill = |old: &mut Phi<String>, new: Phi<String>| {
        if old.expose().is_empty() {
            *old = new;
        }
    };
    let Demographics { family, given, chinese, birth, sex } = new;
    fill(&mut old.family, family);
    fill(&mut old.given, given);
    fill(&mut old.chinese, chinese);
    old.birth = old.birth.take().or(birth);
    old.sex = old.sex.or(sex);
}

/// A patient as a person. Without a document the first local number stands for one, issued by its authority.
fn person(identity: Identity, feed: &FeedSettings) -> Option<NewPerson> {
    let Identity { mut documents, local_numbers, demographics, hkid_check_failed: _, prior: _ } = identity;
    if documents.is_empty() {
        let first = local_numbers.first()?;
        let issuer = format!("{}/{}", feed.provider, first.authority);
        documents.push(Document { kind: DocumentKind::Other, issuer, number: first.number.clone() });
    }
    Some(NewPerson { documents, demographics, local_numbers })
}
