//! The one page that knows everyone: opens the log and the repository, starts a router thread for each lane, the doors,
//! the pages and the clockwork, and stops them in the order that loses nothing.

mod blobs;
mod clinics;
mod clockwork;
mod engine_room;
mod fetching;
mod files;
mod halt;
mod images;
mod lanes;
mod logging;
mod orphans;
mod pictures;
mod posts;
mod reading;
mod rendering;
mod stow;
mod suspects;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use causeway_core::ack::Settled;
use causeway_core::envelope::{FeedName, Position};
use causeway_core::outcome::State;
use causeway_core::port::Repository;
use causeway_hl7::{Door, DoorError, Ports, Sequences, Waiters};
use causeway_mappers::hl7v2::{self, Support};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle as Task;
use tokio::time::Instant;

pub(crate) use self::engine_room::router_settings;
use self::engine_room::{Clockwork, Engines};
pub(crate) use self::halt::{blobs as halt_blobs, halt, log as halt_log};
pub(crate) use self::logging::{Verbosity, log_to_stderr};
use self::suspects::Suspects;

use crate::config::Config;
use crate::config::code_tables::Known;
use crate::diagnostic::{Code, Diagnostic};
use crate::engines::{self, LogHandle, Vault};
use crate::health::Health;
use crate::home::{Home, HubLock};
use crate::http::{self, Surface};
use crate::status::Board;
use crate::stop::Stop;

/// Threads of the asynchronous part: the doors and the pages wait more than they work.
const RUNTIME_THREADS: usize = 2;
/// How long the doors and the pages may finish what they began: a stop of the whole hub takes no more than 25 s.
const DRAIN_MAX: Duration = Duration::from_secs(23);

/// What a process of the hub does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// Everything.
    All,
    /// Takes messages and makes them durable.
    Ingest,
    /// Takes them from the log to the repository.
    Process,
    /// Shows the pages, beside another process that does the rest.
    Serve,
}

impl Role {
    const fn has_doors(self) -> bool {
        matches!(self, Self::All | Self::Ingest)
    }

    const fn has_router(self) -> bool {
        matches!(self, Self::All | Self::Process)
    }

    const fn writes_log(self) -> bool {
        !matches!(self, Self::Serve)
    }
}

/// A hub that runs.
pub(crate) struct Hub {
    /// Where the HL7 doors listen, in the order of the configuration.
    pub(crate) doors: Vec<SocketAddr>,
    /// Where HTTP listens.
    pub(crate) http: SocketAddr,
    /// The repository and the registry.
    pub(crate) repository: Arc<dyn Vault>,
    log: LogHandle,
    health: Arc<Health>,
    stop: Stop,
    doors_stop: watch::Sender<bool>,
    http_stop: watch::Sender<bool>,
    door_tasks: Vec<Task<()>>,
    http_task: Task<()>,
    routers: Vec<JoinHandle<()>>,
    clockwork: Vec<JoinHandle<()>>,
    _lock: Option<HubLock>,
}

/// The runtime in which a hub lives.
///
/// # Errors
/// The system gives no more threads.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Diagnostic> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS)
        .thread_name("causeway-io")
        .enable_all()
        .build()
        .map_err(|error| Diagnostic::new(Code::Internal, "the threads cannot be started").because(&error))
}

impl Hub {
    /// Opens everything and begins to work. Call it inside the runtime.
    ///
    /// # Errors
    /// Another hub works on the data, an address is taken, or the data do not hold.
    pub(crate) async fn start(config: &Config, home: &Home, role: Role) -> Result<Self, Diagnostic> {
        home.make()?;
        let lock = match (role.writes_log(), engines::is_local(config)) {
            (true, true) => Some(home.lock()?),
            // Several processes may share what is elsewhere; the first on this machine notes where its pages are.
            (true, false) => home.lock().ok(),
            (false, _) => None,
        };
        // A production engine's client blocks on a runtime of its own, which is not allowed on a thread of this one.
        let engines = tokio::task::block_in_place(|| Engines::open(config, home, role))?;
        let paused = tokio::task::block_in_place(|| engines.repository.paused_feeds())?;
        let paused = Arc::new(RwLock::new(paused.into_iter().collect::<BTreeSet<_>>()));
        let waiters = Waiters::new();
        let (stop, health) = (Stop::default(), Arc::new(Health::default()));

        let ports = ports(&engines, &waiters, &paused);
        let open = if role.has_doors() { open_doors(config, &ports).await? } else { Vec::new() };
        let doors: Vec<SocketAddr> = open.iter().map(Door::address).collect();
        let (doors_stop, doors_stopping) = watch::channel(false);
        let posts = posts::open(&open, config, &engines.metrics, &doors_stopping).await?;
        let mllp = open.into_iter().map(|door| serve_door(door, doors_stopping.clone()));
        let images =
            if role.has_doors() { images::open(config, &engines, &paused, &doors_stopping).await? } else { Vec::new() };
        let files = if role.has_doors() { files::open(config, &ports, &doors_stopping)? } else { Vec::new() };
        let clinics = if role.has_doors() {
            clinics::open(config, &engines, &paused, &doors_stopping).await?
        } else {
            Vec::new()
        };
        let door_tasks = mllp.chain(posts).chain(images).chain(files).chain(clinics).collect();
        health.doors_are_open();

        let (gatherer, publisher, board) = tokio::task::block_in_place(|| engines.watch(config, role))?;
        let (listener, http) = listen(config.server.listen).await?;
        note_pages(lock.as_ref(), http);
        let (http_stop, http_stopping) = watch::channel(false);
        let http_task = serve_pages((listener, http), config, &engines, board, Arc::clone(&health), http_stopping);

        let router = Arc::new(engines.router(config, waiters, &stop));
        let routers = if role.has_router() {
            engines.walk(lanes::Walk {
                router: Arc::clone(&router),
                health: Arc::clone(&health),
                stop: stop.clone(),
            })?
        } else {
            Vec::new()
        };
        let clockwork = engines.clockwork(
            config,
            role,
            Clockwork { gatherer, publisher, health: &health, paused, router },
            &stop,
        )?;
        let Engines { repository, log, .. } = engines;
        Ok(Self {
            doors,
            http,
            repository,
            log,
            health,
            stop,
            doors_stop,
            http_stop,
            door_tasks,
            http_task,
            routers,
            clockwork,
            _lock: lock,
        })
    }

    /// Stops: no new messages, then what was taken is answered and, as far as time allows, processed.
    pub(crate) async fn stop(self) {
        self.health.is_stopping();
        self.doors_stop.send_replace(true);
        self.http_stop.send_replace(true);
        // The walk goes on meanwhile, since some answers wait for it.
        let until = Instant::now() + DRAIN_MAX;
        for task in self.door_tasks.into_iter().chain([self.http_task]) {
            drained(task, until).await;
        }
        self.stop.say();
        let (log, threads): (_, Vec<_>) = (self.log, self.routers.into_iter().chain(self.clockwork).collect());
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a thread ended by a panic");
                }
            }
            log.close();
        });
        told(joined.await);
    }
}

/// Opens the doors; all of them, or none works.
async fn open_doors(config: &Config, ports: &Ports) -> Result<Vec<Door>, Diagnostic> {
    let mut open = Vec::new();
    for door in &config.door {
        open.push(Door::open(door.clone(), ports.clone()).await.map_err(|error| {
            let code = match &error {
                DoorError::Listen { .. } => Code::PortTaken,
                DoorError::Tls(_) => Code::Certificate,
                DoorError::Config(_) | DoorError::Folder(_) => Code::Contradiction,
            };
            Diagnostic::new(code, format!("the door on {} cannot be opened", door.listen)).because(&error)
        })?);
    }
    Ok(open)
}

fn serve_door(door: Door, stopping: watch::Receiver<bool>) -> Task<()> {
    tokio::spawn(async move {
        door.serve(said(stopping)).await;
    })
}

/// Listens for HTTP, and tells where: the port that was found when the configuration said 0.
async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Diagnostic> {
    let listened = TcpListener::bind(address).await.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (found, listener) = listened.map_err(|error| {
        Diagnostic::new(Code::PortTaken, format!("HTTP cannot listen on {address}")).because(&error)
    })?;
    Ok((listener, found))
}

/// For `causeway status` on this machine.
fn note_pages(lock: Option<&HubLock>, http: SocketAddr) {
    if let Some(Err(error)) = lock.map(|lock| lock.note(http)) {
        tracing::warn!(%error, "it cannot be noted where the pages are; `causeway status` will not find them");
    }
}

fn serve_pages(
    (listener, reached): (TcpListener, SocketAddr),
    config: &Config,
    engines: &Engines,
    board: Board,
    health: Arc<Health>,
    stopping: watch::Receiver<bool>,
) -> Task<()> {
    let Engines { clock, metrics, repository, .. } = engines;
    let surface = Surface { metrics: Arc::clone(metrics), board, health, clock: Arc::clone(clock) };
    let reading = reading::routes(config, engines, reached);
    let routes = http::routes(surface, Arc::clone(repository), Known::of(config), config.synthetic).merge(reading);
    let (limits, metrics) = (config.server.limits.clone(), Arc::clone(metrics) as _);
    tokio::spawn(async move {
        causeway_serve::http::serve(listener, routes, limits, metrics, said(stopping)).await;
    })
}

/// Whether an operator paused a feed.
fn is_paused(paused: &Arc<RwLock<BTreeSet<FeedName>>>) -> Arc<dyn Fn(&FeedName) -> bool + Send + Sync> {
    let paused = Arc::clone(paused);
    Arc::new(move |feed| paused.read().unwrap_or_else(PoisonError::into_inner).contains(feed))
}

/// What the doors ask of the rest of the hub.
fn ports(engines: &Engines, waiters: &Arc<Waiters>, paused: &Arc<RwLock<BTreeSet<FeedName>>>) -> Ports {
    let repository = Arc::clone(&engines.repository);
    let suspects = Suspects::new(Arc::clone(&engines.clock), Arc::clone(&engines.repository) as _);
    Ports {
        log: engines.log.port(),
        clock: Arc::clone(&engines.clock),
        metrics: Arc::clone(&engines.metrics) as _,
        waiters: Arc::clone(waiters),
        supports: Arc::new(supports),
        is_paused: is_paused(paused),
        halt: Arc::new(halt::log),
        outcome_of: Arc::new(move |position| outcome_of(repository.as_ref(), position)),
        sequences: Sequences::of(Arc::clone(&engines.repository) as _),
        suspect: Arc::new(move |suspect| suspects.note(suspect)),
    }
}

/// Whether a kind of message is taken: what the mappers say, in the words of the door.
pub(crate) fn supports(code: &str, event: &str) -> causeway_hl7::Support {
    match hl7v2::supported(code, event) {
        Support::Yes => causeway_hl7::Support::Taken { patient: true },
        Support::UnknownType => causeway_hl7::Support::TypeUnknown,
        Support::UnknownEvent => causeway_hl7::Support::EventUnknown,
    }
}

/// What became of a message, when that is known.
fn outcome_of(repository: &dyn Repository, position: Position) -> Option<Settled> {
    let found = repository.trace(&position.to_string()).ok()?.into_iter();
    let row = found.map(|detail| detail.row).find(|row| row.facts.position == position)?;
    match row.state {
        State::Accepted | State::Withheld | State::Held => {
            Some(Settled { position, feed: row.facts.feed, state: row.state, reason: row.reason, at: row.settled_at })
        }
        State::Rejected | State::Discarded => None,
    }
}

/// Notes the end of a thread that nobody asked to end, a panic included.
struct Lost<'h>(&'h Health, &'h Stop);

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        if !self.1.is_said() {
            self.0.lost_a_thread();
        }
    }
}

/// Ready when it is said, or when whoever could say it is gone.
async fn said(mut stopping: watch::Receiver<bool>) {
    let heard = stopping.wait_for(|said| *said).await;
    drop(heard);
}

/// Waits for a task, but not for ever.
async fn drained(task: Task<()>, until: Instant) {
    let abort = task.abort_handle();
    match tokio::time::timeout_at(until, task).await {
        Ok(ended) => told(ended),
        Err(_elapsed) => {
            tracing::warn!("the time to drain is over: what is not finished is cut, and its senders will send again");
            abort.abort();
        }
    }
}

/// A task that ended by a panic is a fault of ours, which must be told.
fn told(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a task did not end well");
    }
}
