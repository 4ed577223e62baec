//! The real binary, started, killed and started again.

use std::ffi::OsStr;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::ports::reserve;

/// A hub under test: its folder and its process.
#[derive(Debug)]
pub struct Hub {
    folder: PathBuf,
    mllp: SocketAddr,
    http: SocketAddr,
    child: Option<Child>,
}

/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_secs(60);

impl Hub {
    /// Writes a configuration with one feed for senders `LOAD|GEN` into `folder`. Does not start.
    pub fn new(folder: &Path, provider: &str) -> io::Result<Self> {
        Self::on(folder, provider, "")
    }

    /// The same, on the engines that the lines of TOML in `engines` name.
    pub fn on(folder: &Path, provider: &str, engines: &str) -> io::Result<Self> {
        let (mllp, http) = (reserve()?, reserve()?);
        let config = format!(
            "data_dir = \"data\"\nsynthetic = true\n\n{engines}\n[server]\nlisten = \"{http}\"\n\n[[door]]\nlisten = \"{mllp}\"\n\n\
             [[door.feed]]\nname = \"load\"\nprovider = \"{provider}\"\nsenders = [\"LOAD|GEN\"]\n"
        );
        std::fs::write(folder.join("causeway.toml"), config)?;
        Ok(Self { folder: folder.to_owned(), mllp, http, child: None })
    }

    /// A hub as `causeway init` makes it: one feed that takes whatever comes from loopback. Does not start.
    pub fn newcomer(folder: &Path) -> io::Result<Self> {
        let (mllp, http) = (reserve()?, reserve()?);
        let made = Command::new(binary())
            .args(["init", "--dir"])
            .arg(folder)
            .args(["--mllp-port", &mllp.port().to_string(), "--http-port", &http.port().to_string()])
            .output()?;
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()));
        }
        Ok(Self { folder: folder.to_owned(), mllp, http, child: None })
    }

    /// Where its pages are.
    pub const fn http(&self) -> SocketAddr {
        self.http
    }

    /// Everything it wrote to standard error so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("hub.log")).unwrap_or_default()
    }

    /// Where its MLLP door listens.
    pub const fn mllp(&self) -> SocketAddr {
        self.mllp
    }

    /// Where its data lives.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Starts it and waits until its doors answer.
    pub fn start(&mut self) -> io::Result<()> {
        self.start_as(&[], &[])
    }

    /// Starts it below another program (`strace`, `unshare`), with further arguments of `serve`, and waits until its doors
    /// answer.
    pub fn start_as(&mut self, below: &[&str], arguments: &[&str]) -> io::Result<()> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.join("hub.log"))?;
        let mut command = self.command_below(below, ["serve"].iter().chain(arguments));
        self.child = Some(command.env("CAUSEWAY_LOG", "trace").stdout(Stdio::null()).stderr(log).spawn()?);
        let started = Instant::now();
        let answers = |at: &SocketAddr| TcpStream::connect_timeout(at, Duration::from_millis(200)).is_ok();
        while !(answers(&self.mllp) && answers(&self.http)) {
            if let Some(child) = &mut self.child
                && let Some(status) = child.try_wait()?
            {
                return Err(io::Error::other(format!("the hub ended with {status}: {}", self.log_tail())));
            }
            if started.elapsed() > PATIENCE {
                return Err(io::Error::other("the hub's door did not open in time"));
            }
            thread::park_timeout(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Its process, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Its exit code, once it ended by itself; waits for that.
    pub fn ended(&mut self) -> io::Result<Option<i32>> {
        let started = Instant::now();
        while let Some(child) = &mut self.child {
            if let Some(status) = child.try_wait()? {
                self.child = None;
                return Ok(status.code());
            }
            if started.elapsed() > PATIENCE {
                return Err(io::Error::other("the hub did not end"));
            }
            thread::park_timeout(Duration::from_millis(10));
        }
        Ok(None)
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| child.try_wait().is_ok_and(|ended| ended.is_none()))
    }

    /// `kill -9`, and reaps it.
    pub fn kill(&mut self) -> io::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Holds it, as a machine does that swaps or a virtual one that is moved.
    pub fn pause(&self) -> io::Result<()> {
        self.signal("-STOP")
    }

    /// Lets it go on.
    pub fn wake(&self) -> io::Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> io::Result<()> {
        let Some(child) = &self.child else { return Ok(()) };
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status()?;
        if sent.success() { Ok(()) } else { Err(io::Error::other("the process is gone")) }
    }

    /// Asks it to stop and waits; gives its exit code.
    pub fn stop(&mut self) -> io::Result<Option<i32>> {
        let Some(mut child) = self.child.take() else { return Ok(None) };
        let signalled = Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        debug_assert!(signalled.success(), "kill runs");
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status.code());
            }
            if started.elapsed() > PATIENCE {
                child.kill()?;
                return Err(io::Error::other("the hub did not stop in time"));
            }
            thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Runs a command of the binary against this hub's configuration.
    pub fn run<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> io::Result<Output> {
        self.command(arguments).output()
    }

    fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        self.command_below(&[], arguments)
    }

    fn command_below<S: AsRef<OsStr>>(&self, below: &[&str], arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = match below {
            [] => Command::new(binary()),
            [program, rest @ ..] => {
                let mut command = Command::new(program);
                command.args(rest).arg(binary());
                command
            }
        };
        command.arg("--config").arg(self.folder.join("causeway.toml")).args(arguments).current_dir(&self.folder);
        command
    }

    fn log_tail(&self) -> String {
        self.log().lines().rev().take(5).collect::<Vec<_>>().join(" / ")
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // A test that failed must not leave a hub behind; there is nobody left to tell about an error.
        self.kill().unwrap_or_default();
    }
}

/// The binary of this build: `CAUSEWAY_BIN`, else beside the test's own program.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("CAUSEWAY_BIN") {
        return path.into();
    }
    let own = std::env::current_exe().unwrap_or_default();
    own.ancestors().nth(2).map(|folder| folder.join("causeway")).unwrap_or_default()
}
