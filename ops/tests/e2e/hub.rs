//! A folder with a configuration, and the binary run in it.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A folder, and the hub in it when it runs.
pub(crate) struct Hub {
    folder: TempDir,
    child: Option<Child>,
    pub(crate) mllp: String,
    pub(crate) http: String,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// The one JSON object printed.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON lines printed.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
    }
}

/// Runs the binary in a folder.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Ran {
    Ran::of(command(folder, arguments).output().expect("the binary runs"))
}

/// The binary, to be run in a folder.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_causeway"));
    command.args(arguments).current_dir(folder).env_remove("CAUSEWAY_CONFIG").env("USER", "tester");
    command
}

impl Hub {
    /// A folder as `causeway init` makes it, on ports of the system's choice.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let made = run(folder.path(), &["init", "--mllp-port", "0", "--http-port", "0"]);
        assert_eq!(made.code, Some(0), "{made:?}");
        Self { folder, child: None, mllp: String::new(), http: String::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("written");
        path
    }

    /// Runs a command beside the hub.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(self.folder.path(), arguments)
    }

    /// Starts the hub and reads from what it says where it listens.
    pub(crate) fn start(&mut self) {
        let mut child = command(self.folder.path(), &["serve"]).stderr(Stdio::piped()).spawn().expect("it starts");
        let err = child.stderr.take().expect("piped");
        let (sender, receiver) = std::sync::mpsc::channel();
        thread::spawn(move || {
            // Read to the end, so that the hub never waits for a full pipe.
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    continue;
                }
            }
        });
        self.child = Some(child);
        (self.mllp, self.http) = (String::new(), String::new());
        let deadline = Instant::now() + PATIENCE;
        let mut said = Vec::new();
        while let Ok(line) = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            // Where nobody looks, the hub logs JSON.
            let told: Value = serde_json::from_str(&line).unwrap_or_default();
            let address = told["fields"]["address"].as_str().unwrap_or_default().to_owned();
            match told["fields"]["message"].as_str() {
                Some("MLLP door open") => self.mllp = address,
                Some("pages open") => self.http = address,
                Some(_) | None => {}
            }
            if !self.mllp.is_empty() && !self.http.is_empty() {
                return;
            }
            said.push(line);
        }
        panic!("the hub did not start: {said:?}");
    }

    /// The most memory the hub ever had resident, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        self.about("VmHWM").trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// What Linux says of the hub's process (proc(5), `status`).
    pub(crate) fn about(&self, field: &str) -> String {
        let id = self.child.as_ref().expect("it runs").id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("Linux");
        let value = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.unwrap_or_else(|| panic!("no {field} in {status}")).trim().to_owned()
    }

    /// Kills it: nothing is drained, nothing is written.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("waited");
    }

    /// Asks it to stop, and gives its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
        assert!(asked.success());
        let ended = until(|| child.try_wait().expect("waited").map(|status| status.code()));
        ended.expect("the hub stops in time")
    }

    /// What HTTP answers at a path.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        use std::io::{Read as _, Write as _};
        let address: SocketAddr = self.http.parse().expect("an address");
        let mut stream = std::net::TcpStream::connect(address).expect("connects");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        let (head, body) = answer.split_once("\r\n\r\n").expect("HTTP");
        (head.split(' ').nth(1).expect("a status").parse().expect("a number"), body.to_owned())
    }

    /// Sends messages, and gives what was printed.
    pub(crate) fn send(&self, name: &str, messages: &str) -> Ran {
        let file = self.file(name, messages.as_bytes());
        self.run(&["--json", "send", "hl7", file.to_str().expect("UTF-8"), "--to", &self.mllp])
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("waited");
        }
    }
}

/// Waits until something is there.
pub(crate) fn until<T>(mut there: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(found) = there() {
            return Some(found);
        }
        thread::park_timeout(Duration::from_millis(20));
    }
    None
}
