//! What the fault tests share.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use causeway_tests::hub::Hub;
use causeway_tests::patient::{PROVIDER, Patient};

/// Of each lane the next offset to be processed and the one after the last in the log, as an operator sees them.
pub(crate) fn lanes(hub: &Hub) -> Vec<(u64, u64)> {
    let output = hub.run(["status", "--json"]).expect("runs");
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let number = |lane: &serde_json::Value, name: &str| lane[name].as_u64().expect("a number");
    let lanes = status["pipeline"]["partitions"].as_array().expect("lanes");
    lanes.iter().map(|lane| (number(lane, "next"), number(lane, "end"))).collect()
}

/// Registers provider and patients by the command line, as a user would.
pub(crate) fn register(hub: &Hub, patients: &[Patient], folder: &Path) {
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

pub(crate) fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(120), "waited too long: {what}");
        thread::park_timeout(Duration::from_millis(5));
    }
}

/// A small seeded generator (SplitMix64), so that a run can be repeated.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.max(1)
    }
}
