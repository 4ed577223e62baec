//! Whom a batch asks for, and what it was given: the same on every engine.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use causeway_core::identity::{document_key, local_number_key, look_alike_key};
use causeway_core::mapped::Prior;
use causeway_core::port::{Candidates, Lookup, Participant, Resolved};
use causeway_core::provider::ProviderId;

/// Sorts of subject keys, as in the table `subject`.
pub(super) const DOCUMENT: i64 = 0;
pub(super) const LOCAL_NUMBER: i64 = 1;
pub(super) const LOOK_ALIKE: i64 = 2;

/// A lookup that asks for a number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker {
    pub(super) index: usize,
    /// Whether as one the patient was also known by.
    pub(super) prior: bool,
}

impl Asker {
    /// Where the person found belongs.
    pub(super) fn list(self, sort: i64, candidates: &mut Candidates) -> &mut Vec<Arc<Participant>> {
        match (self.prior, sort) {
            (true, _) => &mut candidates.by_prior,
            (false, DOCUMENT) => &mut candidates.by_document,
            (false, _) => &mut candidates.by_local_number,
        }
    }
}

/// The keys of a batch, each with the lookups that ask for it.
#[derive(Default)]
pub(super) struct Wanted<'a> {
    /// By sort and key.
    pub(super) numbers: HashMap<(i64, i64), Vec<Asker>>,
    pub(super) look_alikes: HashMap<i64, Vec<usize>>,
    pub(super) providers: BTreeSet<&'a ProviderId>,
}

impl<'a> Wanted<'a> {
    pub(super) fn of(lookups: &[Lookup<'a>]) -> Self {
        let mut wanted = Self::default();
        for (index, lookup) in lookups.iter().enumerate() {
            wanted.providers.insert(lookup.provider);
            let Some(identity) = lookup.identity else { continue };
            // A feed speaks for its own provider's numbers only, as in `identity::subject_keys`.
            let Prior { documents, local_numbers, merged: _ } = &identity.prior;
            for (prior, documents, numbers) in
                [(false, &identity.documents, &identity.local_numbers), (true, documents, local_numbers)]
            {
                let own = numbers.iter().filter(|number| number.provider == *lookup.provider);
                let documents = documents.iter().map(|document| (DOCUMENT, document_key(document).0));
                for key in documents.chain(own.map(|number| (LOCAL_NUMBER, local_number_key(number).0))) {
                    wanted.numbers.entry(key).or_default().push(Asker { index, prior });
                }
            }
            if let Some(key) = look_alike_key(&identity.demographics) {
                wanted.look_alikes.entry(key).or_default().push(index);
            }
        }
        wanted
    }
}

/// Whether a lookup found nobody by a number so far.
pub(super) fn found_none(resolved: &Resolved, index: usize) -> bool {
    let candidates = resolved.candidates.get(index);
    candidates.is_some_and(|found| found.by_document.is_empty() && found.by_local_number.is_empty())
}

/// Adds a person to one list of a lookup, once.
pub(super) fn add(
    resolved: &mut Resolved,
    index: usize,
    person: Arc<Participant>,
    list: impl Fn(&mut Candidates) -> &mut Vec<Arc<Participant>>,
) {
    let Some(candidates) = resolved.candidates.get_mut(index) else { return };
    let list = list(candidates);
    if !list.iter().any(|known| known.person.id == person.person.id) {
        list.push(person);
    }
}
