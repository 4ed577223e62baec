//! What came before under a SOP Instance UID, for logs that do not tell (`Log::tells_resends`).
//!
//! The repository is asked, and it follows the log; so what this process logged a moment ago is remembered beside it. What another
//! process logged and nobody has processed is not known: it is told when it is stored, as all of it is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_core::envelope::{Digest, FeedName, Format};
use causeway_core::port::{Freshness, MessageQuery, MessageRow, Repository, RepositoryError};
use tracing::warn;

/// Instances remembered, those logged last: more than are logged while the repository catches up with a busy door.
const REMEMBERED: usize = 10_000;
/// Messages looked at under one SOP Instance UID, the newest first.
const MESSAGES_MAX: u32 = 50;

/// Who sent what: feed, sender and SOP Instance UID.
type Key = (FeedName, String, String);

/// What came before.
pub(crate) struct Earlier {
    repository: Arc<dyn Repository>,
    recent: Mutex<Recent>,
}

impl std::fmt::Debug for Earlier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Earlier").finish_non_exhaustive()
    }
}

/// What this process logged last.
#[derive(Default)]
struct Recent {
    claims: BTreeMap<Key, Vec<Digest>>,
    order: VecDeque<(Key, Digest)>,
}

impl Earlier {
    /// As far as this repository knows.
    pub(crate) fn new(repository: Arc<dyn Repository>) -> Self {
        Self { repository, recent: Mutex::default() }
    }

    /// What a claim is to those before it, and remembers it from then on. May block.
    pub(crate) fn note(&self, feed: &FeedName, sender: &str, instance: &str, claim: Digest) -> Freshness {
        let key = (feed.clone(), sender.to_owned(), instance.to_owned());
        let recent = self.recent().note(key, claim);
        if recent == Freshness::Resent {
            return recent;
        }
        // What is remembered may be but the last of several.
        match (recent, self.stored(feed, sender, instance)) {
            (_, Ok(stored)) if stored.iter().any(|row| row.facts.digest == claim) => Freshness::Resent,
            (Freshness::New, Ok(stored)) => judge(stored.iter().map(|row| row.facts.digest), claim),
            (recent, Ok(_)) => recent,
            (recent, Err(error)) => {
                // Taking images does not wait for the repository.
                warn!(%error, "nobody knows whether a SOP Instance UID was used before");
                recent
            }
        }
    }

    /// It was not logged after all.
    pub(crate) fn forget(&self, feed: &FeedName, sender: &str, instance: &str, claim: Digest) {
        self.recent().forget(&((feed.clone(), sender.to_owned(), instance.to_owned()), claim));
    }

    fn stored(&self, feed: &FeedName, sender: &str, instance: &str) -> Result<Vec<MessageRow>, RepositoryError> {
        let (feed, control_id) = (Some(feed.clone()), Some(instance.to_owned()));
        let mut rows = self.repository.messages(&MessageQuery {
            feed,
            control_id,
            limit: MESSAGES_MAX,
            ..MessageQuery::default()
        })?;
        rows.retain(|row| row.facts.format == Format::Dicom && row.facts.sender == sender);
        Ok(rows)
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    fn note(&mut self, key: Key, claim: Digest) -> Freshness {
        let known = self.claims.entry(key.clone()).or_default();
        let judged = judge(known.iter().copied(), claim);
        if judged == Freshness::Resent {
            return judged;
        }
        known.push(claim);
        self.order.push_back((key, claim));
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.take(&oldest);
        }
        judged
    }

    fn forget(&mut self, entry: &(Key, Digest)) {
        self.order.retain(|known| known != entry);
        self.take(entry);
    }

    fn take(&mut self, (key, claim): &(Key, Digest)) {
        if let Some(known) = self.claims.get_mut(key) {
            known.retain(|known| known != claim);
            if known.is_empty() {
                self.claims.remove(key);
            }
        }
    }
}

/// What a claim is beside these.
fn judge(known: impl Iterator<Item = Digest>, claim: Digest) -> Freshness {
    known.fold(Freshness::New, |judged, known| match judged {
        Freshness::Resent => Freshness::Resent,
        Freshness::New | Freshness::ControlIdReused if known == claim => Freshness::Resent,
        Freshness::New | Freshness::ControlIdReused => Freshness::ControlIdReused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(instance: usize) -> Key {
        (FeedName::parse("pacs").expect("a name"), "CT1".to_owned(), format!("1.2.{instance}"))
    }

    #[test]
    fn the_same_claim_is_a_resend_and_another_under_its_uid_a_conflict_until_it_is_forgotten() {
        let (one, other) = (Digest::of(b"one"), Digest::of(b"other"));
        let mut recent = Recent::default();
        assert_eq!(recent.note(key(1), one), Freshness::New);
        assert_eq!(recent.note(key(1), one), Freshness::Resent);
        assert_eq!(recent.note(key(2), other), Freshness::New, "another UID");
        assert_eq!(recent.note(key(1), other), Freshness::ControlIdReused);
        assert_eq!(recent.note(key(1), one), Freshness::Resent, "the first is still known");
        recent.forget(&(key(1), one));
        recent.forget(&(key(1), other));
        assert_eq!(recent.note(key(1), other), Freshness::New);
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut recent = Recent::default();
        for instance in 0..=REMEMBERED {
            recent.note(key(instance), Digest::of(b"one"));
        }
        assert_eq!((recent.claims.len(), recent.order.len()), (REMEMBERED, REMEMBERED));
        assert_eq!(recent.note(key(0), Digest::of(b"other")), Freshness::New, "the oldest went");
        assert_eq!(recent.note(key(REMEMBERED), Digest::of(b"other")), Freshness::ControlIdReused);
    }
}
