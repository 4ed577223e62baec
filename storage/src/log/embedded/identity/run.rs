//! A sorted run of keys on disk, in blocks with a checksum each.

use std::ops::RangeInclusive;

use causeway_core::envelope::Offset;
use causeway_core::port::LogError;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::filter::Filter;
use super::recent::Record;
use crate::log::embedded::fault;
use crate::log::embedded::lane::Lane;

/// Keys in one block: 4,096 bytes.
const BLOCK_KEYS: usize = 256;
/// A block's row is its run's number times this, plus its place.
const BLOCKS_MAX: i64 = 1 << 20;
/// Tells keys from control ids in the filter.
const CONTROL_ID: u64 = 1;

/// A run.
#[derive(Debug)]
pub(super) struct Run {
    number: i64,
    /// Where each lane ended when it was written: all its entries stand before.
    ends: Vec<Offset>,
    /// The first key of each block.
    fences: Vec<u64>,
    filter: Filter,
}

impl Run {
    /// Its number; later runs have higher ones.
    pub(super) const fn number(&self) -> i64 {
        self.number
    }

    /// False: it certainly does not hold the key.
    pub(super) fn may_hold(&self, key: u64) -> bool {
        self.filter.may_hold(key)
    }

    /// False: it certainly holds no key with this control id.
    pub(super) fn may_hold_control_id(&self, key: u64) -> bool {
        self.filter.may_hold(control_id(key))
    }

    /// Whether every entry of it is pruned.
    pub(super) fn is_gone(&self, lanes: &[Lane]) -> bool {
        self.ends.iter().zip(lanes).all(|(end, lane)| *end <= lane.first)
    }

    /// The packed positions of the keys in the range; at most two blocks of them.
    pub(super) fn find(&self, store: &Connection, keys: &RangeInclusive<u64>) -> Result<Vec<u64>, LogError> {
        // A key may also end the block before the first that begins with it.
        let first = self.fences.partition_point(|fence| fence < keys.start()).saturating_sub(1);
        let mut found = Vec::new();
        for (block, fence) in self.fences.iter().enumerate().skip(first).take(3) {
            if fence > keys.end() || found.len() >= BLOCK_KEYS {
                break;
            }
            let bytes = read_block(store, self.number, block)?;
            found.extend(records(&bytes).filter(|(key, _)| keys.contains(key)).map(|(_, position)| position));
        }
        Ok(found)
    }

    /// Deletes it.
    pub(super) fn delete(&self, store: &Connection) -> rusqlite::Result<()> {
        let rows = self.number * BLOCKS_MAX;
        store
            .prepare_cached("DELETE FROM identity_block WHERE row >= ?1 AND row < ?2")?
            .execute([rows, rows + BLOCKS_MAX])?;
        store.prepare_cached("DELETE FROM identity_run WHERE run = ?1")?.execute([self.number]).map(drop)
    }

    fn new(number: i64, ends: Vec<Offset>, keys: usize) -> Self {
        Self { number, ends, fences: Vec::new(), filter: Filter::new(keys.saturating_mul(2)) }
    }

    /// Takes a block into memory's part of it.
    fn add(&mut self, block: &[u8]) {
        let mut before = None;
        for (key, _) in records(block) {
            if before.is_none() {
                self.fences.push(key);
            }
            self.filter.insert(key);
            let control_id = control_id(key);
            if before != Some(control_id) {
                self.filter.insert(control_id);
            }
            before = Some(control_id);
        }
    }
}

/// What stands for the control id of a key in the filter.
const fn control_id(key: u64) -> u64 {
    (key >> 32) << 32 | CONTROL_ID
}

/// Writes `keys`, which are sorted, as run `number`, inside the caller's transaction.
pub(super) fn write(store: &Connection, number: i64, ends: Vec<Offset>, keys: &[Record]) -> rusqlite::Result<Run> {
    let mut run = Run::new(number, ends, keys.len());
    let mut block = Vec::with_capacity(BLOCK_KEYS * 16);
    let mut insert = store.prepare_cached("INSERT INTO identity_block (row, crc, keys) VALUES (?1, ?2, ?3)")?;
    let mut left = keys.iter().peekable();
    while left.peek().is_some() {
        block.clear();
        for (key, position) in left.by_ref().take(BLOCK_KEYS) {
            block.extend_from_slice(&key.to_be_bytes());
            block.extend_from_slice(&position.to_be_bytes());
        }
        let row = row(number, run.fences.len());
        insert.execute(params![row, block_crc(row, &block), block])?;
        run.add(&block);
    }
    let ends = end_bytes(&run.ends);
    let blocks = i64::try_from(run.fences.len()).unwrap_or(BLOCKS_MAX);
    let crc = run_crc(number, blocks, &ends);
    store
        .prepare_cached("INSERT INTO identity_run (run, blocks, ends, crc) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![number, blocks, ends, crc])?;
    Ok(run)
}

/// Loads all runs, oldest first.
pub(super) fn load(store: &Connection, lanes: usize) -> Result<Vec<Run>, LogError> {
    rows(store).map_err(|error| unreadable(&error))?.into_iter().map(|row| load_one(store, &row, lanes)).collect()
}

/// A row of `identity_run`.
struct Row {
    number: i64,
    blocks: i64,
    ends: Vec<u8>,
    crc: i64,
}

fn rows(store: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut select = store.prepare("SELECT run, blocks, ends, crc FROM identity_run ORDER BY run")?;
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Row { number: row.get(0)?, blocks: row.get(1)?, ends: row.get(2)?, crc: row.get(3)? })
    };
    select.query_map([], row)?.collect()
}

fn load_one(store: &Connection, row: &Row, lanes: usize) -> Result<Run, LogError> {
    let damaged = || fault::damaged_file(format!("run {} of identities was changed", row.number));
    let blocks = usize::try_from(row.blocks).ok().filter(|_| row.blocks <= BLOCKS_MAX).ok_or_else(damaged)?;
    let whole = row.crc == run_crc(row.number, row.blocks, &row.ends) && row.ends.len() == lanes.saturating_mul(8);
    if !whole {
        return Err(damaged());
    }
    let ends = row.ends.chunks_exact(8).map(|end| Some(Offset(u64::from_be_bytes(end.try_into().ok()?))));
    let ends = ends.collect::<Option<Vec<_>>>().ok_or_else(damaged)?;
    let mut run = Run::new(row.number, ends, blocks.saturating_mul(BLOCK_KEYS));
    for block in 0..blocks {
        run.add(&read_block(store, row.number, block)?);
    }
    Ok(run)
}

/// Reads and checks one block.
fn read_block(store: &Connection, number: i64, block: usize) -> Result<Vec<u8>, LogError> {
    let row = row(number, block);
    let damaged = || fault::damaged_file(format!("block {block} of run {number} of identities was changed"));
    let found = store
        .prepare_cached("SELECT crc, keys FROM identity_block WHERE row = ?1")
        .and_then(|mut select| {
            select.query_row([row], |r| Ok((r.get::<_, i64>(0)?, r.get::<_, Vec<u8>>(1)?))).optional()
        })
        .map_err(|error| unreadable(&error))?;
    let (crc, keys) = found.ok_or_else(damaged)?;
    if crc == block_crc(row, &keys) && !keys.is_empty() { Ok(keys) } else { Err(damaged()) }
}

fn unreadable(error: &rusqlite::Error) -> LogError {
    fault::reading(causeway_core::envelope::PartitionId(0), Offset(0), error)
}

/// The row of a block.
fn row(number: i64, block: usize) -> i64 {
    number.saturating_mul(BLOCKS_MAX).saturating_add(i64::try_from(block).unwrap_or(BLOCKS_MAX))
}

/// Key and packed position of each record.
fn records(block: &[u8]) -> impl Iterator<Item = (u64, u64)> {
    block.chunks_exact(16).filter_map(|record| {
        let (key, position) = record.split_at_checked(8)?;
        Some((u64::from_be_bytes(key.try_into().ok()?), u64::from_be_bytes(position.try_into().ok()?)))
    })
}

fn block_crc(row: i64, keys: &[u8]) -> i64 {
    i64::from(crc32c::crc32c_append(crc32c::crc32c(&row.to_be_bytes()), keys))
}

fn run_crc(number: i64, blocks: i64, ends: &[u8]) -> i64 {
    let head = crc32c::crc32c_append(crc32c::crc32c(&number.to_be_bytes()), &blocks.to_be_bytes());
    i64::from(crc32c::crc32c_append(head, ends))
}

fn end_bytes(ends: &[Offset]) -> Vec<u8> {
    ends.iter().flat_map(|end| end.0.to_be_bytes()).collect()
}
