//! `causeway feed import`: DICOM files and folders into a feed, by the way of its door and without a network. It goes on where
//! it was, by a journal in the data folder.

mod journal;
mod tree;

use std::cell::RefCell;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_core::envelope::Digest;
use causeway_core::metric::Silent;
use causeway_core::port::Freshness;
use causeway_dicom::config::{DicomFeedConfig, DicomLimits};
use causeway_dicom::status::{Refusal, Status};
use causeway_dicom::{Deposited, Distrust, Importer, Ports, Undeposited};
use clap::Args;
use futures_util::stream::{self, StreamExt as _};
use indicatif::ProgressBar;
use serde_json::json;

use self::journal::Journal;
use self::tree::{Found, Tree};
use crate::cli::context::Context;
use crate::clock::SystemClock;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::engines;
use crate::exit::Exit;
use crate::output::{Table, grouped, progress};
use crate::wiring;

/// So many that were not taken are listed for people.
const SHOWN: usize = 20;
/// So many are listed in JSON; the rest is counted.
const LISTED_MAX: usize = 10_000;
/// The index of a medium (PS3.10 section 8.6): its files are looked for in the folders, not in it.
const DIRECTORY: &str = "DICOMDIR";

/// Arguments of `causeway feed import`.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// DICOM files and folders; folders inside are looked through. Links are not followed, and a DICOMDIR is not needed.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Whose images they are. Default: the only DICOM feed there is.
    #[arg(long)]
    feed: Option<String>,
    /// Take every file again, also those that an earlier import took. What is known has no second effect.
    #[arg(long)]
    again: bool,
    /// Files on their way at one time.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    parallel: u16,
}

/// What became of the files.
#[derive(Default)]
struct Report {
    taken: u64,
    resent: u64,
    /// Taken beside another instance of their UID.
    beside: u64,
    skipped: u64,
    ignored: u64,
    refused: u64,
    listed: Vec<Refused>,
    /// Why it ended before the end.
    stopped: Option<String>,
}

/// A file that was not taken.
struct Refused {
    file: PathBuf,
    /// The status of C-STORE, where the file was looked at.
    status: Option<u16>,
    place: String,
    why: String,
    fix: &'static str,
}

/// Takes the files. Ends with 5 when some were refused.
pub(super) fn run(args: &Import, context: &Context) -> Outcome {
    let began = Instant::now();
    let (feed, limits) = feed(args, context)?;
    let (config, home) = (context.found()?.config(), context.home()?);
    home.make()?;
    let _lock = match (engines::is_local(config), home.lock()) {
        (true, lock) => Some(lock.map_err(|told| match told.code {
            Code::Locked => Diagnostic::new(Code::Locked, "a hub works on this data folder").fix(format!(
                "stop it for the import, or send to it: causeway send dicom DIR --to AE@ADDRESS --journal FILE \
                 (feed `{}`)",
                feed.name
            )),
            _ => told,
        })?),
        (false, lock) => lock.ok(),
    };
    if context.make_store()?.repository.paused_feeds()?.contains(&feed.name) {
        let told = Diagnostic::new(Code::RepositoryRefused, format!("the feed `{}` is paused", feed.name));
        return Err(told.fix(format!("causeway feed resume {}", feed.name)).into());
    }
    let path = home.dir().join("imports").join(format!("{}.journal", feed.name));
    let journal = Journal::open(&path, args.again).map_err(|error| {
        Diagnostic::new(Code::DataFolder, "the journal of imports cannot be used")
            .at(path.display().to_string())
            .because(&error)
    })?;
    let log = engines::open_log(config, &home, &(Arc::new(SystemClock) as _), &(Arc::new(Silent) as _))?;
    let importer = Importer::new(feed.clone(), limits, ports(&log, context)?);
    let bar = progress::bar(&context.terminal, count(args, context), "importing");
    let report = wiring::runtime()?.block_on(import(args, &importer, journal, &bar))?;
    bar.finish_and_clear();
    log.close();
    tell(&report, &feed, began.elapsed(), context)?;
    match &report.stopped {
        Some(why) => {
            let told = Diagnostic::new(Code::Blobs, "the import stopped before its end").why(why.clone());
            Err(told.fix("mend it, and run the same command: it goes on where it was").into())
        }
        None if report.refused == 0 => Ok(Exit::Done),
        None => Ok(Exit::Partly),
    }
}

/// The feed meant, and the limits of its door.
fn feed(args: &Import, context: &Context) -> Outcome<(DicomFeedConfig, DicomLimits)> {
    let config = context.found()?.config();
    let mut all = config.dicom_door.iter().flat_map(|door| door.feeds.iter().map(move |feed| (feed, door.limits)));
    let Some(name) = &args.feed else {
        return match (all.next(), all.next()) {
            (Some((feed, limits)), None) => Ok((feed.clone(), limits)),
            (None, _) => {
                let told = Diagnostic::new(Code::Nothing, "there is no DICOM feed");
                Err(told.fix("add a [[dicom_door]] with a [[dicom_door.feed]]; docs/images.md shows one").into())
            }
            (Some(_), Some(_)) => {
                let told = Diagnostic::new(Code::Argument, "there are several DICOM feeds");
                Err(told.fix("name one with --feed; `causeway feed list` shows them").into())
            }
        };
    };
    if let Some((feed, limits)) = all.find(|(feed, _)| feed.name.as_str() == name) {
        return Ok((feed.clone(), limits));
    }
    let (known, _) = super::configured(name, context)?;
    let told = Diagnostic::new(Code::Argument, format!("the feed `{known}` takes no DICOM"));
    Err(told
        .fix("send HL7 files with `causeway send hl7`, records with `causeway send cm`, or use a watched folder")
        .into())
}

fn ports(log: &engines::LogHandle, context: &Context) -> Outcome<Ports> {
    Ok(Ports {
        log: log.port(),
        blobs: context.blobs()?,
        clock: Arc::new(SystemClock),
        metrics: Arc::new(Silent),
        is_paused: Arc::new(|_feed| false),
        // The operator is told of everything where he stands.
        suspect: Arc::new(|_nobody| {}),
        refused: Arc::new(|_nobody| {}),
        repository: Some(Arc::clone(&context.make_store()?.repository) as _),
        safekeeping: None,
        halt: Arc::new(|cause| match cause {
            Distrust::Log(error) => wiring::halt_log(error),
            Distrust::Blobs(error) => wiring::halt_blobs(error),
        }),
    })
}

/// How many there are, as far as somebody looks at the progress.
fn count(args: &Import, context: &Context) -> u64 {
    if !context.terminal.shows_progress() {
        return 0;
    }
    let files = args.paths.iter().filter_map(|path| Tree::at(path).ok()).flatten();
    u64::try_from(files.count()).unwrap_or(u64::MAX)
}

/// What became of one file.
enum Fate {
    /// It was looked at.
    Answered { file: PathBuf, entry: Digest, answer: Result<Deposited, Undeposited> },
    /// The journal has it.
    Skipped,
    /// It is none that anybody wants.
    Ignored,
    /// It could not be looked at.
    Refused(Refused),
}

async fn import(args: &Import, importer: &Importer, journal: Journal, bar: &ProgressBar) -> Outcome<Report> {
    let mut report = Report::default();
    let journal = RefCell::new(journal);
    for path in &args.paths {
        let unreadable = |error: io::Error| {
            Diagnostic::new(Code::Input, "it cannot be read").at(path.display().to_string()).because(&error)
        };
        // The journal tells files of one name in different folders apart.
        let real = path.canonicalize().map_err(unreadable)?;
        let fates = stream::iter(Tree::at(path).map_err(unreadable)?).map(|found| {
            let below = |found: &Path| match found.strip_prefix(path) {
                Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
                Ok(_) | Err(_) => real.clone(),
            };
            one(found, below, &journal, importer)
        });
        let mut fates = pin!(fates.buffer_unordered(args.parallel.into()));
        while let Some(fate) = fates.next().await {
            bar.inc(1);
            if let Some(entry) = report.count(fate) {
                journal.borrow_mut().note(&entry)?;
            }
            if report.stopped.is_some() {
                return Ok(report);
            }
        }
    }
    Ok(report)
}

/// Takes one file, unless it was taken before.
async fn one(found: Found, real: impl Fn(&Path) -> PathBuf, journal: &RefCell<Journal>, importer: &Importer) -> Fate {
    let refused =
        |file, why: String, fix| Fate::Refused(Refused { file, status: None, place: String::new(), why, fix });
    match found {
        Found::File { path, .. } if path.file_name().is_some_and(|name| name.eq_ignore_ascii_case(DIRECTORY)) => {
            Fate::Ignored
        }
        Found::File { path, mut file } => {
            let entry = match journal::entry(&real(&path), &file) {
                Ok(entry) if journal.borrow().knows(&entry) => return Fate::Skipped,
                Ok(entry) => entry,
                Err(error) => return refused(path, error.to_string(), UNREADABLE),
            };
            match importer.take(&mut file).await {
                Ok(answer) => Fate::Answered { file: path, entry, answer },
                Err(error) => refused(path, error.to_string(), UNREADABLE),
            }
        }
        Found::Left { path, why } => refused(path, why.to_owned(), "name what it leads to, if that is meant"),
        Found::Unreadable { path, error } => refused(path, error.to_string(), UNREADABLE),
    }
}

const UNREADABLE: &str = "see that the file is there and may be read";

impl Report {
    /// Counts a file; gives its line of the journal when it is safe.
    fn count(&mut self, fate: Fate) -> Option<Digest> {
        match fate {
            Fate::Skipped => self.skipped += 1,
            Fate::Ignored => self.ignored += 1,
            Fate::Refused(refused) => self.refuse(refused),
            Fate::Answered { entry, answer: Ok(taken), .. } => {
                match taken.freshness {
                    Freshness::New => self.taken += 1,
                    Freshness::Resent => self.resent += 1,
                    Freshness::ControlIdReused => self.beside += 1,
                }
                return Some(entry);
            }
            Fate::Answered { answer: Err(not), .. } if not.later => self.stopped = Some(not.refusal.comment),
            Fate::Answered { file, answer: Err(not), .. } => {
                let Refusal { status, comment: why, offending } = not.refusal;
                let place = offending.first().map(ToString::to_string).unwrap_or_default();
                self.refuse(Refused { file, status: Some(status.0), place, why, fix: fix(status) });
            }
        }
        None
    }

    fn refuse(&mut self, refused: Refused) {
        self.refused += 1;
        if self.listed.len() < LISTED_MAX {
            self.listed.push(refused);
        }
    }
}

/// What can be done about a status of C-STORE.
const fn fix(status: Status) -> &'static str {
    match status {
        Status::OUT_OF_RESOURCES => "raise `instance_bytes_max` of the feed",
        Status::CLASS_NOT_SUPPORTED => "set `unknown_sop_classes = true` for the feed, if it is an image",
        Status::CANNOT_UNDERSTAND => "copy the file again from where it came, or leave it out if it is no image",
        _ => "ask for the instance again where it was made",
    }
}

fn tell(report: &Report, feed: &DicomFeedConfig, took: Duration, context: &Context) -> Outcome<()> {
    let (terminal, seconds) = (&context.terminal, took.as_secs_f64());
    if terminal.json {
        let one = |refused: &Refused| {
            json!({
                "file": refused.file.display().to_string(), "status": refused.status.map(|status| format!("{status:04X}")),
                "place": refused.place, "why": refused.why, "fix": refused.fix,
            })
        };
        let refused: Vec<_> = report.listed.iter().map(one).collect();
        return terminal.json_line(&json!({
            "v": 1, "feed": feed.name, "taken": report.taken, "resent": report.resent, "beside": report.beside,
            "skipped": report.skipped, "ignored": report.ignored, "refused_count": report.refused, "refused": refused,
            "seconds": seconds,
        }));
    }
    if !report.listed.is_empty() {
        let mut table = Table::new(&["not taken", "where", "why", "what to do"]);
        for refused in report.listed.iter().take(SHOWN) {
            let file = refused.file.display().to_string();
            table.row([file, refused.place.clone(), refused.why.clone(), refused.fix.to_owned()]);
        }
        terminal.table(&table)?;
        let more = report.refused.saturating_sub(u64::try_from(SHOWN).unwrap_or(u64::MAX));
        if more > 0 {
            terminal.say(&format!("and {} more; --json lists them", grouped(more)));
        }
    }
    let parts = [
        (report.taken, "taken"),
        (report.resent, "known already"),
        (report.beside, "taken beside another one of their UID"),
        (report.skipped, "taken by an earlier import"),
        (report.ignored, "DICOMDIR ignored"),
        (report.refused, "refused"),
    ];
    let parts = parts.into_iter().enumerate().filter(|(place, (count, _))| *place == 0 || *count > 0);
    let parts: Vec<_> = parts.map(|(_, (count, what))| format!("{} {what}", grouped(count))).collect();
    terminal.say(&format!("{} in {seconds:.1} s", parts.join(", ")));
    if report.taken > 0 {
        terminal.say("the hub makes records of them when it runs: causeway serve");
    }
    Ok(())
}
