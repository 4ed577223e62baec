//! HL7 files from a watched folder, through the real binary.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::hub::{Hub, until};

/// How many messages the large file has: enough that it is still being read when the hub is killed.
const MANY: usize = 12_000;

fn message(id: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|CBH|HUB|HKHUB|20260301100000+0800||ADT^A08^ADT_A01|{id}|P|2.5.1\rEVN|A08|20260301100000+0800\r\
         PID|1||L-{id}^^^CBH^PI||YEUNG^SIU KEI||19830114|M\rPV1|1|O\r"
    )
}

fn batch(ids: &[String], said: usize) -> String {
    let all: String = ids.iter().map(|id| message(id)).collect();
    format!(
        "FHS|^~\\&|LIS|CBH|HUB|HKHUB|20260301||||F1\rBHS|^~\\&|LIS|CBH|HUB|HKHUB|20260301||||B1\r{all}BTS|{said}\rFTS|1\r"
    )
}

/// A hub that watches the folder `drop`, whose files must be still for so long.
fn hub(still_for: &str) -> Hub {
    let hub = Hub::new();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written by init");
    let provider = text.lines().find_map(|line| line.trim().strip_prefix("provider = ")).expect("a provider");
    let door = format!(
        "\n[[file_door]]\n[file_door.pickup]\nfolder = \"drop\"\nstill_for = \"{still_for}\"\nscan_every = \"20ms\"\n\n\
         [file_door.feed]\nname = \"drop\"\nprovider = {provider}\nsenders = [\"LIS|CBH\"]\n"
    );
    std::fs::write(&file, format!("{text}{door}")).expect("written");
    std::fs::create_dir(hub.path().join("drop")).expect("made");
    hub
}

fn path(hub: &Hub, name: &str) -> PathBuf {
    hub.path().join("drop").join(name)
}

/// Puts a file in as a careful sender does.
fn put(hub: &Hub, name: &str, text: &str) {
    std::fs::write(path(hub, &format!("{name}.part")), text).expect("written");
    std::fs::rename(path(hub, &format!("{name}.part")), path(hub, name)).expect("renamed");
}

fn report(hub: &Hub, name: &str) -> String {
    let found = until(|| std::fs::read_to_string(path(hub, name)).ok());
    found.unwrap_or_else(|| panic!("no {name}: {:?}", hub.run(&["status"])))
}

/// MSA-1 and MSA-2 of each answer in a report.
fn codes(report: &str) -> Vec<String> {
    let told = report.split('\r').filter_map(|line| line.strip_prefix("MSA|"));
    told.map(|msa| msa.split('|').take(2).collect::<Vec<_>>().join("|")).collect()
}

/// Entries of the log, all lanes together.
fn logged(hub: &Hub) -> u64 {
    let (_, text) = hub.get("/metrics");
    let ends = text.lines().filter(|line| line.starts_with("causeway_log_end_offset"));
    ends.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[test]
fn a_file_is_taken_and_answered_beside_itself_and_one_half_written_is_left_alone() {
    let mut hub = hub("1s");
    assert_eq!(hub.run(&["check"]).code, Some(0));
    hub.start();
    let ids: Vec<String> = (0..3).map(|n| format!("A{n}")).collect();
    std::fs::write(path(&hub, "half.hl7.part"), message("never")).expect("written");
    // Written in place, a little at a time: it is not still for long enough until its writer ends.
    let growing = path(&hub, "growing.hl7");
    let mut writer = std::fs::File::create(&growing).expect("made");
    put(&hub, "a.hl7", &batch(&ids, 3));
    let began = Instant::now();
    let mut written = 0;
    while began.elapsed() < Duration::from_millis(2500) {
        writer.write_all(message(&format!("G{written}")).as_bytes()).expect("written");
        written += 1;
        assert!(growing.exists(), "taken while it was written, after {:?}", began.elapsed());
        std::thread::park_timeout(Duration::from_millis(20));
    }
    drop(writer);
    let told = report(&hub, "done/a.hl7.ack");
    assert_eq!(codes(&told), ["AA|A0", "AA|A1", "AA|A2"]);
    assert!(told.starts_with("FHS|") && told.contains("|B1\r") && told.contains("BTS|3\rFTS|1\r"), "{told}");
    assert!(path(&hub, "done/a.hl7").exists() && !path(&hub, "a.hl7").exists());
    let grown = report(&hub, "done/growing.hl7.ack");
    assert_eq!(codes(&grown).len(), written, "whole");
    assert!(path(&hub, "half.hl7.part").exists(), "a name that says it is unfinished is left alone");
    assert_eq!(hub.run(&["--json", "message", "trace", "never"]).code, Some(1));
    put(&hub, "empty.hl7", "");
    assert!(report(&hub, "failed/empty.hl7.reason").starts_with("NO_MESSAGE: "));
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn a_kill_between_taking_a_file_and_answering_it_loses_and_doubles_nothing() {
    let mut hub = hub("0");
    hub.start();
    let ids: Vec<String> = (0..MANY).map(|number| format!("K{number}")).collect();
    put(&hub, "large.hl7", &batch(&ids, MANY));
    until(|| (logged(&hub) >= 200).then_some(())).expect("some of it is in the log");
    hub.kill();
    assert!(path(&hub, "work/large.hl7").exists(), "it was taken");
    assert!(!path(&hub, "done/large.hl7.ack").exists(), "and not answered: the kill came too late, raise MANY");

    hub.start();
    let told = report(&hub, "done/large.hl7.ack");
    let wanted: Vec<String> = ids.iter().map(|id| format!("AA|{id}")).collect();
    assert_eq!(codes(&told), wanted, "every message is answered, in its order");
    assert!(told.contains(&format!("BTS|{MANY}\rFTS|1\r")), "{}", told.len());
    let all = u64::try_from(MANY).expect("a number");
    assert!(until(|| (logged(&hub) == all).then_some(())).is_some(), "{} entries, not {all}", logged(&hub));
    put(&hub, "again.hl7", &batch(&ids[..100], 100));
    assert_eq!(codes(&report(&hub, "done/again.hl7.ack")).len(), 100);
    assert_eq!(logged(&hub), all, "what is put in twice is known");
    assert_eq!(hub.stop(), Some(0));
}
