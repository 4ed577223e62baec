//! The associations that are open and may be told: those on which storage commitment was agreed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::report::Report;

/// Reports that may wait for an association.
const WAITING_MAX: usize = 4;

/// A report for an association, and where it says how it was answered.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) report: Report,
    pub(crate) answered: oneshot::Sender<u16>,
}

/// Feed and calling AE title.
type Caller = (usize, String);

/// By caller: the number of an association, and where its reports go in.
type Open = HashMap<Caller, Vec<(u64, mpsc::Sender<Parcel>)>>;

/// Who can be told.
#[derive(Debug, Default)]
pub(crate) struct Post {
    open: Mutex<Open>,
    last: AtomicU64,
}

impl Post {
    /// An association is open: gives its number and where its reports come in.
    pub(crate) fn opened(&self, feed: usize, caller: &str) -> (u64, mpsc::Receiver<Parcel>) {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let (sender, reports) = mpsc::channel(WAITING_MAX);
        self.with(|open| open.entry((feed, caller.to_owned())).or_default().push((number, sender)));
        (number, reports)
    }

    /// It is over.
    pub(crate) fn closed(&self, feed: usize, caller: &str, number: u64) {
        self.with(|open| {
            let key = (feed, caller.to_owned());
            let Some(associations) = open.get_mut(&key) else { return };
            associations.retain(|(known, _)| *known != number);
            if associations.is_empty() {
                open.remove(&key);
            }
        });
    }

    /// Hands a report to the newest association of a caller. `None` when it has none that takes any.
    pub(crate) fn hand(&self, feed: usize, caller: &str, report: &Report) -> Option<oneshot::Receiver<u16>> {
        let newest = self.with(|open| {
            let associations = open.get(&(feed, caller.to_owned()))?;
            associations.last().map(|(_, sender)| sender.clone())
        })?;
        let (answered, answer) = oneshot::channel();
        newest.try_send(Parcel { report: report.clone(), answered }).ok()?;
        Some(answer)
    }

    fn with<T>(&self, work: impl FnOnce(&mut Open) -> T) -> T {
        work(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
