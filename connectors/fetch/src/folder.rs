//! A document from a folder of this machine that departments share.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use causeway_core::port::FetchError;
use rustix::fs::{Mode, OFlags};

use crate::check_told;

/// Reads a file below the folder. Links are followed nowhere, and what is no plain file is not opened for reading.
pub(crate) async fn read(
    folder: PathBuf,
    rest: String,
    bytes_max: u64,
    announced: Option<u64>,
) -> Result<Vec<u8>, FetchError> {
    let work = tokio::task::spawn_blocking(move || below(&folder, &rest, bytes_max, announced));
    work.await.map_err(|_error| FetchError::Unreachable("the reading was given up".to_owned()))?
}

fn below(folder: &Path, rest: &str, bytes_max: u64, announced: Option<u64>) -> Result<Vec<u8>, FetchError> {
    let missing = |_error: std::io::Error| FetchError::Unreachable("there is no such file that may be read".to_owned());
    let file = open(folder, rest).map_err(missing)?;
    let facts = file.metadata().map_err(missing)?;
    if !facts.is_file() {
        return Err(FetchError::Forbidden("what stands there is no file".to_owned()));
    }
    check_told(facts.len(), bytes_max, announced)?;
    let mut bytes = Vec::new();
    // One more than allowed, in case it grew meanwhile.
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(missing)?;
    let came = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if came > bytes_max { Err(FetchError::TooLong { bytes_max }) } else { Ok(bytes) }
}

/// Opens step by step from the folder down, so that a link put there by whoever may write can lead nowhere else.
fn open(folder: &Path, rest: &str) -> std::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let mut at = rustix::fs::open(folder, flags | OFlags::DIRECTORY, Mode::empty())?;
    for segment in rest.split('/') {
        at = rustix::fs::openat(&at, segment, flags | OFlags::NOFOLLOW, Mode::empty())?;
    }
    Ok(File::from(at))
}
