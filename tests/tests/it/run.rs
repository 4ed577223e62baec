//! What the fault tests share.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use causeway_tests::hub::Hub;
use causeway_tests::patient::{PROVIDER, Patient};

use super::world::tier;

/// Of each lane the next offset to be processed and the one after the last in the log, read at this moment: what a running
/// hub says of itself is some seconds old.
pub(crate) fn lanes(hub: &Hub) -> Vec<(u64, u64)> {
    let output = hub.run(["log", "list", "--json"]).expect("runs");
    assert!(output.status.success(), "no lanes: {}", String::from_utf8_lossy(&output.stderr));
    let lanes = String::from_utf8_lossy(&output.stdout);
    let lanes = lanes.lines().map(|lane| serde_json::from_str::<serde_json::Value>(lane).expect("JSON"));
    let number = |lane: &serde_json::Value, name: &str| lane[name].as_u64().expect("a number");
    lanes.map(|lane| (number(&lane, "next"), number(&lane, "end"))).collect()
}

/// The state of the hub, as an operator sees it.
pub(crate) fn status(hub: &Hub) -> serde_json::Value {
    let output = hub.run(["status", "--json"]).expect("runs");
    let told = serde_json::from_slice(&output.stdout);
    told.unwrap_or_else(|_| panic!("no status: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Registers provider and patients by the command line, as a user would.
pub(crate) fn register(hub: &Hub, patients: &[Patient], folder: &Path) {
    let domains: Vec<String> =
        ["PERS", "ENCT", "LABR"].iter().map(|domain| format!("\"{domain}\":\"2020-01-01\"")).collect();
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
    let (started, patience) = (Instant::now(), Duration::from_secs(tier().pick(120, 600, 3_600)));
    while !holds() {
        let waited = started.elapsed();
        assert!(waited < patience, "waited too long: {what}");
        // To look may cost the start of a process: who waits for long looks rarely, and leaves the processor to the hub.
        thread::park_timeout((waited / 10).clamp(Duration::from_millis(5), Duration::from_millis(250)));
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

/// The call to fail after the `at`-th of a kind: on every run some few, by night many and not the same ones each time, before a
/// release each.
pub(crate) fn next(at: u64, random: &mut Random) -> u64 {
    at + tier().pick(3 * at, 1 + random.below(1 + at / 4), 1)
}

/// Copies a folder with everything in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("listed") {
        let entry = entry.expect("listed");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("known").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// A connection to a hub's door.
pub(crate) fn dial(to: SocketAddr) -> TcpStream {
    let link = TcpStream::connect(to).expect("connects");
    link.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    link
}

/// Sends one message and reads its answer: what stands in MSA, from the code on.
pub(crate) fn exchange(link: &mut TcpStream, message: &[u8]) -> String {
    link.write_all(&[b"\x0b", message, b"\x1c\r"].concat()).expect("sent");
    let (mut answer, mut chunk) = (Vec::new(), [0_u8; 1024]);
    while !answer.ends_with(b"\x1c\r") {
        let read = match link.read(&mut chunk) {
            // A read with a time-out is not begun again by the kernel when the process was frozen meanwhile.
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read.expect("answered"),
        };
        assert!(read > 0, "the connection ended");
        answer.extend(&chunk[..read]);
    }
    let answer = String::from_utf8(answer).expect("text");
    answer.split('\r').find_map(|segment| segment.strip_prefix("MSA|")).expect("MSA").to_owned()
}
