//! P13: a bit that flips on disk is reported, or changes nothing; it never becomes another value in silence.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use causeway_core::envelope::{Digest, Offset, PartitionId};
use causeway_core::port::{Log, ReadLimit, Repository};
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

/// How far a file is written: the log lays zeros ahead in its write-ahead log, which nobody misses.
fn written(file: &Path) -> u64 {
    let bytes = std::fs::read(file).expect("read");
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

/// The operator's own checks.
const CHECKS: [&[&str]; 3] = [&["log", "verify"], &["db", "status"], &["audit", "verify"]];
/// Of so many trials one has the commands asked, too: to start their processes takes longer than anything else.
const SAMPLE: u64 = 10;

/// Which of the checks hold, by what their commands call.
fn checked(data: &Path) -> [bool; 3] {
    let file = repository(data);
    let opens = || SqliteRepository::open(&file, SqliteSettings::default());
    [
        EmbeddedLog::open_read_only(&data.join("log"), 1).and_then(|log| log.verify()).is_ok(),
        // The command opens the repository as any other does, and then looks at its file.
        opens().is_ok() && SqliteRepository::check_file(&file).is_ok_and(|report| report.is_sound()),
        opens().and_then(|repository| repository.verify_audit()).is_ok_and(|report| report.first_bad.is_none()),
    ]
}

/// The same, by how the commands end.
fn told(hub: &Hub) -> [bool; 3] {
    CHECKS.map(|arguments| hub.run(arguments).expect("runs").status.success())
}

fn repository(data: &Path) -> PathBuf {
    data.join("repository.db")
}

/// What is stored, as a reader gets it: the entries of the log, and the content of the repository.
#[derive(Debug, PartialEq)]
struct Content {
    entries: usize,
    log: String,
    repository: String,
}

fn content(data: &Path) -> Option<Content> {
    let log = EmbeddedLog::open_read_only(&data.join("log"), 1).ok()?;
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
    let opened = SqliteRepository::open(&repository(data), SqliteSettings::default());
    let repository = opened.ok()?.canonical_dump_hash().ok()?;
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
    let load = world.load(&[&hub], &patients, tier().pick(10, 10, 30), 13);
    hub.start().expect("starts");
    drive(&load, &journal, &AtomicU64::new(0)).expect("all acknowledged");
    wait("what is in the log is processed", || lanes(&hub).iter().all(|(next, end)| next == end));
    match end {
        End::Killed => hub.kill().expect("killed"),
        End::Stopped => assert_eq!(hub.stop().expect("stops"), Some(0), "a graceful stop: {}", hub.log()),
    }
    let data = hub.data();
    // No message had a document: these are some hundred folders with nothing in them, which each copy would have, too.
    let blobs = data.join("blobs");
    assert_eq!(files(&blobs), [], "nothing is in them");
    std::fs::remove_dir_all(blobs).expect("removed");
    (world, data)
}

/// What came of a copy of the store in which harm was done.
struct Harmed {
    /// The checks that complain.
    complaints: Vec<&'static [&'static str]>,
    /// What a reader gets, when none does.
    content: Option<Content>,
}

/// Does harm to a copy of the store, and looks whether it is noticed.
fn harmed(world: &World, store: &Path, number: u64, harm: impl Fn(&Path)) -> Harmed {
    let home = world.folder.path().join(format!("copy-{number}"));
    let data = home.join("data");
    let copy = || {
        copy_folder(store, &data);
        harm(&data);
    };
    copy();
    let holds = checked(&data);
    let complaints: Vec<_> =
        CHECKS.into_iter().zip(holds).filter_map(|(check, holds)| (!holds).then_some(check)).collect();
    let content = if complaints.is_empty() { content(&data) } else { None };
    std::fs::remove_dir_all(&home).expect("removed");
    if number.is_multiple_of(SAMPLE) {
        // To look may change files: each looks at a copy of its own.
        copy();
        assert_eq!(told(&world.process_in(&home)), holds, "copy {number}: the commands say what is found");
        std::fs::remove_dir_all(&home).expect("removed");
    }
    Harmed { complaints, content }
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
    let whole = harmed(&world, &store, 0, |_| {}).content.expect("an untouched copy holds");
    let seed = tier().seed(13);
    let mut random = Random(seed);
    let mut noticed = 0;
    let trials = tier().pick(40, 1_000, 10_000);
    // What is laid ahead may be anything, and is most of its file.
    let files: Vec<_> = files(&store).into_iter().map(|(path, _)| (written(&path), path)).collect();
    for trial in 1..=trials {
        // Every file gets its share, however small: the marks beside the log are a few bytes.
        let (bytes, file) = &files[usize::try_from(random.below(files.len() as u64)).expect("few")];
        let (at, bit) = (random.below(*bytes), random.below(8));
        let file = file.strip_prefix(&store).expect("inside");
        let Harmed { complaints, content } = harmed(&world, &store, trial, |data| {
            let open = OpenOptions::new().read(true).write(true).open(data.join(file)).expect("opened");
            let mut byte = [0];
            open.read_exact_at(&mut byte, at).expect("read");
            open.write_all_at(&[byte[0] ^ (1 << bit)], at).expect("written");
        });
        if complaints.is_empty() {
            let place = format!("{} at {at}, bit {bit}", file.display());
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
    let names: Vec<PathBuf> =
        files(&store).iter().map(|(path, _)| path.strip_prefix(&store).expect("inside").to_owned()).collect();
    let of_log: Vec<&PathBuf> = names.iter().filter(|name| name.to_string_lossy().ends_with("-wal")).collect();
    assert!(!of_log.is_empty(), "a killed hub leaves write-ahead logs: {names:?}");
    let mut number = 10_000;
    for wal in &of_log {
        for keep in [0_u64, 1, 2] {
            number += 1;
            let Harmed { complaints, .. } = harmed(&world, &store, number, |data| {
                let file = data.join(wal);
                if keep == 0 {
                    std::fs::remove_file(&file).expect("removed");
                } else {
                    let open = OpenOptions::new().write(true).open(&file).expect("opened");
                    open.set_len(written(&file) * keep / 3).expect("cut");
                }
            });
            assert!(!complaints.is_empty(), "{} with {keep} thirds of it went unnoticed", wal.display());
        }
    }
    if let [first, second, ..] = of_log.as_slice() {
        let Harmed { complaints, .. } = harmed(&world, &store, number + 1, |data| {
            let (one, two, third) = (data.join(first), data.join(second), data.join("third"));
            std::fs::rename(&one, &third).expect("moved");
            std::fs::rename(&two, &one).expect("moved");
            std::fs::rename(&third, &two).expect("moved");
        });
        assert!(!complaints.is_empty(), "swapped files went unnoticed");
    }
}
