//! Opening a log: finds out whether all that was acknowledged is there, and refuses to start when it is not.
//!
//! Start-up reads the mark, both ends of each lane, the runs of identities, and the entries that are in no run yet.
//! That is bounded by the settings, however long the log is. [`super::EmbeddedLog`]'s `verify` reads everything.

use std::path::Path;

use causeway_core::envelope::{Offset, PartitionId, Position};
use causeway_core::port::{LogError, ReadLimit};
use rusqlite::Connection;

use super::identity::{Index, Key};
use super::lane::Lane;
use super::mark::{self, Claim, Found, Mark};
use super::schema::{self, Content};
use super::seal::LogId;
use super::{EmbeddedLogSettings, entries, fault, queue};

/// Entries checked at once.
const BATCH: ReadLimit = ReadLimit { count_max: 1024, bytes_max: 8 << 20 };
/// How often a mark that another process writes is read before it is called damaged.
const MARK_READS_MAX: usize = 100;

/// A log that is whole.
pub(super) struct Recovered {
    /// The writer's connection.
    pub(super) store: Connection,
    /// The log's id.
    pub(super) id: LogId,
    /// Its lanes.
    pub(super) lanes: Vec<Lane>,
    /// Its identities.
    pub(super) index: Index,
    /// Its mark, newly written and synced.
    pub(super) mark: Mark,
}

/// Opens the log in `dir` for writing, creating it if there is none.
pub(super) fn open(dir: &Path, settings: &EmbeddedLogSettings) -> Result<Recovered, LogError> {
    let found = match mark::read(dir)? {
        Some(found) => found,
        None => begin(dir, settings)?,
    };
    refuse_other_partitions(found.claim.tips.len(), settings)?;
    if !dir.join(schema::FILE).exists() && is_used(&found.claim) {
        return Err(lost(&found.claim, "the database file is missing"));
    }
    let mut store = schema::open_writer(dir)?;
    let id = found.claim.log;
    let mut lanes = match schema::recognise(&store)? {
        Content::Empty if is_used(&found.claim) => return Err(lost(&found.claim, "the database file is empty")),
        Content::Empty => create(&mut store, &id, settings)?,
        Content::Log { id, partitions } => lanes(&store, &found.claim, id, partitions)?,
    };
    let mut index = Index::load(&store, lanes.len())?;
    for lane in &mut lanes {
        take_up(&store, &id, lane, &mut index)?;
    }
    if found.bad_copies > 0 {
        tracing::warn!(copies = found.bad_copies, "copies of the log's high-water mark were damaged and are renewed");
    }
    let mark = renew(dir, found, &lanes).map_err(fault::sync)?;
    Ok(Recovered { store, id, lanes, index, mark })
}

/// Looks at the log in `dir` without changing it: whether its ends are where the mark says. Gives its lanes.
pub(super) fn inspect(dir: &Path) -> Result<u16, LogError> {
    let Some(found) = mark::read(dir)? else {
        return Err(fault::unavailable(format!("there is no log in {}", dir.display())));
    };
    if !dir.join(schema::FILE).exists() {
        return Err(lost(&found.claim, "the database file is missing"));
    }
    let store = schema::open_reader(dir)?;
    match schema::recognise(&store)? {
        Content::Empty => Err(lost(&found.claim, "the database file is empty")),
        Content::Log { id, partitions } => lanes(&store, &found.claim, id, partitions).map(|_| partitions),
    }
}

/// Checks the copies of the mark in `dir`. One that is just being written looks damaged for a moment.
pub(super) fn verify_mark(dir: &Path) -> Result<(), LogError> {
    for _ in 0..MARK_READS_MAX {
        if mark::read(dir)?.is_some_and(|found| found.bad_copies == 0) {
            return Ok(());
        }
    }
    Err(mark::changed())
}

/// Begins a new log with its mark, so that a database without one is known to have lost it.
fn begin(dir: &Path, settings: &EmbeddedLogSettings) -> Result<Found, LogError> {
    if dir.join(schema::FILE).exists() || dir.join(schema::WAL_FILE).exists() {
        return Err(fault::damaged_file("the high-water mark is missing"));
    }
    let random = Connection::open_in_memory()
        .and_then(|store| store.query_row("SELECT randomblob(16)", [], |row| row.get::<_, LogId>(0)));
    let log = random.map_err(fault::unavailable)?;
    let tips = (0..settings.partitions).map(|lane| Lane::new(&log, PartitionId(lane)).tip).collect();
    let claim = Claim { log, generation: 0, tips };
    Mark::create(dir, &claim).map_err(|error| fault::making_file(&error))?;
    Ok(Found { claim, slot: 0, bad_copies: 0 })
}

/// Writes the tables of a new log.
fn create(store: &mut Connection, id: &LogId, settings: &EmbeddedLogSettings) -> Result<Vec<Lane>, LogError> {
    let lanes: Vec<_> = (0..settings.partitions).map(|lane| Lane::new(id, PartitionId(lane))).collect();
    schema::create(store, id, &lanes).map_err(|error| fault::making(&error))?;
    Ok(lanes)
}

/// The lanes as stored, each reaching at least as far as the mark says.
fn lanes(store: &Connection, claim: &Claim, id: LogId, partitions: u16) -> Result<Vec<Lane>, LogError> {
    if id != claim.log || usize::from(partitions) != claim.tips.len() {
        return Err(fault::damaged_file("the high-water mark is that of another log"));
    }
    let lanes = (0..partitions).map(PartitionId).zip(&claim.tips).map(|(partition, claimed)| {
        let mut lane = Lane::read(store, partition)?;
        lane.tip = entries::tip(store, &lane)?;
        let end = lane.tip.end;
        if end < claimed.end {
            let what =
                format!("acknowledged entries are missing: it ends here, the high-water mark says {}", claimed.end.0);
            return Err(fault::damaged(partition, end, what));
        }
        if lane.indexed > end {
            return Err(fault::damaged(partition, end, "entries are missing: identities reach further"));
        }
        // A mark that was not yet synced when the power failed may lie before what has been pruned since.
        if claimed.end >= lane.first && entries::link_before(store, &lane, claimed.end)? != claimed.chain {
            return Err(fault::damaged(partition, claimed.end, "this is not the log that the high-water mark knows"));
        }
        Ok(lane)
    });
    lanes.collect()
}

/// Checks the entries that are in no run yet, and takes their identities into memory.
fn take_up(store: &Connection, id: &LogId, lane: &mut Lane, index: &mut Index) -> Result<(), LogError> {
    let mut from = Position { partition: lane.partition, offset: lane.indexed.max(lane.first) };
    let mut chain = entries::link_before(store, lane, from.offset)?;
    while from.offset < lane.tip.end {
        let (batch, link) = entries::range(store, from, lane.tip.end, BATCH, chain)?;
        for entry in &batch {
            let bytes = queue::bytes(0, entry.envelope.body.expose().len());
            index.insert(Key::of(id, &entry.envelope), entry.position, bytes);
        }
        from.offset = batch.last().map_or(lane.tip.end, |last| last.position.offset.next());
        chain = link;
    }
    Ok(())
}

/// Writes the mark anew, into every slot: it covers what is there now, and no damaged copy is left.
fn renew(dir: &Path, found: Found, lanes: &[Lane]) -> std::io::Result<Mark> {
    let mut mark = Mark::open(dir, found)?;
    let file = mark.sync_handle()?;
    for _ in 0..mark::SLOTS {
        mark.record(lanes.iter().map(|lane| lane.tip))?;
        mark.begin_sync();
        file.sync_data()?;
        mark.end_sync();
    }
    Ok(mark)
}

/// A log keeps the lanes it was created with.
fn refuse_other_partitions(held: usize, settings: &EmbeddedLogSettings) -> Result<(), LogError> {
    if held == usize::from(settings.partitions) {
        return Ok(());
    }
    Err(fault::unavailable(format!(
        "the log has {held} partitions and the setting says {}; a log keeps those it was created with",
        settings.partitions
    )))
}

/// Whether anything was ever acknowledged.
fn is_used(claim: &Claim) -> bool {
    claim.tips.iter().any(|tip| tip.end > Offset(0))
}

/// All of it is gone.
fn lost(claim: &Claim, what: &str) -> LogError {
    let entries = claim.tips.iter().map(|tip| tip.end.0).fold(0, u64::saturating_add);
    fault::damaged_file(format!("{what}; {entries} entries were acknowledged"))
}
