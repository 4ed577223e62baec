//! STOW-RS through the real binary: what a PACS posts is what it would have sent by C-STORE.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use causeway_dicom::part10;
use causeway_tls::{ClientTlsSettings, Connector};
use serde_json::Value;

use super::hub::{Hub, PATIENCE, until};
use super::images::{self, PERSON, blobs, slice, study};
use crate::ports::reserve;

/// `printf %s 'open sesame' | sha256sum`
const DIGEST: &str = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";
pub(super) const TOKEN: &str = "Authorization: Bearer open sesame\r\n";
pub(super) const MULTIPART: &str = "Content-Type: multipart/related; type=\"application/dicom\"; boundary=\"x-y\"\r\n";

/// A hub whose DICOM door has STOW-RS, and where; `door` stands in its section, `feed` in that of its feed.
pub(super) fn hub(door: &str, feed: &str) -> (Hub, SocketAddr) {
    let (hub, _) = images::hub();
    let address = reserve().expect("a port");
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written");
    let stow = format!(
        "{door}\n[dicom_door.stow]\nlisten = \"{address}\"\nretrieve_url = \"https://images.example/dicomweb\"\n"
    );
    let text = text
        .replace("\n[[dicom_door.feed]]\nname = \"pacs\"", &format!("\n{stow}\n[[dicom_door.feed]]\nname = \"pacs\""));
    std::fs::write(&file, format!("{text}{feed}\n")).expect("written");
    let checked = hub.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    (hub, address)
}

pub(super) fn with_token() -> String {
    format!("stow_token_sha256 = \"{DIGEST}\"")
}

/// A file of DICOM around a data set of that SOP Instance UID.
pub(super) fn file(data_set: &[u8]) -> Vec<u8> {
    let uid = |text: &str| causeway_core::dicom::uid::Uid::parse(text).expect("a uid");
    // What the meta information says of the instance is not looked at.
    let head = part10::head(&uid("1.2.840.10008.5.1.4.1.1.2"), &uid("1.2.3"), &uid("1.2.840.10008.1.2.1"));
    [&head, data_set].concat()
}

/// A body of these parts, each with its header lines.
pub(super) fn multipart(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, part) in parts {
        body.extend_from_slice(format!("--x-y\r\n{head}\r\n").as_bytes());
        body.extend_from_slice(part);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--x-y--\r\n");
    body
}

pub(super) const PART: &str = "Content-Type: application/dicom\r\n";

/// What is answered: status, header, body.
pub(super) fn post(address: SocketAddr, path: &str, headers: &str, body: &[u8]) -> (u16, String, Value) {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("a deadline");
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).expect("a door hears a sender out");
    read(stream)
}

/// The answer on a connection.
pub(super) fn read(mut stream: impl std::io::Read) -> (u16, String, Value) {
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8(answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer}"));
    let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
    (status, head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}")))
}

/// Reasons of what failed, named and nameless.
pub(super) fn reasons(told: &Value) -> Vec<u64> {
    let items =
        ["00081198", "0008119A"].iter().flat_map(|tag| told[tag]["Value"].as_array().cloned().unwrap_or_default());
    items.map(|item| item["00081197"]["Value"][0].as_u64().expect("a reason")).collect()
}

pub(super) fn stored(told: &Value) -> Vec<String> {
    let items = told["00081199"]["Value"].as_array().cloned().unwrap_or_default();
    items.iter().map(|item| item["00081155"]["Value"][0].as_str().expect("a uid").to_owned()).collect()
}

#[test]
fn instances_are_posted_and_become_a_study_and_again_have_no_second_effect() {
    let (mut hub, address) = hub("", &format!("{}\non_conflict = \"duplicate\"", with_token()));
    hub.file("persons.csv", PERSON.as_bytes());
    assert_eq!(hub.run(&["person", "import", "persons.csv", "--join", "2025"]).code, Some(0));
    hub.start();
    let files: Vec<Vec<u8>> = (1..=3).map(|instance| file(&slice("1.2.3", 1, instance))).collect();
    let parts: Vec<(&str, &[u8])> = files.iter().map(|file| (PART, file.as_slice())).collect();
    let headers = format!("{TOKEN}{MULTIPART}");
    let (status, head, told) = post(address, "/studies", &headers, &multipart(&parts));
    assert_eq!(
        (status, stored(&told)),
        (200, vec!["1.2.3.1.1".into(), "1.2.3.1.2".into(), "1.2.3.1.3".into()]),
        "{told}"
    );
    assert!(head.contains("content-type: application/dicom+json"), "{head}");
    assert_eq!(told["00081190"]["Value"][0], "https://images.example/dicomweb/studies/1.2.3");
    let item = &told["00081199"]["Value"][2];
    assert_eq!(item["00081150"]["Value"][0], "1.2.840.10008.5.1.4.1.1.2");
    assert_eq!(
        item["00081190"]["Value"][0],
        "https://images.example/dicomweb/studies/1.2.3/series/1.2.3.1/instances/1.2.3.1.3"
    );

    // What was answered is durable.
    hub.kill();
    hub.start();
    study(&hub, 3);
    let (status, _, told) = post(address, "/dicomweb/studies/1.2.3", &headers, &multipart(&parts));
    assert_eq!((status, stored(&told).len()), (200, 3), "{told}");
    let alone = format!("{TOKEN}Content-Type: application/dicom\r\nAccept: application/dicom+json\r\n");
    let (status, _, told) = post(address, "/studies", &alone, &file(&slice("1.2.3", 1, 4)));
    assert_eq!((status, stored(&told)), (200, vec!["1.2.3.1.4".to_owned()]), "{told}");
    study(&hub, 4);
    assert_eq!((hub.run(&["--json", "message", "list"]).lines().len(), blobs(&hub)), (4, 4));
    let metrics = hub.get("/metrics").1;
    assert!(metrics.contains("causeway_dicom_instances_total{feed=\"pacs\",outcome=\"stored\"} 4"), "{metrics}");
    assert!(metrics.contains("causeway_messages_received_total{feed=\"pacs\",type=\"STOW-RS\"} 4"), "{metrics}");
    assert!(metrics.contains("causeway_messages_duplicate_total{feed=\"pacs\"} 3"), "{metrics}");
    let counted = until(|| {
        let status: Value = serde_json::from_str(&hub.get("/api/v1/status").1).expect("JSON");
        let images = status["images"].as_array().cloned().unwrap_or_default();
        images.into_iter().find(|images| images["feed"] == "pacs" && images["stored"] == 4)
    });
    assert!(counted.is_some(), "{}", hub.get("/api/v1/status").1);

    // Another instance under a UID that was used: both are kept, and it is told.
    let mut other = slice("1.2.3", 1, 4);
    *other.last_mut().expect("pixels") = 9;
    let (status, _, told) = post(address, "/studies", &alone, &file(&other));
    assert_eq!((status, &told["00081199"]["Value"][0]["00081196"]["Value"][0]), (202, &0x0111.into()), "{told}");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn every_part_has_a_result_of_its_own() {
    let (mut hub, address) = hub("", &with_token());
    hub.start();
    let (good, other) = (file(&slice("1.2.3", 1, 1)), file(&slice("1.2.4", 1, 1)));
    let cut = good.get(..good.len() - 100).expect("longer");
    let bare = slice("1.2.3", 1, 2);
    let headers = format!("{TOKEN}{MULTIPART}");
    let body = multipart(&[
        (PART, cut),
        (PART, &good),
        ("Content-Type: image/jpeg\r\n", b"\xff\xd8"),
        (PART, b"no image"),
        (PART, &bare),
        ("Content-Type: application/dicom\r\nContent-Transfer-Encoding: base64\r\n", b"AAAA"),
        ("", &other),
    ]);
    let (status, _, told) = post(address, "/studies", &headers, &body);
    assert_eq!((status, stored(&told)), (202, vec!["1.2.3.1.1".into(), "1.2.4.1.1".into()]), "{told}");
    assert_eq!(reasons(&told), [0xC000; 5], "{told}");
    assert_eq!(told["00081198"]["Value"][0]["00081155"]["Value"][0], "1.2.3.1.1", "the one cut short is named");
    assert!(told["0008119A"].to_string().contains("send it as binary"), "{told}");
    assert_eq!(told["00081190"], serde_json::json!({ "vr": "UR" }), "two studies have no address");

    // A study of its own, and no other.
    let (status, _, told) = post(address, "/studies/1.2.9", &headers, &multipart(&[(PART, &good)]));
    assert_eq!((status, reasons(&told)), (409, vec![0xA900]), "{told}");
    let (status, _, told) = post(address, "/studies/1.2.3", &headers, &multipart(&[(PART, &good), (PART, &other)]));
    assert_eq!((status, stored(&told).len(), reasons(&told)), (202, 1, vec![0xA900]), "{told}");
    let (status, _, told) = post(address, "/studies/1.02.3", &headers, &multipart(&[(PART, &good)]));
    assert_eq!((status, &told["code"]), (400, &"bad-study".into()), "{told}");
    assert_eq!(blobs(&hub), 2);
    let noted = until(|| {
        let lines = hub.run(&["--json", "audit", "find", "--action", "refuse-instance"]).lines();
        lines.into_iter().find(|line| line.to_string().contains("by STOW-RS"))
    });
    assert!(noted.expect("audited").to_string().contains("pacs"));
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn a_sender_that_no_feed_knows_is_refused_and_audited() {
    let (mut hub, address) = hub("", &with_token());
    hub.start();
    let body = multipart(&[(PART, &file(&slice("1.2.3", 1, 1)))]);
    for token in ["", "Authorization: Bearer open barley\r\n", "Authorization: Basic b3BlbiBzZXNhbWU=\r\n"] {
        let (status, head, told) = post(address, "/studies", &format!("{token}{MULTIPART}"), &body);
        assert_eq!((status, &told["code"]), (401, &"unauthorized".into()), "{told}");
        assert!(head.contains("www-authenticate: bearer") && head.contains("application/problem+json"), "{head}");
    }
    let noted = until(|| {
        let lines = hub.run(&["--json", "audit", "find", "--action", "refuse-peer"]).lines();
        lines.into_iter().find(|line| line.to_string().contains("unknown_sender"))
    });
    assert!(noted.is_some());
    let metrics = hub.get("/metrics").1;
    assert!(metrics.contains("cause=\"unknown_sender\",feed=\"-\"} 3"), "{metrics}");
    assert_eq!((blobs(&hub), hub.run(&["--json", "message", "list"]).lines().len()), (0, 0));

    let headers = format!("{TOKEN}{MULTIPART}");
    assert_eq!(hub.run(&["feed", "pause", "pacs"]).code, Some(0));
    let told = until(|| Some(post(address, "/studies", &headers, &body)).filter(|(status, ..)| *status == 503));
    assert!(told.expect("paused").1.contains("retry-after: 5"));
    assert_eq!(hub.run(&["feed", "resume", "pacs"]).code, Some(0));
    assert!(until(|| Some(()).filter(|()| post(address, "/studies", &headers, &body).0 == 200)).is_some());
    assert_eq!(hub.stop(), Some(0));
}

/// Mutual TLS: the certificates that `causeway init` makes.
#[test]
fn a_feed_is_known_by_its_certificate_and_by_its_token_beside_it() {
    let tls = "\n[dicom_door.tls]\ncertificate = \"certificates/server.pem\"\nkey = \"certificates/server.key\"\n\
               client_ca = \"certificates/ca.pem\"\n";
    for (feed, token, expected) in [
        ("certificates = [\"cn:catch-all\"]".to_owned(), "", 200),
        ("certificates = [\"cn:somebody-else\"]".to_owned(), "", 401),
        (format!("certificates = [\"cn:catch-all\"]\n{}", with_token()), "", 401),
        (format!("certificates = [\"cn:catch-all\"]\n{}", with_token()), TOKEN, 200),
    ] {
        let (mut hub, address) = hub(tls, &feed);
        hub.start();
        let folder = hub.path().join("certificates");
        let settings = ClientTlsSettings {
            ca: folder.join("ca.pem"),
            certificate: Some(folder.join("feed-catch-all.pem")),
            key: Some(folder.join("feed-catch-all.key")),
        };
        let body = multipart(&[(PART, &file(&slice("1.2.3", 1, 1)))]);
        let headers = format!("{token}{MULTIPART}");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let answer = runtime.block_on(by_tls(&Connector::open(&settings).expect("files"), address, &headers, &body));
        assert_eq!(read(answer.as_slice()).0, expected, "{feed}");
        let mut plain = TcpStream::connect(address).expect("connects");
        plain.write_all(b"POST /studies HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
        let mut heard = Vec::new();
        drop(plain.read_to_end(&mut heard));
        assert!(!heard.starts_with(b"HTTP"), "no plain text beside TLS");
        assert_eq!(hub.stop(), Some(0));
    }
}

async fn by_tls(connector: &Connector, address: SocketAddr, headers: &str, body: &[u8]) -> Vec<u8> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let stream = tokio::net::TcpStream::connect(address).await.expect("connects");
    let mut stream = connector.connect("localhost", stream).await.expect("a session");
    let length = body.len();
    let head = format!(
        "POST /studies HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat()).await.expect("sent");
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer).await);
    answer
}

#[test]
fn memory_does_not_grow_with_an_instance() {
    let (mut hub, address) = hub("", &with_token());
    hub.start();
    let headers = format!("{TOKEN}{MULTIPART}");
    let send = |instance: u16, pixels: usize| {
        let large = causeway_dicom::write::ElementWriter::new(causeway_dicom::syntax::Coding::EXPLICIT)
            .raw(causeway_core::dicom::tag::PIXEL_DATA, *b"OW", &vec![7; pixels])
            .bytes();
        // The pixels of the small one are left out: its last 524 bytes.
        let header = slice("1.2.3", 1, instance);
        let header = header.get(..header.len() - 524).expect("longer");
        let body = multipart(&[(PART, &file(&[header, &large].concat()))]);
        let (status, _, told) = post(address, "/studies", &headers, &body);
        assert_eq!((status, stored(&told)), (200, vec![format!("1.2.3.1.{instance}")]), "{told}");
        hub.peak_kib()
    };
    // What threads and allocator keep in hand does not grow any more after the first.
    let before = send(1, 16 << 20);
    let grown = send(2, 160 << 20).saturating_sub(before);
    assert!(grown < 24 << 10, "{grown} KiB for an instance of 160 MiB");
    assert_eq!(hub.stop(), Some(0));
}
