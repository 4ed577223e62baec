//! The HTTP door against raw sockets: what a slow, greedy, lying or foreign client gets.
#![expect(clippy::expect_used, clippy::panic, reason = "the helpers of a test fail like the test")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use causeway_core::metric::{self, Metric, Metrics};
use causeway_serve::http::{Drained, HttpLimits, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

/// No test waits longer than this for anything.
const DEADLINE: Duration = Duration::from_secs(20);

/// A door under test.
struct Door {
    address: SocketAddr,
    counted: Arc<Counted>,
    began: Arc<Notify>,
    let_go: Arc<Notify>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Drained>,
}

/// Remembers what was counted, as `status method route`.
#[derive(Default)]
struct Counted(Mutex<Vec<String>>);

impl Metrics for Counted {
    fn add(&self, metric: &'static Metric, labels: &[&str], _by: u64) {
        assert_eq!(metric, &metric::HTTP_REQUESTS);
        let [surface, method, route, status] = labels else { panic!("{labels:?}") };
        self.0.lock().expect("lock").push(format!("{status} {surface} {method} {route}"));
    }
    fn set(&self, _metric: &'static Metric, _labels: &[&str], _to: f64) {}
    fn observe(&self, _metric: &'static Metric, _labels: &[&str], _seconds: f64) {}
}

/// Limits short enough to be waited for.
fn short() -> HttpLimits {
    HttpLimits {
        headers_timeout: Duration::from_millis(300),
        request_timeout: Duration::from_millis(300),
        write_timeout: Duration::from_millis(300),
        drain_timeout: Duration::from_millis(300),
        body_bytes_max: 1000,
        ..HttpLimits::default()
    }
}

/// Limits no test runs into by being slow.
fn patient() -> HttpLimits {
    HttpLimits {
        headers_timeout: DEADLINE,
        request_timeout: DEADLINE,
        write_timeout: DEADLINE,
        drain_timeout: DEADLINE,
        body_bytes_max: 1000,
        ..HttpLimits::default()
    }
}

/// Opens a door. `GET /slow` tells that it began, and is answered once it is let go.
async fn open(limits: HttpLimits) -> Door {
    let (began, let_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, waits) = (Arc::clone(&began), Arc::clone(&let_go));
    let slow = move || async move {
        begins.notify_one();
        waits.notified().await;
        "done"
    };
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/things/{id}", get(|| async { "thing" }))
        .route("/slow", get(slow))
        .route("/echo", post(|body: Bytes| async move { body }))
        .route("/large", get(|| async { vec![b'x'; 64 << 20] }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
    let address = listener.local_addr().expect("address");
    let counted = Arc::new(Counted::default());
    let (stop, stopped) = oneshot::channel();
    let shutdown = async move {
        stopped.await.expect("the test keeps the sender");
    };
    let metrics: Arc<dyn Metrics> = counted.clone();
    let ended = tokio::spawn(serve(listener, router, limits, metrics, shutdown));
    Door { address, counted, began, let_go, stop, ended }
}

/// Sends bytes and reads until the door closes the connection.
async fn exchange(door: &Door, request: &str) -> String {
    let mut stream = TcpStream::connect(door.address).await.expect("connect");
    stream.write_all(request.as_bytes()).await.expect("write");
    read_to_end(&mut stream).await
}

/// Reads until the peer closes, however it does.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(DEADLINE, stream.read_to_end(&mut answer)).await;
    let _end_or_reset = read.expect("the door closes the connection in time");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request that asks for the connection to be closed.
fn ask(line: &str, more: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{more}\r\n")
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[tokio::test]
async fn headers_that_trickle_in_are_cut_off() {
    let door = open(short()).await;
    let answer = exchange(&door, "GET / HTTP/1.1\r\nHost: local").await;
    assert_eq!(answer, "", "a request that never ended was answered");
}

#[tokio::test]
async fn a_connection_that_says_nothing_and_one_kept_alive_for_nothing_are_closed() {
    let door = open(short()).await;
    assert_eq!(exchange(&door, "").await, "");
    let answer = exchange(&door, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    assert_eq!(status(&answer), "200");
}

#[tokio::test]
async fn a_kept_connection_answers_one_request_after_another() {
    let door = open(patient()).await;
    let answer =
        exchange(&door, &("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned() + &ask("GET /things/7", ""))).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
    assert_eq!(*door.counted.0.lock().expect("lock"), ["200 web GET /", "200 web GET /things/{id}"]);
}

#[tokio::test]
async fn a_body_that_trickles_in_is_408_and_a_route_that_hangs_is_503() {
    let door = open(short()).await;
    let answer = exchange(&door, &(ask("POST /echo", "Content-Length: 10\r\n") + "12345")).await;
    assert_eq!(status(&answer), "408", "{answer}");
    assert_eq!(status(&exchange(&door, &ask("GET /slow", "")).await), "503");
}

#[tokio::test]
async fn headers_beyond_their_bounds_are_431() {
    let door = open(patient()).await;
    let long = format!("X-Long: {}\r\n", "x".repeat(40 << 10));
    assert_eq!(status(&exchange(&door, &ask("GET /", &long)).await), "431");
    let door = open(HttpLimits { headers_max: 20, ..patient() }).await;
    let many: String = (0..20).map(|n| format!("X-{n}: 1\r\n")).collect();
    assert_eq!(status(&exchange(&door, &ask("GET /", &many)).await), "431");
}

#[tokio::test]
async fn a_body_beyond_its_bound_is_413_before_it_is_read() {
    let door = open(patient()).await;
    for length in ["1001", "4294967296"] {
        let answer = exchange(&door, &ask("POST /echo", &format!("Content-Length: {length}\r\n"))).await;
        assert_eq!(status(&answer), "413", "{answer}");
    }
    let fits = exchange(&door, &(ask("POST /echo", "Content-Length: 5\r\n") + "12345")).await;
    assert!(fits.ends_with("\r\n\r\n12345"), "{fits}");
}

#[tokio::test]
async fn a_body_that_does_not_announce_its_size_is_413_once_it_is_too_large() {
    let door = open(patient()).await;
    let chunk = format!("258\r\n{}\r\n", "x".repeat(0x258));
    let body = format!("{chunk}{chunk}0\r\n\r\n");
    let answer = exchange(&door, &(ask("POST /echo", "Transfer-Encoding: chunked\r\n") + &body)).await;
    assert_eq!(status(&answer), "413", "{answer}");
}

#[tokio::test]
async fn a_length_and_chunks_together_smuggle_nothing() {
    let door = open(patient()).await;
    let smuggled = "GET /things/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for headers in
        ["Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"]
    {
        let request = format!("POST /echo HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n0\r\n\r\n{smuggled}");
        let answer = exchange(&door, &request).await;
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
    let counted = door.counted.0.lock().expect("lock").join(" ");
    assert!(!counted.contains("things"), "{counted}");
}

#[tokio::test]
async fn a_foreign_host_is_421_and_none_is_400() {
    let door = open(patient()).await;
    let foreign = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&exchange(&door, foreign).await), "421");
    let none = "GET / HTTP/1.1\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&exchange(&door, none).await), "400");
    let forwarded = ask("GET /", "X-Forwarded-Host: evil.example\r\n");
    assert_eq!(status(&exchange(&door, &forwarded).await), "200");
}

#[tokio::test]
async fn a_configured_host_is_answered() {
    let door = open(HttpLimits { hosts: vec!["hub.example.hk".to_owned()], ..patient() }).await;
    let named = "GET / HTTP/1.1\r\nHost: hub.example.hk:8080\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&exchange(&door, named).await), "200");
}

#[tokio::test]
async fn trace_connect_and_made_up_methods_are_refused() {
    let door = open(patient()).await;
    for line in ["TRACE /", "CONNECT localhost:80", "BREW /"] {
        let answer = exchange(&door, &ask(line, "")).await;
        assert_eq!(status(&answer), "405", "{line}: {answer}");
        assert!(answer.to_lowercase().contains("\r\nallow: get,head\r\n"), "{answer}");
    }
    let overridden = exchange(&door, &ask("GET /echo", "X-HTTP-Method-Override: POST\r\n")).await;
    assert_eq!(status(&overridden), "405");
}

#[tokio::test]
async fn bad_header_bytes_and_nul_are_400() {
    let door = open(patient()).await;
    for request in
        [ask("GET /%00", ""), ask("GET /?a=%00", ""), ask("GET /", "X-Bad: a\0b\r\n"), "nonsense\r\n\r\n".to_owned()]
    {
        assert_eq!(status(&exchange(&door, &request).await), "400", "{request:?}");
    }
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let door = open(patient()).await;
    let requests =
        [ask("GET /", ""), ask("GET /nowhere", ""), ask("TRACE /", ""), ask("POST /echo", "Content-Length: 99999\r\n")];
    for request in requests {
        let answer = exchange(&door, &request).await.to_lowercase();
        for header in [
            "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
             connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'\r\n",
            "x-content-type-options: nosniff\r\n",
            "x-frame-options: deny\r\n",
            "referrer-policy: no-referrer\r\n",
            "cross-origin-opener-policy: same-origin\r\n",
            "cross-origin-resource-policy: same-origin\r\n",
            "cache-control: no-store\r\n",
        ] {
            assert!(answer.contains(header), "{header} is not in {answer}");
        }
    }
}

#[tokio::test]
async fn a_static_file_may_be_kept_for_ever_and_only_under_its_own_hash() {
    let door = open(patient()).await;
    let url = causeway_serve::assets::Asset::Style.url();
    let answer = exchange(&door, &ask(&format!("GET {url}"), "")).await;
    assert_eq!(status(&answer), "200");
    assert!(answer.contains("cache-control: public, max-age=31536000, immutable\r\n"), "{answer}");
    assert_eq!(status(&exchange(&door, &ask("GET /static/site.css", "")).await), "404");
}

#[tokio::test]
async fn a_program_gets_problem_details_and_a_browser_a_page_in_both_languages() {
    let door = open(patient()).await;
    let answer = exchange(&door, &ask("GET /nowhere?name=CHAN", "")).await;
    let body = answer.split("\r\n\r\n").nth(1).expect("body");
    let problem: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert!(answer.contains("content-type: application/problem+json\r\n"));
    assert_eq!(problem["status"], 404);
    assert_eq!(problem["code"], "not-found");
    assert_eq!(problem["type"], "urn:causeway:problem:not-found");
    let page = exchange(&door, &ask("GET /nowhere?name=CHAN", "Accept: text/html\r\nAccept-Language: zh-HK\r\n")).await;
    assert!(page.contains("<html lang=\"zh-Hant-HK\">") && page.contains("There is nothing here"), "{page}");
    assert!(!page.contains("CHAN") && !answer.contains("CHAN"), "an error repeats a value of the request");
}

#[tokio::test]
async fn a_connection_beyond_the_cap_is_turned_away_at_once() {
    let door = open(HttpLimits { connections_max: 1, ..patient() }).await;
    let mut first = TcpStream::connect(door.address).await.expect("connect");
    first.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("write");
    let mut begun = [0; 12];
    first.read_exact(&mut begun).await.expect("the first connection is served");
    let mut second = TcpStream::connect(door.address).await.expect("connect");
    assert_eq!(status(&read_to_end(&mut second).await), "503");
    assert!(door.counted.0.lock().expect("lock").contains(&"503 web none none".to_owned()));
}

#[tokio::test]
async fn a_client_who_does_not_read_the_answer_is_cut() {
    let door = open(HttpLimits { connections_max: 1, ..short() }).await;
    let mut deaf = TcpStream::connect(door.address).await.expect("connect");
    deaf.write_all(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("write");
    // Its place is free again once it is cut; until then others are turned away.
    let freed = async { while status(&exchange(&door, &ask("GET /", "")).await) != "200" {} };
    tokio::time::timeout(DEADLINE, freed).await.expect("the deaf client gives up its place");
}

#[tokio::test]
async fn a_stop_finishes_the_request_being_answered_and_closes_the_idle() {
    let door = open(patient()).await;
    let mut idle = TcpStream::connect(door.address).await.expect("connect");
    idle.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("write");
    let mut busy = TcpStream::connect(door.address).await.expect("connect");
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("write");
    let mut begun = [0; 12];
    idle.read_exact(&mut begun).await.expect("the idle connection was served once");
    door.began.notified().await;
    door.stop.send(()).expect("running");
    assert!(read_to_end(&mut idle).await.ends_with("hello"), "an idle connection is closed at a stop");
    door.let_go.notify_one();
    assert!(read_to_end(&mut busy).await.ends_with("done"), "the request being answered is finished");
    assert_eq!(door.ended.await.expect("no panic"), Drained { cut: 0 });
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let limits = HttpLimits { request_timeout: DEADLINE, ..short() };
    let door = open(limits).await;
    let mut busy = TcpStream::connect(door.address).await.expect("connect");
    busy.write_all(b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("write");
    door.began.notified().await;
    door.stop.send(()).expect("running");
    let drained = tokio::time::timeout(DEADLINE, door.ended).await.expect("in time").expect("no panic");
    assert_eq!(drained, Drained { cut: 1 });
}
