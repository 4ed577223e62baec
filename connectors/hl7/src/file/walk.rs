//! The round of a file door: look, take, read, put away. On a thread of its own, because disks block.

use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_core::metric;
use causeway_pickup::{End, Picked, Pickup, PickupError, Report, Taken};
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::read::{Reading, Stopped, Summary};
use super::{Bell, FileDoorConfig, PROTOCOL};
use crate::door::Shared;

/// How long a file waits after the log or the disk did not take what it holds.
const PAUSE: Duration = Duration::from_secs(5);

/// A file door at work.
pub(super) struct Walk {
    pub(super) shared: Arc<Shared>,
    pub(super) config: FileDoorConfig,
    pub(super) bell: Arc<Bell>,
    pub(super) runtime: Handle,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Another file, at once.
    Go,
    /// A pause.
    Rest(Duration),
    /// Nothing may be made durable any more.
    Halt,
}

impl Walk {
    /// Goes round until the bell rings.
    pub(super) fn run(&self) {
        let mut pickup = None;
        while !self.bell.has_rung() {
            let next = self.turn(&mut pickup).unwrap_or_else(|error| {
                warn!(feed = self.feed(), error = %told_of(&error), "a folder of files cannot be used at this moment");
                Next::Rest(PAUSE)
            });
            match next {
                Next::Go => {}
                Next::Rest(pause) => self.rest(pause),
                Next::Halt => break,
            }
        }
        self.shared.tally.feed_up(0, false);
    }

    fn turn(&self, pickup: &mut Option<Pickup>) -> Result<Next, PickupError> {
        let scan_every = self.config.pickup.scan_every;
        let pickup = match pickup {
            Some(pickup) => pickup,
            None => match Pickup::open(&self.config.pickup)? {
                Some(opened) => pickup.insert(opened),
                // Another process has it; when that one ends, it is ours.
                None => return Ok(Next::Rest(scan_every)),
            },
        };
        let paused = self.is_paused();
        self.shared.tally.feed_up(0, !paused);
        if paused {
            return Ok(Next::Rest(scan_every));
        }
        match pickup.next(Instant::now())? {
            None => Ok(Next::Rest(scan_every)),
            Some(Picked::Unfit(cause)) => {
                warn!(feed = self.feed(), cause = cause.as_str(), "a file is put aside; see failed/ in its folder");
                self.count("put_aside");
                Ok(Next::Go)
            }
            Some(Picked::File(taken)) => self.take(pickup, taken),
        }
    }

    /// Reads a file and puts it away.
    fn take(&self, pickup: &mut Pickup, taken: Taken) -> Result<Next, PickupError> {
        let read = self.read(pickup, &taken);
        let kept = match read {
            Ok(Read::Whole(summary, report)) => self.put_away(pickup, &taken, &summary, report),
            Ok(Read::Unreadable) => self.fail(pickup, &taken, "FILE_UNREADABLE: The file could not be read to its end"),
            Ok(Read::Stopped(stopped)) => {
                pickup.give_back(taken);
                return Ok(match stopped {
                    Stopped::Bell => Next::Go,
                    Stopped::Halted => Next::Halt,
                    Stopped::NotNow => Next::Rest(PAUSE),
                });
            }
            Err(error) => Err(error),
        };
        if let Err(error) = kept {
            pickup.give_back(taken);
            return Err(error);
        }
        Ok(Next::Go)
    }

    fn read(&self, pickup: &Pickup, taken: &Taken) -> Result<Read, PickupError> {
        let mut report = pickup.report(taken, ".ack")?;
        let file = taken.reader()?;
        let reading = Reading::new(Arc::clone(&self.shared), &self.runtime, &self.bell);
        match reading.run(file, &mut |bytes| report.write(bytes))? {
            Ok(summary) => Ok(Read::Whole(summary, report)),
            Err(super::read::Trouble::Stopped(stopped)) => Ok(Read::Stopped(stopped)),
            Err(super::read::Trouble::Unreadable) => Ok(Read::Unreadable),
        }
    }

    /// A file that was read to its end.
    fn put_away(&self, pickup: &Pickup, taken: &Taken, summary: &Summary, report: Report) -> Result<(), PickupError> {
        if !taken.is_unchanged() {
            return self.fail(
                pickup,
                taken,
                "FILE_CHANGED: The file was still written when it was read: put it in again, whole",
            );
        }
        if summary.messages == 0 && summary.fault.is_none() && !summary.has_envelope {
            return self.fail(pickup, taken, "NO_MESSAGE: The file holds no HL7 message");
        }
        let end = if summary.unkept == 0 { End::Done } else { End::Failed };
        pickup.finish(taken, end, Some(report))?;
        if let Some(reason) = summary.fault {
            self.shared.tally.file_fault(reason);
            warn!(feed = self.feed(), %reason, "a file does not hold what its trailers say; its report tells");
        }
        self.count(if end == End::Done { "done" } else { "failed" });
        let (messages, unkept) = (summary.messages, summary.unkept);
        info!(feed = self.feed(), messages, unkept, bytes = taken.bytes, "a file was read");
        Ok(())
    }

    /// A file that cannot be used.
    fn fail(&self, pickup: &Pickup, taken: &Taken, why: &str) -> Result<(), PickupError> {
        let mut reason = pickup.report(taken, ".reason")?;
        reason.write(why.as_bytes())?;
        reason.write(b"\n")?;
        pickup.finish(taken, End::Failed, Some(reason))?;
        warn!(feed = self.feed(), why, "a file was not taken; see failed/ in its folder");
        self.count("failed");
        Ok(())
    }

    fn count(&self, end: &str) {
        self.shared.ports.metrics.add(&metric::FILES, &[self.feed(), PROTOCOL, end], 1);
    }

    fn feed(&self) -> &str {
        self.shared.feed_name(0)
    }

    fn is_paused(&self) -> bool {
        self.shared.feeds.first().is_some_and(|feed| (self.shared.ports.is_paused)(&feed.config.name))
    }

    /// Waits, unless the bell rings.
    fn rest(&self, pause: Duration) {
        self.runtime.block_on(async {
            tokio::select! {
                () = self.bell.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        });
    }
}

/// What became of the reading of a file.
enum Read {
    Whole(Summary, Report),
    Unreadable,
    Stopped(Stopped),
}

/// An error with its cause, which names no file.
fn told_of(error: &PickupError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}
