//! What this process may take, set by itself before it reads anything.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// The bounds of one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory it may write to, in bytes.
    pub memory_bytes: u64,
    /// Processor time, in seconds.
    pub cpu_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_bytes: 1 << 30, cpu_seconds: 20 }
    }
}

impl Limits {
    /// Sets them for this process. They cannot be raised again.
    pub(crate) fn set(self) -> io::Result<()> {
        let both = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(Resource::Cpu, both(self.cpu_seconds))?;
        setrlimit(Resource::Data, both(self.memory_bytes))?;
        setrlimit(Resource::Core, both(0))?;
        // What it needs is open already; it writes no file.
        setrlimit(Resource::Fsize, both(0))?;
        setrlimit(Resource::Nofile, both(3))?;
        Ok(())
    }
}
