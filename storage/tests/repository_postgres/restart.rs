//! The server goes away in the middle of the work, the hard way, and comes back: whatever was said to be committed is
//! there once, and the work goes on. Needs a server of its own, which `ops/dev/postgres` starts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use causeway_core::contract::repository::Store;
use causeway_core::contract::repository::world::{accepted, add, at, clock, facts, hospital, result};
use causeway_core::envelope::{Offset, PartitionId, Position};
use causeway_core::outcome::Outcome;
use causeway_core::person::PersonId;
use causeway_core::port::{Fence, Lookup, Repository as _, RepositoryError};

use super::support::{PostgresRepository, PostgresSettings, settings};

/// Partitions worked on at once.
const PARTITIONS: u16 = 3;
/// Commits between two kills.
const BETWEEN: u64 = 60;
/// How long a restart may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server in a folder of its own.
struct Server(PathBuf);

impl Server {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("causeway-postgres-{}", std::process::id()));
        let server = Self(folder);
        server.run("start");
        server
    }

    fn run(&self, order: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/dev/postgres");
        let done =
            Command::new(script).arg(order).arg(&self.0).stdout(Stdio::null()).status().expect("the script runs");
        assert!(done.success(), "ops/dev/postgres {order} failed");
    }

    fn url(&self) -> String {
        std::fs::read_to_string(self.0.join("url")).expect("an url").trim().to_owned()
    }

    /// Ends all its processes at once, without a checkpoint; it recovers from its log at the next start.
    fn kill(&self) {
        let text = std::fs::read_to_string(self.0.join("data/postmaster.pid")).expect("it runs");
        let pid = text.lines().next().expect("a process id");
        let killed = Command::new("kill").args(["-QUIT", pid]).status().expect("kill runs");
        assert!(killed.success());
        let deadline = std::time::Instant::now() + PATIENCE;
        while self.0.join("data/postmaster.pid").exists() {
            assert!(std::time::Instant::now() < deadline, "it does not end");
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.run("stop");
        }
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_server_killed_under_load_loses_nothing_and_doubles_nothing() {
    let server = Server::start();
    let settings = PostgresSettings { url: server.url(), ..settings() };
    PostgresRepository::migrate(&settings).expect("the schema is made");
    let opened = std::sync::Arc::new(PostgresRepository::open(settings.clone()).expect("opens"));
    let store = Store {
        repository: opened.clone(),
        registry: opened.clone(),
        images: opened.clone(),
        commitments: opened.clone(),
        pointers: opened.clone(),
        keep: std::sync::Arc::new(()),
    };
    let person = add(&store, 1).person.id;
    let over = AtomicBool::new(false);
    let (tell, told): (Sender<()>, Receiver<()>) = channel();
    let committed: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..PARTITIONS)
            .map(|partition| {
                let repository = PostgresRepository::open(settings.clone()).expect("opens");
                let (tell, over) = (tell.clone(), &over);
                scope.spawn(move || work(&repository, partition, person, over, &tell))
            })
            .collect();
        for _ in 0..3 {
            (0..BETWEEN).for_each(|_| told.recv_timeout(PATIENCE).expect("it goes on"));
            server.kill();
            server.run("start");
        }
        while told.try_recv().is_ok() {}
        (0..BETWEEN).for_each(|_| told.recv_timeout(PATIENCE).expect("it goes on"));
        over.store(true, Ordering::SeqCst);
        workers.into_iter().map(|worker| worker.join().expect("no worker halted")).sum()
    });
    let report = opened.check().expect("checked");
    assert!(report.is_sound(), "{report:?}");
    assert_eq!((report.rows.messages, report.rows.records, report.audit.lines), (committed, committed, committed + 1));
}

/// Commits message after message until told to end. How many.
fn work(
    repository: &PostgresRepository,
    partition: u16,
    person: PersonId,
    over: &AtomicBool,
    tell: &Sender<()>,
) -> u64 {
    let provider = hospital();
    let mut next = 0;
    while !over.load(Ordering::SeqCst) {
        let position = Position { partition: PartitionId(partition), offset: Offset(next) };
        let record = result(&format!("LAB{partition}x{next}"), clock(2, 0, next), "1");
        let outcome = Outcome { facts: facts(position), ..accepted(0, person, vec![record]) };
        let lookups = [Lookup { provider: &provider, identity: None, message: None }];
        let fence = Fence { partition: position.partition, expect: Offset(next), next: Offset(next + 1) };
        match repository.commit(fence, &lookups, at(1), &mut |_| Ok(vec![outcome.clone()])) {
            Ok(_) => {
                next += 1;
                // The one who counts may have ended.
                let _told = tell.send(());
            }
            Err(RepositoryError::Unavailable { .. }) => std::thread::park_timeout(Duration::from_millis(20)),
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(repository.next_offset(PartitionId(partition)).expect("an offset"), Offset(next));
    next
}
