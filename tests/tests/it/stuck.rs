//! P16: when nobody processes, messages are still taken, in bounded memory, and processed in order later.

use std::sync::atomic::{AtomicU64, Ordering};

use causeway_tests::hub::Hub;
use causeway_tests::load::drive;

use super::run::{lanes, wait};
use super::world::{World, some_patients, tier};

/// What a process may keep in memory while nobody processes, in KiB. A debug build is larger than what is shipped.
const RESIDENT_KIB_MAX: u64 = 512 * 1024;

/// What a process of a hub keeps in memory, in KiB.
pub(crate) fn resident(hub: &Hub) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", hub.pid().expect("it runs"))).expect("read");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

fn nobody_processes(world: &World) {
    let patients = some_patients(40);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let (journal, progress) = (world.journal(), AtomicU64::new(0));
    let load = world.load(&[&hub], &patients, tier().pick(60, 500, 5_000), tier().seed(16));
    hub.start_as(&[], &["--role", "ingest"]).expect("starts");
    drive(&load, &journal, &progress).expect("all acknowledged");
    let behind = || lanes(&hub).iter().map(|(next, end)| end - next).sum::<u64>();
    wait("all of them wait", || behind() >= progress.load(Ordering::Relaxed));
    let resident = resident(&hub);
    assert!(resident < RESIDENT_KIB_MAX, "{resident} KiB");
    assert_eq!(hub.stop().expect("stops"), Some(0), "{}", hub.log());
    hub.start().expect("starts with all roles");
    world.finish(hub, &journal, &load);
}

#[test]
fn while_nobody_processes_messages_are_taken_and_are_processed_in_order_later() {
    nobody_processes(&World::embedded());
}

#[cfg(feature = "production")]
#[test]
fn while_nobody_processes_kafka_takes_messages_and_they_are_processed_in_order_later() {
    nobody_processes(&World::production());
}
