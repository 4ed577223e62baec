//! P2 and P12: the hub dies at, or is told of an error by, one system call after another.

use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::thread;

use causeway_tests::hub::Hub;
use causeway_tests::load::drive;

use super::run::{Random, copy_folder, lanes, next, wait};
use super::strace::{self, Fault};
use super::world::{World, some_patients, tier};

/// What writes and what makes durable.
const CALLS: [&str; 3] = ["fdatasync", "pwrite64", "sendto"];

/// What one run came to.
struct Ran {
    /// Whether the hub ended by what was done to it; past its last such call it does not.
    hit: bool,
    /// Its exit code when it did.
    code: Option<i32>,
}

/// Sends a load to a hub with a fault, restarts it without, and judges. `made` is a hub's folder before its first start.
fn run(made: &Path, call: &str, what: &str, at: u64) -> Ran {
    let world = World::embedded();
    let folder = world.folder.path().join("hub");
    copy_folder(made, &folder);
    let mut hub = world.process_in(&folder);
    let patients = some_patients(10);
    let load = world.load(&[&hub], &patients, tier().pick(6, 10, 20), at);
    let (journal, progress) = (world.journal(), AtomicU64::new(0));
    let started = strace::start(&mut hub, &Fault { call, what, at, path: None });
    let mut ended = Vec::new();
    thread::scope(|scope| {
        let sending = scope.spawn(|| drive(&load, &journal, &progress));
        // It may end while it opens, while it takes messages, and while it processes them.
        let is_done = |hub: &Hub| sending.is_finished() && lanes(hub).iter().all(|(next, end)| next == end);
        if started.is_err() {
            ended.push(hub.ended().expect("it ended"));
            hub.start().expect("it recovers");
        }
        wait("everything is taken and processed", || {
            if hub.runs() {
                return is_done(&hub);
            }
            ended.push(hub.ended().expect("it ended"));
            hub.start().expect("it recovers");
            false
        });
        sending.join().expect("no panic").expect("all acknowledged");
    });
    eprintln!("{call} {what} at {at}: ended {ended:?}");
    assert!(ended.len() <= 1, "without the fault it does not end");
    // A graceful stop writes, too, and might be hit.
    hub.kill().expect("killed");
    world.judge(&hub, &journal, &load);
    Ran { hit: !ended.is_empty(), code: ended.first().copied().flatten() }
}

/// A hub's folder with its registry, to be copied for each run.
fn made() -> (World, std::path::PathBuf) {
    let world = World::embedded();
    let hub = world.process("made");
    world.prepare(&hub, &some_patients(10));
    let folder = world.folder.path().join("made");
    (world, folder)
}

/// P2: killed on its way into the k-th call of a kind, nothing acknowledged is lost.
#[test]
fn a_hub_killed_at_any_write_or_sync_loses_nothing() {
    let ((_world, made), seed) = (made(), tier().seed(2));
    let (mut random, mut killed) = (Random(seed), 0);
    for call in CALLS {
        let mut at = 1;
        while run(&made, call, strace::KILL, at).hit {
            killed += 1;
            at = next(at, &mut random);
        }
        assert!(at > 1, "no {call} was met: the test looks at the wrong calls");
    }
    eprintln!("seed {seed}: killed {killed} times");
}

/// P12: after the first failed sync nothing more is acknowledged, and the process ends with code 74.
#[test]
fn a_hub_whose_disk_fails_a_sync_stops_with_code_74_and_recovers() {
    let ((_world, made), seed) = (made(), tier().seed(12));
    let (mut random, mut at, mut stopped) = (Random(seed), 1, 0);
    loop {
        let ran = run(&made, "fdatasync", strace::EIO, at);
        if !ran.hit {
            break;
        }
        assert_eq!(ran.code, Some(74), "the {at}th sync of a thread failed");
        stopped += 1;
        at = next(at, &mut random);
    }
    eprintln!("seed {seed}: stopped {stopped} times");
    assert!(stopped > 0, "no sync was met");
}
