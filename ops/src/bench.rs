//! `causeway bench`: how fast this machine is at the door, at mapping, and from the door to the repository.

pub(crate) mod door;
mod load;
pub(crate) mod map;
pub(crate) mod persist;

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::Config;
use crate::diagnostic::{Code, Diagnostic};
use crate::generate::provider;

/// The message sent when no other is given: a laboratory report of four results. `{ID}` and `{PAT}` are filled in.
const MESSAGE: &str = include_str!("bench/oru.hl7");

/// What a benchmark found. Only ratios within one run on one machine mean anything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Found {
    /// The version of this shape.
    pub(crate) v: u32,
    /// Which benchmark.
    pub(crate) bench: &'static str,
    /// Messages in all.
    pub(crate) messages: u64,
    /// How long they took.
    pub(crate) seconds: f64,
    /// Messages a second.
    pub(crate) rate: f64,
    /// Half of them took no longer, in milliseconds.
    pub(crate) p50_ms: f64,
    /// 99 of 100 took no longer, in milliseconds.
    pub(crate) p99_ms: f64,
    /// Messages that were refused, not answered, or not mapped.
    pub(crate) failed: u64,
}

impl Found {
    /// The same with so many messages: more than times were kept of.
    #[expect(clippy::cast_precision_loss, reason = "counts below 2^53 are exact")]
    fn of(self, messages: u64) -> Self {
        Self { messages, rate: messages as f64 / self.seconds.max(f64::EPSILON), ..self }
    }
}

/// The message to send, with carriage returns between segments.
fn message(file: Option<&Path>) -> Result<String, Diagnostic> {
    let text = match file {
        None => MESSAGE.to_owned(),
        Some(file) => std::fs::read_to_string(file).map_err(|error| {
            Diagnostic::new(Code::Input, "the message cannot be read").at(file.display().to_string()).because(&error)
        })?,
    };
    let bytes = crate::input::with_carriage_returns(text.as_bytes());
    String::from_utf8(bytes)
        .map_err(|error| Diagnostic::new(Code::NoMessage, "the message is not UTF-8").because(&error))
}

/// A folder that is gone afterwards, on the disk that is to be measured: memory file systems sync in no time.
fn folder(parent: Option<&Path>) -> Result<tempfile::TempDir, Diagnostic> {
    let parent = parent.map_or_else(|| PathBuf::from("."), Path::to_owned);
    tempfile::Builder::new().prefix(".causeway-bench-").tempdir_in(&parent).map_err(|error| {
        Diagnostic::new(Code::Output, "no folder can be made").at(parent.display().to_string()).because(&error)
    })
}

/// A hub with one catch-all feed on ports that are free.
fn config() -> Result<Config, Diagnostic> {
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[[door]]\nlisten = \"127.0.0.1:0\"\n[[door.feed]]\nname = \"bench\"\n\
         provider = \"{}\"\nsenders = [\"any\"]\nprocessing_ids = [\"any\"]\nversions = [\"any\"]\n",
        provider::NEWCOMER
    );
    toml::from_str(&text)
        .map_err(|error| Diagnostic::new(Code::Internal, "the benchmark's configuration does not hold").because(&error))
}
