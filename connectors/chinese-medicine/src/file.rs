//! The file door: records in files, as JSON, NDJSON or CSV, through the same desk as HTTP.
//!
//! A file is answered by a result file beside it, once everything in it is in the log or refused. Until then it stays in
//! `work` and is read again from its beginning after a stop: the log knows what it has, so nothing has a second effect.

use std::collections::VecDeque;
use std::fs::File;
use std::future::Future;
use std::io::Read as _;
use std::sync::Arc;

use causeway_pickup::{
    Bell, Facts, Kept, Pickup, PickupError, Read, Reader, Report, Stopped, Taken as Picked, Watcher,
};
use causeway_tls::TlsError;
use jiff::tz::TimeZone;
use tokio::runtime::Handle;

use crate::answer;
use crate::config::CmFileDoorConfig;
use crate::csv::{Reading, Unread, Visit, Visits};
use crate::desk::{Begun, Desk, Ports, Taken, too_long};
use crate::lines::{self, Line, Lines};

/// The protocol in the labels of metrics.
pub const PROTOCOL: &str = "cm-file";
/// Bytes of a file read at once.
const CHUNK: usize = 256 << 10;
/// What is said of a file that gives no more.
const UNREADABLE: &str = "FILE_UNREADABLE: The file could not be read to its end";

/// A folder that is watched. Files are taken once [`CmFileDoor::serve`] runs.
#[derive(Debug)]
pub struct CmFileDoor {
    config: CmFileDoorConfig,
    ports: Ports,
    desk: Arc<Desk>,
}

/// Why a folder cannot be watched.
#[derive(Debug, thiserror::Error)]
pub enum FileDoorError {
    /// It cannot be used.
    #[error(transparent)]
    Folder(#[from] PickupError),
    /// The desk cannot be opened.
    #[error(transparent)]
    Desk(#[from] TlsError),
}

impl CmFileDoor {
    /// Looks at the folder of a configuration that was checked.
    ///
    /// # Errors
    /// The folder cannot be used.
    pub fn open(config: CmFileDoorConfig, ports: Ports) -> Result<Self, FileDoorError> {
        // Who else watches it is asked again at every look; here it is only seen whether it can be watched at all.
        Pickup::open(&config.pickup)?;
        let desk = Arc::new(Desk::for_files(config.as_door(), ports.clone())?);
        Ok(Self { config, ports, desk })
    }

    /// Takes files until `stop`. What is being read then stays in `work`. Call it inside a tokio runtime.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) {
        let Self { config, ports, desk } = self;
        let feed = config.feed.name.to_string();
        let facts = Facts { feed, protocol: PROTOCOL, metrics: Arc::clone(&ports.metrics) };
        let reading = Reading {
            charset: config.feed.charset.clone(),
            zone: TimeZone::get(&config.feed.time_zone).unwrap_or(TimeZone::UTC),
            record_bytes_max: desk.record_bytes_max(),
        };
        let records = Records { desk, ports, config: config.clone(), reading, runtime: Handle::current() };
        Watcher::new(config.pickup, facts, records).serve(stop).await;
    }
}

/// Reads files of records for a feed.
struct Records {
    desk: Arc<Desk>,
    ports: Ports,
    config: CmFileDoorConfig,
    reading: Reading,
    runtime: Handle,
}

/// What a file is, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Csv,
    Json,
    Other,
}

impl Kind {
    fn of(name: &str) -> Self {
        match name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "csv" => Self::Csv,
            "json" | "ndjson" | "jsonl" => Self::Json,
            _ => Self::Other,
        }
    }
}

impl Reader for Records {
    type Summary = Kept;

    fn ending(&self, name: &str) -> &'static str {
        if Kind::of(name) == Kind::Csv { ".result.csv" } else { ".result.ndjson" }
    }

    fn read(&self, taken: &Picked, report: &mut Report, bell: &Bell) -> Result<Read<Kept>, PickupError> {
        let file = taken.reader()?;
        let queue = Queue { records: self, report, bell, waiting: VecDeque::new(), kept: Kept { items: 0, unkept: 0 } };
        let ended = match Kind::of(&taken.name) {
            Kind::Csv => queue.spreadsheet(file)?,
            Kind::Json => queue.documents(file)?,
            Kind::Other => {
                let why = "FILE_NAME: The name ends in none of .csv, .json, .ndjson and .jsonl: rename the file and put it in again";
                Read::Unusable(why)
            }
        };
        Ok(match ended {
            Read::Whole(Kept { items: 0, .. }) => Read::Unusable("NO_RECORD: The file holds no record"),
            other => other,
        })
    }

    fn kept(&self, summary: &Kept) -> Kept {
        *summary
    }

    fn is_paused(&self) -> bool {
        (self.ports.is_paused)(&self.config.feed.name)
    }
}

/// The records of one file on their way to the log, in the order of the file; no more of them than the limit.
struct Queue<'f> {
    records: &'f Records,
    report: &'f mut Report,
    bell: &'f Bell,
    waiting: VecDeque<(Item, Begun)>,
    kept: Kept,
}

/// What a record is in its file.
enum Item {
    Line(u64),
    Visit(Visit),
}

/// Goes on, or ends the reading of the file.
type Step = Result<Option<Stopped>, PickupError>;

impl Queue<'_> {
    fn spreadsheet(mut self, file: File) -> Result<Read<Kept>, PickupError> {
        self.report.write(answer::HEADING.as_bytes())?;
        let mut visits = match Visits::open(file, self.records.reading.clone()) {
            Ok(visits) => visits,
            Err(Unread::Disk(_)) => return Ok(Read::Unusable(UNREADABLE)),
            Err(Unread::Faults(faults)) => {
                let visit = Visit { first: 1, last: 1, record: Err(faults) };
                self.report.write(answer::rows(&visit, &Taken::Rejected(Vec::new())).as_bytes())?;
                return Ok(Read::Whole(Kept { items: 1, unkept: 1 }));
            }
        };
        loop {
            let visit = match visits.next_visit() {
                Ok(Some(visit)) => visit,
                Ok(None) => return self.end(),
                Err(_) => return Ok(Read::Unusable(UNREADABLE)),
            };
            let begun = match &visit.record {
                Ok(bytes) => self.records.desk.begin(0, bytes, None),
                // What is wrong with its rows stands in the visit.
                Err(_) => self.records.desk.refuse(0, Vec::new()),
            };
            if let Some(stopped) = self.push(Item::Visit(visit), begun)? {
                return Ok(Read::Stopped(stopped));
            }
        }
    }

    fn documents(mut self, mut file: File) -> Result<Read<Kept>, PickupError> {
        let bytes_max = self.records.desk.record_bytes_max();
        let mut head = Vec::new();
        let whole_max = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
        if (&mut file).take(whole_max).read_to_end(&mut head).is_err() {
            return Ok(Read::Unusable(UNREADABLE));
        }
        if !lines::are_lines(&head) {
            let stopped = if head.iter().all(u8::is_ascii_whitespace) {
                None
            } else {
                self.line(Line::Whole { number: 1, bytes: head })?
            };
            return stopped.map_or_else(|| self.end(), |stopped| Ok(Read::Stopped(stopped)));
        }
        let mut lines = Lines::new(bytes_max);
        let mut buffer = vec![0; CHUNK];
        let mut part = head;
        loop {
            for line in lines.feed(&part) {
                if let Some(stopped) = self.line(line)? {
                    return Ok(Read::Stopped(stopped));
                }
            }
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => part = buffer.get(..read).unwrap_or_default().to_vec(),
                Err(_) => return Ok(Read::Unusable(UNREADABLE)),
            }
        }
        if let Some(line) = lines.finish()
            && let Some(stopped) = self.line(line)?
        {
            return Ok(Read::Stopped(stopped));
        }
        self.end()
    }

    fn line(&mut self, line: Line) -> Step {
        let desk = &self.records.desk;
        let (number, begun) = match line {
            Line::Whole { number, bytes } => (number, desk.begin(0, &bytes, None)),
            Line::TooLong { number } => (number, desk.refuse(0, vec![too_long(desk.record_bytes_max())])),
        };
        self.push(Item::Line(number), begun)
    }

    fn push(&mut self, item: Item, begun: Begun) -> Step {
        self.waiting.push_back((item, begun));
        if self.waiting.len() < self.records.config.limits.in_flight_max { Ok(None) } else { self.settle() }
    }

    /// Waits for the first record and writes what became of it.
    fn settle(&mut self) -> Step {
        let Some((item, begun)) = self.waiting.pop_front() else { return Ok(None) };
        if self.bell.has_rung() {
            return Ok(Some(Stopped::Bell));
        }
        let taken = self.records.runtime.block_on(async {
            tokio::select! {
                taken = self.records.desk.finish(begun) => Some(taken),
                () = self.bell.heard() => None,
            }
        });
        match taken {
            None => return Ok(Some(Stopped::Bell)),
            Some(Taken::Later) => return Ok(Some(self.records.desk.later())),
            Some(taken) => {
                self.kept.items = self.kept.items.saturating_add(1);
                if matches!(taken, Taken::Rejected(_)) {
                    self.kept.unkept = self.kept.unkept.saturating_add(1);
                }
                let told = match &item {
                    Item::Line(number) => answer::result(*number, &taken).to_string() + "\n",
                    Item::Visit(visit) => answer::rows(visit, &taken),
                };
                self.report.write(told.as_bytes())?;
            }
        }
        Ok(None)
    }

    fn end(mut self) -> Result<Read<Kept>, PickupError> {
        while !self.waiting.is_empty() {
            if let Some(stopped) = self.settle()? {
                return Ok(Read::Stopped(stopped));
            }
        }
        Ok(Read::Whole(self.kept))
    }
}
