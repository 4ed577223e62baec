//! Reports sent by pointer, fetched by the running binary from a server of the test's own.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use super::hub::{Hub, until};

const REPORT: &[u8] = b"%PDF-1.7\nreport\n%%EOF\n";

const PERSON: &str = "document_kind,document_number,family,given,chinese,birth,sex\n\
                      HKID,A123456(3),CHAN,TAI MAN,,1983-01-14,M\n";

/// Serves reports below `/pdf/`: `there.pdf`; `late.pdf`, which is not there at first; `away.pdf`, a redirect to elsewhere;
/// `endless.pdf`. Counts who comes.
fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
    let (address, asked) = (listener.local_addr().expect("an address"), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    thread::spawn(move || {
        let mut late = 0;
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            count.fetch_add(1, Ordering::SeqCst);
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8(head).expect("ASCII");
            let path = head.split(' ').nth(1).unwrap_or_default();
            late += usize::from(path == "/pdf/late.pdf");
            let length = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", REPORT.len());
            let answer = match path {
                "/pdf/late.pdf" if late < 2 => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
                "/pdf/there.pdf" | "/pdf/late.pdf" => [length.as_bytes(), REPORT].concat(),
                "/pdf/endless.pdf" => [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 200_000]].concat(),
                "/pdf/away.pdf" => {
                    b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n".to_vec()
                }
                _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
            };
            // Whoever has seen enough goes away.
            drop(stream.write_all(&answer));
        }
    });
    (address, asked)
}

fn report(id: &str, pointer: &str, size: &str) -> String {
    format!(
        "MSH|^~\\&|LIS|LABX|HUB|HKHUB|20260301100000+0800||ORU^R01^ORU_R01|{id}|P|2.5.1\r\
         PID|1||A1234563^^^HKSAR^HKID||CHAN^TAI MAN||19830114|M\r\
         OBR|1||F-{id}|1004057^Report^L|||20260301083000+0800|||||||||||||||20260301085500+0800|||F\r\
         OBX|1|RP|102557^Report^L||{pointer}||{size}||||F\r"
    )
}

/// A hub that may fetch from the server what pointers name by FTP, with one person who takes part.
fn hub(address: SocketAddr) -> Hub {
    let mut hub = Hub::new();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written by init");
    let place = format!(
        "\n[[door.feed.fetch]]\npointers = \"ftp://files.test/pdf/\"\nfrom = \"http://{address}/pdf/\"\n\
         addresses = [\"127.0.0.1\"]\nbytes_max = \"100KiB\"\ntries = 3\npause = \"100ms\"\ntimeout = \"10s\"\n\
         \n[[door.feed.fetch]]\npointers = \"ftp://files.test/slow/\"\nfrom = \"http://{address}/slow/\"\n\
         addresses = [\"127.0.0.1\"]\npause = \"10m\"\n"
    );
    std::fs::write(&file, format!("{text}{place}")).expect("written");
    hub.file("persons.csv", PERSON.as_bytes());
    let imported = hub.run(&["person", "import", "persons.csv", "--join", "2025"]);
    assert_eq!(imported.code, Some(0), "{imported:?}");
    hub.start();
    hub
}

/// The state of a message with its reason, once it is no longer pending.
fn ended(hub: &Hub, id: &str) -> (Value, Value) {
    let detail = until(|| {
        let ran = hub.run(&["--json", "message", "trace", id]);
        let detail: Value = serde_json::from_str(&ran.out).ok()?;
        (detail["reason"] != "DOCUMENT_PENDING").then_some(detail)
    });
    let detail = detail.unwrap_or_else(|| panic!("{id}: {:?}", hub.run(&["message", "trace", id])));
    (detail["state"].clone(), detail)
}

#[test]
fn a_report_by_pointer_is_fetched_and_given_back_and_everything_else_is_held_with_a_reason() {
    let (address, asked) = server();
    let mut hub = hub(address);
    let size = REPORT.len().to_string();
    let cases = [
        ("there", "ftp://files.test/pdf/there.pdf", &*size, "accepted"),
        ("late", "ftp://files.test/pdf/late.pdf", &*size, "accepted"),
        ("size", "ftp://files.test/pdf/there.pdf", "25383", "DOCUMENT_SIZE"),
        ("endless", "ftp://files.test/pdf/endless.pdf", "", "DOCUMENT_SIZE"),
        ("away", "ftp://files.test/pdf/away.pdf", "", "DOCUMENT_NOT_LISTED"),
        ("none", "ftp://files.test/pdf/none.pdf", "", "DOCUMENT_UNREACHABLE"),
        ("other", "ftp://files.test/etc/passwd", "", "DOCUMENT_NOT_LISTED"),
        ("direct", &format!("http://{address}/pdf/there.pdf"), "", "DOCUMENT_NOT_LISTED"),
    ];
    for (id, pointer, size, _) in &cases {
        assert_eq!(hub.send(id, &report(id, pointer, size)).code, Some(0), "{id}");
    }
    for (id, _, _, expected) in &cases {
        let (state, detail) = ended(&hub, id);
        if *expected == "accepted" {
            assert_eq!(state, "accepted", "{id}: {detail}");
        } else {
            assert_eq!((&state, &detail["reason"]), (&Value::from("held"), &Value::from(*expected)), "{id}: {detail}");
        }
    }
    // What the advice of a waiting message promises: how often it was tried, when it is next, and what came of it.
    let tries = |id: &str| hub.run(&["--json", "message", "show", id]).json()["fetches"][0].clone();
    let late = tries("late");
    assert!(late["document"].is_string() && late["last_error"].is_null() && late["next_at"].is_null(), "{late}");
    let none = tries("none");
    assert_eq!((&none["tries"], &none["next_at"]), (&3.into(), &Value::Null), "{none}");
    assert!(
        none["last_error"].as_str().is_some_and(|error| error.contains("404") && !error.contains("none.pdf")),
        "{none}"
    );
    let shown = hub.run(&["message", "show", "none"]).out;
    assert!(shown.contains("LAST ERROR") && shown.contains("404") && shown.contains("a replay begins anew"), "{shown}");
    assert_eq!(tries("other"), Value::Null, "nobody followed it");
    assert_eq!(hub.send("waits", &report("waits", "ftp://files.test/slow/slow.pdf", "")).code, Some(0));
    let waits = until(|| {
        let shown = hub.run(&["--json", "message", "show", "waits"]);
        let shown: Value = serde_json::from_str(&shown.out).ok()?;
        (shown["fetches"][0]["last_error"].is_string()).then_some(shown)
    });
    let waits = waits.expect("a first try failed");
    assert_eq!(
        (&waits["reason"], &waits["fetches"][0]["tries"]),
        (&Value::from("DOCUMENT_PENDING"), &1.into()),
        "{waits}"
    );
    assert!(waits["fetches"][0]["next_at"].is_string(), "{waits}");
    let text = hub.run(&["message", "show", "waits"]).out;
    assert!(text.contains("NEXT TRY NOT BEFORE") && text.contains("404"), "{text}");
    let told = hub.run(&["message", "trace", "size"]).out;
    assert!(told.contains("25383") && told.contains("22"), "both sizes: {told}");
    let shown = until(|| {
        let (_, page) = hub.get("/en/ops/held");
        (page.contains("DOCUMENT_NOT_LISTED") && page.contains("DOCUMENT_UNREACHABLE")).then_some(())
    });
    assert!(shown.is_some(), "the page of held messages says so");
    let (_, numbers) = hub.get("/metrics");
    assert!(numbers.contains("causeway_document_fetches_total{feed="), "{numbers}");

    // The document is given back, and to a file that is not there yet only.
    let records = hub.run(&["--json", "record", "list", "--person", "1", "--reveal"]).lines();
    let found = records.iter().find(|row| {
        row["key"].as_str().is_some_and(|key| key.contains("F-there") && key.contains("DocumentReference"))
    });
    let key = found.expect("the record of the report")["key"].as_str().expect("a key").to_owned();
    let out = hub.path().join("report.pdf");
    let write = || hub.run(&["--json", "record", "document", "--key", &key, "--out", out.to_str().expect("UTF-8")]);
    let written = write().json();
    assert_eq!(written["bytes"], REPORT.len());
    assert_eq!(std::fs::read(&out).expect("written"), REPORT);
    assert_ne!(write().code, Some(0), "a file that is there is left alone");
    let audit = hub.run(&["--json", "audit", "find", "--action", "read-document"]).out;
    assert!(audit.contains("read-document"), "{audit}");

    // Made anew from the log, the records are the same, and nobody is asked again.
    assert_eq!(hub.stop(), Some(0));
    let before = asked.load(Ordering::SeqCst);
    let rebuilt = hub.run(&["--json", "db", "rebuild", "--yes"]).json();
    assert_eq!(rebuilt["same"], true, "{rebuilt}");
    assert_eq!(asked.load(Ordering::SeqCst), before);
}
