//! What every command is given: where to print, what the command line says of the configuration, the time.

use std::cell::OnceCell;

use causeway_core::port::{Actor, Clock};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::SystemClock;
use crate::config::find::{self, Found, Wanted};
use crate::diagnostic::Outcome;
use crate::output::Terminal;

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where to print.
    pub(crate) terminal: Terminal,
    wanted: Wanted,
    found: OnceCell<Found>,
}

impl Context {
    /// Nothing is read yet: a command without configuration needs none.
    pub(crate) const fn new(terminal: Terminal, wanted: Wanted) -> Self {
        Self { terminal, wanted, found: OnceCell::new() }
    }

    /// What the command line says of the configuration.
    pub(crate) const fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The configuration, read at the first call.
    pub(crate) fn found(&self) -> Outcome<&Found> {
        if let Some(found) = self.found.get() {
            return Ok(found);
        }
        let found = find::find(&self.wanted)?;
        Ok(self.found.get_or_init(|| found))
    }

    /// The terminal with times in the configured zone.
    pub(crate) fn screen(&self) -> Outcome<Terminal> {
        let zone = TimeZone::get(&self.found()?.config().time_zone).unwrap_or(TimeZone::UTC);
        Ok(self.terminal.clone().in_zone(zone))
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// Who is at the command line, for the audit.
    pub(crate) fn actor(&self) -> Actor {
        let name = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
        Actor(format!("cli:{}", name.as_deref().unwrap_or("unknown")))
    }
}
