//! The round of a watched folder: look, take, read, put away. On a thread of its own, because disks block. What is in a
//! file is read by the connector's [`Reader`].

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use causeway_core::metric::{self, Metrics};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tracing::{error, info, warn};

use crate::{End, Picked, Pickup, PickupError, PickupSettings, Report, Taken};

/// How long a file waits after the log or the disk did not take what it holds.
const PAUSE: Duration = Duration::from_secs(5);

/// Reads files for a connector. Its methods run on the thread of the round and may block.
pub trait Reader: Send + 'static {
    /// What became of a file that was read whole.
    type Summary;

    /// The ending of the report on a file of this name.
    fn ending(&self, name: &str) -> &'static str;

    /// Reads a file, makes what it holds durable, and writes what became of it into the report.
    ///
    /// # Errors
    /// The disk is away: the file is read again.
    fn read(&self, taken: &Taken, report: &mut Report, bell: &Bell) -> Result<Read<Self::Summary>, PickupError>;

    /// What is counted of a file that was read whole.
    fn kept(&self, summary: &Self::Summary) -> Kept;

    /// The file was put away.
    fn put_away(&self, _summary: &Self::Summary) {}

    /// Whether an operator has paused the feed.
    fn is_paused(&self) -> bool;
}

/// How the reading of a file ended.
#[derive(Debug)]
pub enum Read<S> {
    /// At its end.
    Whole(S),
    /// It cannot be used: a code and a sentence, for the sender.
    Unusable(&'static str),
    /// It is to be read again.
    Stopped(Stopped),
}

/// Why a file is to be read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The hub stops.
    Bell,
    /// The log did not take something, or the feed was paused.
    NotNow,
    /// The log can no longer be trusted.
    Halted,
}

/// What is counted of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Messages or records in it.
    pub items: u64,
    /// Those that were answered and are not in the log. With one of them the file goes to `failed`.
    pub unkept: u64,
}

/// What the round is told of its feed.
#[derive(Clone)]
pub struct Facts {
    /// The name of the feed.
    pub feed: String,
    /// The protocol in the labels of metrics.
    pub protocol: &'static str,
    /// Where numbers go.
    pub metrics: Arc<dyn Metrics>,
}

impl std::fmt::Debug for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Facts").field("feed", &self.feed).finish_non_exhaustive()
    }
}

/// Says that it is time to go.
#[derive(Debug, Default)]
pub struct Bell {
    rung: AtomicBool,
    wake: Notify,
}

impl Bell {
    /// Says it.
    pub fn ring(&self) {
        self.rung.store(true, Ordering::SeqCst);
        self.wake.notify_one();
    }

    /// Whether it was said.
    pub fn has_rung(&self) -> bool {
        self.rung.load(Ordering::SeqCst)
    }

    /// Waits until it is said, or a little less.
    pub async fn heard(&self) {
        self.wake.notified().await;
    }
}

/// A watched folder at work.
#[derive(Debug)]
pub struct Watcher<R> {
    settings: PickupSettings,
    facts: Facts,
    reader: R,
    bell: Arc<Bell>,
    runtime: Handle,
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

impl<R: Reader> Watcher<R> {
    /// A round over a folder. Call it inside a tokio runtime.
    pub fn new(settings: PickupSettings, facts: Facts, reader: R) -> Self {
        Self { settings, facts, reader, bell: Arc::new(Bell::default()), runtime: Handle::current() }
    }

    /// Takes files until `stop`. What is being read then stays in `work`.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) {
        let bell = Arc::clone(&self.bell);
        info!(feed = self.facts.feed, "file door open");
        let mut round = tokio::task::spawn_blocking(move || self.run());
        let ended = tokio::select! {
            ended = &mut round => ended,
            () = stop => {
                bell.ring();
                round.await
            }
        };
        if ended.is_err() {
            error!("a file door ended by a panic");
        }
    }

    /// Goes round until the bell rings.
    fn run(&self) {
        let mut pickup = None;
        while !self.bell.has_rung() {
            let next = self.turn(&mut pickup).unwrap_or_else(|error| {
                let (feed, error) = (&self.facts.feed, told_of(&error));
                warn!(feed, %error, "a folder of files cannot be used at this moment");
                Next::Rest(PAUSE)
            });
            match next {
                Next::Go => {}
                Next::Rest(pause) => self.rest(pause),
                Next::Halt => break,
            }
        }
        self.up(false);
    }

    fn turn(&self, pickup: &mut Option<Pickup>) -> Result<Next, PickupError> {
        let scan_every = self.settings.scan_every;
        let pickup = match pickup {
            Some(pickup) => pickup,
            None => match Pickup::open(&self.settings)? {
                Some(opened) => pickup.insert(opened),
                // Another process has it; when that one ends, it is ours.
                None => return Ok(Next::Rest(scan_every)),
            },
        };
        let paused = self.reader.is_paused();
        self.up(!paused);
        if paused {
            return Ok(Next::Rest(scan_every));
        }
        match pickup.next(Instant::now())? {
            None => Ok(Next::Rest(scan_every)),
            Some(Picked::Unfit(cause)) => {
                let feed = &self.facts.feed;
                warn!(feed, cause = cause.as_str(), "a file is put aside; see failed/ in its folder");
                self.count("put_aside");
                Ok(Next::Go)
            }
            Some(Picked::File(taken)) => self.take(pickup, taken),
        }
    }

    /// Reads a file and puts it away.
    fn take(&self, pickup: &mut Pickup, taken: Taken) -> Result<Next, PickupError> {
        let kept = match self.read(pickup, &taken) {
            Ok((Read::Whole(summary), report)) => self.put_away(pickup, &taken, &summary, report),
            Ok((Read::Unusable(why), _)) => self.fail(pickup, &taken, why),
            Ok((Read::Stopped(stopped), _)) => {
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

    fn read(&self, pickup: &Pickup, taken: &Taken) -> Result<(Read<R::Summary>, Report), PickupError> {
        let mut report = pickup.report(taken, self.reader.ending(&taken.name))?;
        let read = self.reader.read(taken, &mut report, &self.bell)?;
        Ok((read, report))
    }

    /// A file that was read to its end.
    fn put_away(
        &self,
        pickup: &Pickup,
        taken: &Taken,
        summary: &R::Summary,
        report: Report,
    ) -> Result<(), PickupError> {
        if !taken.is_unchanged() {
            let why = "FILE_CHANGED: The file was still written when it was read: put it in again, whole";
            return self.fail(pickup, taken, why);
        }
        let Kept { items, unkept } = self.reader.kept(summary);
        let end = if unkept == 0 { End::Done } else { End::Failed };
        pickup.finish(taken, end, Some(report))?;
        self.reader.put_away(summary);
        self.count(if end == End::Done { "done" } else { "failed" });
        info!(feed = self.facts.feed, items, unkept, bytes = taken.bytes, "a file was read");
        Ok(())
    }

    /// A file that cannot be used.
    fn fail(&self, pickup: &Pickup, taken: &Taken, why: &str) -> Result<(), PickupError> {
        let mut reason = pickup.report(taken, ".reason")?;
        reason.write(why.as_bytes())?;
        reason.write(b"\n")?;
        pickup.finish(taken, End::Failed, Some(reason))?;
        warn!(feed = self.facts.feed, why, "a file was not taken; see failed/ in its folder");
        self.count("failed");
        Ok(())
    }

    fn count(&self, end: &str) {
        self.facts.metrics.add(&metric::FILES, &[&self.facts.feed, self.facts.protocol, end], 1);
    }

    fn up(&self, up: bool) {
        let labels = [self.facts.feed.as_str(), self.facts.protocol];
        self.facts.metrics.set(&metric::FEED_UP, &labels, if up { 1.0 } else { 0.0 });
    }

    /// Waits, unless the bell rings.
    fn rest(&self, pause: Duration) {
        self.runtime.block_on(async {
            tokio::select! {
                () = self.bell.heard() => {}
                () = tokio::time::sleep(pause) => {}
            }
        });
    }
}

/// An error with its cause, which names no file.
fn told_of(error: &PickupError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}
