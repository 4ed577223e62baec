//! One hub for all rows, with a door for each temper, and a sender that writes bytes.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use causeway_tls::authority::{Authority, Pair, Valid};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use crate::ports::reserve;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long nothing may happen before a test believes that nothing will.
pub(crate) const SILENCE: Duration = Duration::from_millis(300);
/// How many persons are registered: each test that needs one has its own.
const PERSONS: u32 = 32;

/// A hub that runs, and where it listens.
pub(crate) struct Hub {
    folder: TempDir,
    child: Child,
    said: Arc<Mutex<String>>,
    http: SocketAddr,
    /// Defaults, several feeds.
    pub(crate) plain: SocketAddr,
    /// Short deadlines, small frames, one feed.
    pub(crate) hasty: SocketAddr,
    /// Takes what `plain` does not.
    pub(crate) lax: SocketAddr,
    /// Four connections.
    pub(crate) small: SocketAddr,
    /// Two connections in all.
    pub(crate) full: SocketAddr,
    /// TLS, two feeds bound to their certificates.
    pub(crate) tls: SocketAddr,
    /// TLS, for another address than this one.
    pub(crate) far: SocketAddr,
    /// DICOM.
    pub(crate) dicom: SocketAddr,
    /// The feeds of `plain` by HTTP.
    pub(crate) post: SocketAddr,
}

/// The hub that runs, or a new one. It ends with the last test that holds it.
pub(crate) fn hub() -> Arc<Hub> {
    static RUNNING: Mutex<Weak<Hub>> = Mutex::new(Weak::new());
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    running.upgrade().unwrap_or_else(|| {
        let hub = Arc::new(Hub::start());
        *running = Arc::downgrade(&hub);
        hub
    })
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    command.env_remove("CAUSEWAY_CONFIG").env("USER", "tester");
    command
}

fn configuration(before: &str, provider: &str, ports: &[SocketAddr; 9]) -> String {
    let feed = |name: &str, sender: &str, more: &str| {
        format!("[[door.feed]]\nname = \"{name}\"\nprovider = \"{provider}\"\nsenders = [\"{sender}\"]\n{more}\n")
    };
    let [plain, hasty, lax, small, full, tls, far, dicom, post] = ports;
    let secret = "[door.tls]\ncertificate = \"keys/server.pem\"\nkey = \"keys/server.key\"\nclient_ca = \"keys/ca.pem\"\n\
                  revoked = \"keys/revoked.pem\"\n";
    [
        before.to_owned(),
        format!("[[door]]\nlisten = \"{plain}\"\nhttp_listen = \"{post}\"\n"),
        feed("post", "PST|QMH", ""),
        feed("lab", "LIS|QMH", ""),
        feed("busy", "BSY|QMH", ""),
        feed("big5", "BIG|QMH", "charset = \"default:BIG-5\""),
        feed("forced", "FRC|QMH", "charset = \"force:BIG-5\""),
        feed("strict", "STR|QMH", "line_ends = \"strict\""),
        feed("named", "NAM|QMH", "receivers = [\"CAUSEWAY|EHR\"]"),
        format!(
            "[[door]]\nlisten = \"{hasty}\"\n[door.limits]\nidle_in_frame = \"300ms\"\nframe_timeout = \"900ms\"\n\
             end_cr_timeout = \"200ms\"\nwrite_timeout = \"300ms\"\n"
        ),
        feed("hasty", "HST|QMH", "frame_bytes_max = \"64KiB\""),
        format!(
            "[[door]]\nlisten = \"{lax}\"\n[door.framing]\naccept_missing_start = true\naccept_missing_end_cr = true\n\
             accept_inner_end = true\n[door.limits]\nend_cr_timeout = \"200ms\"\n"
        ),
        feed(
            "lax",
            "LAX|QMH",
            "accept_empty_control_id = true\nline_ends = \"lenient\"\nversions = [\"any\"]\nprocessing_ids = [\"any\"]",
        ),
        format!(
            "[[door]]\nlisten = \"{small}\"\n[door.limits]\nconnections_per_peer_max = 4\nbatch_messages_max = 4\n"
        ),
        feed("small", "SML|QMH", ""),
        format!("[[door]]\nlisten = \"{full}\"\n[door.limits]\nconnections_max = 2\n"),
        feed("full", "FUL|QMH", ""),
        format!("[[door]]\nlisten = \"{tls}\"\n{secret}"),
        feed("tls-lis", "LIS|QMH", "certificates = [\"cn:LIS\"]"),
        feed("tls-ris", "RIS|QMH", "certificates = [\"cn:RIS\"]"),
        format!("[[door]]\nlisten = \"{far}\"\n{secret}"),
        feed("far", "LIS|QMH", "certificates = [\"cn:LIS\"]\nfrom = [\"127.0.0.9\"]"),
        format!(
            "[[dicom_door]]\nlisten = \"{dicom}\"\n[[dicom_door.feed]]\nname = \"pacs\"\nprovider = \"{provider}\"\n\
             ae_titles = [\"CAUSEWAY-SCU\"]\nprofile = \"hk-public-hospital\"\n"
        ),
        format!(
            "[[file_door]]\n[file_door.pickup]\nfolder = \"drop\"\nstill_for = \"0\"\nscan_every = \"50ms\"\n\
             [file_door.feed]\nname = \"drop\"\nprovider = \"{provider}\"\nsenders = [\"FIL|QMH\"]\n"
        ),
    ]
    .concat()
}

impl Hub {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let made = binary().arg("init").current_dir(folder.path()).output().expect("the binary runs");
        assert!(made.status.success(), "{made:?}");
        let file = folder.path().join("causeway.toml");
        let text = std::fs::read_to_string(&file).expect("written by init");
        let provider = text.rsplit("provider = \"").next().and_then(|rest| rest.split('"').next()).expect("a provider");
        let http = reserve().expect("a port");
        let before = format!(
            "data_dir = \"data\"\n[server]\nlisten = \"{http}\"\n[server.limits]\nheaders_timeout = \"3s\"\nrequest_timeout = \"10s\"\n"
        );
        let ports = [(); 9].map(|()| reserve().expect("a port"));
        std::fs::write(&file, configuration(&before, provider, &ports)).expect("written");
        keys(&folder.path().join("keys"));
        std::fs::create_dir(folder.path().join("drop")).expect("made");
        let persons: String = (1..=PERSONS).map(|n| Person(n).line()).collect();
        let head = "document_kind,document_number,family,given,chinese,birth,sex\n";
        std::fs::write(folder.path().join("persons.csv"), format!("{head}{persons}")).expect("written");
        let run = |arguments: &[&str]| {
            let ran = binary().args(arguments).current_dir(folder.path()).output().expect("the binary runs");
            assert!(ran.status.success(), "{arguments:?} {ran:?}");
        };
        run(&["person", "import", "persons.csv", "--join", "2025"]);
        run(&["feed", "pause", "busy"]);
        let (child, said) = serve(folder.path());
        let [plain, hasty, lax, small, full, tls, far, dicom, post] = ports;
        let hub = Self { folder, child, said, http, plain, hasty, lax, small, full, tls, far, dicom, post };
        assert!(
            until(|| hub.get("/readyz").filter(|answer| answer.starts_with("HTTP/1.1 200"))).is_some(),
            "not ready"
        );
        hub
    }

    /// What the hub said on standard error so far.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What HTTP answers at a path; `None` while nothing listens.
    pub(crate) fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.http).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.http).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// The metric whose line begins so; 0 while there is none.
    pub(crate) fn number(&self, line: &str) -> f64 {
        let text = self.get("/metrics").expect("metrics");
        let found = text.lines().find(|candidate| candidate.starts_with(line));
        found.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
    }

    /// Frames that formed no message, by cause.
    pub(crate) fn frames_refused(&self, cause: &str) -> f64 {
        self.number(&format!("causeway_frames_refused_total{{cause=\"{cause}\",feed=\"-\"}}"))
    }

    /// Connections closed at once, by cause.
    pub(crate) fn connections_refused(&self, cause: &str) -> f64 {
        self.number(&format!("causeway_connections_refused_total{{cause=\"{cause}\",feed=\"-\"}}"))
    }

    /// Waits until a number has grown beyond what it was.
    pub(crate) fn grows(&self, before: f64, number: impl Fn(&Self) -> f64) {
        assert!(until(|| (number(self) > before).then_some(())).is_some(), "the number stays {before}");
    }

    /// Runs a command of the binary beside the hub; gives its exit code and what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let ran = binary().args(arguments).current_dir(self.folder.path()).output().expect("the binary runs");
        let text = [ran.stdout, ran.stderr].concat();
        (ran.status.code(), String::from_utf8(text).expect("UTF-8"))
    }

    /// A file in the hub's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The message of this control id, when it is kept and its outcome known. Kept and refused ones are `rejected`.
    pub(crate) fn outcome(&self, id: &str) -> Value {
        let found = until(|| {
            let (code, text) = self.run(&["--json", "message", "trace", id]);
            let message: Value = if code == Some(0) { serde_json::from_str(&text).ok()? } else { return None };
            let known = ["accepted", "withheld", "held", "rejected"];
            known.iter().any(|state| message["state"] == *state).then_some(message)
        });
        found.unwrap_or_else(|| panic!("{id} has no outcome: {:?}", self.run(&["message", "trace", id])))
    }

    /// Its state and reason, as `held UNDECODABLE`.
    pub(crate) fn state(&self, id: &str) -> String {
        let message = self.outcome(id);
        let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("state"), text("reason")).trim_end().to_owned()
    }

    /// No message of this control id is kept.
    pub(crate) fn keeps_nothing_of(&self, id: &str) {
        let (code, text) = self.run(&["--json", "message", "trace", id]);
        assert_eq!(code, Some(1), "{text}");
    }

    /// What the record of a person holds now, as text.
    pub(crate) fn record(&self, person: Person) -> String {
        self.records(person, &[])
    }

    /// Its resources alone: no time of the hub, in which the digits of any value may stand.
    pub(crate) fn resources(&self, person: Person) -> String {
        let text = self.record(person);
        let rows = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        rows.map(|row| row["resource"].to_string()).collect()
    }

    /// The record with older versions and what the sender took back.
    pub(crate) fn history(&self, person: Person) -> String {
        self.records(person, &["--history", "--retracted"])
    }

    fn records(&self, person: Person, more: &[&str]) -> String {
        let number = person.0.to_string();
        let (code, text) = self.run(&[&["--json", "record", "list", "--person", &number, "--reveal"], more].concat());
        assert_eq!(code, Some(0), "{text}");
        text
    }

    /// Sends a file of messages over TLS as this client; gives the exit code and what was printed.
    pub(crate) fn send_by_tls(&self, door: SocketAddr, client: Option<&str>, message: &str) -> (Option<i32>, String) {
        let name = format!("{}.hl7", client.unwrap_or("nobody"));
        std::fs::write(self.path(&name), message).expect("written");
        let to = format!("tls://{door}");
        let (cert, key) =
            (format!("keys/{}.pem", client.unwrap_or("x")), format!("keys/{}.key", client.unwrap_or("x")));
        let mut arguments = vec!["--json", "send", "hl7", &name, "--to", &to, "--ca", "keys/ca.pem"];
        if client.is_some() {
            arguments.extend(["--cert", &cert, "--key", &key]);
        }
        self.run(&arguments)
    }

    /// What the audit says of peers that were refused for this cause.
    pub(crate) fn audited(&self, cause: &str) -> bool {
        until(|| {
            let (_, text) = self.run(&["--json", "audit", "find", "--action", "refuse-peer"]);
            text.contains(&format!("\"{cause}\"")).then_some(())
        })
        .is_some()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // A hub that has ended already is told by the test that missed it.
        self.child.kill().unwrap_or_default();
        drop(self.child.wait());
    }
}

/// Starts the hub; gives it, and what it says on standard error.
fn serve(folder: &Path) -> (Child, Arc<Mutex<String>>) {
    let mut child = binary().arg("serve").current_dir(folder).stderr(Stdio::piped()).spawn().expect("it starts");
    let (pipe, said) = (child.stderr.take().expect("piped"), Arc::new(Mutex::new(String::new())));
    let hears = Arc::clone(&said);
    // Read to the end, so that the hub never waits for a full pipe.
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            hears.lock().unwrap_or_else(PoisonError::into_inner).extend([line.as_str(), "\n"]);
        }
    });
    (child, said)
}

/// An authority, a server, two laboratories, and clients that are not to be let in.
fn keys(folder: &Path) {
    std::fs::create_dir(folder).expect("made");
    let write = |name: &str, pair: &Pair| {
        std::fs::write(folder.join(format!("{name}.pem")), &pair.certificate).expect("written");
        std::fs::write(folder.join(format!("{name}.key")), &pair.key).expect("written");
    };
    let (now, day) = (now(), SignedDuration::from_hours(24));
    let valid = Valid::for_(now, day * 2);
    let (authority, other) = (Authority::new().expect("a key"), Authority::new().expect("a key"));
    write("ca", &authority.pair(now).expect("signed"));
    write("server", &authority.server(&["127.0.0.1"], valid).expect("signed"));
    for name in ["LIS", "RIS"] {
        write(name, &authority.client(name, &[], valid).expect("signed"));
    }
    write("expired", &authority.client("LIS", &[], Valid { from: now - day * 3, until: now - day }).expect("signed"));
    write("foreign", &other.client("LIS", &[], valid).expect("signed"));
    let gone = authority.client("LIS", &[], valid).expect("signed");
    write("revoked-client", &gone);
    std::fs::write(folder.join("revoked.pem"), authority.revoke(&[&gone.certificate], valid).expect("a list"))
        .expect("written");
}

#[expect(
    clippy::disallowed_methods,
    reason = "rustls asks the machine's clock, so the certificates must be of its time"
)]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A registered person, by number from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person(pub(crate) u32);

impl Person {
    /// The identity card number: two letters, six digits, a check digit.
    pub(crate) fn hkid(self) -> String {
        let digits = format!("{:06}", self.0);
        let weighted =
            digits.chars().zip([7, 6, 5, 4, 3, 2]).map(|(c, weight)| weight * c.to_digit(10).expect("a digit"));
        // Z counts 35, in the places of weight 9 and 8.
        let rest = (35 * 9 + 35 * 8 + weighted.sum::<u32>()) % 11;
        let check = match 11 - rest {
            11 => '0',
            10 => 'A',
            digit => char::from_digit(digit, 10).expect("a digit"),
        };
        format!("ZZ{digits}{check}")
    }

    /// The family name: one of its own, so that nobody looks like anybody else.
    pub(crate) fn family(self) -> String {
        let letter = |n: u32| char::from_u32('A' as u32 + n % 26).expect("a letter");
        // The last one has a letter that can be written in two ways.
        let ending = if self.0 == PERSONS { "WÖNG" } else { "WONG" };
        format!("{}{}{ending}", letter(self.0 * 7), letter(self.0 * 11 + 3))
    }

    fn line(self) -> String {
        let hkid = self.hkid();
        let (number, check) = hkid.split_at(hkid.len() - 1);
        format!("HKID,{number}({check}),{},Siu Kei,,1983-01-{:02},M\n", self.family(), self.0 % 28 + 1)
    }

    /// PID of the person, with a local number.
    pub(crate) fn pid(self) -> String {
        let (hkid, family, day) = (self.hkid(), self.family(), self.0 % 28 + 1);
        format!("PID|1||{hkid}^^^HKSAR^HKID~L{:05}^^^QMH^PI||{family}^SIU KEI||198301{day:02}|M\r", self.0)
    }
}

/// A header from `LIS|QMH`.
pub(crate) fn header(id: &str, kind: &str) -> String {
    format!("MSH|^~\\&|LIS|QMH|CAUSEWAY|EHR|20260301100000+0800||{kind}|{id}|P|2.5.1\r")
}

/// A message about nobody registered.
pub(crate) fn message(id: &str) -> String {
    format!(
        "{}EVN|A08|20260301100000+0800\rPID|1||H2001^^^QMH^MR||CHAN^TAI MAN||19800101|M\r",
        header(id, "ADT^A08^ADT_A01")
    )
}

/// In its frame.
pub(crate) fn framed(payload: &[u8]) -> Vec<u8> {
    [b"\x0b", payload, b"\x1c\r"].concat()
}

/// A sender, byte by byte.
pub(crate) struct Peer {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Peer {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("connects");
        stream.set_nodelay(true).expect("an option");
        Self { stream, read: Vec::new() }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("written");
    }

    /// The next answer, without its frame.
    pub(crate) fn answer(&mut self) -> String {
        self.stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        loop {
            if let Some(end) = self.read.windows(2).position(|pair| pair == [0x1c, 0x0d]) {
                let frame: Vec<u8> = self.read.drain(..end + 2).collect();
                return String::from_utf8_lossy(&frame[1..end]).into_owned();
            }
            let mut chunk = [0; 4096];
            let count = match self.stream.read(&mut chunk) {
                // A process that was stopped and goes on; only reads with a deadline tell of it.
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read.expect("an answer in time"),
            };
            assert_ne!(count, 0, "closed without an answer");
            self.read.extend_from_slice(&chunk[..count]);
        }
    }

    /// Sends a message in its frame and gives the answer.
    pub(crate) fn exchange(&mut self, payload: impl AsRef<[u8]>) -> String {
        self.write(&framed(payload.as_ref()));
        self.answer()
    }

    /// MSA-1 and MSA-2 of the answer to a message, as `AA|7`.
    pub(crate) fn code(&mut self, payload: impl AsRef<[u8]>) -> String {
        code(&self.exchange(payload))
    }

    /// Nothing comes for a while, and the connection stays.
    pub(crate) fn hears_nothing(&mut self, long: Duration) {
        assert!(self.read.is_empty());
        self.stream.set_read_timeout(Some(long)).expect("an option");
        let error = self.stream.read(&mut [0; 1]).expect_err("silence");
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    }

    /// The door closes the connection, without another frame.
    pub(crate) fn sees_the_end(&mut self) {
        assert!(self.read.is_empty(), "{}", String::from_utf8_lossy(&self.read));
        self.stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => assert!(!rest.contains(&0x0b), "{}", String::from_utf8_lossy(&rest)),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}"),
        }
    }
}

/// MSA-1 and MSA-2, as `AA|7`.
pub(crate) fn code(answer: &str) -> String {
    let msa = answer.split('\r').find_map(|segment| segment.strip_prefix("MSA|")).expect("MSA");
    msa.split('|').take(2).collect::<Vec<_>>().join("|")
}

/// The answer has this code, this error of table 0357, and this reason.
pub(crate) fn refused(answer: &str, expected: &str, error: u16, reason: &str) {
    let good =
        code(answer) == expected && answer.contains(&format!("|{error}^")) && answer.contains(&format!("|{reason}^"));
    assert!(good, "not {expected} {error} {reason}: {answer}");
}

/// Waits until something is there.
pub(crate) fn until<T>(mut there: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(found) = there() {
            return Some(found);
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
    None
}
