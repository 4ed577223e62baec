//! The promises on Apache Kafka and PostgreSQL, with several processes that share the lanes.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use causeway_tests::journal::Event;
use causeway_tests::load::{Load, drive};
use causeway_tests::servers::Servers;

use super::run::{lanes, wait};
use super::world::{World, some_patients, tier};

/// P1, P5, P8: processes join, are killed, and are paused for longer than a lease holds.
#[test]
fn processes_join_die_and_are_paused_and_nothing_is_lost_doubled_or_reordered() {
    let world = World::production();
    let patients = some_patients(40);
    let (mut one, mut two, mut three) = (world.process("one"), world.process("two"), world.process("three"));
    world.prepare(&one, &patients);
    let journal = world.journal();
    let counters = tier().pick(30, 300, 1500);
    let load =
        Load { connections: 6, ..world.load(&[&one, &two, &three], &patients, counters, tier().seed(20_261_122)) };
    let (progress, all) = (AtomicU64::new(0), 40 * u64::from(counters));
    one.start().expect("starts");
    two.start().expect("starts");
    thread::scope(|scope| {
        let sending = scope.spawn(|| drive(&load, &journal, &progress));
        let reached = |share: u64| {
            wait("the load goes on", || progress.load(Ordering::Relaxed) >= all * share / 10 || sending.is_finished());
        };
        reached(1);
        three.start().expect("joins");
        reached(3);
        one.kill().expect("killed");
        reached(4);
        two.pause().expect("paused");
        // Only when others took its lanes over can everything that is logged be processed.
        reached(6);
        one.start().expect("comes back");
        wait("the others take over", || {
            let behind = lanes(&three).iter().filter(|(next, _)| *next == 0).count();
            behind == 0
        });
        two.wake().expect("goes on");
        reached(8);
        three.kill().expect("killed");
        three.start().expect("comes back");
        sending.join().expect("no panic").expect("all acknowledged");
    });
    wait("what is in the log is processed", || lanes(&one).iter().all(|(next, end)| next == end));
    for hub in [&mut one, &mut two, &mut three] {
        assert_eq!(hub.stop().expect("stops"), Some(0), "a graceful stop: {}", hub.log());
    }
    world.judge(&one, &journal, &load);
}

/// P7, P9: every connection to PostgreSQL is cut, again and again.
#[test]
fn a_database_that_drops_its_connections_is_only_a_delay() {
    let world = World::production();
    let patients = some_patients(20);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let journal = world.journal();
    let counters = tier().pick(60, 600, 3000);
    let load = world.load(&[&hub], &patients, counters, tier().seed(7));
    let (progress, all) = (AtomicU64::new(0), 20 * u64::from(counters));
    hub.start().expect("starts");
    thread::scope(|scope| {
        let sending = scope.spawn(|| drive(&load, &journal, &progress));
        for cut in 1..=10_u64 {
            wait("the load goes on", || progress.load(Ordering::Relaxed) >= all * cut / 11 || sending.is_finished());
            // The load may be faster than the hub is at connecting again: a cut is one only when it cut something.
            wait("there is something to cut", || world.cut_connections() > 0);
        }
        sending.join().expect("no panic").expect("all acknowledged");
    });
    world.finish(hub, &journal, &load);
}

/// The repository stands where the topic holds nothing, as after a topic that was made anew or retention that was too short: the
/// hub stops and names the place, and goes on from there once it is mended. Nothing is skipped.
#[test]
fn an_offset_the_topic_does_not_hold_stops_the_hub_which_names_it_and_skips_nothing() {
    let world = World::production();
    let patients = some_patients(10);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let journal = world.journal();
    let load = world.load(&[&hub], &patients, tier().pick(6, 60, 300), tier().seed(12));
    hub.start().expect("starts");
    drive(&load, &journal, &AtomicU64::new(0)).expect("all acknowledged");
    wait("what is in the log is processed", || lanes(&hub).iter().all(|(next, end)| next == end));
    assert_eq!(hub.stop().expect("stops"), Some(0), "{}", hub.log());

    let table = format!("\"{}\".partition_offset", world.schema());
    let mut client = world.client();
    let row = client.query_one(&format!("SELECT min(partition_id), max(next) FROM {table}"), &[]).expect("asked");
    let (lane, beyond): (i32, i64) = (row.get(0), row.get::<_, i64>(1) + 1_000);
    let mut stands_at = |next: i64| -> i64 {
        let sql = format!("SELECT next FROM {table} WHERE partition_id = $1");
        let before = client.query_one(&sql, &[&lane]).expect("asked").get(0);
        let moved = client.execute(&format!("UPDATE {table} SET next = $1 WHERE partition_id = $2"), &[&next, &lane]);
        assert_eq!(moved.expect("moved"), 1);
        before
    };
    let right = stands_at(beyond);
    // It may end while it opens its doors, or after.
    drop(hub.start());
    assert_eq!(hub.ended().expect("it ended"), Some(74), "{}", hub.log());
    let log = hub.log();
    let told = log.lines().any(|line| {
        line.contains("CW030") && line.contains(&format!("partition {lane}")) && line.contains(&beyond.to_string())
    });
    assert!(told, "the place is named: {}", log.lines().last().unwrap_or_default());
    assert_eq!(stands_at(right), beyond, "nothing moved it");
    hub.start().expect("goes on");
    world.finish(hub, &journal, &load);
}

/// Three brokers of this test's own, with three copies of each message, of which two must be written.
struct Brokers {
    folder: tempfile::TempDir,
}

impl Brokers {
    fn start() -> Self {
        let brokers = Self { folder: tempfile::tempdir().expect("a folder") };
        brokers.script(&["start", "--brokers", "3"], None);
        brokers
    }

    fn script(&self, arguments: &[&str], last: Option<&str>) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/dev/kafka");
        let done = Command::new(script).args(arguments).arg(self.folder.path()).args(last).output().expect("runs");
        assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn kill(&self, broker: u32) {
        let pid = std::fs::read_to_string(self.folder.path().join(format!("broker-{broker}.pid"))).expect("a pid");
        assert!(Command::new("kill").args(["-9", pid.trim()]).status().expect("runs").success());
    }

    fn start_again(&self, broker: u32) {
        self.script(&["broker"], Some(&broker.to_string()));
    }

    fn servers(&self) -> Servers {
        let kafka = std::fs::read_to_string(self.folder.path().join("bootstrap")).expect("started").trim().to_owned();
        Servers { kafka, brokers: 3, ..Servers::find().unwrap_or_else(|say| panic!("{say}")) }
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        self.script(&["stop"], None);
    }
}

/// P10: one of three brokers killed is only a delay; two are no answer or AE, never a false AA, until they are back.
#[test]
fn one_broker_less_is_a_delay_and_two_are_never_a_false_answer() {
    let brokers = Brokers::start();
    let world = World::on(brokers.servers());
    let patients = some_patients(20);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let journal = world.journal();
    let counters = tier().pick(60, 600, 3000);
    let load = world.load(&[&hub], &patients, counters, tier().seed(10));
    let (progress, all) = (AtomicU64::new(0), 20 * u64::from(counters));
    let count = |kind: Event| journal.events().values().flatten().filter(|event| **event == kind).count();
    hub.start().expect("starts");
    thread::scope(|scope| {
        let sending = scope.spawn(|| drive(&load, &journal, &progress));
        let until = |share: u64| {
            load.allowed.store(all * share / 6, Ordering::Relaxed);
            wait("the load goes on", || progress.load(Ordering::Relaxed) >= all * share / 6 || sending.is_finished());
        };
        until(1);
        brokers.kill(1);
        until(2);
        assert_eq!(count(Event::Refused), 0, "with two of three brokers nobody is refused");
        brokers.start_again(1);
        until(3);
        brokers.kill(2);
        brokers.kill(3);
        load.allowed.store(u64::MAX, Ordering::Relaxed);
        let before = count(Event::Refused) + count(Event::Unknown);
        wait("the senders notice", || count(Event::Refused) + count(Event::Unknown) >= before + load.connections);
        let acknowledged = progress.load(Ordering::Relaxed);
        wait("they try again", || count(Event::Refused) + count(Event::Unknown) >= before + 2 * load.connections);
        assert_eq!(progress.load(Ordering::Relaxed), acknowledged, "one copy of three is no acknowledgement");
        brokers.start_again(2);
        brokers.start_again(3);
        sending.join().expect("no panic").expect("all acknowledged");
    });
    world.finish(hub, &journal, &load);
}
