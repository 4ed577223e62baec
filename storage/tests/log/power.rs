//! A power cut: what was synced is there; of what was written and not synced any part may be, down to a sector.
//!
//! The child's writes and syncs are recorded once with `strace`. For many moments the files are rebuilt as a disk
//! might hold them had the power failed there, and the log must open with everything acknowledged before.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::child::{self, MESSAGES, Said};

/// Moments tried.
const CUTS: usize = 150;
/// What a disk writes whole.
const SECTOR: usize = 512;

/// What happened, in order.
enum Event {
    /// Bytes were written at a place of a file.
    Write(String, usize, Vec<u8>),
    /// A file was cut to this length.
    Cut(String, usize),
    /// A file got another name.
    Rename(String, String),
    /// A file was deleted.
    Unlink(String),
    /// A sync began: what of the file was written before is durable once it ends.
    SyncBegins(u32, String),
    /// A sync began and ended with nothing in between.
    Synced(String),
    /// The sync that this thread began has ended.
    SyncEnds(u32),
    /// The child said this.
    Said(String),
}

/// One file: what a disk surely holds, and what was written since.
#[derive(Default, Clone)]
struct Disk {
    durable: Vec<u8>,
    pending: Vec<(usize, Option<Vec<u8>>)>,
}

pub(crate) fn a_power_cut_at_any_moment_loses_nothing_acknowledged() {
    let events = record();
    let said: String = events.iter().filter_map(spoken).collect();
    assert_eq!(child::read(&said).acked.len() as u64, MESSAGES, "the recording holds a whole run");
    let mut random = 0x5EED_u64;
    let mut partly = 0;
    for cut in 0..CUTS {
        let moment = events.len() * (cut + 1) / CUTS;
        let dir = tempfile::tempdir().expect("folder");
        rebuild(&events[..moment], dir.path(), &mut random);
        let said: String = events[..moment].iter().filter_map(spoken).collect();
        let said: Said = child::read(&said);
        partly += usize::from(!said.acked.is_empty());
        crate::check(dir.path(), &said);
    }
    assert!(partly > CUTS / 2, "something was acknowledged in {partly} of {CUTS}");
}

/// What the child said, if it did.
fn spoken(event: &Event) -> Option<String> {
    match event {
        Event::Said(text) => Some(text.clone()),
        _ => None,
    }
}

/// Records one whole run.
fn record() -> Vec<Event> {
    let dir = tempfile::tempdir().expect("folder");
    let trace = dir.path().join("trace");
    let calls = "trace=pwrite64,write,ftruncate,rename,renameat,renameat2,unlink,unlinkat,fsync,fdatasync";
    let program = std::env::current_exe().expect("own path");
    let log = dir.path().join("log");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-y", "-xx", "-s", "100000000", "-e", calls, "-e", "signal=none", "-o"])
        .arg(&trace)
        .arg(program)
        .env(child::DIR, &log)
        .output()
        .expect("strace must be installed");
    assert!(output.status.success(), "{output:?}");
    let text = std::fs::read_to_string(&trace).expect("trace");
    text.lines().filter_map(event).collect()
}

/// Reads one line of the recording: `pid call(args) = result`, or the two halves of a call that was interrupted by
/// another thread's.
fn event(line: &str) -> Option<Event> {
    let (pid, call) = line.split_once(' ')?;
    let pid = pid.parse().ok()?;
    let call = call.trim_start();
    if call.starts_with("<... f") && call.contains("sync resumed>") {
        return Some(Event::SyncEnds(pid));
    }
    let (name, args) = call.split_once('(')?;
    let file = || Some(Path::new(&unhex(between(args, '<', '>')?)?).file_name()?.to_str()?.to_owned());
    let numbers = || args.rsplit_once('"').map(|(_, numbers)| numbers.trim_start_matches(", ").to_owned());
    match name {
        "pwrite64" => {
            let bytes = unhex_bytes(between(args, '"', '"')?)?;
            let place = numbers()?.split(", ").nth(1)?.split([')', ' ']).next()?.parse().ok()?;
            Some(Event::Write(file()?, place, bytes))
        }
        "write" => unhex(between(args, '"', '"')?).map(Event::Said),
        "ftruncate" => {
            let len = args.split(", ").nth(1)?.split([')', ' ']).next()?.parse().ok()?;
            Some(Event::Cut(file()?, len))
        }
        "fsync" | "fdatasync" => {
            let file = file()?;
            let whole = !args.contains("<unfinished");
            Some(if whole { Event::Synced(file) } else { Event::SyncBegins(pid, file) })
        }
        "rename" | "renameat" | "renameat2" => {
            let mut names = args.split('"').skip(1).step_by(2);
            Some(Event::Rename(name_of(names.next()?)?, name_of(names.next()?)?))
        }
        "unlink" | "unlinkat" => Some(Event::Unlink(name_of(between(args, '"', '"')?)?)),
        _ => None,
    }
}

/// The text between two characters.
fn between(text: &str, open: char, close: char) -> Option<&str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inner, _)| inner)
}

/// The name of a file from its path in hexadecimal.
fn name_of(hex: &str) -> Option<String> {
    Path::new(&unhex(hex)?).file_name()?.to_str().map(str::to_owned)
}

fn unhex(text: &str) -> Option<String> {
    String::from_utf8(unhex_bytes(text)?).ok()
}

/// `\x41\x42` as bytes; paths of descriptors come as they are.
fn unhex_bytes(text: &str) -> Option<Vec<u8>> {
    if !text.starts_with("\\x") {
        return Some(text.as_bytes().to_vec());
    }
    text.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

/// Writes the files as a disk may hold them after these events.
fn rebuild(events: &[Event], dir: &Path, random: &mut u64) {
    let mut files: BTreeMap<String, Disk> = BTreeMap::new();
    let mut syncing: BTreeMap<u32, (String, usize)> = BTreeMap::new();
    for event in events {
        match event {
            Event::Write(file, place, bytes) => {
                files.entry(file.clone()).or_default().pending.push((*place, Some(bytes.clone())));
            }
            Event::Cut(file, len) => files.entry(file.clone()).or_default().pending.push((*len, None)),
            Event::Rename(from, to) => {
                let file = files.remove(from).unwrap_or_default();
                files.insert(to.clone(), file);
            }
            Event::Unlink(file) => drop(files.remove(file)),
            Event::Synced(file) => {
                let pending = files.get(file).map_or(0, |file| file.pending.len());
                settle(files.get_mut(file), pending);
            }
            Event::SyncBegins(pid, file) => {
                let pending = files.get(file).map_or(0, |file| file.pending.len());
                syncing.insert(*pid, (file.clone(), pending));
            }
            Event::SyncEnds(pid) => {
                if let Some((file, pending)) = syncing.remove(pid) {
                    settle(files.get_mut(&file), pending);
                }
            }
            Event::Said(_) => {}
        }
    }
    for (name, mut file) in files {
        lose(&mut file, random);
        std::fs::write(dir.join(name), file.durable).expect("write");
    }
}

/// Makes the first `count` pending writes durable.
fn settle(file: Option<&mut Disk>, count: usize) {
    let Some(file) = file else { return };
    for (place, bytes) in file.pending.drain(..count.min(file.pending.len())).collect::<Vec<_>>() {
        apply(&mut file.durable, place, bytes.as_deref());
    }
}

/// Of each write that was not synced, all, nothing, or some of its sectors got to the disk.
fn lose(file: &mut Disk, random: &mut u64) {
    for (place, bytes) in std::mem::take(&mut file.pending) {
        let fate = next(random) % 4;
        let Some(bytes) = bytes else {
            if fate < 2 {
                apply(&mut file.durable, place, None);
            }
            continue;
        };
        let (mut at, mut rest) = (place, bytes.as_slice());
        while !rest.is_empty() {
            let (sector, after) = rest.split_at((SECTOR - at % SECTOR).min(rest.len()));
            if fate == 0 || fate > 1 && next(random).is_multiple_of(2) {
                apply(&mut file.durable, at, Some(sector));
            }
            (at, rest) = (at + sector.len(), after);
        }
    }
}

fn apply(content: &mut Vec<u8>, place: usize, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => {
            let end = place + bytes.len();
            content.resize(content.len().max(end), 0);
            content[place..end].copy_from_slice(bytes);
        }
        None => content.resize(place, 0),
    }
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
