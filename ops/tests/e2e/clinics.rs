//! A clinic's records through the real binary: from its first file to the list of a person's records.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use serde_json::{Value, json};

use super::hub::{Hub, until};
use crate::ports::reserve;

/// `printf %s 'open sesame' | sha256sum`
pub(super) const DIGEST: &str = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";
pub(super) const PERSON: &str = "document_kind,document_number,family,given,chinese,birth,sex\n\
                      HKID,A123456(3),CHAN,Tai Man,陳大文,1983-01-14,M\n";
const WESTERN: &str = "MSH|^~\\&|PAS|CBH|HUB|HKHUB|20260301100000+0800||RDE^O11^RDE_O11|W1|P|2.5.1\r\
    PID|1||A1234563^^^HKSAR^HKID||CHAN^TAI MAN||19830114|M\rORC|NW|W-1^PAS\rRXE||PARA^Paracetamol^99DRUG|500||mg\r\
    TQ1|1||TID\rRXR|PO\r";

/// A hub with a door for two clinics, and where it listens; `door` stands in the door's own section.
pub(super) fn hub(door: &str, feed: &str) -> (Hub, SocketAddr) {
    let hub = Hub::new();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written by init");
    let provider =
        text.lines().find_map(|line| line.trim().strip_prefix("provider = ")).expect("a provider").to_owned();
    let address = reserve().expect("a port");
    let door = format!(
        "\n[[cm_door]]\nlisten = \"{address}\"\n{door}\n[[cm_door.feed]]\nname = \"clinic\"\nprovider = {provider}\n{feed}\n"
    );
    std::fs::write(&file, text + &door).expect("written");
    let checked = hub.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    (hub, address)
}

pub(super) fn with_token() -> String {
    format!("token_sha256 = \"{DIGEST}\"")
}

pub(super) fn example(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connectors/chinese-medicine/examples");
    serde_json::from_slice(&std::fs::read(folder.join(name)).expect("an example")).expect("JSON")
}

/// The status, the content type and the body of the answer.
pub(super) fn ask(address: SocketAddr, headers: &str, body: &[u8]) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).expect("connects");
    let head = format!(
        "POST /chinese-medicine/records HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    // A door that answers before it has read all may close.
    let written = stream.write_all(&[head.as_bytes(), body].concat());
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {written:?} {read:?}"));
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    let kind = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default().to_owned();
    (status, kind, body.to_owned())
}

pub(super) const TOKEN: &str = "Authorization: Bearer open sesame\r\n";
pub(super) const JSON: &str = "Content-Type: application/json\r\n";
pub(super) const NDJSON: &str = "Content-Type: application/x-ndjson\r\n";

pub(super) fn one(address: SocketAddr, body: &[u8]) -> (u16, Value) {
    let (status, kind, body) = ask(address, &format!("{TOKEN}{JSON}"), body);
    let told: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
    assert_eq!(kind.starts_with("application/problem+json"), status != 202, "{kind}");
    (status, told)
}

/// The lines of the answer to a batch.
pub(super) fn many(address: SocketAddr, body: &[u8]) -> Vec<Value> {
    let (status, _, body) = ask(address, &format!("{TOKEN}{NDJSON}"), body);
    assert_eq!(status, 200, "{body}");
    let lines = body.lines().filter(|line| line.starts_with('{'));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

pub(super) fn status(result: &Value) -> &str {
    result["status"].as_str().unwrap_or_default()
}

/// The messages of the feed, by their state, once there are so many.
pub(super) fn messages(hub: &Hub, count: usize) -> Vec<Value> {
    let found = until(|| {
        let listed = hub.run(&["--json", "message", "list", "--feed", "clinic"]).lines();
        (listed.len() == count).then_some(listed)
    });
    found.unwrap_or_else(|| panic!("never: {:?}", hub.run(&["message", "list"])))
}

#[test]
fn a_clinics_first_file_goes_from_feed_test_to_the_list_beside_western_medicine() {
    let (mut hub, address) = hub("", &with_token());
    let file = hub.file("visit.json", serde_json::to_string_pretty(&example("cough.json")).expect("JSON").as_bytes());
    let file = file.to_str().expect("UTF-8");
    let tested = hub.run(&["feed", "test", file, "--feed", "clinic"]);
    assert_eq!(tested.code, Some(0), "{tested:?}");
    let persons = hub.file("persons.csv", PERSON.as_bytes());
    let imported = hub.run(&["person", "import", persons.to_str().expect("UTF-8"), "--join", "2025"]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    hub.start();
    let sent = hub.run(&["send", "cm", file, "--to", &format!("http://{address}"), "--token", "open sesame"]);
    assert!(sent.code == Some(0) && sent.out.contains("1 accepted"), "{sent:?}");
    assert_eq!(hub.send("w.hl7", WESTERN).code, Some(0));
    let found = until(|| {
        let listed = hub.run(&["--json", "record", "list", "--person", "1"]).lines();
        let has = |domain: &str| listed.iter().any(|record| record["domain"] == domain);
        ["CMDX", "CMRX", "CMPR", "ENCT", "MEDP"].into_iter().all(has).then_some(listed)
    });
    let listed = found.unwrap_or_else(|| {
        panic!("never: {:?} {:?}", hub.run(&["message", "list"]), hub.run(&["record", "list", "--person", "1"]))
    });
    assert_eq!(listed.iter().filter(|record| record["domain"] == "CMRX").count(), 2);
    let again =
        hub.run(&["--json", "send", "cm", file, "--to", &format!("http://{address}"), "--token", "open sesame"]);
    assert_eq!(again.json()["status"], "resent", "{again:?}");
    let shown = hub.run(&["record", "list", "--person", "1", "--reveal"]);
    assert!(shown.out.contains("咳嗽") && shown.out.contains("Paracetamol"), "{shown:?}");
    let feeds = hub.run(&["--json", "feed", "list"]);
    assert!(feeds.out.contains("\"clinic\"") && feeds.out.contains("\"cm\""), "{feeds:?}");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn one_record_is_accepted_when_it_is_durable_and_refused_with_its_place() {
    let (mut hub, address) = hub("", &with_token());
    hub.start();
    let record = example("smallest.json");
    let (code, told) = one(address, record.to_string().as_bytes());
    assert!(code == 202 && told["status"] == "accepted" && told["trace"].is_string(), "{code} {told}");
    hub.kill();
    hub.start();
    assert_eq!(messages(&hub, 1).len(), 1, "it survived");
    let (code, told) = one(address, record.to_string().as_bytes());
    assert_eq!((code, status(&told)), (202, "resent"));
    let headers = format!("{TOKEN}{JSON}Idempotency-Key: K-1\r\n");
    let keyed = || ask(address, &headers, record.to_string().as_bytes()).2;
    assert!(keyed().contains("accepted") && keyed().contains("resent"));
    let mut wrong = record.clone();
    wrong["acupuncture"] = json!([{"method": "needling", "points": [{"code": "ST46"}]}]);
    let (code, told) = one(address, wrong.to_string().as_bytes());
    assert_eq!((code, &told["errors"][0]["code"]), (400, &json!("unknown-point")));
    assert_eq!(told["errors"][0]["pointer"], "/acupuncture/0/points/0/code");
    assert!(!told.to_string().contains("ST46"), "{told}");
    let bombs = ["[".repeat(200_000), "{\"a\":".repeat(40_000), "{".to_owned(), String::new()];
    for bomb in bombs {
        assert_eq!(one(address, bomb.as_bytes()).0, 400);
    }
    assert_eq!(one(address, &vec![b' '; 50 << 20]).0, 413);
    assert_eq!(messages(&hub, 2).len(), 2, "what was refused was not kept");
}

#[test]
fn a_batch_has_an_answer_for_each_line_and_keeps_the_good_ones() {
    let (mut hub, address) = hub("", &with_token());
    hub.start();
    let mut batch = Vec::new();
    for number in 1..=300 {
        let mut record = example("smallest.json");
        record["visit"]["number"] = json!(format!("V-{number}"));
        match number {
            50 => record["visit"]["start"] = json!("2026-02-30"),
            100 => drop(record.as_object_mut().expect("an object").remove("patient")),
            _ => {}
        }
        let mut line = record.to_string().into_bytes();
        match number {
            150 => line = line[..line.len() / 2].to_vec(),
            200 => line = vec![b'x'; 1 << 20],
            250 => line.extend_from_slice(&[0xa4, 0xa4]),
            _ => {}
        }
        batch.extend(line);
        batch.push(b'\n');
    }
    let told = many(address, &batch);
    assert_eq!(told.len(), 300);
    let rejected: Vec<u64> =
        told.iter().filter(|one| status(one) == "rejected").map(|one| one["line"].as_u64().expect("a line")).collect();
    assert_eq!(rejected, [50, 100, 150, 200, 250]);
    assert!(told.iter().enumerate().all(|(at, one)| one["line"] == at + 1), "in order");
    assert_eq!(told.iter().filter(|one| status(one) == "accepted").count(), 295);
    let again = many(address, &batch);
    assert_eq!(again.iter().filter(|one| status(one) == "resent").count(), 295);
}

#[test]
fn nobody_is_let_in_without_the_token_and_nothing_is_said_of_others() {
    let (mut hub, address) = hub("", &with_token());
    hub.start();
    let record = example("smallest.json").to_string();
    for token in ["", "Authorization: Bearer open barley\r\n", "Authorization: Basic open sesame\r\n"] {
        let (code, kind, body) = ask(address, &format!("{token}{JSON}"), record.as_bytes());
        assert!(code == 401 && kind.starts_with("application/problem+json"), "{code} {kind} {body}");
        assert!(!body.contains("clinic"), "{body}");
    }
    let (code, ..) = ask(address, &format!("{TOKEN}Content-Type: text/plain\r\n"), record.as_bytes());
    assert_eq!(code, 415);
    let sent = hub.run(&["send", "cm", "causeway.toml", "--to", &format!("http://{address}"), "--token", "x"]);
    assert!(sent.code != Some(0) && sent.err.contains("401"), "{sent:?}");
}

#[test]
fn a_paused_feed_and_a_person_who_never_joined_are_told_and_nothing_is_lost() {
    let (mut hub, address) = hub("", &with_token());
    hub.start();
    let (code, _) = one(address, example("cough.json").to_string().as_bytes());
    assert_eq!(code, 202);
    let withheld = messages(&hub, 1);
    assert_eq!(
        (withheld[0]["state"].as_str(), withheld[0]["reason"].as_str()),
        (Some("withheld"), Some("NOT_REGISTERED"))
    );
    let persons = hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", persons.to_str().expect("UTF-8"), "--join", "2025"]).code, Some(0));
    let taken_up = until(|| {
        let listed = hub.run(&["--json", "record", "list", "--person", "1", "--domain", "CMRX"]).lines();
        (listed.len() == 2).then_some(())
    });
    assert!(taken_up.is_some(), "{:?}", hub.run(&["message", "list"]));
    assert_eq!(hub.run(&["feed", "pause", "clinic"]).code, Some(0));
    let later = until(|| {
        let (code, _) = one(address, example("smallest.json").to_string().as_bytes());
        (code == 503).then_some(())
    });
    assert!(later.is_some());
}

/// A line of JSON.
pub(super) fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The status and the body of a page.
pub(super) fn fetch(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("connects");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("HTTP");
    (head.split(' ').nth(1).expect("a status").parse().expect("a number"), body.to_owned())
}
