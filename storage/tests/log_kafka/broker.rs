//! Brokers of a test's own, which it may stop, kill and start again.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// One broker or three; stopped when dropped.
pub(crate) struct Brokers {
    dir: TempDir,
}

/// The script that runs them.
fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops/dev/kafka")
}

/// Runs a command to its end.
fn run(command: &mut Command) {
    let status = command.status().expect("the command can be run");
    assert!(status.success(), "{command:?}: {status}; see what it said above");
}

impl Brokers {
    /// Starts so many, with these options besides.
    pub(crate) fn start(count: u8, options: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("folder");
        // Made before they start, so that what did start is stopped when the rest does not.
        let brokers = Self { dir };
        let mut start = Command::new(script());
        start.args(["start", "--brokers", &count.to_string()]).args(options).arg(brokers.dir.path());
        run(&mut start);
        brokers
    }

    /// What the script wrote into one of its files.
    pub(crate) fn read(&self, name: &str) -> String {
        let text = std::fs::read_to_string(self.path(name)).expect("the script wrote it");
        text.trim().to_owned()
    }

    /// One of the script's files or folders.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where they listen.
    pub(crate) fn bootstrap(&self) -> String {
        self.read("bootstrap")
    }

    /// Sends a signal to one of them, 1 for the first.
    pub(crate) fn signal(&self, number: u8, signal: &str) {
        let pid = self.read(&format!("broker-{number}.pid"));
        run(Command::new("kill").args([format!("-{signal}"), pid]));
    }

    /// Starts one again that was killed.
    pub(crate) fn start_again(&self, number: u8) {
        run(Command::new(script()).arg("broker").arg(self.dir.path()).arg(number.to_string()));
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        // A test that fails says why it fails, not why this did.
        drop(Command::new(script()).arg("stop").arg(self.dir.path()).status());
    }
}
