//! What the load generator did, written and synced line by line before it goes on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::patient::Numbered;

/// What is known of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// Put on the wire at least once.
    Sent,
    /// Answered AA or CA.
    Acknowledged,
    /// Answered AE, AR, CE or CR.
    Refused,
    /// No answer: a time-out or a broken connection. It may or may not be there.
    Unknown,
}

/// The journal of a run: a file, and the same in memory for the checker.
#[derive(Debug)]
pub struct Journal {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    events: BTreeMap<Numbered, Vec<Event>>,
}

impl Journal {
    /// Starts a journal in a new file.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { inner: Mutex::new(Inner { file: File::create_new(path)?, events: BTreeMap::new() }) })
    }

    /// Notes an event; returns when it is on disk.
    pub fn note(&self, message: Numbered, event: Event) -> io::Result<()> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(inner.file, "{} {} {event:?}", message.patient, message.counter)?;
        if event == Event::Acknowledged {
            inner.file.sync_data()?;
        }
        inner.events.entry(message).or_default().push(event);
        Ok(())
    }

    /// Everything noted so far.
    pub fn events(&self) -> BTreeMap<Numbered, Vec<Event>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).events.clone()
    }
}
