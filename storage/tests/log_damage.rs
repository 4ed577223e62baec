//! What is damaged is told at start or at read, never skipped and never wrong: flipped bits, lost tails, missing,
//! foreign and older files.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

#[path = "log/files.rs"]
mod files;
#[path = "log/reading.rs"]
mod reading;
#[path = "log/support.rs"]
mod support;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use causeway_core::contract::log::envelope;
use causeway_core::envelope::{Envelope, Offset, Position};
use causeway_core::port::{Entry, Freshness, Log, LogError};
use causeway_storage::log::embedded::EmbeddedLogSettings;
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

/// Flips of one run, over all files.
const FLIPS: u64 = 1000;
/// Where the random numbers begin; printed, so that a failure can be repeated.
const SEED: u64 = 0x5EED_C0DE;

/// A log as a killed process leaves it: runs of identities, a half-used write-ahead log, pruned entries, long ones.
struct Store {
    dir: TempDir,
    /// What it holds.
    entries: Vec<Entry>,
}

/// A folder in memory where there is one: these tests open hundreds of logs, and sync nothing that must last.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.expect("folder")
}

/// Copies the files of a log that nobody writes at this moment: what is left after the process was killed.
fn copy(from: &Path, to: &Path) {
    for file in files::FILES {
        if from.join(file).exists() {
            std::fs::copy(from.join(file), to.join(file)).expect("copy");
        }
    }
}

fn settings() -> EmbeddedLogSettings {
    EmbeddedLogSettings { partitions: 2, run_count_max: 60, wal_bytes_max: 150_000, ..EmbeddedLogSettings::default() }
}

/// An envelope of its own size: most short, some over many pages.
fn sized(number: u64) -> Envelope {
    let len = if number % 20 == 7 { 20_000 } else { 40 + number % 700 };
    let mut random = Random(number);
    let body: Vec<u8> = (0..len).map(|_| random.next().to_le_bytes()[3]).collect();
    envelope(number, &body)
}

/// Waits until the writer has done what it does after its answers, such as a checkpoint: files copied in the middle of
/// that would be no state that a killed process leaves.
fn settle(log: &dyn Log) {
    assert_eq!(log.prune(Timestamp::UNIX_EPOCH, &[]).expect("a step that prunes nothing"), 0);
}

/// Appends these, ten at a time.
fn fill(log: &dyn Log, numbers: Range<u64>) {
    for from in numbers.step_by(10) {
        assert!(files::put_all(log, (from..from + 10).map(sized)).iter().all(Result::is_ok));
    }
    settle(log);
}

fn store(numbers: u64) -> Store {
    let (live, dir) = (folder(), folder());
    let log = support::open(live.path(), &settings()).expect("open");
    fill(&*log, 0..numbers);
    let third = log
        .state()
        .expect("state")
        .into_iter()
        .map(|lane| Position { partition: lane.partition, offset: Offset(lane.end.0 / 3) });
    assert!(log.prune(Timestamp::MAX, &third.collect::<Vec<_>>()).expect("prune") > 0);
    drop(log);

    // What comes now stays in the write-ahead log.
    let settings = EmbeddedLogSettings { wal_bytes_max: 1 << 30, ..settings() };
    let log = support::open(live.path(), &settings).expect("open");
    settle(&*log);
    fill(&*log, numbers..numbers + 30);
    let entries = reading::read_everything(&*log).expect("whole");
    assert_eq!(log.verify().expect("whole"), entries.len() as u64);
    copy(live.path(), dir.path());
    Store { dir, entries }
}

/// How far a file is written: without the zeros laid ahead.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

/// Opens what is in `dir` and compares it with what was there. Gives the error by which damage was told, if it was;
/// panics when something is missing or wrong and nobody said so.
fn told(dir: &Path, entries: &[Entry]) -> Option<LogError> {
    told_by(dir, entries).err()
}

fn told_by(dir: &Path, entries: &[Entry]) -> Result<(), LogError> {
    let more = |from: u64| (from..from + 10).map(sized);
    let quiet = || support::open_with(dir, &settings(), Arc::new(|_| {}));
    {
        let log = quiet()?;
        assert!(reading::read_everything(&*log)? == *entries, "silently wrong");
        for entry in entries {
            assert!(log.entry(entry.position)? == *entry, "silently wrong");
        }
        log.verify()?;
        let resent = entries.iter().map(|entry| entry.envelope.clone());
        for (answer, entry) in files::put_all(&*log, resent).into_iter().zip(entries) {
            let answer = answer?;
            assert_eq!((answer.position, answer.freshness), (entry.position, Freshness::Resent), "forgotten");
        }
        // Damage in what SQLite keeps about free pages shows only when they are used again.
        files::put_all(&*log, more(10_000)).into_iter().collect::<Result<Vec<_>, _>>()?;
    }
    let log = quiet()?;
    let after = reading::read_everything(&*log)?;
    log.verify()?;
    assert!(after.len() == entries.len() + 10, "silently short");
    assert!(entries.iter().all(|entry| after.contains(entry)), "silently wrong");
    Ok(())
}

#[test]
fn an_undamaged_copy_is_whole() {
    let store = store(200);
    assert!(told(store.dir.path(), &store.entries).is_none());
}

#[test]
fn every_flipped_bit_is_told_or_does_no_harm() {
    println!("seed {SEED:#x}");
    let store = store(120);
    let contents: BTreeMap<_, _> =
        files::FILES.map(|file| (file, std::fs::read(store.dir.path().join(file)).expect("read"))).into();
    let bits: usize = contents.values().map(|bytes| used(bytes) * 8).sum();
    let mut random = Random(SEED);
    let mut outcomes: BTreeMap<(&str, bool), u64> = BTreeMap::new();
    for trial in 0..FLIPS {
        let mut bit = usize::try_from(random.next() % bits as u64).expect("bit");
        let file = contents.iter().find(|(_, bytes)| {
            let here = bit < used(bytes) * 8;
            bit -= if here { 0 } else { used(bytes) * 8 };
            here
        });
        let (file, bytes) = file.expect("a file of that bit");
        let dir = folder();
        copy(store.dir.path(), dir.path());
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(dir.path().join(file), flipped).expect("write");
        println!("trial {trial}: {file}, byte {}, bit {}", bit / 8, bit % 8);
        let told = told(dir.path(), &store.entries).is_some();
        *outcomes.entry((file, told)).or_default() += 1;
    }
    println!("(file, told): {outcomes:?}");
    // The rest are pages that newer ones in the write-ahead log stand for, free ones, and copies of the mark.
    let told: u64 = outcomes.iter().filter(|((_, told), _)| *told).map(|(_, count)| count).sum();
    assert!(told > FLIPS / 4, "many bits of these files matter: {told}");
}

#[test]
fn what_is_laid_ahead_in_the_write_ahead_log_may_be_anything() {
    let store = store(100);
    let laid = std::fs::read(store.dir.path().join("log.db-wal")).expect("read");
    let end = used(&laid);
    assert!(laid.len() > end + 1000, "{} bytes, {end} of them used", laid.len());
    let mut random = Random(SEED);
    let mut noise = laid.clone();
    noise[end..].iter_mut().for_each(|byte| *byte = random.next().to_le_bytes()[0]);
    for changed in [&noise[..], &laid[..end], &laid[..end + 999]] {
        let dir = folder();
        copy(store.dir.path(), dir.path());
        std::fs::write(dir.path().join("log.db-wal"), changed).expect("write");
        assert!(told(dir.path(), &store.entries).is_none());
    }
}

#[test]
fn every_cut_tail_is_told() {
    let store = store(100);
    let whole = |file: &str| std::fs::read(store.dir.path().join(file)).expect("read");
    let mut random = Random(SEED);
    // The end of the write-ahead log may be left over from before the last checkpoint: cutting that does no harm.
    for (file, told_min) in [("log.db", 20), ("log.db-wal", 5)] {
        let bytes = whole(file);
        let cuts: Vec<_> = (0..40).map(|_| usize::try_from(random.next()).expect("64 bits") % used(&bytes)).collect();
        let mut told_cuts = 0;
        for cut in cuts.into_iter().chain([0]) {
            let dir = folder();
            copy(store.dir.path(), dir.path());
            std::fs::write(dir.path().join(file), &bytes[..cut]).expect("write");
            let told = told(dir.path(), &store.entries).is_some();
            assert!(told || cut > 0, "{file} emptied");
            told_cuts += usize::from(told);
        }
        assert!(told_cuts > told_min, "{file}: {told_cuts}");
    }
    for cut in [0, 1, 4095, 4096, 24_575] {
        let dir = folder();
        copy(store.dir.path(), dir.path());
        std::fs::write(dir.path().join("log.mark"), &whole("log.mark")[..cut]).expect("write");
        assert!(told(dir.path(), &store.entries).is_some(), "mark cut at {cut}");
    }
}

#[test]
fn each_missing_file_is_told() {
    let store = store(100);
    for missing in [&["log.db"][..], &["log.db-wal"], &["log.mark"], &["log.db", "log.db-wal"], &["log.db", "log.mark"]]
    {
        let dir = folder();
        copy(store.dir.path(), dir.path());
        missing.iter().for_each(|file| std::fs::remove_file(dir.path().join(file)).expect("remove"));
        let error = told(dir.path(), &store.entries);
        assert!(matches!(error, Some(LogError::Damaged { .. })), "{missing:?}: {error:?}");
    }
}

#[test]
fn the_files_of_another_log_are_told() {
    let (store, other) = (store(100), store(100));
    for file in files::FILES {
        let dir = folder();
        copy(store.dir.path(), dir.path());
        std::fs::copy(other.dir.path().join(file), dir.path().join(file)).expect("copy");
        assert!(told(dir.path(), &store.entries).is_some(), "{file} of another log");
    }
}

#[test]
fn files_put_back_from_an_older_copy_are_told() {
    let (live, old) = (folder(), folder());
    let log = support::open(live.path(), &settings()).expect("open");
    fill(&*log, 0..20);
    copy(live.path(), old.path());
    fill(&*log, 20..30);
    let entries = reading::read_everything(&*log).expect("whole");
    for older in [&["log.db", "log.db-wal"][..], &["log.db-wal"]] {
        let dir = folder();
        copy(live.path(), dir.path());
        for file in older {
            std::fs::copy(old.path().join(file), dir.path().join(file)).expect("copy");
        }
        let error = told(dir.path(), &entries);
        assert!(matches!(error, Some(LogError::Damaged { .. })), "{older:?}: {error:?}");
    }
    // An older mark claims less; nothing is lost by it.
    let dir = folder();
    copy(live.path(), dir.path());
    std::fs::copy(old.path().join("log.mark"), dir.path().join("log.mark")).expect("copy");
    assert!(told(dir.path(), &entries).is_none());
}

/// What somebody does who can write SQL but does not know the chain.
#[test]
fn entries_changed_behind_the_log_s_back_are_told() {
    let store = store(100);
    let tampering = [
        "DELETE FROM entry_0 WHERE offset = (SELECT max(offset) FROM entry_0)",
        "DELETE FROM entry_0 WHERE offset = (SELECT min(offset) FROM entry_0)",
        "DELETE FROM entry_0 WHERE offset = (SELECT min(offset) + 5 FROM entry_0)",
        "UPDATE entry_0 SET body = zeroblob(length(body)) WHERE offset = (SELECT max(offset) FROM entry_0)",
        "UPDATE entry_0 SET chain = zeroblob(32) WHERE offset = (SELECT max(offset) FROM entry_0)",
        "UPDATE entry_0 SET crc = crc + 1 WHERE offset = (SELECT max(offset) FROM entry_0)",
        "UPDATE entry_0 SET (crc, chain, header, body) = (SELECT crc, chain, header, body FROM entry_0 b \
         WHERE b.offset = entry_0.offset - 1) WHERE offset = (SELECT max(offset) FROM entry_0)",
        "UPDATE lane SET first = first + 1",
        "UPDATE lane SET indexed = indexed + 1",
        "UPDATE lane SET anchor = zeroblob(32)",
        "UPDATE log SET id = zeroblob(16)",
        "UPDATE log SET partitions = 1",
        "DELETE FROM log",
        "DELETE FROM lane WHERE partition = 1",
        "DELETE FROM identity_block WHERE row = (SELECT min(row) FROM identity_block)",
        "UPDATE identity_block SET keys = zeroblob(length(keys))",
        "UPDATE identity_run SET ends = zeroblob(length(ends))",
        "DROP TABLE entry_1",
        "CREATE TABLE more (one INTEGER)",
        "CREATE TRIGGER more AFTER INSERT ON entry_0 BEGIN DELETE FROM entry_0; END",
    ];
    for sql in tampering {
        let dir = folder();
        copy(store.dir.path(), dir.path());
        let changed = Connection::open(dir.path().join("log.db")).and_then(|store| store.execute_batch(sql));
        changed.expect("the change itself works");
        let error = told(dir.path(), &store.entries);
        assert!(matches!(error, Some(LogError::Damaged { .. })), "{sql}: {error:?}");
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
