//! What every command is given: where to print, what the command line says of the configuration, the time, and the
//! hub's files, opened when they are first asked for.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::ack::Nobody;
use causeway_core::metric::Silent;
use causeway_core::person::PersonId;
use causeway_core::port::{Actor, AuditEntry, Clock as _, Log, SharedBlobs};
use causeway_router::Router;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::time::When;
use crate::clock::SystemClock;
use crate::config::find::{self, Found, Wanted};
use crate::config::{BlobEngine, RepositoryEngine};
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::engines::{self, LogHandle, Vault};
use crate::home::Home;
use crate::orphans::Orphans;
use crate::output::Terminal;
use crate::wiring;

/// Connections to the log of a command that reads it beside a running hub.
const READERS_MAX: usize = 2;

/// What every command is given.
pub(crate) struct Context {
    /// Where to print.
    pub(crate) terminal: Terminal,
    wanted: Wanted,
    found: OnceCell<Found>,
    store: OnceCell<Store>,
    log: OnceCell<LogHandle>,
    blobs: OnceCell<SharedBlobs>,
}

/// The repository and the registry, which are kept together.
pub(crate) struct Store {
    /// Both.
    pub(crate) repository: Arc<dyn Vault>,
}

impl Context {
    /// Nothing is read or opened yet: a command without configuration needs none.
    pub(crate) const fn new(terminal: Terminal, wanted: Wanted) -> Self {
        Self {
            terminal,
            wanted,
            found: OnceCell::new(),
            store: OnceCell::new(),
            log: OnceCell::new(),
            blobs: OnceCell::new(),
        }
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

    /// The data folder.
    pub(crate) fn home(&self) -> Outcome<Home> {
        Ok(Home::new(self.found()?.data_dir()))
    }

    /// The repository, which must be there.
    pub(crate) fn store(&self) -> Outcome<&Store> {
        let home = self.home()?;
        let embedded = self.found()?.config().repository.engine == RepositoryEngine::Sqlite;
        if embedded && self.store.get().is_none() && !home.has_repository() {
            let told = Diagnostic::new(Code::Nothing, "there are no data yet").at(home.dir().display().to_string());
            return Err(told.fix("start the hub with `causeway serve`, or import persons first").into());
        }
        self.make_store()
    }

    /// The repository, made when it is not there.
    pub(crate) fn make_store(&self) -> Outcome<&Store> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let home = self.home()?;
        home.make()?;
        let repository = engines::open_repository(self.found()?.config(), &home)?.vault;
        Ok(self.store.get_or_init(|| Store { repository }))
    }

    /// The log, for reading, also while a hub writes it.
    pub(crate) fn log(&self) -> Outcome<Arc<dyn Log>> {
        if let Some(log) = self.log.get() {
            return Ok(log.port());
        }
        let log = engines::read_log(self.found()?.config(), &self.home()?, READERS_MAX)?;
        Ok(self.log.get_or_init(|| log).port())
    }

    /// The blob store.
    pub(crate) fn blobs(&self) -> Outcome<SharedBlobs> {
        if let Some(blobs) = self.blobs.get() {
            return Ok(Arc::clone(blobs));
        }
        let blobs = engines::open_blobs(self.found()?.config(), &self.home()?, &(Arc::new(Silent) as _))?;
        Ok(Arc::clone(self.blobs.get_or_init(|| blobs)))
    }

    /// The blob store, unless it is a folder that is not there yet: looking makes none.
    pub(crate) fn blobs_if_any(&self) -> Outcome<Option<SharedBlobs>> {
        match self.found()?.config().blobs.engine {
            BlobEngine::Folder if !self.home()?.blobs().is_dir() => Ok(None),
            BlobEngine::Folder | BlobEngine::S3 => self.blobs().map(Some),
        }
    }

    /// Who looks for what nothing points to.
    pub(crate) fn orphans(&self) -> Outcome<Orphans> {
        // Asked for first, so that it is open.
        self.log()?;
        let log = self.log.get().ok_or_else(|| Diagnostic::new(Code::Internal, "the log is not open"))?;
        let repository = Arc::clone(&self.store()?.repository);
        Ok(engines::orphans(self.found()?.config(), self.blobs()?, log, repository))
    }

    /// A router over the log and the repository, for replay.
    pub(crate) fn router(&self) -> Outcome<Router> {
        let config = self.found()?.config();
        let feeds: Vec<_> = config.feed_settings().collect();
        Ok(Router {
            log: self.log()?,
            map: Arc::new(causeway_mappers::Mappers::new(feeds.clone())),
            repository: Arc::clone(&self.store()?.repository) as _,
            blobs: self.blobs()?,
            clock: Arc::new(SystemClock),
            metrics: Arc::new(Silent),
            settlement: Arc::new(Nobody),
            feeds: Arc::new(feeds.into_iter().map(|feed| (feed.name.clone(), feed)).collect::<BTreeMap<_, _>>()),
            pause: Arc::new(std::thread::park_timeout),
            settings: wiring::router_settings(config),
        })
    }

    /// The terminal with times in the configured zone.
    pub(crate) fn screen(&self) -> Outcome<Terminal> {
        Ok(self.terminal.clone().in_zone(self.zone()?))
    }

    /// The configured time zone.
    pub(crate) fn zone(&self) -> Outcome<TimeZone> {
        Ok(TimeZone::get(&self.found()?.config().time_zone).unwrap_or(TimeZone::UTC))
    }

    /// The time.
    #[expect(clippy::unused_self, reason = "commands ask their context, not the machine")]
    pub(crate) fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    /// The instant an argument means.
    pub(crate) fn resolve(&self, when: When) -> Outcome<Timestamp> {
        Ok(when.resolve(self.now(), &self.zone()?))
    }

    /// Who is at the command line, for the audit.
    #[expect(clippy::unused_self, reason = "commands ask their context, not the machine")]
    pub(crate) fn actor(&self) -> Actor {
        let name = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
        Actor(format!("cli:{}", name.as_deref().unwrap_or("unknown")))
    }

    /// Writes the audit line that has to stand before anything protected is shown.
    pub(crate) fn audit_reveal(&self, action: &str, person: Option<PersonId>, what: &str) -> Outcome<()> {
        let entry = AuditEntry {
            at: self.now(),
            actor: self.actor(),
            action: action.to_owned(),
            person,
            detail: BTreeMap::from([("what".to_owned(), what.to_owned()), ("how".to_owned(), "--reveal".to_owned())]),
        };
        self.store()?.repository.audit(&entry)?;
        Ok(())
    }
}
