//! HL7 over HTTP and HTTPS, through the real binary.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use causeway_tls::{ClientTlsSettings, Connector};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::hub::{Hub, until};
use crate::ports::reserve;

const KIND: &str = "Content-Type: x-application/hl7-v2+er7; charset=utf-8\r\n";
/// `sha256sum` of `open sesame`.
const DIGEST: &str = "41ef4bb0b23661e66301aac36066912dac037827b4ae63a7b1165a5aa93ed4eb";

fn message(id: &str) -> String {
    format!(
        "MSH|^~\\&|PAS|CBH|HUB|HKHUB|20260301100000+0800||ADT^A01^ADT_A01|{id}|P|2.5.1\rEVN|A01|20260301100000+0800\r\
         PID|1||L-1^^^CBH^PI||YEUNG^SIU KEI||19830114|M\rPV1|1|I|MED3||||||||||||||||HN26000001A\r"
    )
}

/// A hub whose door also takes HTTP; its one feed asks for what `feed` says, and the door for what `door` says.
fn hub(door: &str, feed: &str) -> (Hub, SocketAddr) {
    let hub = Hub::new();
    let http = reserve().expect("a port");
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written by init");
    let text = text.replace("[[door]]\nlisten", &format!("[[door]]\nhttp_listen = \"{http}\"\nlisten"));
    let text = text.replace("\n[[door.feed]]\n", &format!("\n{door}\n[[door.feed]]\n{feed}\n"));
    std::fs::write(&file, text).expect("written");
    (hub, http)
}

/// The status and the body of the answer to a request.
fn ask(address: SocketAddr, method: &str, headers: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("connects");
    let head = format!(
        "{method} /hl7 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    parted(&answer)
}

fn parted(answer: &str) -> (u16, String) {
    let (head, body) = answer.split_once("\r\n\r\n").expect("HTTP");
    (head.split(' ').nth(1).expect("a status").parse().expect("a number"), body.to_owned())
}

#[test]
fn a_posted_message_is_durable_and_answered_with_the_status_of_its_acknowledgement() {
    let (mut hub, http) = hub("", "");
    hub.start();
    let (status, body) = ask(http, "POST", KIND, message("P1").as_bytes());
    assert!(status == 200 && body.contains("\rMSA|AA|P1\r") && !body.contains('\u{b}'), "{status} {body:?}");
    let (status, body) = ask(http, "POST", KIND, message("P1").as_bytes());
    assert!(status == 200 && body.contains("MSA|AA|P1"), "a resend: {status} {body}");
    let (status, body) = ask(http, "POST", KIND, message("P2").replace("L-1^^^CBH^PI", "").as_bytes());
    assert!(status == 500 && body.contains("MSA|AE|P2") && body.contains("MISSING_FIELD"), "{status} {body}");
    let (status, body) = ask(http, "POST", KIND, message("P3").replace("ADT^A01", "ZZZ^Z01").as_bytes());
    assert!(status == 400 && body.contains("MSA|AR|P3"), "{status} {body}");
    let (status, body) = ask(http, "POST", KIND, b"");
    assert!(status == 400 && body.contains("MSA|AR|"), "{status} {body}");
    let silent = message("P4").replace("|2.5.1\r", "|2.5.1|||NE|NE\r");
    assert_eq!(ask(http, "POST", KIND, silent.as_bytes()), (204, String::new()));
    let (status, body) = ask(http, "POST", KIND, message("P5").replace("|2.5.1\r", "|2.5.1|||AL|NE\r").as_bytes());
    assert!(status == 200 && body.contains("MSA|CA|P5"), "{status} {body}");
    let kept = until(|| Some(hub.run(&["--json", "message", "trace", "P4"])).filter(|ran| ran.code == Some(0)));
    assert!(kept.is_some(), "what asks for no answer is kept all the same");

    let mut stream = TcpStream::connect(http).expect("connects");
    write!(stream, "GET /hl7 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 405 ") && answer.contains("\r\nallow: POST\r\n"), "{answer}");
    let packed = format!("{KIND}Content-Encoding: gzip\r\n");
    let (status, body) = ask(http, "POST", &packed, message("P6").as_bytes());
    assert!(status == 415 && body.contains("without a content encoding"), "nothing is unpacked: {status} {body}");
    assert_eq!(ask(http, "POST", "Content-Type: text/plain\r\n", message("P6").as_bytes()).0, 415);
    assert_eq!(ask(http, "POST", "Content-Type: application/hl7-v2; charset=klingon\r\n", b"x").0, 415);
    let large = format!("{KIND}Expect: 100-continue\r\n");
    let mut stream = TcpStream::connect(http).expect("connects");
    write!(stream, "POST /hl7 HTTP/1.1\r\nHost: localhost\r\n{large}Content-Length: 4294967296\r\n\r\n").expect("sent");
    let mut head = [0; 12];
    stream.read_exact(&mut head).expect("answered before a byte of it was sent");
    assert_eq!(&head, b"HTTP/1.1 413");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn a_feed_with_a_token_is_taken_with_it_and_with_no_other() {
    let (mut hub, http) = hub("", &format!("http_token_sha256 = \"{DIGEST}\""));
    hub.start();
    let with =
        |token: &str| ask(http, "POST", &format!("{KIND}Authorization: Bearer {token}\r\n"), message("T1").as_bytes());
    let (status, body) = with("open sesame");
    assert!(status == 200 && body.contains("MSA|AA|T1"), "{status} {body}");
    for (status, body) in [with("open barley"), ask(http, "POST", KIND, message("T1").as_bytes())] {
        assert!(status == 401 && body.contains("MSA|AR|T1") && body.contains("|CERTIFICATE^"), "{status} {body}");
    }
    let sent = hub.send("m.hl7", &message("T2"));
    assert_eq!(sent.code, Some(0), "MLLP has no place for a token: {sent:?}");
}

#[test]
fn by_https_the_sender_is_known_by_its_certificate() {
    let tls = "[door.tls]\ncertificate = \"certificates/server.pem\"\nkey = \"certificates/server.key\"\n\
               client_ca = \"certificates/ca.pem\"";
    let (mut hub, http) = hub(tls, "certificates = [\"cn:catch-all\"]");
    hub.start();
    let file = |name: &str| Some(hub.path().join("certificates").join(name));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let post = |certificate, key| {
        let connector = Connector::open(&ClientTlsSettings { ca: file("ca.pem").expect("a path"), certificate, key });
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(http).await.expect("connects");
            let mut stream = connector.expect("the files are well").connect("localhost", stream).await.ok()?;
            let body = message("S1");
            let head = format!(
                "POST /hl7 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{KIND}Content-Length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(format!("{head}{body}").as_bytes()).await.ok()?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.ok()?;
            Some(parted(&answer))
        })
    };
    let (status, body) = post(file("feed-catch-all.pem"), file("feed-catch-all.key")).expect("an answer");
    assert!(status == 200 && body.contains("MSA|AA|S1"), "{status} {body}");
    assert_eq!(post(None, None), None, "without a certificate nobody is let in");

    // One of another authority, and one of ours that is for servers.
    let other = Hub::new();
    let foreign = |name: &str| Some(other.path().join("certificates").join(name));
    assert_eq!(post(foreign("feed-catch-all.pem"), foreign("feed-catch-all.key")), None, "of another authority");
    assert_eq!(post(file("server.pem"), file("server.key")), None, "for another purpose");
    let refused = |cause: &str| {
        let line = format!("causeway_connections_refused_total{{cause=\"{cause}\",feed=\"-\"}} ");
        let number = move |text: &str| text.lines().find_map(|found| found.strip_prefix(&line)?.parse::<f64>().ok());
        move |text: &str| number(text).unwrap_or_default()
    };
    let (missing, bad) = (refused("tls_no_certificate"), refused("tls_certificate"));
    let counted = until(|| Some(hub.get("/metrics").1).filter(|text| missing(text) >= 1.0 && bad(text) >= 2.0));
    assert!(counted.is_some(), "every handshake that failed is counted: {}", hub.get("/metrics").1);
    let audited = |cause: &str| {
        until(|| {
            let lines = hub.run(&["--json", "audit", "find", "--action", "refuse-peer"]).lines();
            lines.iter().any(|line| line["entry"]["detail"]["cause"] == *cause).then_some(())
        })
    };
    assert!(audited("tls_no_certificate").is_some() && audited("tls_certificate").is_some(), "and noted in the audit");
    let listed = hub.run(&["--json", "message", "list"]).lines();
    assert_eq!(listed.len(), 1, "nothing came in but the one that was let in: {listed:?}");
}
