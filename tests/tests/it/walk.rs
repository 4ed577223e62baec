//! The walk of a message through the real binary, as a new user would see it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use causeway_tests::hub::Hub;
use serde_json::Value;

/// A thousand and thirteen messages of a simulated hospital; see the note beside the file.
const SIMULATED: &str = "simhospital/messages.out";
const MESSAGES: u64 = 1013;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(name)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Runs a command that must end with this code, and gives its standard output.
fn run(hub: &Hub, arguments: &[&str], code: i32) -> String {
    let output = hub.run(arguments).expect("runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The lines of a command that prints JSON Lines, or the one value it prints.
fn json(hub: &Hub, arguments: &[&str]) -> Vec<Value> {
    let text = run(hub, arguments, 0);
    let whole: Result<Value, _> = serde_json::from_str(&text);
    whole.map_or_else(
        |_| text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect(),
        |value| vec![value],
    )
}

/// The sums of the outcomes over all feeds.
fn outcomes(hub: &Hub) -> [u64; 4] {
    // The exit code says whether all is well; here only the numbers count.
    let output = hub.run(["status", "--json"]).expect("runs");
    let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let feeds = status["feeds"].as_array().expect("feeds");
    ["accepted", "withheld", "held", "rejected"]
        .map(|state| feeds.iter().map(|feed| feed[state].as_u64().expect("a count")).sum())
}

fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(120), "waited too long: {what}");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

#[test]
fn every_message_of_a_hospital_is_answered_and_accounted_for_and_taken_up_when_its_person_joins() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut hub = Hub::newcomer(folder.path()).expect("a hub");
    hub.start().expect("starts");
    let (file, to) = (data(SIMULATED), hub.mllp().to_string());

    // Nobody is registered: all is answered, nothing is stored.
    run(&hub, &["send", "hl7", path(&file), "--to", &to, "--connections", "4"], 0);
    wait("all are processed", || outcomes(&hub).iter().sum::<u64>() == MESSAGES);
    let [accepted, withheld, held, rejected] = outcomes(&hub);
    assert_eq!((accepted, withheld + held + rejected, rejected), (0, MESSAGES, 0));
    assert_eq!(run(&hub, &["record", "count"], 0).matches("PERS").count(), 0, "nothing clinical is kept");

    // The patients join; what was withheld is taken up by itself.
    run(&hub, &["person", "import", path(&file), "--from-hl7", "catch-all", "--join", "2025"], 0);
    wait("the greater part is taken up", || outcomes(&hub)[0] > MESSAGES * 9 / 10);
    wait("take-up comes to rest", || {
        let before = outcomes(&hub);
        std::thread::park_timeout(Duration::from_secs(2));
        outcomes(&hub) == before
    });
    assert_eq!(outcomes(&hub).iter().sum::<u64>(), MESSAGES, "still every one of them");

    // A second run of the same file has no second effect.
    let before = outcomes(&hub);
    run(&hub, &["send", "hl7", path(&file), "--to", &to, "--connections", "4"], 0);
    assert_eq!(outcomes(&hub), before, "a resend is answered again and stored once");

    // Any one of them tells its way.
    let trace = run(&hub, &["message", "trace", "5"], 0);
    for step in ["received", "logged", "withheld", "NOT_REGISTERED", "accepted", "take-up", "Encounter"] {
        assert!(trace.contains(step), "the trace does not tell {step}:\n{trace}");
    }
    run(&hub, &["audit", "verify"], 0);
    nothing_protected_was_said(&hub, &file);
    assert_eq!(hub.stop().expect("stops"), Some(0));
}

/// No name and no number of any patient is in the log at its most talkative, in the metrics, or on the page.
fn nothing_protected_was_said(hub: &Hub, file: &Path) {
    let text = std::fs::read_to_string(file).expect("the messages");
    let log = hub.log();
    assert!(log.len() > 1_000, "the hub said something at all");
    let pages = [get(hub, "/metrics"), get(hub, "/en/ops"), get(hub, "/en/ops/messages"), get(hub, "/api/v1/status")];
    for pid in text.split(['\r', '\n']).filter(|segment| segment.starts_with("PID|")) {
        let fields: Vec<&str> = pid.split('|').collect();
        let names: Vec<&str> = fields[5].split('^').take(2).collect();
        let numbers = fields[3].split('~').filter_map(|id| id.split('^').next());
        for secret in numbers.map(str::to_owned).chain([names.join(" "), fields[5].to_owned()]) {
            assert!(!log.contains(&secret), "a patient's identity is in the log");
            assert!(!pages.iter().any(|page| page.contains(&secret)), "a patient's identity is on a page");
        }
    }
}

/// A page, by plain HTTP.
fn get(hub: &Hub, target: &str) -> String {
    let mut stream = TcpStream::connect(hub.http()).expect("connects");
    let request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", hub.http());
    stream.write_all(request.as_bytes()).expect("asks");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers");
    assert!(answer.starts_with("HTTP/1.1 200"), "{target}: {}", answer.lines().next().unwrap_or_default());
    answer
}

#[test]
fn the_hong_kong_fixtures_give_what_is_expected_of_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut hub = Hub::newcomer(folder.path()).expect("a hub");
    hub.start().expect("starts");
    let person = r#"{"documents":[{"kind":"HKID","number":"A123456(3)"}],"demographics":{"family":"CHAN","given":"TAI MAN","chinese":"陳大文","birth":"1983-01-14","sex":"M"},"join":{"policy":"2025","at":"2024-01-01T00:00:00+08:00"}}"#;
    let persons = folder.path().join("persons.jsonl");
    std::fs::write(&persons, person).expect("written");
    run(&hub, &["person", "import", path(&persons)], 0);
    let to = hub.mllp().to_string();
    let send = |name: &str| run(&hub, &["send", "hl7", path(&data(&format!("hk/{name}"))), "--to", &to], 0);

    // A1: one letter, two meanings.
    send("allergy_letter_trap.hl7");
    // A2: a report by pointer, whose place is on no list.
    send("report_by_pointer.hl7");
    // A3: the correction arrives before the original, and stays.
    send("lab_corrected.hl7");
    send("lab_final.hl7");
    // A4: a merge of two local numbers.
    send("merge_a40.hl7");
    wait("all are processed", || outcomes(&hub).iter().sum::<u64>() == 5);
    assert_eq!(outcomes(&hub), [4, 0, 1, 0]);

    let records =
        |domain: &str| json(&hub, &["record", "list", "--person", "1", "--domain", domain, "--json", "--reveal"]);
    let text = |domain: &str| records(domain).iter().map(Value::to_string).collect::<String>();
    let allergies = text("ALGY");
    assert!(allergies.contains("No known drug allergy") && allergies.contains("peanut"), "{allergies}");
    // The resources alone: the time of storing may hold the digits of any value.
    let laboratory: String = records("LABR").iter().map(|record| record["resource"].to_string()).collect();
    let stays = laboratory.contains("\"value\":8.5") && !laboratory.contains("5.8");
    assert!(stays, "the correction stays current: {laboratory}");
    let patients = text("PERS");
    assert!(patients.contains("replaces") && patients.contains("replaced-by"), "{patients}");
    let held = run(&hub, &["message", "list", "--state", "held"], 0);
    assert!(held.contains("DOCUMENT_NOT_LISTED"), "{held}");
    assert_eq!(hub.stop().expect("stops"), Some(0));
}
