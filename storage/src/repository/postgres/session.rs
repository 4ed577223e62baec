//! One connection with its prepared statements, and the bounded pools of them.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use postgres::config::Host;
use postgres::types::{FromSql, ToSql};
use postgres::{Client, Config, Row, Statement};

use super::copying::Load;
use super::failure::ServerError;
use super::settings::PostgresSettings;
use super::tls::Way;
use crate::repository::error::{Result, StoreError};

/// At most so many statements are kept prepared on one connection.
const STATEMENTS_MAX: usize = 256;
/// The oldest server this runs on, as `server_version_num` has it.
const VERSION_MIN: i32 = 150_000;

/// Writers look everything up by key. Plans are kept as long as a connection, and one made while the tables were empty
/// would read them whole when they are not. Nor are they made anew for each batch: no batch asks for another one.
const BY_KEY: &str = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; \
     SET enable_memoize = off; SET plan_cache_mode = force_generic_plan";

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Transactions of the hot path and changes of the registry.
    Write,
    /// Lists, counts and checks.
    Read,
}

/// What a statement is given.
pub(super) type Params<'p> = &'p [&'p (dyn ToSql + Sync)];

/// One connection.
pub(super) struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
}

impl Session {
    /// Rows of a statement, which is prepared once.
    pub(super) fn query(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        let statement = self.prepared(sql)?;
        Ok(self.client.query(&statement, params)?)
    }

    /// The first row, if there is one.
    pub(super) fn first(&mut self, sql: &str, params: Params<'_>) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Runs a statement; gives the number of rows it touched.
    pub(super) fn execute(&mut self, sql: &str, params: Params<'_>) -> Result<u64> {
        let statement = self.prepared(sql)?;
        Ok(self.client.execute(&statement, params)?)
    }

    /// Runs statements without parameters.
    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql)?)
    }

    /// Stores many rows at once: several times cheaper than `INSERT`, which takes rows one by one. Does `beside` while the
    /// server stores them, which must not need the server.
    pub(super) fn copy<T>(&mut self, load: &Load, beside: impl FnOnce() -> Result<T>) -> Result<T> {
        if load.is_empty() {
            return beside();
        }
        let statement = self.prepared(load.sql)?;
        load.send(&mut self.client, &statement, beside)
    }

    /// Rows of a statement that is used rarely and not worth being kept.
    pub(super) fn query_once(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        Ok(self.client.query(sql, params)?)
    }

    fn prepared(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        if self.statements.len() >= STATEMENTS_MAX {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// A code, as a column of two bytes has it. All of them are small.
pub(super) fn short(code: i64) -> i16 {
    i16::try_from(code).unwrap_or(i16::MAX)
}

/// A column of a row.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T> {
    Ok(row.try_get(column)?)
}

/// How connections are made.
pub(super) struct Connector {
    config: Config,
    way: Way,
    at: String,
    setup: String,
}

impl Connector {
    /// Reads the settings. A password never gets into an error.
    pub(super) fn new(settings: &PostgresSettings) -> Result<Self> {
        let refuse = |why: String| StoreError::Refused(why);
        let mut config: Config =
            settings.url.parse().ok().ok_or_else(|| refuse("the url of the repository cannot be read".to_owned()))?;
        let way = Way::of(settings, &mut config)?;
        if let Some(password) = password(settings, &config)? {
            config.password(password);
        }
        // Hubs that share a server are told apart by it in pg_stat_activity.
        config.connect_timeout(settings.connect_timeout).application_name(&format!("causeway {}", settings.schema));
        check_schema_name(&settings.schema)?;
        let (statement, lock) = (settings.statement_timeout.as_millis(), settings.lock_timeout.as_millis());
        // A process that stops in the middle of a transaction must not hold a partition's row for ever.
        let setup = format!(
            "SET search_path TO \"{}\"; SET statement_timeout = {statement}; SET lock_timeout = {lock}; \
             SET idle_in_transaction_session_timeout = {statement}; SET client_min_messages = warning; SET jit = off",
            settings.schema
        );
        let at = place(&config);
        Ok(Self { config, way, at, setup })
    }

    /// Makes a connection to a server that keeps what it acknowledges.
    pub(super) fn connect(&self, purpose: Purpose) -> Result<Session> {
        let client = self.way.connect(&self.config);
        let client = match client {
            Ok(client) => client,
            Err(error) => return Err(StoreError::Server(ServerError::not_connected(&error, &self.at))),
        };
        let mut session = Session { client, statements: HashMap::new() };
        session.batch(&self.setup)?;
        session.check_server()?;
        match purpose {
            Purpose::Write => session.batch(BY_KEY)?,
            Purpose::Read => {}
        }
        Ok(session)
    }
}

impl Session {
    fn check_server(&mut self) -> Result<()> {
        let sql = "SELECT current_setting('server_version_num')::int4, current_setting('fsync'), \
                   current_setting('synchronous_commit')";
        let rows = self.query_once(sql, &[])?;
        let Some(row) = rows.first() else { return Err(StoreError::Unavailable("the server says nothing".to_owned())) };
        let (version, fsync, synchronous): (i32, &str, &str) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
        if version < VERSION_MIN {
            return Err(StoreError::Refused("the server is older than PostgreSQL 15".to_owned()));
        }
        if fsync != "on" {
            return Err(StoreError::Refused("the server has fsync off: it would lose what it acknowledged".to_owned()));
        }
        match synchronous {
            "off" => self.batch("SET synchronous_commit = on"),
            _ => Ok(()),
        }
    }
}

pub(super) fn password(settings: &PostgresSettings, config: &Config) -> Result<Option<String>> {
    if let Some(file) = &settings.password_file {
        return match std::fs::read_to_string(file) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned())),
            Err(error) => Err(StoreError::Refused(format!("{} cannot be read: {error}", file.display()))),
        };
    }
    if config.get_password().is_some() {
        return Ok(None);
    }
    Ok(std::env::var("PGPASSWORD").ok())
}

pub(super) fn check_schema_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 63 || !name.chars().all(fits) {
        return Err(StoreError::Refused("a schema name has 1 to 63 lower-case letters, digits and _".to_owned()));
    }
    Ok(())
}

/// Host and port, for errors.
fn place(config: &Config) -> String {
    let host = config.get_hosts().first().map(|host| match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    });
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("{}:{port}", host.unwrap_or_else(|| "localhost".to_owned()))
}

/// A bounded number of connections.
pub(super) struct Pool {
    purpose: Purpose,
    size: usize,
    wait: Duration,
    state: Mutex<State>,
    given_back: Condvar,
}

#[derive(Default)]
struct State {
    idle: Vec<Session>,
    out: usize,
}

impl Pool {
    pub(super) fn new(purpose: Purpose, size: u16, wait: Duration) -> Self {
        let state = Mutex::new(State::default());
        Self { purpose, size: usize::from(size.max(1)), wait, state, given_back: Condvar::new() }
    }

    /// A connection, waiting for one if all are in use.
    pub(super) fn take(&self, connector: &Connector) -> Result<Taken<'_>> {
        let deadline = Instant::now().checked_add(self.wait);
        let mut state = self.lock();
        loop {
            if let Some(session) = state.idle.pop() {
                if session.client.is_closed() {
                    continue;
                }
                state.out = state.out.saturating_add(1);
                return Ok(Taken { pool: self, session: Some(session) });
            }
            if state.out < self.size {
                state.out = state.out.saturating_add(1);
                drop(state);
                // Counted as out from here on, also when connecting fails.
                let mut taken = Taken { pool: self, session: None };
                taken.session = Some(connector.connect(self.purpose)?);
                return Ok(taken);
            }
            let left = deadline.map_or(self.wait, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(StoreError::Unavailable(format!("all {} connections are in use", self.size)));
            }
            state = self.given_back.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in the state can be half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection is closed by a runtime of its own, which may not be run on a thread that already drives one; and the last
/// owner of a repository may well be a task. So the connections are closed on a thread beside.
impl Drop for Pool {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut self.lock().idle);
        if idle.is_empty() {
            return;
        }
        // Without a thread, or after a panic in it, the server closes what was left open.
        if let Ok(closing) = std::thread::Builder::new().spawn(move || drop(idle)) {
            drop(closing.join());
        }
    }
}

/// A connection in use. It is closed when dropped, unless it is given back.
pub(super) struct Taken<'p> {
    pool: &'p Pool,
    session: Option<Session>,
}

impl Taken<'_> {
    /// The connection. A taken one always has it.
    pub(super) fn session(&mut self) -> Result<&mut Session> {
        self.session.as_mut().ok_or_else(|| StoreError::Unavailable("the connection was given back".to_owned()))
    }

    /// Gives the connection back for the next one, with no transaction open.
    pub(super) fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            self.pool.lock().idle.push(session);
        }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.out = state.out.saturating_sub(1);
        drop(state);
        self.pool.given_back.notify_one();
    }
}
