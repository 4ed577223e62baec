//! Promise 1 and 2 under `kill -9`: nothing acknowledged is lost, nothing is stored twice, and one patient's messages
//! take effect in the order sent.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use causeway_storage::repository::sqlite::{SqliteRepository, SqliteSettings};
use causeway_tests::check::{Extent, check};
use causeway_tests::hub::Hub;
use causeway_tests::journal::{Event, Journal};
use causeway_tests::load::{Load, drive};
use causeway_tests::patient::{PROVIDER, Patient};

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

/// Of each lane the next offset to be processed and the one after the last in the log, as an operator sees them.
fn lanes(hub: &Hub) -> Vec<(u64, u64)> {
    let output = hub.run(["status", "--json"]).expect("runs");
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let number = |lane: &serde_json::Value, name: &str| lane[name].as_u64().expect("a number");
    let lanes = status["pipeline"]["partitions"].as_array().expect("lanes");
    lanes.iter().map(|lane| (number(lane, "next"), number(lane, "end"))).collect()
}

/// Registers provider and patients by the command line, as a user would.
fn register(hub: &Hub, patients: &[Patient], folder: &std::path::Path) {
    let domains: Vec<String> = ["PERS", "ENCT"].iter().map(|domain| format!("\"{domain}\":\"2020-01-01\"")).collect();
    let provider = format!(
        r#"{{"id":"{PROVIDER}","name":"Load Hospital","kind":"hospital","status":"registered","domains":{{{}}}}}"#,
        domains.join(",")
    );
    let (providers, persons) = (folder.join("providers.jsonl"), folder.join("persons.jsonl"));
    std::fs::write(&providers, provider).expect("written");
    let lines: Vec<String> = patients.iter().map(|patient| patient.import_line()).collect();
    std::fs::write(&persons, lines.join("\n")).expect("written");
    for (what, file) in [("provider", &providers), ("person", &persons)] {
        let output = hub.run([what.as_ref(), "import".as_ref(), file.as_os_str()]).expect("runs");
        assert!(output.status.success(), "{what} import: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(120), "waited too long: {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// A small seeded generator (SplitMix64), so that a run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
