//! HL7 over HTTP: what comes by a request that is none, is too much, or never ends.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::hub::{Hub, PATIENCE, hub, message};

const KIND: &str = "Content-Type: application/hl7-v2\r\n";

fn posted(id: &str) -> String {
    message(id).replace("|LIS|", "|PST|")
}

fn open(hub: &Hub) -> TcpStream {
    let stream = TcpStream::connect(hub.post).expect("connects");
    stream.set_read_timeout(Some(PATIENCE)).expect("an option");
    stream
}

/// A request for `/hl7` with these headers and this body, which are sent as they stand.
fn request(headers: &str, body: &str) -> String {
    format!("POST /hl7 HTTP/1.1\r\nHost: localhost\r\n{KIND}{headers}\r\n{body}")
}

/// What comes back until the door closes the connection.
fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

fn ask(text: &str) -> String {
    let mut stream = open(&hub());
    // The door may have answered and closed before all of it is written.
    drop(stream.write_all(text.as_bytes()));
    rest(stream)
}

/// Sends a beginning, then a byte now and then until the door closes; gives what it answered.
fn trickle(beginning: &str) -> (String, Duration) {
    let began = Instant::now();
    let mut stream = open(&hub());
    stream.write_all(beginning.as_bytes()).expect("sent");
    stream.set_read_timeout(Some(Duration::from_millis(100))).expect("an option");
    let mut answer = Vec::new();
    while began.elapsed() < PATIENCE {
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => answer.extend_from_slice(&chunk[..count]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                drop(stream.write_all(b"x"));
            }
            Err(_reset) => break,
        }
    }
    (String::from_utf8_lossy(&answer).into_owned(), began.elapsed())
}

#[test]
fn r77_headers_and_a_body_that_trickle_in_are_cut_off_and_nothing_is_kept() {
    let hub = hub();
    let (answer, took) = trickle("POST /hl7 HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    assert!(answer.is_empty() && took < Duration::from_secs(30), "{took:?} {answer}");
    let text = posted("r77");
    let headers = format!("Connection: close\r\nContent-Length: {}\r\n", text.len() + 100_000);
    let (answer, took) = trickle(&request(&headers, &text));
    assert!(answer.starts_with("HTTP/1.1 408 ") && took < Duration::from_secs(30), "{took:?} {answer}");
    hub.keeps_nothing_of("r77");
}

#[test]
fn r78_four_gigabytes_that_are_announced_are_413_before_a_byte_of_them() {
    let answer = ask(&request("Connection: close\r\nContent-Length: 4294967296\r\n", ""));
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("frame_bytes_max"), "{answer}");
}

#[test]
fn r79_chunks_without_an_end_and_of_absurd_size_are_refused() {
    let hub = hub();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let endless = request("Connection: close\r\nTransfer-Encoding: chunked\r\n", &chunk.repeat(300));
    assert!(ask(&endless).starts_with("HTTP/1.1 413 "));
    let text = posted("r79");
    for size in ["fffffffffffffffff", "-1", "7;".repeat(40_000).as_str(), "no"] {
        let body = format!("{:x}\r\n{text}\r\n{size}\r\n", text.len());
        let answer = ask(&request("Connection: close\r\nTransfer-Encoding: chunked\r\n", &body));
        let is_refused = answer.starts_with("HTTP/1.1 4") || answer.is_empty();
        assert!(is_refused && !answer.contains("MSA|"), "{}: {answer}", size.len());
    }
    hub.keeps_nothing_of("r79");
}

#[test]
fn r80_a_length_beside_chunks_smuggles_nothing_and_bytes_that_no_header_has_are_400() {
    let hub = hub();
    let hidden = posted("r80-hidden");
    let inner = request(&format!("Content-Length: {}\r\n", hidden.len()), &hidden);
    for headers in
        ["Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"]
    {
        let answer = ask(&request(headers, &format!("0\r\n\r\n{inner}")));
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    hub.keeps_nothing_of("r80-hidden");
    let text = posted("r80");
    for bad in ["X-Bad: a\0b\r\n", "X Bad: a\r\n", "Content-Length: 1\r\nContent-Length: 2\r\n"] {
        let headers = format!("Connection: close\r\n{bad}Content-Length: {}\r\n", text.len());
        let answer = ask(&request(&headers, &text));
        assert!(answer.starts_with("HTTP/1.1 400 "), "{bad:?}: {answer}");
    }
    hub.keeps_nothing_of("r80");
}

#[test]
fn r81_what_is_packed_is_not_unpacked() {
    for coding in ["gzip", "gzip, gzip", "zstd", "deflate"] {
        let headers = format!("Connection: close\r\nContent-Encoding: {coding}\r\nContent-Length: 4\r\n");
        let answer = ask(&request(&headers, "\u{1f}x\u{8}\0"));
        assert!(answer.starts_with("HTTP/1.1 415 "), "{coding}: {answer}");
    }
}

#[test]
fn r82_http_2_is_not_spoken() {
    let answer = ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    // And it takes one message as before.
    let text = posted("r82");
    let answer = ask(&request(&format!("Connection: close\r\nContent-Length: {}\r\n", text.len()), &text));
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("MSA|AA|r82"), "{answer}");
}
