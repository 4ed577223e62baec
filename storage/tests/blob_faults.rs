//! The promises of the blob folder when the process is killed, a sync fails or the disk is full: what `finish` said is
//! durable is there, and nothing but whole blobs ever has an address.
//!
//! A child process stores blobs under `strace`, which kills it or makes a system call fail at a chosen moment, or writes
//! down the order of the calls; the parent reads what the child said. Needs `strace` (the package of that name). This
//! file has its own `main`, because it is both parent and child.

#![cfg(target_os = "linux")]
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a test fails loudly")]

use std::path::Path;
use std::process::Command;

use causeway_core::envelope::Digest;
use causeway_core::port::{BlobError, BlobStore};
use causeway_storage::blob::folder::FolderBlobs;
use causeway_storage::blob::folder_settings::FolderBlobSettings;
use jiff::Timestamp;

/// The variable that makes this binary the child, with its folder.
const DIR: &str = "CAUSEWAY_BLOB_CHILD";
/// Blobs the child stores.
const BLOBS: u8 = 12;
/// Tries of each.
const TRIES_MAX: usize = 60;
/// The calls that make a blob durable.
const CALLS: &str = "openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,mkdir,unlink,close";

/// A test: its name and what it does.
type Case = (&'static str, fn());

const CASES: &[Case] = &[
    ("without_a_fault_everything_is_stored", without_a_fault_everything_is_stored),
    ("bytes_and_names_are_synced_before_finish_returns", bytes_and_names_are_synced_before_finish_returns),
    ("stored_bytes_are_replaced_by_durable_ones_only", stored_bytes_are_replaced_by_durable_ones_only),
    ("a_kill_at_any_call_loses_nothing_finished", a_kill_at_any_call_loses_nothing_finished),
    ("a_failed_sync_is_told_and_the_blob_is_not_there", a_failed_sync_is_told_and_the_blob_is_not_there),
    ("a_full_disk_is_told_as_full_and_overcome", a_full_disk_is_told_as_full_and_overcome),
];

fn main() {
    if let Some(dir) = std::env::var_os(DIR) {
        return store_all(Path::new(&dir));
    }
    let wanted = std::env::args().skip(1).find(|arg| !arg.starts_with('-'));
    if std::env::args().any(|arg| arg == "--list") {
        CASES.iter().for_each(|(name, _)| println!("{name}: test"));
        return;
    }
    for (name, case) in CASES {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
            println!("test {name} ...");
            case();
            println!("test {name} ... ok");
        }
    }
}

/// The child: stores each blob and says how it went.
fn store_all(dir: &Path) {
    let store = match FolderBlobs::open(dir, settings()) {
        Ok(store) => store,
        Err(error) => return println!("closed {error}"),
    };
    for number in 0..BLOBS {
        for _ in 0..TRIES_MAX {
            match store_one(&store, number) {
                Ok(digest) => {
                    println!("stored {digest}");
                    break;
                }
                Err(BlobError::Full { .. }) => {
                    let there = store.size(&Digest::of(&bytes(number)));
                    assert!(matches!(there, Ok(None)), "its address is given up: {there:?}");
                    println!("full {number}");
                }
                Err(BlobError::Sync { .. }) => return println!("sync {number}"),
                Err(error) => return println!("error {error}"),
            }
        }
    }
}

fn store_one(store: &FolderBlobs, number: u8) -> Result<Digest, BlobError> {
    let mut writer = store.create()?;
    bytes(number).chunks(30_000).try_for_each(|piece| writer.write(piece))?;
    Ok(writer.finish()?.digest)
}

fn settings() -> FolderBlobSettings {
    FolderBlobSettings { free_bytes_min: 0, ..FolderBlobSettings::default() }
}

fn bytes(number: u8) -> Vec<u8> {
    vec![number; 20_000 * (usize::from(number) + 1)]
}

/// Runs the child under `strace` with these options.
fn run(dir: &Path, strace: &[&str]) -> Vec<String> {
    let program = std::env::current_exe().expect("own path");
    let command = ["-f", "-qq", "-e", "signal=none"];
    let output = Command::new("strace").args(command).args(strace).arg(program).env(DIR, dir).output();
    let output = output.expect("strace must be installed");
    let text = String::from_utf8(output.stdout).expect("text");
    // A line that its end cut short was not said.
    text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
}

/// Runs it without a trace.
fn run_quietly(dir: &Path, strace: &[&str]) -> Vec<String> {
    run(dir, &[&["-o", "/dev/null"], strace].concat())
}

/// Everything said stored is there, every address holds its bytes, and a sweep leaves nothing unfinished. How many were
/// said stored.
fn check(dir: &Path, said: &[String]) -> usize {
    let store = FolderBlobs::open(dir, settings()).expect("opens");
    let rows = store.list(None, usize::MAX).expect("list");
    for row in &rows {
        let read = store.read(&row.blob.digest, 0, usize::MAX).expect("only whole blobs have an address");
        assert_eq!(read.len() as u64, row.blob.bytes);
        assert!((0..BLOBS).any(|number| bytes(number) == read), "bytes nobody stored");
    }
    let stored: Vec<_> = said.iter().filter_map(|line| line.strip_prefix("stored ")).collect();
    for digest in &stored {
        let digest = Digest::parse(digest).expect("a digest");
        assert!(rows.iter().any(|row| row.blob.digest == digest), "{digest} was finished and is lost: {said:?}");
    }
    store.sweep(Timestamp::MAX).expect("sweep");
    let left = std::fs::read_dir(dir.join("unfinished")).expect("folder").count();
    assert_eq!(left, 0, "a sweep takes what the child left");
    stored.len()
}

fn without_a_fault_everything_is_stored() {
    let dir = tempfile::tempdir().expect("folder");
    let said = run_quietly(dir.path(), &[]);
    assert_eq!(check(dir.path(), &said), usize::from(BLOBS));
}

/// In the order of the system calls: the folders are made and their names synced; then the file is written and takes its free
/// address, then it is synced, then its folder is, and only then is anything said.
fn bytes_and_names_are_synced_before_finish_returns() {
    let dir = tempfile::tempdir().expect("folder");
    let trace = dir.path().join("trace");
    let store = dir.path().join("blobs");
    // -y writes the path behind each descriptor.
    let said = run(&store, &["-y", "-s", "200", "-o", trace.to_str().expect("path"), "-e", &format!("trace={CALLS}")]);
    assert_eq!(check(&store, &said), usize::from(BLOBS));
    let trace = std::fs::read_to_string(&trace).expect("trace");
    let calls: Vec<&str> = trace.lines().collect();
    let mut told = 0;
    for (at, line) in calls.iter().enumerate() {
        let Some((_, rest)) = line.split_once("\"stored ") else { continue };
        let digest = rest.get(..64).expect("a digest");
        let before = calls.get(..at).expect("before");
        let renamed = before.iter().rposition(|call| call.contains("rename") && call.contains(digest));
        let renamed = renamed.expect("renamed before it is told");
        let from = before.get(renamed).and_then(|call| call.split('"').nth(1)).expect("the unfinished name");
        let folder = store.join(digest.split_at(2).0);
        let address = folder.join(digest);
        let last_write =
            before.iter().rposition(|call| call.contains("pwrite64(") && call.contains(from)).expect("a write");
        let synced = before.iter().rposition(|call| is_sync(call, &address)).expect("the file is synced");
        assert!(last_write < renamed && renamed < synced, "write {last_write}, rename {renamed}, sync {synced}");
        let after = before.get(synced..).expect("after the sync");
        assert!(after.iter().any(|call| is_sync(call, &folder)), "{} is synced after the file", folder.display());
        let is_made = |call: &&str| call.contains("mkdir") && call.contains(&format!("{}\"", folder.display()));
        let made = before.iter().position(is_made).expect("the folder is made");
        let names = before.iter().position(|call| is_sync(call, &store));
        let names = names.expect("the names of the folders are synced");
        assert!(made < names && names < synced, "made {made}, names {names}, synced {synced}");
        told += 1;
    }
    assert_eq!(told, BLOBS);
}

/// A sync of this file or folder, in a trace with paths.
fn is_sync(call: &str, path: &Path) -> bool {
    call.contains("sync(") && call.contains(&format!("<{}>", path.display()))
}

/// Bytes that are stored may be relied on: what takes their place is synced before it does.
fn stored_bytes_are_replaced_by_durable_ones_only() {
    let dir = tempfile::tempdir().expect("folder");
    let (trace, store) = (dir.path().join("trace"), dir.path().join("blobs"));
    run_quietly(&store, &[]);
    let said = run(&store, &["-y", "-s", "200", "-o", trace.to_str().expect("path"), "-e", &format!("trace={CALLS}")]);
    assert_eq!(check(&store, &said), usize::from(BLOBS));
    let trace = std::fs::read_to_string(&trace).expect("trace");
    let calls: Vec<&str> = trace.lines().collect();
    let mut replaced = 0;
    for (at, line) in calls.iter().enumerate() {
        let names: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        let [from, to] = names.as_slice() else { continue };
        if line.contains("NOREPLACE") || !line.contains("rename") {
            continue;
        }
        let (before, after) = calls.split_at(at);
        let last_write =
            before.iter().rposition(|call| call.contains("pwrite64(") && call.contains(from)).expect("a write");
        let synced =
            before.iter().rposition(|call| is_sync(call, Path::new(from))).expect("synced before it is renamed");
        assert!(last_write < synced, "write {last_write}, sync {synced}");
        let folder = Path::new(to).parent().expect("a folder");
        let told = after.iter().position(|call| call.contains("\"stored ")).expect("told");
        assert!(after.iter().take(told).any(|call| is_sync(call, folder)), "{} is synced", folder.display());
        replaced += 1;
    }
    assert_eq!(replaced, BLOBS);
}

/// Killed at the n-th of these calls, for every n until the child gets through.
fn a_kill_at_any_call_loses_nothing_finished() {
    let mut partly = 0;
    // Two syncs of folders when the store is opened; then one of the file and one of its folder for each blob.
    for (calls, step, most) in [
        ("fsync", 1, 16),
        ("fdatasync", 1, 14),
        ("renameat2", 1, 14),
        ("mkdir", 40, 260),
        ("pwrite64", 2, 70),
        ("unlink", 1, 2),
    ] {
        for nth in (1..most).step_by(step) {
            let dir = tempfile::tempdir().expect("folder");
            let said = run_quietly(dir.path(), &["-e", &format!("inject={calls}:signal=KILL:when={nth}")]);
            let stored = check(dir.path(), &said);
            partly += usize::from(stored > 0 && stored < usize::from(BLOBS));
        }
    }
    assert!(partly > 40, "{partly} times killed with something finished");
}

/// An EIO of a sync, of the file or of a folder: told as such, and at once nothing more is done.
fn a_failed_sync_is_told_and_the_blob_is_not_there() {
    let mut told = 0;
    let of = |call: &'static str| (1..=u32::from(BLOBS)).map(move |nth| format!("inject={call}:error=EIO:when={nth}"));
    for fault in of("fsync").chain(of("fdatasync")) {
        let dir = tempfile::tempdir().expect("folder");
        let said = run_quietly(dir.path(), &["-e", &fault]);
        let stored = check(dir.path(), &said);
        told += usize::from(said.iter().any(|line| line.starts_with("sync ")));
        assert!(stored < usize::from(BLOBS), "one sync failed: {said:?}");
    }
    assert!(told > 20, "told {told} times");
}

/// No space for bytes, and none for what a sync allocates; after a while there is again.
fn a_full_disk_is_told_as_full_and_overcome() {
    let mut full = 0;
    for (calls, from) in [("pwrite64", 1), ("pwrite64", 6), ("fdatasync", 3), ("fdatasync", 5), ("pwrite64", 40)] {
        let dir = tempfile::tempdir().expect("folder");
        let range = format!("inject={calls}:error=ENOSPC:when={from}..{}", from + 4);
        let said = run_quietly(dir.path(), &["-e", &range]);
        full += said.iter().filter(|line| line.starts_with("full ")).count();
        assert!(check(dir.path(), &said) >= usize::from(BLOBS) - 5, "{said:?}");
    }
    assert!(full > 5, "told {full} times");
}
