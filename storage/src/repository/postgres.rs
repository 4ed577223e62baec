//! The repository and the registry on PostgreSQL: any number of processes share one schema.
//!
//! Every transaction runs at READ COMMITTED. What a decision rests on is locked where it is read (`FOR SHARE` on persons
//! and providers), so that a revocation and a commit that goes by the consent follow one another; what is judged and then
//! changed is locked or compared (the offset, the current versions, the head of the audit). A stricter level would add
//! nothing to that but aborts: at SERIALIZABLE or REPEATABLE READ two partitions could never both add to the audit chain.
//!
//! The crate `postgres` runs a small runtime of its own inside each call: never call this from async code.

mod audit;
mod batch;
mod check;
mod clock;
mod commit;
mod commitments;
mod conditions;
mod consents;
mod copying;
mod dump;
pub(super) mod failure;
mod fetches;
mod imaging;
mod leases;
mod links;
mod message;
mod messages;
mod migrate;
mod persons;
mod pointers;
mod ports;
mod programs;
mod providers;
mod rebuild;
mod record_rows;
mod records;
mod resolve;
mod sequences;
mod session;
mod steps;
mod text;
mod tickets;
mod tls;
mod under_way;
mod unit;
mod versions;

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use causeway_core::envelope::{Digest, Offset, PartitionId};
use causeway_core::port::{AuditReport, RedoMode, RepositoryError};

pub use super::postgres_settings::PostgresSettings;

use super::error::{Result, StoreError};
use super::postgres_settings as settings;
use audit::Head;
use session::{Connector, Pool, Purpose, Session};
use unit::{Shared, Unit};

/// The shortest and the longest pause before a transaction is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_secs(1));

/// The repository and the registry in one schema of a PostgreSQL database.
pub struct PostgresRepository {
    settings: PostgresSettings,
    connector: Connector,
    writers: Pool,
    readers: Pool,
    caches: Shared,
}

/// Whether what a unit of work wrote is for keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Commit,
    RollBack,
}

impl Ending {
    /// What a mode asks for.
    const fn of(mode: RedoMode) -> Self {
        match mode {
            RedoMode::Commit => Self::Commit,
            RedoMode::Preview => Self::RollBack,
        }
    }
}

/// How a transaction ended that did not fail before its end.
enum End<T> {
    /// It is there, or was rolled back as asked; with the head of the audit after it, if it wrote lines.
    Done(T, Option<Head>),
    /// It may be there: the answer to `COMMIT` was lost.
    Open(T, String),
}

impl std::fmt::Debug for PostgresRepository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresRepository").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl PostgresRepository {
    /// Connects, and checks that the schema is the one this program knows.
    ///
    /// # Errors
    /// [`RepositoryError::Refused`] for settings that cannot be, a server that would lose data, a schema that is missing
    /// or of another version; [`RepositoryError::Unavailable`] when the server cannot be reached.
    pub fn open(settings: PostgresSettings) -> std::result::Result<Self, RepositoryError> {
        Ok(Self::open_checked(settings)?)
    }

    fn open_checked(settings: PostgresSettings) -> Result<Self> {
        let connector = Connector::new(&settings)?;
        let writers = Pool::new(Purpose::Write, settings.write_connections, settings.connect_timeout);
        let readers = Pool::new(Purpose::Read, settings.read_connections, settings.connect_timeout);
        let repository = Self { settings, connector, writers, readers, caches: Shared::default() };
        repository.read(|session| migrate::check(session, &repository.settings.schema))?;
        Ok(repository)
    }

    /// Brings the schema up to date, and makes it if there is none. Safe when killed at any point, and when several do it
    /// at once. Gives the version it has then.
    ///
    /// # Errors
    /// As [`PostgresRepository::open`].
    pub fn migrate(settings: &PostgresSettings) -> std::result::Result<i64, RepositoryError> {
        let migrated = Connector::new(settings)
            .and_then(|connector| connector.connect(Purpose::Read))
            .and_then(|mut session| migrate::migrate(&mut session, &settings.schema, migrate::MIGRATIONS));
        Ok(migrated?)
    }

    /// The version of the schema, and the one this program knows. 0 for none.
    ///
    /// # Errors
    /// As [`PostgresRepository::open`].
    pub fn schema_version(settings: &PostgresSettings) -> std::result::Result<(i64, i64), RepositoryError> {
        let found = Connector::new(settings)
            .and_then(|connector| connector.connect(Purpose::Read))
            .and_then(|mut session| migrate::version(&mut session, &settings.schema, migrate::MIGRATIONS));
        Ok((found?, migrate::known(migrate::MIGRATIONS)))
    }

    /// The number and the hash of the last audit line, to be anchored outside.
    ///
    /// # Errors
    /// As every reading.
    pub fn audit_head(&self) -> std::result::Result<(u64, Digest), RepositoryError> {
        let head = self.read(Head::read)?;
        Ok((head.seq, head.hash))
    }

    /// Checks the whole audit chain, and that it goes through a head noted earlier.
    ///
    /// # Errors
    /// As every reading.
    pub fn verify_audit_against(&self, seq: u64, hash: Digest) -> std::result::Result<AuditReport, RepositoryError> {
        Ok(self.read_at_once(|session| audit::verify(session, Some(Head { seq, hash })))?)
    }

    /// The next offset of every partition that has one, in their order.
    ///
    /// # Errors
    /// As every reading.
    pub fn next_offsets(&self) -> std::result::Result<Vec<(PartitionId, Offset)>, RepositoryError> {
        Ok(self.read(commit::next_offsets)?)
    }

    /// A digest of all that the log and the registry determine, equal to that of the embedded engine for the same
    /// content. See `SqliteRepository::canonical_dump_hash`.
    ///
    /// # Errors
    /// As every reading; [`RepositoryError::Damaged`] when a digest does not hold.
    pub fn canonical_dump_hash(&self) -> std::result::Result<Digest, RepositoryError> {
        Ok(self.read_at_once(dump::hash)?)
    }

    /// Runs `work` in one writing transaction and commits, unless it fails. Tried again when the server asks for it.
    fn write<T>(&self, work: impl FnMut(&mut Unit<'_>) -> Result<T>) -> Result<T> {
        self.write_or_not(Ending::Commit, work).map(|(done, _)| done)
    }

    fn write_or_not<T>(
        &self,
        ending: Ending,
        mut work: impl FnMut(&mut Unit<'_>) -> Result<T>,
    ) -> Result<(T, Option<Head>)> {
        let mut tries = 0;
        loop {
            match self.attempt(ending, &mut work) {
                Ok(End::Done(done, head)) => return Ok((done, head)),
                // Whether it is there can be told for a batch, by its offset; here it cannot.
                Ok(End::Open(_, cause)) => return Err(StoreError::Sync(cause)),
                Err(error) if again(&error) && tries < self.settings.retries_max => pause(tries),
                Err(error) => return Err(error),
            }
            tries = tries.saturating_add(1);
        }
    }

    /// One transaction.
    fn attempt<T>(&self, ending: Ending, work: &mut impl FnMut(&mut Unit<'_>) -> Result<T>) -> Result<End<T>> {
        let mut taken = self.writers.take(&self.connector)?;
        let session = taken.session()?;
        session.batch("BEGIN ISOLATION LEVEL READ COMMITTED")?;
        let mut unit = Unit::new(session, &self.caches, &self.settings);
        let worked = work(&mut unit).and_then(|done| unit.finish().map(|head| (done, head)));
        let (done, head) = match worked {
            Ok(worked) => worked,
            Err(error) => {
                // A statement ended in the middle of `under_way::BEGIN` may leave its lock, which is no transaction's.
                if session.batch("ROLLBACK; SELECT pg_advisory_unlock_all()").is_ok() {
                    taken.give_back();
                }
                return Err(error);
            }
        };
        match ending {
            Ending::RollBack => unit.session.batch("ROLLBACK")?,
            Ending::Commit => match unit.session.batch("COMMIT") {
                Ok(()) => unit.committed(),
                Err(StoreError::Server(error)) if error.leaves_open() => {
                    return Ok(End::Open(done, format!("the answer to a commit was lost: {error}")));
                }
                Err(error) => return Err(error),
            },
        }
        taken.give_back();
        Ok(End::Done(done, head))
    }

    /// Runs `work` on a reading connection. One that was closed while it lay idle is replaced once.
    fn read<T>(&self, mut work: impl FnMut(&mut Session) -> Result<T>) -> Result<T> {
        let mut tries = 0;
        loop {
            let mut taken = self.readers.take(&self.connector)?;
            match work(taken.session()?) {
                Ok(done) => {
                    taken.give_back();
                    return Ok(done);
                }
                Err(error) if again(&error) && tries < self.settings.retries_max => drop(taken),
                Err(error) => return Err(error),
            }
            tries = tries.saturating_add(1);
        }
    }

    /// As [`Self::read`], where several statements must see one state.
    fn read_at_once<T>(&self, mut work: impl FnMut(&mut Session) -> Result<T>) -> Result<T> {
        self.read(|session| {
            session.batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
            let done = work(session)?;
            session.batch("COMMIT")?;
            Ok(done)
        })
    }

    /// A number of rows as asked for, within the bound.
    fn bounded(&self, limit: u32) -> u32 {
        limit.min(self.settings.rows_max)
    }
}

fn again(error: &StoreError) -> bool {
    matches!(error, StoreError::Server(error) if error.is_again())
}

/// Waits before a transaction is tried again, twice as long each time, and not as long as the others wait.
fn pause(tries: u16) {
    let (shortest, longest) = PAUSES;
    let full = shortest.saturating_mul(2_u32.saturating_pow(u32::from(tries))).min(longest);
    let chance = u32::from(*uuid::Uuid::now_v7().as_bytes().last().unwrap_or(&0));
    let part = full.saturating_mul(chance.saturating_add(64)).checked_div(256).unwrap_or(full);
    let deadline = Instant::now().checked_add(part);
    let never = Mutex::new(());
    let mut guard = never.lock().unwrap_or_else(PoisonError::into_inner);
    let bell = Condvar::new();
    while let Some(left) = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
        && !left.is_zero()
    {
        guard = bell.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}
