//! Promise 1 and 2 under `kill -9`: nothing acknowledged is lost, nothing is stored twice, and one patient's messages
//! take effect in the order sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};
use causeway_tests::check::{Extent, check};
use causeway_tests::hub::Hub;
use causeway_tests::journal::{Event, Journal};
use causeway_tests::load::{Load, all as all_of_them, drive};
use causeway_tests::patient::{PROVIDER, Patient};
use causeway_tests::proxy::Proxy;

use super::run::{Random, lanes, register, wait};

/// How often the hub is killed.
const KILLS: u64 = 20;
/// Patients of the run; every tenth one takes no part.
const PATIENTS: u32 = 40;
/// Messages a patient.
const COUNTERS: u32 = 60;

#[test]
fn what_is_acknowledged_survives_twenty_kills_once_and_in_order() {
    let seed = std::env::var("CAUSEWAY_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
    eprintln!("seed {seed}");
    let folder = tempfile::tempdir().expect("a folder");
    let mut hub = Hub::new(folder.path(), PROVIDER).expect("a hub");
    let patients: Vec<Patient> =
        (0..PATIENTS).map(|number| Patient { number, participant: number % 10 != 9 }).collect();
    register(&hub, &patients, folder.path());
    let journal = Journal::create(&folder.path().join("journal")).expect("a journal");
    let load = Load {
        to: vec![hub.mllp()],
        connections: 8,
        patients: patients.clone(),
        counters: COUNTERS,
        seed,
        deadline: Duration::from_secs(300),
        allowed: all_of_them(),
    };
    let progress = AtomicU64::new(0);

    hub.start().expect("the hub starts");
    thread::scope(|scope| {
        let sending = scope.spawn(|| drive(&load, &journal, &progress));
        let mut random = Random(seed);
        let all = u64::from(PATIENTS * COUNTERS);
        for kill in 0..KILLS {
            // A random moment of this kill's share of the load, so that every kill meets messages in flight.
            let share = all / (KILLS + 1);
            let moment = kill * share + random.below(share);
            wait("the load goes on", || progress.load(Ordering::Relaxed) >= moment || sending.is_finished());
            hub.kill().expect("killed");
            hub.start().expect("it recovers");
        }
        sending.join().expect("no panic").expect("all acknowledged");
    });

    let repository =
        SqliteRepository::open(&hub.data().join("repository.db"), SqliteSettings::default()).expect("opens");
    // What was acknowledged and is not in the log will never be processed: waiting for it would hide the loss.
    wait("what is in the log is processed", || lanes(&hub).iter().all(|(next, end)| next == end));
    let log = Extent { partitions: u16::try_from(lanes(&hub).len()).expect("few"), copies_max: 0 };
    assert_eq!(hub.stop().expect("stops"), Some(0), "a graceful stop");

    let events = journal.events();
    let acknowledged = events.values().filter(|history| history.contains(&Event::Acknowledged)).count();
    let unknown = events.values().flatten().filter(|event| **event == Event::Unknown).count();
    eprintln!("{acknowledged} acknowledged, {unknown} answers lost and resent");
    assert_eq!(acknowledged as u64, u64::from(PATIENTS * COUNTERS));
    let found = check(&events, &patients, seed, &repository, log, jiff::Timestamp::UNIX_EPOCH).expect("checked");
    assert!(
        found.is_empty(),
        "seed {seed}: {} anomalies, first {:?}",
        found.len(),
        found.iter().take(5).collect::<Vec<_>>()
    );
}

/// P20: whatever the network does, it is only a delay.
#[test]
fn a_bad_network_loses_nothing_and_doubles_nothing() {
    let seed = 20;
    let folder = tempfile::tempdir().expect("a folder");
    let mut hub = Hub::new(folder.path(), PROVIDER).expect("a hub");
    let patients: Vec<Patient> = (0..20).map(|number| Patient { number, participant: number % 10 != 9 }).collect();
    register(&hub, &patients, folder.path());
    let journal = Journal::create(&folder.path().join("journal")).expect("a journal");
    hub.start().expect("the hub starts");
    let proxy = Proxy::start(hub.mllp(), seed).expect("a proxy");
    let load = Load {
        to: vec![proxy.address()],
        connections: 4,
        patients: patients.clone(),
        counters: 30,
        seed,
        deadline: Duration::from_secs(240),
        allowed: all_of_them(),
    };
    drive(&load, &journal, &AtomicU64::new(0)).expect("all acknowledged");
    assert!(proxy.mishaps() > 20, "the network was bad: {} mishaps", proxy.mishaps());
    wait("what is in the log is processed", || lanes(&hub).iter().all(|(next, end)| next == end));
    assert_eq!(hub.stop().expect("stops"), Some(0), "a graceful stop");
    let log = Extent { partitions: 2, copies_max: 0 };
    let repository =
        SqliteRepository::open(&hub.data().join("repository.db"), SqliteSettings::default()).expect("opens");
    let found = check(&journal.events(), &patients, seed, &repository, log, jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(found.expect("checked"), []);
}
