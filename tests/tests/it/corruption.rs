//! P13: a bit that flips on disk is reported, or changes nothing; it never becomes another value in silence.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use causeway_core::envelope::{Digest, Offset, PartitionId};
use causeway_core::port::{Log, ReadLimit};
use causeway_storage::log::embedded::EmbeddedLog;
use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};
use causeway_tests::hub::Hub;
use causeway_tests::load::drive;

use super::run::{Random, copy_folder, lanes, wait};
use super::world::{World, some_patients, tier};

/// Every file of a folder with its size, largest first.
fn files(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("listed") {
        let entry = entry.expect("listed");
        let about = entry.metadata().expect("known");
        if about.is_dir() {
            found.extend(files(&entry.path()));
        } else if about.len() > 0 && !entry.file_name().to_string_lossy().ends_with("-shm") {
            found.push((entry.path(), about.len()));
        }
    }
    found.sort_by_key(|(path, bytes)| (std::cmp::Reverse(*bytes), path.clone()));
    found
}

/// What the operator's own checks say: every command that did not end well.
fn complaints(hub: &Hub) -> Vec<String> {
    let checks = [&["log", "verify"][..], &["db", "status"], &["audit", "verify"]];
    let complain = |arguments: &&[&str]| {
        let output = hub.run(*arguments).expect("runs");
        (!output.status.success()).then(|| format!("{arguments:?} ended with {:?}", output.status.code()))
    };
    checks.iter().filter_map(complain).collect()
}

/// What is stored, as a reader gets it: the entries of the log, and the content of the repository.
#[derive(Debug, PartialEq)]
struct Content {
    entries: usize,
    log: String,
    repository: String,
}

fn content(hub: &Hub) -> Option<Content> {
    let log = EmbeddedLog::open_read_only(&hub.data().join("log"), 1).ok()?;
    let mut entries = Vec::new();
    for partition in (0..log.partitions()).map(PartitionId) {
        let mut from = Offset(0);
        loop {
            let limit = ReadLimit { count_max: 1_000, bytes_max: 16 << 20 };
            let batch = log.read(partition, from, limit, Duration::ZERO).ok()?;
            let Some(last) = batch.last() else { break };
            from = last.position.offset.next();
            entries.extend(batch);
        }
    }
    let mut bytes = Vec::new();
    for entry in &entries {
        let envelope = &entry.envelope;
        bytes.extend_from_slice(envelope.control_id.as_bytes());
        bytes.extend_from_slice(envelope.patient_key.expose().as_bytes());
        bytes.extend_from_slice(envelope.body.expose());
    }
    let file = hub.data().join("repository.db");
    let repository = SqliteRepository::open(&file, SqliteSettings::default()).ok()?.canonical_dump_hash().ok()?;
    Some(Content { entries: entries.len(), log: Digest::of(&bytes).to_string(), repository: repository.to_string() })
}

/// How the hub of a store ended.
#[derive(Clone, Copy)]
enum End {
    /// What is not in the main files yet stands in the write-ahead logs, which have checksums of their own.
    Killed,
    /// Everything is in the main files.
    Stopped,
}

fn store(end: End) -> (World, PathBuf) {
    let world = World::embedded();
    let patients = some_patients(10);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let journal = world.journal();
    let load = world.load(&[&hub], &patients, tier().pick(10, 30, 100), 13);
    hub.start().expect("starts");
    drive(&load, &journal, &AtomicU64::new(0)).expect("all acknowledged");
    wait("what is in the log is processed", || lanes(&hub).iter().all(|(next, end)| next == end));
    match end {
        End::Killed => hub.kill().expect("killed"),
        End::Stopped => assert_eq!(hub.stop().expect("stops"), Some(0), "a graceful stop: {}", hub.log()),
    }
    let folder = world.folder.path().join("hub");
    (world, folder)
}

/// A copy of the store in which `harm` was done, and whether it is noticed.
fn harmed(world: &World, store: &Path, number: u64, harm: impl FnOnce(&Path)) -> (Vec<String>, Option<Content>) {
    let copy = world.folder.path().join(format!("copy-{number}"));
    copy_folder(store, &copy);
    harm(&copy.join("data"));
    let hub = world.process_in(&copy);
    let complaints = complaints(&hub);
    let content = if complaints.is_empty() { content(&hub) } else { None };
    std::fs::remove_dir_all(&copy).expect("removed");
    (complaints, content)
}

#[test]
fn a_flipped_bit_in_a_store_whose_hub_was_killed_is_reported_or_changes_nothing() {
    flip_bits(End::Killed);
}

#[test]
fn a_flipped_bit_in_a_store_whose_hub_was_stopped_is_reported_or_changes_nothing() {
    flip_bits(End::Stopped);
}

fn flip_bits(end: End) {
    let (world, store) = store(end);
    let (_, whole) = harmed(&world, &store, 0, |_| {});
    let whole = whole.expect("an untouched copy holds");
    let seed = tier().seed(13);
    let mut random = Random(seed);
    let mut noticed = 0;
    let trials = tier().pick(40, 1_000, 10_000);
    for trial in 1..=trials {
        let mut place = String::new();
        let (complaints, content) = harmed(&world, &store, trial, |data| {
            let files = files(data);
            // Every file gets its share, however small: the marks beside the log are a few bytes.
            let (file, bytes) = &files[usize::try_from(random.below(files.len() as u64)).expect("few")];
            let (at, bit) = (random.below(*bytes), random.below(8));
            let open = OpenOptions::new().read(true).write(true).open(file).expect("opened");
            let mut byte = [0];
            open.read_exact_at(&mut byte, at).expect("read");
            open.write_all_at(&[byte[0] ^ (1 << bit)], at).expect("written");
            place = format!("{} at {at}, bit {bit}", file.strip_prefix(data).expect("inside").display());
        });
        if complaints.is_empty() {
            assert_eq!(content.as_ref(), Some(&whole), "seed {seed}, trial {trial}: {place} went unnoticed");
        } else {
            noticed += 1;
        }
    }
    eprintln!("seed {seed}: {noticed} of {trials} flips were reported, the others changed nothing");
    assert!(noticed > 0, "some flips hit something");
}

#[test]
fn a_tail_that_is_cut_off_and_files_that_are_gone_or_swapped_are_reported() {
    let (world, store) = store(End::Killed);
    let data = store.join("data");
    let names: Vec<PathBuf> =
        files(&data).iter().map(|(path, _)| path.strip_prefix(&data).expect("inside").to_owned()).collect();
    let of_log: Vec<&PathBuf> = names.iter().filter(|name| name.to_string_lossy().ends_with("-wal")).collect();
    assert!(!of_log.is_empty(), "a killed hub leaves write-ahead logs: {names:?}");
    let mut number = 10_000;
    for wal in &of_log {
        for keep in [0_u64, 1, 2] {
            number += 1;
            let (complaints, _) = harmed(&world, &store, number, |data| {
                let file = data.join(wal);
                let bytes = std::fs::metadata(&file).expect("known").len();
                if keep == 0 {
                    std::fs::remove_file(&file).expect("removed");
                } else {
                    let open = OpenOptions::new().write(true).open(&file).expect("opened");
                    open.set_len(bytes * keep / 3).expect("cut");
                }
            });
            assert!(!complaints.is_empty(), "{} with {keep} thirds of it went unnoticed", wal.display());
        }
    }
    if let [first, second, ..] = of_log.as_slice() {
        let (complaints, _) = harmed(&world, &store, number + 1, |data| {
            let (one, two, third) = (data.join(first), data.join(second), data.join("third"));
            std::fs::rename(&one, &third).expect("moved");
            std::fs::rename(&two, &one).expect("moved");
            std::fs::rename(&third, &two).expect("moved");
        });
        assert!(!complaints.is_empty(), "swapped files went unnoticed");
    }
}
