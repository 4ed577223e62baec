//! The surroundings of a fault test: a folder, the engines, the patients who take part, and the judge at the end.

use std::path::Path;
use std::time::Duration;

use causeway_core::port::Repository;
#[cfg(feature = "production")]
use causeway_storage::repository::postgres::{PostgresRepository, PostgresSettings};
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};
use causeway_tests::check::{Extent, check};
use causeway_tests::hub::Hub;
use causeway_tests::journal::{Event, Journal};
use causeway_tests::load::{Load, all as all_of_them};
use causeway_tests::patient::{PROVIDER, Patient};
#[cfg(feature = "production")]
use causeway_tests::servers::{Place, Servers};
use causeway_tests::tier::Tier;

use super::run::{lanes, register, status, wait};

/// Partitions of a topic of Kafka.
#[cfg(feature = "production")]
const PARTITIONS: u16 = 4;

/// What the hub of a test works on.
enum Engines {
    /// Files of its own folder, and further lines of the configuration.
    Embedded(&'static str),
    /// Real servers, with a topic and a schema of this test's own.
    #[cfg(feature = "production")]
    Production { servers: Servers, place: Place },
}

/// The surroundings of a test.
pub(crate) struct World {
    engines: Engines,
    /// Everything of the test; gone with it.
    pub(crate) folder: tempfile::TempDir,
}

impl World {
    /// On the embedded engines: one process.
    pub(crate) fn embedded() -> Self {
        Self::embedded_with("")
    }

    /// The same, with further lines of the configuration.
    pub(crate) fn embedded_with(lines: &'static str) -> Self {
        Self { engines: Engines::Embedded(lines), folder: tempfile::tempdir().expect("a folder") }
    }

    /// On Kafka and PostgreSQL: as many processes as the test likes.
    #[cfg(feature = "production")]
    pub(crate) fn production() -> Self {
        Self::on(Servers::find().unwrap_or_else(|say| panic!("{say}")))
    }

    /// On servers of the test's own.
    #[cfg(feature = "production")]
    pub(crate) fn on(servers: Servers) -> Self {
        let engines = Engines::Production { servers, place: Place::fresh() };
        Self { engines, folder: tempfile::tempdir().expect("a folder") }
    }

    /// A process of the hub, not yet started.
    pub(crate) fn process(&self, name: &str) -> Hub {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).expect("made");
        self.process_in(&folder)
    }

    /// The same, in a folder that is there.
    pub(crate) fn process_in(&self, folder: &Path) -> Hub {
        let lines = match &self.engines {
            Engines::Embedded(lines) => (*lines).to_owned(),
            #[cfg(feature = "production")]
            Engines::Production { servers, place } => servers.engines(place, PARTITIONS),
        };
        Hub::on(folder, PROVIDER, &lines).expect("a process")
    }

    /// Makes topic, schema and registry as an administrator does.
    pub(crate) fn prepare(&self, hub: &Hub, patients: &[Patient]) {
        match &self.engines {
            Engines::Embedded(_) => {}
            #[cfg(feature = "production")]
            Engines::Production { .. } => {
                for arguments in [&["kafka", "apply", "--yes"][..], &["db", "migrate"]] {
                    let output = hub.run(arguments).expect("runs");
                    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
                }
            }
        }
        register(hub, patients, self.folder.path());
    }

    /// The repository, beside the hub.
    pub(crate) fn repository(&self, hub: &Hub) -> Box<dyn Repository> {
        match &self.engines {
            Engines::Embedded(_) => {
                let file = hub.data().join("repository.db");
                Box::new(SqliteRepository::open(&file, SqliteSettings::default()).expect("opens"))
            }
            #[cfg(feature = "production")]
            Engines::Production { servers, place } => {
                let (url, schema) = (servers.postgres.clone(), place.schema.clone());
                let settings = PostgresSettings { url, schema, ..PostgresSettings::default() };
                Box::new(PostgresRepository::open(settings).expect("opens"))
            }
        }
    }

    /// A connection to the database, as an administrator has it.
    #[cfg(feature = "production")]
    pub(crate) fn client(&self) -> postgres::Client {
        let Engines::Production { servers, .. } = &self.engines else { panic!("there is no server") };
        postgres::Client::connect(&servers.postgres, postgres::NoTls).expect("connects")
    }

    /// Ends every connection of the hub to the database, as an administrator can. How many there were.
    #[cfg(feature = "production")]
    pub(crate) fn cut_connections(&self) -> i64 {
        // Other tests have their hubs on the same server.
        let sql = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = $1";
        let name = format!("causeway {}", self.schema());
        self.client().query_one(sql, &[&name]).expect("asked").get(0)
    }

    /// The schema of this test.
    #[cfg(feature = "production")]
    pub(crate) fn schema(&self) -> &str {
        let Engines::Production { place, .. } = &self.engines else { panic!("there is no server") };
        &place.schema
    }

    /// A journal of this test.
    pub(crate) fn journal(&self) -> Journal {
        Journal::create(&self.folder.path().join("journal")).expect("a journal")
    }

    /// A load for these hubs with the bounds of most tests.
    pub(crate) fn load(&self, to: &[&Hub], patients: &[Patient], counters: u32, seed: u64) -> Load {
        Load {
            to: to.iter().map(|hub| hub.mllp()).collect(),
            connections: 4,
            patients: patients.to_vec(),
            counters,
            seed,
            deadline: Duration::from_secs(tier().pick(300, 1_800, 7_200)),
            allowed: all_of_them(),
            padding: 0,
        }
    }

    /// Waits until all that is in the log is processed, stops the hub, and compares what was acknowledged with what is stored.
    pub(crate) fn finish(&self, mut hub: Hub, journal: &Journal, load: &Load) {
        // What was acknowledged and is not in the log will never be processed: waiting for it would hide the loss.
        wait("what is in the log is processed", || lanes(&hub).iter().all(|(next, end)| next == end));
        assert_eq!(hub.stop().expect("stops"), Some(0), "a graceful stop: {}", hub.log());
        self.judge(&hub, journal, load);
    }

    /// Compares what was acknowledged with what is stored, and the hub's own count with the senders'.
    pub(crate) fn judge(&self, hub: &Hub, journal: &Journal, load: &Load) {
        let events = journal.events();
        let count = |kind: Event| events.values().flatten().filter(|event| **event == kind).count() as u64;
        // A log that many processes write holds resends, too; they are told apart when they are stored.
        let copies_max = match &self.engines {
            Engines::Embedded(_) => 0,
            #[cfg(feature = "production")]
            Engines::Production { .. } => count(Event::Sent) - events.len() as u64,
        };
        eprintln!(
            "seed {}: {} acknowledged, {} answers lost, {} refused",
            load.seed,
            count(Event::Acknowledged),
            count(Event::Unknown),
            count(Event::Refused)
        );
        assert_eq!(events.values().filter(|history| history.contains(&Event::Acknowledged)).count(), events.len());
        let partitions = u16::try_from(lanes(hub).len()).expect("few");
        let log = Extent { partitions, copies_max };
        let repository = self.repository(hub);
        let found = check(&events, &load.patients, load.seed, &*repository, log, jiff::Timestamp::UNIX_EPOCH);
        let found = found.expect("checked");
        assert!(
            found.is_empty(),
            "seed {}: {} anomalies, first {:?}",
            load.seed,
            found.len(),
            found.iter().take(5).collect::<Vec<_>>()
        );
        assert!(repository.verify_audit().expect("reads").first_bad.is_none(), "the audit chain holds");
        drop(repository);
        account_for(hub, events.len() as u64);
    }
}

/// P31: every message the senders know of is in exactly one state, by the hub's own count.
pub(crate) fn account_for(hub: &Hub, messages: u64) {
    let status = status(hub);
    let states = ["accepted", "withheld", "held", "rejected", "discarded"];
    let feeds = status["feeds"].as_array().expect("feeds");
    let of_feed =
        |feed: &serde_json::Value| states.iter().map(|state| feed[*state].as_u64().expect("a count")).sum::<u64>();
    assert_eq!(feeds.iter().map(of_feed).sum::<u64>(), messages, "the hub's own count: {}", status["feeds"]);
}

/// Patients of a run; every tenth one takes no part.
pub(crate) fn some_patients(count: u32) -> Vec<Patient> {
    (0..count).map(|number| Patient { number, participant: number % 10 != 9 }).collect()
}

/// How much this run does.
pub(crate) fn tier() -> Tier {
    Tier::of_environment().unwrap_or_else(|say| panic!("{say}"))
}
