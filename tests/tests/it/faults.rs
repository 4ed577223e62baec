//! Promise 1 and 2 under `kill -9` and on a bad network: nothing acknowledged is lost, nothing is stored twice, and one
//! patient's messages take effect in the order sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use causeway_tests::load::{Load, drive};
use causeway_tests::proxy::Proxy;

use super::run::{Random, wait};
use super::world::{World, some_patients, tier};

/// P1: the hub is killed at random moments, each with messages in flight.
fn kills(world: &World) {
    let seed = tier().seed(20_261_122);
    let (kills, counters) = (tier().pick(20, 100, 1_000), tier().pick(60, 300, 3_000));
    let patients = some_patients(40);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let journal = world.journal();
    let load = Load { connections: 8, ..world.load(&[&hub], &patients, counters, seed) };
    let (progress, all) = (AtomicU64::new(0), 40 * u64::from(counters));
    hub.start().expect("the hub starts");
    thread::scope(|scope| {
        let sending = scope.spawn(|| drive(&load, &journal, &progress));
        let mut random = Random(seed);
        for kill in 0..kills {
            // A random moment of this kill's share of the load, so that every kill meets messages in flight.
            let share = all / (kills + 1);
            let moment = kill * share + random.below(share);
            wait("the load goes on", || progress.load(Ordering::Relaxed) >= moment || sending.is_finished());
            hub.kill().expect("killed");
            hub.start().expect("it recovers");
        }
        sending.join().expect("no panic").expect("all acknowledged");
    });
    eprintln!("seed {seed}: {kills} kills");
    world.finish(hub, &journal, &load);
}

#[test]
fn what_is_acknowledged_survives_twenty_kills_once_and_in_order() {
    kills(&World::embedded());
}

#[cfg(feature = "production")]
#[test]
fn what_is_acknowledged_on_kafka_survives_twenty_kills_once_and_in_order() {
    kills(&World::production());
}

/// P20: whatever the network does, it is only a delay.
#[test]
fn a_bad_network_loses_nothing_and_doubles_nothing() {
    let (world, seed) = (World::embedded(), tier().seed(20));
    let patients = some_patients(20);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let journal = world.journal();
    hub.start().expect("the hub starts");
    let proxy = Proxy::start(hub.mllp(), seed).expect("a proxy");
    let load = Load { to: vec![proxy.address()], ..world.load(&[&hub], &patients, tier().pick(30, 300, 3_000), seed) };
    drive(&load, &journal, &AtomicU64::new(0)).expect("all acknowledged");
    assert!(proxy.mishaps() > 20, "the network was bad: {} mishaps", proxy.mishaps());
    world.finish(hub, &journal, &load);
}
