//! P11: a full disk loses nothing, and the hub goes on by itself once there is room.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use causeway_tests::journal::Event;
use causeway_tests::load::{Load, drive};

use super::run::wait;
use super::world::{World, some_patients, tier};

/// Set in the copy of this test that runs in a mount namespace of its own.
const INSIDE: &str = "CAUSEWAY_TEST_IN_NAMESPACE";
/// The size of the disk.
const DISK: &str = "size=96m";
/// What is left free when it is filled, in bytes: more than nothing and less than the hub wants.
const LEFT: u64 = 3 << 20;

#[test]
fn a_full_disk_refuses_loses_nothing_and_flows_again_once_there_is_room() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    // A namespace, so that a small disk can be mounted without being root and is gone with the test.
    let own = std::env::current_exe().expect("own path");
    let name = "disk::a_full_disk_refuses_loses_nothing_and_flows_again_once_there_is_room";
    let mut unshare = Command::new("unshare");
    let output = unshare.args(["-rm"]).arg(own).args([name, "--exact", "--nocapture"]).env(INSIDE, "1").output();
    let output = output.expect("unshare is there");
    let (said, why) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{why}");
    eprintln!("{why}");
}

fn inside() {
    let world = World::embedded();
    let patients = some_patients(20);
    let mut hub = world.process("hub");
    std::fs::create_dir_all(hub.data()).expect("made");
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", DISK, "disk"]).arg(hub.data()).status();
    assert!(mounted.expect("mount is there").success());
    world.prepare(&hub, &patients);
    let (journal, progress) = (world.journal(), AtomicU64::new(0));
    let counters = tier().pick(100, 400, 1_000);
    let load = Load { connections: 2, ..world.load(&[&hub], &patients, counters, tier().seed(11)) };
    let all = 20 * u64::from(counters);
    let rounds = tier().pick(2, 10, 20);
    let filler = hub.data().join("filler");
    let refused = || journal.events().values().flatten().filter(|event| **event == Event::Refused).count();
    hub.start().expect("starts");
    thread::scope(|scope| {
        let sending = scope.spawn(|| drive(&load, &journal, &progress));
        for round in 1..=rounds {
            load.allowed.store(all * round / (rounds + 1), Ordering::Relaxed);
            let reached = || progress.load(Ordering::Relaxed) >= all * round / (rounds + 1);
            wait("the load goes on", || reached() || sending.is_finished());
            fill(&filler);
            let before = refused();
            load.allowed.store(u64::MAX, Ordering::Relaxed);
            wait("senders are refused", || refused() > before + 20 || sending.is_finished());
            assert!(!sending.is_finished(), "it was refused");
            assert!(hub.runs(), "no crash: {}", hub.log());
            std::fs::remove_file(&filler).expect("room again");
            let stands = progress.load(Ordering::Relaxed);
            load.allowed.store(stands + 50, Ordering::Relaxed);
            wait("it flows again by itself", || {
                progress.load(Ordering::Relaxed) >= stands + 50 || sending.is_finished()
            });
        }
        load.allowed.store(u64::MAX, Ordering::Relaxed);
        sending.join().expect("no panic").expect("all acknowledged");
    });
    eprintln!("seed {}: the disk was full {rounds} times", load.seed);
    world.finish(hub, &journal, &load);
}

/// Fills the disk but for a little.
fn fill(filler: &Path) {
    let folder = filler.parent().expect("a folder");
    let output = Command::new("df").args(["--output=avail", "-B1"]).arg(folder).output().expect("df is there");
    let text = String::from_utf8_lossy(&output.stdout);
    let free: u64 = text.lines().last().expect("a line").trim().parse().expect("a number");
    let size = free.saturating_sub(LEFT).to_string();
    assert!(Command::new("fallocate").args(["-l", &size]).arg(filler).status().expect("fallocate").success());
}
