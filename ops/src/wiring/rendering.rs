//! The processes that make pictures: a bounded number at one time, each for one picture, each ended when it is late.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use causeway_core::dicom::picture::PictureAnswer;
use causeway_serve::dicomweb::{Picture, Render, RenderError, RenderJob};

use crate::config::images::ImagesConfig;

/// The longest picture, in bytes.
const PICTURE_BYTES_MAX: u64 = 256 << 20;

/// Starts the processes.
pub(crate) struct Workers {
    program: PathBuf,
    arguments: Vec<String>,
    free: Mutex<usize>,
    freed: Condvar,
    timeout: Duration,
}

impl Workers {
    /// Of this very binary.
    pub(crate) fn new(program: PathBuf, config: &ImagesConfig) -> Self {
        let seconds = config.picture_timeout.as_secs().max(1);
        let arguments = vec!["render-worker".to_owned(), config.picture_memory.to_string(), seconds.to_string()];
        Self {
            program,
            arguments,
            free: Mutex::new(config.pictures_max.max(1)),
            freed: Condvar::new(),
            timeout: config.picture_timeout,
        }
    }

    fn free(&self) -> MutexGuard<'_, usize> {
        // A number is never half changed.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place.
    fn place(&self, until: Instant) -> Result<Place<'_>, RenderError> {
        let mut free = self.free();
        while *free == 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(RenderError::Busy);
            }
            free = self.freed.wait_timeout(free, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *free = free.saturating_sub(1);
        Ok(Place(self))
    }

    fn start(&self) -> Result<Child, RenderError> {
        // Nothing of ours is handed on: no variable of the environment, no files but the three.
        let started = Command::new(&self.program)
            .args(&self.arguments)
            .env_clear()
            // The allocator's habit of reserving a gigabyte would leave nothing of the memory it may take.
            .env("MIMALLOC_ARENA_RESERVE", "65536")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        started.map_err(|error| {
            tracing::error!(%error, "a process that makes pictures could not be started");
            RenderError::Busy
        })
    }
}

/// A place among those that work.
struct Place<'w>(&'w Workers);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free() += 1;
        self.0.freed.notify_one();
    }
}

impl Render for Workers {
    fn render(&self, job: &RenderJob) -> Result<Picture, RenderError> {
        let _place = self.place(Instant::now() + self.timeout)?;
        let mut child = self.start()?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let child = Arc::new(Mutex::new(child));
        let watched = Arc::clone(&child);
        let (done, waits) = mpsc::channel::<()>();
        let timeout = self.timeout;
        let watch = std::thread::spawn(move || {
            let late = waits.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout);
            if late {
                end(&watched);
            }
            late
        });
        let order = serde_json::to_vec(&job.order).unwrap_or_default();
        let length = u32::try_from(order.len()).unwrap_or(u32::MAX).to_le_bytes();
        // A process that has given up closes its end; it has said why, or ended without a word.
        let mut sent = Ok(());
        if let Some(mut input) = input {
            sent = [&length[..], &order, &job.frame].into_iter().try_for_each(|bytes| input.write_all(bytes));
        }
        let mut answer = Vec::new();
        let read = output.map(|output| output.take(PICTURE_BYTES_MAX).read_to_end(&mut answer));
        drop(done);
        let late = watch.join().unwrap_or(true);
        end(&child);
        tracing::debug!(sent = sent.is_ok(), read = ?read.map(|read| read.is_ok()), late, "a picture was asked for");
        if late {
            return Err(RenderError::Broken("they took too long".to_owned()));
        }
        told(answer)
    }
}

/// Ends a process, if it has not ended, and takes its last word.
fn end(child: &Mutex<Child>) {
    let mut child = child.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(error) = child.kill().and_then(|()| child.wait().map(drop)) {
        tracing::debug!(%error, "a process that made pictures had ended already");
    }
}

fn told(mut answer: Vec<u8>) -> Result<Picture, RenderError> {
    let first = answer.first().copied().and_then(PictureAnswer::of);
    let rest = if answer.is_empty() { Vec::new() } else { answer.split_off(1) };
    let words = || String::from_utf8_lossy(&rest).into_owned();
    match first {
        Some(PictureAnswer::Made) => Ok(rest),
        Some(PictureAnswer::Unsupported) => Err(RenderError::Unsupported(words())),
        Some(PictureAnswer::Broken) => Err(RenderError::Broken(words())),
        None => Err(RenderError::Broken("they took more time or memory than they may".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::dicom::picture::PictureOrder;

    use super::*;

    fn workers(script: &str, timeout: Duration) -> Workers {
        let config = ImagesConfig { pictures_max: 1, picture_timeout: timeout, ..ImagesConfig::default() };
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        Workers { arguments, ..Workers::new(PathBuf::from("/bin/sh"), &config) }
    }

    fn job() -> RenderJob {
        let order = PictureOrder {
            transfer_syntax: String::new(),
            rows: 1,
            columns: 1,
            samples: 1,
            planar: false,
            bits_allocated: 8,
            bits_stored: 8,
            signed: false,
            photometric: String::new(),
            slope: 1.0,
            intercept: 0.0,
            window: None,
            within: None,
            jpeg: false,
        };
        RenderJob { order, frame: vec![0; 1 << 20] }
    }

    #[test]
    fn what_a_process_says_is_told_and_one_that_dies_is_no_picture() {
        let patient = Duration::from_secs(20);
        let said = |script: &str| workers(script, patient).render(&job());
        assert_eq!(said("cat >/dev/null; printf Ppicture"), Ok(b"picture".to_vec()));
        assert_eq!(said("cat >/dev/null; printf Uwords"), Err(RenderError::Unsupported("words".to_owned())));
        assert!(matches!(said("kill -9 $$"), Err(RenderError::Broken(_))));
        assert!(matches!(said("exit 0"), Err(RenderError::Broken(_))));
    }

    #[test]
    fn a_process_that_is_late_is_ended_and_its_place_is_free_again() {
        let workers = workers("exec sleep 600", Duration::from_millis(300));
        let begun = Instant::now();
        assert_eq!(workers.render(&job()), Err(RenderError::Broken("they took too long".to_owned())));
        assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
        assert_eq!(*workers.free(), 1);
        *workers.free() = 0;
        assert_eq!(workers.render(&job()), Err(RenderError::Busy));
    }
}
