//! P1, P4, P5 with messages above the broker's limit: their bytes are in the object store, and the log has a claim to them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;

use causeway_tests::hub::Hub;
use causeway_tests::load::{Load, drive, padded};
use causeway_tests::servers::{Objects, Servers};
use causeway_tests::tap::Tap;

use super::orphans::swept;
use super::run::{dial, exchange, lanes, wait};
use super::world::{World, some_patients, tier};

/// What the topic takes, and what a large message has.
const LIMIT: &str = "512KiB";
const LARGE: usize = 600_000;

/// A hub on Kafka, PostgreSQL and an object store it reaches by a tap.
pub(crate) struct Stand {
    pub(crate) world: World,
    pub(crate) objects: Tap,
    pub(crate) victim: Arc<AtomicU32>,
    _secret: tempfile::TempDir,
}

impl Stand {
    /// The tap waits for the answer to the request `wanted` knows.
    pub(crate) fn new(wanted: fn(&[u8]) -> bool) -> Self {
        let say = |say: String| -> ! { panic!("{say}") };
        let server = Objects::find().unwrap_or_else(|error| say(error));
        let (secret, victim) = (tempfile::tempdir().expect("a folder"), Arc::default());
        let objects = Tap::start(server.address, wanted, &victim).expect("a tap");
        let prefix = format!("faults/{}-{}", std::process::id(), objects.address().port());
        let lines = server.lines(objects.address(), &prefix, secret.path()).expect("written");
        let servers = Servers {
            kafka_lines: format!("delivery_timeout = \"5s\"\nmessage_bytes_max = \"{LIMIT}\"\n"),
            blobs_lines: format!("[blobs]\nengine = \"s3\"\nsweep_age = \"10s\"\n{lines}"),
            ..Servers::find().unwrap_or_else(|error| say(error))
        };
        Self { world: World::on(servers), objects, victim, _secret: secret }
    }

    /// Starts a hub as the one that will be killed.
    pub(crate) fn start(&self, hub: &mut Hub) {
        hub.start().expect("starts");
        self.victim.store(hub.pid().expect("it runs"), Ordering::SeqCst);
    }

    /// Waits until a tap has struck once more, and for the end of the hub.
    pub(crate) fn strikes(&self, tap: &Tap, before: u64, hub: &mut Hub) {
        wait("the tap strikes", || tap.struck() > before);
        assert_eq!(hub.ended().expect("it ended"), None, "by a signal");
    }
}

/// Bytes of a claim are being stored.
fn puts_a_claim(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    line.starts_with("PUT ") && line.contains("/claims/") && !line.contains("/unfinished/")
}

/// The hub is killed when a large message's bytes are stored and its claim is not in the log, and when its claim is in the log
/// and the sender does not know: in turns. Nothing acknowledged is lost, doubled or overtaken, and a message that is never
/// sent again leaves nothing behind.
#[test]
fn messages_above_the_brokers_limit_survive_a_kill_at_either_side_of_the_log_and_leave_no_orphan() {
    let stand = Stand::new(puts_a_claim);
    let world = &stand.world;
    let patients = some_patients(10);
    let mut hub = world.process("hub");
    world.prepare(&hub, &patients);
    let door = Tap::start(hub.mllp(), |_| true, &stand.victim).expect("a tap");
    let (counters, rounds) = (tier().pick(12, 60, 300), tier().pick(4, 20, 60));
    let load = world.load(&[&hub], &patients, counters, tier().seed(30));
    let load = Load { to: vec![door.address()], padding: LARGE, ..load };
    let (journal, progress, all) = (world.journal(), AtomicU64::new(0), 10 * u64::from(counters));
    let share = |round: u64| all * round / (rounds + 2);
    load.allowed.store(share(1), Ordering::Relaxed);
    stand.start(&mut hub);
    thread::scope(|scope| {
        let sending = scope.spawn(|| drive(&load, &journal, &progress));
        for round in 1..=rounds {
            wait("the load goes on", || progress.load(Ordering::Relaxed) >= share(round) || sending.is_finished());
            let tap = if round % 2 == 0 { &door } else { &stand.objects };
            let before = tap.struck();
            tap.arm();
            load.allowed.store(share(round + 1), Ordering::Relaxed);
            stand.strikes(tap, before, &mut hub);
            stand.start(&mut hub);
        }
        load.allowed.store(u64::MAX, Ordering::Relaxed);
        sending.join().expect("no panic").expect("all acknowledged");
    });
    eprintln!("seed {}: {rounds} kills", load.seed);
    let large = u64::from(counters.div_ceil(2)) * 10;
    sent_again(&hub, &load);
    leaves_no_orphan(&stand, &mut hub, &load, large);
    let verified = hub.run(["log", "verify"]).expect("runs");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    world.finish(hub, &journal, &load);
}

/// Large messages sent once more: the answer is the first one's, and what is stored stays as it is, which the judge sees.
fn sent_again(hub: &Hub, load: &Load) {
    let mut link = dial(hub.mllp());
    for patient in &load.patients {
        let answer = exchange(&mut link, load.message(*patient, 1).as_bytes());
        assert!(answer.starts_with("CA|"), "{answer}");
    }
    wait("all is processed", || lanes(hub).iter().all(|(next, end)| next == end));
}

/// A sender that gives a message up after the hub died between the store and the log.
fn leaves_no_orphan(stand: &Stand, hub: &mut Hub, load: &Load, large: u64) {
    let before = stand.objects.struck();
    stand.objects.arm();
    let message = padded(&load.patients[0].message(load.counters + 1, load.seed), LARGE);
    let mut link = dial(hub.mllp());
    std::io::Write::write_all(&mut link, format!("\u{b}{message}\u{1c}\r").as_bytes()).expect("sent");
    stand.strikes(&stand.objects, before, hub);
    wait("the orphan is told once it is old enough", || swept(hub, &[], "messages")["orphans"] == 1);
    let told = swept(hub, &[], "messages");
    assert_eq!((&told["blobs"], &told["removed"]), (&(large + 1).into(), &0.into()), "{told}");
    stand.start(hub);
    wait("the hub removes it by itself", || swept(hub, &[], "messages")["blobs"] == large);
}
