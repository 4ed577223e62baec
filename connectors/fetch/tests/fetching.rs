//! The fetcher against real servers and a real folder: what it takes, and what it refuses.
#![expect(clippy::expect_used, reason = "test code")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use causeway_core::fetch::{FetchPlace, Source};
use causeway_core::phi::Phi;
use causeway_core::port::{Fetch as _, FetchError};
use causeway_fetch::Fetcher;

const REPORT: &[u8] = b"%PDF-1.7\nreport\n%%EOF\n";

/// A server that hands each connection, and the head of its request, to a function.
struct Server {
    address: SocketAddr,
    heads: Receiver<String>,
}

impl Server {
    fn new(answer: impl Fn(&str, &mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("listens");
        let address = listener.local_addr().expect("an address");
        let (sender, heads) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.expect("a connection");
                let head = head(&mut stream);
                let told = sender.send(head.clone());
                answer(&head, &mut stream);
                if told.is_err() {
                    return;
                }
            }
        });
        Self { address, heads }
    }

    fn place(&self) -> FetchPlace {
        place(&format!("http://{}/pdf/", self.address))
    }

    fn asked(&self) -> Vec<String> {
        self.heads.try_iter().collect()
    }
}

fn head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("ASCII")
}

fn say(stream: &mut TcpStream, head: &str, body: &[u8]) {
    // Who was refused closes early, which is what some of the tests are about.
    let said = stream.write_all(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes()).and_then(|()| stream.write_all(body));
    drop(said);
}

fn place(source: &str) -> FetchPlace {
    FetchPlace {
        pointers: "ftp://files.test/pdf/".to_owned(),
        source: Source::parse(source).expect("a source"),
        addresses: vec!["127.0.0.1".parse().expect("an address")],
        ca: None,
        bytes_max: 1 << 20,
        timeout: Duration::from_secs(20),
        tries: 1,
        pause: Duration::from_secs(1),
    }
}

fn fetch(place: &FetchPlace, announced: Option<u64>) -> Result<Vec<u8>, FetchError> {
    let pointer = Phi::from("ftp://files.test/pdf/a/1.pdf");
    Fetcher::new(|| false).expect("a fetcher").fetch(place, &pointer, announced)
}

#[test]
fn a_document_of_the_announced_size_is_given_and_asked_for_at_its_place() {
    let server = Server::new(|_, stream| say(stream, "200 OK\r\nContent-Length: 22", REPORT));
    assert_eq!(fetch(&server.place(), Some(22)).as_deref(), Ok(REPORT));
    assert_eq!(fetch(&server.place(), None).as_deref(), Ok(REPORT));
    let asked = server.asked();
    assert!(asked[0].starts_with("GET /pdf/a/1.pdf HTTP/1.1\r\n"), "{}", asked[0]);
    assert!(asked[0].to_ascii_lowercase().contains(&format!("host: {}\r\n", server.address)), "{}", asked[0]);
}

#[test]
fn another_size_than_announced_is_told_with_both_whether_the_server_says_it_or_not() {
    let size = Err(FetchError::Size { announced: 25_383, came: 22 });
    for head in ["200 OK\r\nContent-Length: 22", "200 OK\r\nConnection: close"] {
        let server = Server::new(move |_, stream| say(stream, head, REPORT));
        assert_eq!(fetch(&server.place(), Some(25_383)), size, "{head}");
    }
}

#[test]
fn an_endless_document_is_left_at_the_limit_and_one_announced_beyond_it_is_not_asked_for() {
    let server = Server::new(|_, stream| {
        say(stream, "200 OK\r\nTransfer-Encoding: chunked", b"");
        let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
        while stream.write_all(&chunk).is_ok() {}
    });
    let limit = Err(FetchError::TooLong { bytes_max: 1 << 20 });
    assert_eq!(fetch(&server.place(), None), limit);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(fetch(&server.place(), Some((1 << 20) + 1)), limit);
    let told = Server::new(|_, stream| say(stream, "200 OK\r\nContent-Length: 99999999999", b""));
    assert_eq!(fetch(&told.place(), None), limit);
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn a_slow_server_is_left_when_the_time_is_over() {
    let server = Server::new(|_, stream| {
        say(stream, "200 OK\r\nContent-Length: 2200", b"");
        // A byte now and then, until the other side is gone.
        stream.set_read_timeout(Some(Duration::from_millis(100))).expect("an option");
        while stream.write_all(b"x").is_ok() && !matches!(stream.read(&mut [0]), Ok(0)) {}
    });
    let place = FetchPlace { timeout: Duration::from_millis(700), ..server.place() };
    let error = fetch(&place, Some(2200)).expect_err("no document");
    assert!(error.may_pass(), "{error}");
}

#[test]
fn a_try_ends_when_the_hub_stops() {
    let server = Server::new(|_, stream| drop(stream.read(&mut [0])));
    let place = FetchPlace { timeout: Duration::from_secs(3600), ..server.place() };
    let begun = Instant::now();
    let fetcher = Fetcher::new(move || begun.elapsed() > Duration::from_millis(200)).expect("a fetcher");
    let error = fetcher.fetch(&place, &Phi::from("ftp://files.test/pdf/1.pdf"), None).expect_err("no document");
    assert!(error.may_pass() && begun.elapsed() < Duration::from_secs(60), "{error}");
}

#[test]
fn a_redirect_is_followed_within_the_place_and_nowhere_else() {
    let trap = Server::new(|_, stream| say(stream, "200 OK\r\nContent-Length: 22", REPORT));
    let elsewhere = format!("http://{}/pdf/a/2.pdf", trap.address);
    for (location, follows) in [
        ("/pdf/b/2.pdf", true),
        (elsewhere.as_str(), false),
        ("http://169.254.169.254/pdf/2.pdf", false),
        ("//files.test/pdf/2.pdf", false),
        ("/etc/2.pdf", false),
        ("/pdf/../etc/2.pdf", false),
        ("/pdf/%2e%2e/etc/2.pdf", false),
        ("file:///etc/passwd", false),
        ("2.pdf", false),
    ] {
        let to = location.to_owned();
        let server = Server::new(move |head, stream| match head.contains("/1.pdf") {
            true => say(stream, &format!("302 Found\r\nContent-Length: 0\r\nLocation: {to}"), b""),
            false => say(stream, "200 OK\r\nContent-Length: 22", REPORT),
        });
        let fetched = fetch(&server.place(), None);
        match fetched {
            Ok(bytes) => assert!(follows && bytes == REPORT, "{location}"),
            Err(FetchError::Forbidden(_)) => assert!(!follows, "{location}"),
            Err(error) => panic!("{location}: {error}"),
        }
        assert_eq!(server.asked().len(), if follows { 2 } else { 1 }, "{location}");
    }
    assert_eq!(trap.asked().len(), 0, "nobody came elsewhere");
    let round = Server::new(|_, stream| say(stream, "302 Found\r\nContent-Length: 0\r\nLocation: /pdf/a/1.pdf", b""));
    assert!(fetch(&round.place(), None).expect_err("no end").may_pass());
    assert_eq!(round.asked().len(), 4);
}

#[test]
fn a_private_address_that_the_place_does_not_name_is_not_connected_to() {
    let server = Server::new(|_, stream| say(stream, "200 OK\r\nContent-Length: 22", REPORT));
    for source in
        [format!("http://{}/pdf/", server.address), format!("http://localhost:{}/pdf/", server.address.port())]
    {
        let closed = FetchPlace { addresses: Vec::new(), ..place(&source) };
        assert!(matches!(fetch(&closed, None), Err(FetchError::Forbidden(_))), "{source}");
    }
    assert_eq!(server.asked().len(), 0);
    let named = place(&format!("http://localhost:{}/pdf/", server.address.port()));
    assert_eq!(fetch(&named, None).as_deref(), Ok(REPORT));
}

#[test]
fn what_is_not_there_or_no_http_may_pass() {
    for answer in ["404 Not Found\r\nContent-Length: 0", "503 Busy\r\nContent-Length: 0", "rubbish"] {
        let server = Server::new(move |_, stream| say(stream, answer, b""));
        let error = fetch(&server.place(), None).expect_err("no document");
        assert!(error.may_pass(), "{answer}: {error}");
    }
    let cut = Server::new(|_, stream| say(stream, "200 OK\r\nContent-Length: 22", b"%PDF"));
    assert!(fetch(&cut.place(), None).expect_err("half a document").may_pass());
    // A port of the system's own, which no test is given.
    assert!(fetch(&place("http://127.0.0.1:1/pdf/"), None).expect_err("nobody").may_pass());
}

#[test]
fn a_folder_gives_its_plain_files_and_follows_no_link() {
    let dir = tempfile::tempdir().expect("a folder");
    let (reports, secret) = (dir.path().join("reports"), dir.path().join("secret"));
    std::fs::create_dir_all(reports.join("a")).expect("made");
    std::fs::create_dir_all(&secret).expect("made");
    std::fs::write(secret.join("1.pdf"), REPORT).expect("written");
    let source = format!("file://{}/", reports.display());
    let here = || fetch(&place(&source), Some(22));
    assert!(here().expect_err("not there yet").may_pass());
    let file = reports.join("a/1.pdf");
    std::fs::write(&file, REPORT).expect("written");
    assert_eq!(here().as_deref(), Ok(REPORT));
    assert_eq!(fetch(&place(&source), Some(9)), Err(FetchError::Size { announced: 9, came: 22 }));
    let small = FetchPlace { bytes_max: 21, ..place(&source) };
    assert_eq!(fetch(&small, None), Err(FetchError::TooLong { bytes_max: 21 }));
    let link = |to: &Path, from: &Path| std::os::unix::fs::symlink(to, from).expect("linked");
    std::fs::remove_file(&file).expect("removed");
    link(&secret.join("1.pdf"), &file);
    assert!(here().is_err(), "a link to a file");
    std::fs::remove_dir_all(reports.join("a")).expect("removed");
    link(&secret, &reports.join("a"));
    assert!(here().is_err(), "a link to a folder");
    std::fs::remove_file(reports.join("a")).expect("removed");
    std::fs::create_dir_all(&file).expect("made");
    assert!(matches!(here(), Err(FetchError::Forbidden(_))), "a folder is no document");
}
