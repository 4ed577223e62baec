//! Writes into the audit who wanted to come in and may not: once a minute for each address and cause, so that knocking
//! cannot fill it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use causeway_core::port::{Actor, AuditEntry, Clock, Repository};
use causeway_hl7::Suspect;
use jiff::Timestamp;

/// How long a line speaks for all that follow from the same address for the same cause.
const QUIET: Duration = Duration::from_secs(60);
/// Addresses and causes remembered at one time; what comes beyond them is counted by the metrics only.
const REMEMBERED_MAX: usize = 1024;

/// Who wanted to come in.
pub(super) struct Suspects {
    clock: Arc<dyn Clock>,
    repository: Arc<dyn Repository>,
    seen: Mutex<HashMap<(IpAddr, &'static str), Timestamp>>,
}

impl Suspects {
    pub(super) fn new(clock: Arc<dyn Clock>, repository: Arc<dyn Repository>) -> Arc<Self> {
        Arc::new(Self { clock, repository, seen: Mutex::default() })
    }

    /// Notes one, without waiting for the repository. Call it inside the runtime.
    pub(super) fn note(self: &Arc<Self>, suspect: &Suspect) {
        self.write(suspect, "refuse-peer");
    }

    /// Notes who sent an instance that was refused, likewise.
    pub(super) fn note_instance(self: &Arc<Self>, sender: &Suspect) {
        self.write(sender, "refuse-instance");
    }

    fn write(self: &Arc<Self>, suspect: &Suspect, action: &str) {
        let now = self.clock.now();
        if !self.is_first(suspect, now) {
            return;
        }
        let entry = entry(suspect, action, now);
        let repository = Arc::clone(&self.repository);
        // Not awaited: whoever is refused need not wait for the audit.
        drop(tokio::task::spawn_blocking(move || {
            if let Err(error) = repository.audit(&entry) {
                tracing::warn!(%error, "a refused peer could not be noted in the audit");
            }
        }));
    }

    fn is_first(&self, suspect: &Suspect, now: Timestamp) -> bool {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, at| Duration::try_from(now.duration_since(*at)).is_ok_and(|age| age < QUIET));
        let key = (suspect.address, suspect.cause);
        if seen.contains_key(&key) || seen.len() >= REMEMBERED_MAX {
            return false;
        }
        seen.insert(key, now);
        true
    }
}

fn entry(suspect: &Suspect, action: &str, at: Timestamp) -> AuditEntry {
    let mut detail = BTreeMap::from([
        ("peer".to_owned(), suspect.address.to_string()),
        ("cause".to_owned(), suspect.cause.to_owned()),
        ("detail".to_owned(), suspect.detail.clone()),
    ]);
    detail.extend(suspect.feed.clone().map(|feed| ("feed".to_owned(), feed)));
    AuditEntry { at, actor: Actor("door".to_owned()), action: action.to_owned(), person: None, detail }
}
