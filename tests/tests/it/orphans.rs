//! Documents that nothing points to, because the hub died before their records were committed and the decision came out
//! otherwise the next time: they are swept, and no other is.

use std::path::Path;

use causeway_core::envelope::Digest;
use causeway_tests::hub::Hub;
use causeway_tests::patient::Patient;

#[cfg(feature = "production")]
use super::claims::Stand;
use super::resends::metric;
use super::run::{copy_folder, dial, exchange, lanes, wait};
use super::strace::{self, Fault};
use super::world::{World, some_patients};

/// `sweep_age` of these tests, and a little.
const SWEEP_AGE_SECONDS: f64 = 10.5;

/// What `causeway db sweep` says of a store.
pub(crate) fn swept(hub: &Hub, arguments: &[&str], store: &str) -> serde_json::Value {
    let output = hub.run(["db", "sweep", "--json"].iter().chain(arguments)).expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    let lines = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    lines.into_iter().find(|line| line["store"] == store && line.get("orphans").is_some()).expect("a summary")
}

/// The document of a report.
fn pdf(id: &str) -> Vec<u8> {
    format!("%PDF-1.4\n{id}\n%%EOF\n").into_bytes()
}

/// A report of a patient, with its document in it.
fn report(patient: Patient, id: &str) -> String {
    let encoded = base64(&pdf(id));
    format!(
        "MSH|^~\\&|LOAD|GEN|HUB|HK|20260301100000+0800||ORU^R01^ORU_R01|{id}|P|2.5.1||||||UNICODE UTF-8\r\
         PID|1||{}^^^HKSAR^HKID||LOAD^{}||19800101|F\r\
         OBR|1|P-25|F-{id}|11502-2^Laboratory report^LN|||20260301080000+0800|||||||||||||||20260301090000+0800||LAB|F\r\
         OBX|1|ED|11502-2^Laboratory report^LN||LIS^Application^PDF^Base64^{encoded}||||||F\r",
        patient.hkid(),
        patient.given()
    )
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encode = |chunk: &[u8]| {
        let word = (0..3).fold(0_usize, |word, at| word << 8 | usize::from(chunk.get(at).copied().unwrap_or(0)));
        let digit = |at: usize| if at <= chunk.len() { char::from(DIGITS[word >> (18 - 6 * at) & 63]) } else { '=' };
        (0..4).map(digit).collect::<String>()
    };
    bytes.chunks(3).map(encode).collect()
}

/// A hub died after it had stored the document of a report of the first patient's and before it committed it. The patient
/// leaves; the document is swept, and those of the `before` reports before are not, nor is that of another patient, though it
/// is as old.
fn is_swept(hub: &mut Hub, patients: &[Patient], before: u64, start: impl FnOnce(&mut Hub)) {
    let behind: u64 = lanes(hub).iter().map(|(next, end)| end - next).sum();
    assert_eq!(behind, 1, "the report is logged and not processed");
    let left = hub.run(["consent", "withdraw", "1"]).expect("runs");
    assert!(left.status.success(), "{}", String::from_utf8_lossy(&left.stderr));
    start(hub);
    let answer = exchange(&mut dial(hub.mllp()), report(patients[1], "KEPT").as_bytes());
    assert!(answer.starts_with("AA|"), "{answer}");
    wait("both are processed", || lanes(hub).iter().all(|(next, end)| next == end));
    let number =
        |name: &str| metric(hub, name).iter().filter_map(|value| value.parse::<f64>().ok()).fold(0.0, f64::max);
    let walked = || number("causeway_blob_sweep_timestamp_seconds");
    let last = walked();
    wait("the store is walked", || walked() > last);
    let after = walked() + SWEEP_AGE_SECONDS;
    wait("the store is walked when both are old enough", || walked() > after);
    let told = swept(hub, &[], "documents");
    assert_eq!((&told["blobs"], &told["orphans"]), (&(before + 1).into(), &0.into()), "{told}");
    assert!(number("causeway_blob_orphans_removed_total") >= 1.0);
    assert_eq!(document(hub, "KEPT"), pdf("KEPT"));
}

/// The document of a report as its reader gets it.
fn document(hub: &Hub, id: &str) -> Vec<u8> {
    let output = hub.run(["record", "list", "--person", "2", "--reveal", "--json"]).expect("runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let pointer = format!("Binary/{}", Digest::of(&pdf(id)));
    let line = said.lines().find(|line| line.contains(&pointer)).expect("a record that points to it");
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    let file = hub.data().join("read");
    let out = file.display().to_string();
    let key = line["key"].as_str().expect("a key");
    let read = hub.run(["record", "document", "--key", key, "--out", &out]).expect("runs");
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    std::fs::read(file).expect("written")
}

/// Whether the folder of a hub has the document of this report.
fn has(folder: &Path, id: &str) -> bool {
    let name = Digest::of(&pdf(id)).to_string();
    folder.join("data/blobs").join(name.split_at(2).0).join(&name).exists()
}

/// Killed at each sync of a file or folder of a thread in turn, while reports come, until it was killed behind a document and
/// before its commit.
#[test]
fn a_document_whose_commit_never_came_is_swept_and_no_other() {
    let patients = some_patients(3);
    let made = World::embedded_with("[blobs]\nsweep_age = \"10s\"\n");
    made.prepare(&made.process("made"), &patients);
    for at in 1..=40 {
        let folder = made.folder.path().join(format!("killed-at-{at}"));
        copy_folder(&made.folder.path().join("made"), &folder);
        let mut hub = made.process_in(&folder);
        if strace::start(&mut hub, &Fault { call: "fsync", what: strace::KILL, at, path: None }).is_err() {
            // Killed while it opens its files.
            hub.ended().expect("it ended");
            continue;
        }
        let Some((id, before)) = reports_until_killed(&mut hub, patients[0]) else { continue };
        if has(&folder, &id) && lanes(&hub).iter().any(|(next, end)| next < end) {
            eprintln!("killed at sync {at}, behind the document of report {id}");
            return is_swept(&mut hub, &patients, before, |hub| hub.start().expect("starts"));
        }
    }
    panic!("it was never killed between a document and its commit");
}

/// Sends reports, each when the one before is processed, until the hub is killed. Gives that one, and how many were before.
fn reports_until_killed(hub: &mut Hub, patient: Patient) -> Option<(String, u64)> {
    for before in 0..10 {
        let id = format!("REPORT{before}");
        let answer = exchange(&mut dial(hub.mllp()), report(patient, &id).as_bytes());
        assert!(answer.starts_with("AA|"), "{answer}");
        wait("it is killed or done", || !hub.runs() || lanes(hub).iter().all(|(next, end)| next == end));
        if !hub.runs() {
            hub.ended().expect("it ended");
            return Some((id, before));
        }
    }
    None
}

/// A document is being stored.
#[cfg(feature = "production")]
fn puts_a_document(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    line.starts_with("PUT ") && line.contains(&Digest::of(&pdf("ORPHAN")).to_string())
}

/// The same on Kafka, PostgreSQL and an object store, killed when the object is there.
#[cfg(feature = "production")]
#[test]
fn a_document_whose_commit_never_came_is_swept_from_the_object_store_and_no_other() {
    let stand = Stand::new(puts_a_document);
    let patients = some_patients(3);
    let mut hub = stand.world.process("hub");
    stand.world.prepare(&hub, &patients);
    stand.start(&mut hub);
    stand.objects.arm();
    let answer = exchange(&mut dial(hub.mllp()), report(patients[0], "ORPHAN").as_bytes());
    assert!(answer.starts_with("AA|"), "{answer}");
    stand.strikes(&stand.objects, 0, &mut hub);
    is_swept(&mut hub, &patients, 0, |hub| stand.start(hub));
}
