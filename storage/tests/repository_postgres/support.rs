//! A schema of its own for each test, dropped at its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use causeway_core::contract::repository::{Store, Subject};
pub(crate) use causeway_storage::repository::postgres::{PostgresRepository, PostgresSettings};
use postgres::{Client, NoTls};

/// Where the server is.
pub(crate) fn url() -> String {
    let found = std::env::var("CAUSEWAY_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    found.unwrap_or_else(|| {
        panic!(
            "these tests need a PostgreSQL server; start one: ops/dev/postgres start DIR, then \
             CAUSEWAY_TEST_POSTGRES=$(cat DIR/url)"
        )
    })
}

/// A connection beside the repository's.
pub(crate) fn client() -> Client {
    Client::connect(&url(), NoTls).expect("the server answers")
}

/// Settings with a schema nobody else has, not made yet. Small pools, since many tests run at once.
pub(crate) fn settings() -> PostgresSettings {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let schema = format!("test_{}_{number}", std::process::id());
    PostgresSettings { url: url(), schema, write_connections: 3, read_connections: 2, ..PostgresSettings::default() }
}

/// A schema as long as this lives.
#[derive(Debug)]
pub(crate) struct Schema(pub String);

impl Drop for Schema {
    fn drop(&mut self) {
        let sql = format!("SET client_min_messages = warning; DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.0);
        let dropped = Client::connect(&url(), NoTls).and_then(|mut client| client.batch_execute(&sql));
        // A test that failed says so itself, and its server may be gone.
        assert!(dropped.is_ok() || std::thread::panicking(), "schema {} stays", self.0);
    }
}

/// A repository in a schema of its own.
pub(crate) struct Fresh {
    pub(crate) settings: PostgresSettings,
    pub(crate) schema: Arc<Schema>,
}

/// Makes the schema.
pub(crate) fn fresh(settings: PostgresSettings) -> Fresh {
    let schema = Arc::new(Schema(settings.schema.clone()));
    PostgresRepository::migrate(&settings).expect("the schema is made");
    Fresh { settings, schema }
}

impl Fresh {
    /// One more process on it.
    pub(crate) fn repository(&self) -> PostgresRepository {
        PostgresRepository::open(self.settings.clone()).expect("the repository opens")
    }

    /// A connection of the test's own, in the schema.
    pub(crate) fn client(&self) -> Client {
        let mut client = client();
        client.batch_execute(&format!("SET search_path TO \"{}\"", self.settings.schema)).expect("a schema");
        client
    }
}

/// Waits until so many transactions of the schema wait for the locks of others.
pub(crate) fn wait_for_locks(client: &mut Client, fresh: &Fresh, count: i64) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(5);
    let sql = "SELECT count(*) FROM pg_stat_activity AS a WHERE cardinality(pg_blocking_pids(a.pid)) > 0 AND a.pid IN (\
               SELECT l.pid FROM pg_locks AS l JOIN pg_class AS c ON c.oid = l.relation \
               JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1::text)";
    while client.query_one(sql, &[&fresh.settings.schema]).expect("a count").get::<_, i64>(0) < count {
        assert!(std::time::Instant::now() < deadline, "nobody waits for what should be locked");
    }
}

impl Subject for Fresh {
    fn open(&self) -> Store {
        let opened = Arc::new(self.repository());
        Store {
            repository: opened.clone(),
            registry: opened.clone(),
            images: opened.clone(),
            commitments: opened.clone(),
            pointers: opened,
            keep: self.schema.clone(),
        }
    }
}
