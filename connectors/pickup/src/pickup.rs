//! The walk of a file through the folders.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{File, TryLockError};
use std::io::{BufWriter, Seek};
use std::time::{Duration, Instant};

use rustix::fs::{FileType, fstat};
use rustix::io::Errno;

use crate::PickupError;
use crate::fit::{Name, Unfit, judge, judge_kind, tame};
use crate::folder::Folder;
use crate::report::Report;
use crate::settings::PickupSettings;
use crate::still::{Stamp, Watch};

/// Who holds a lock on this file watches the folder.
const LOCK: &str = ".causeway.lock";

/// A folder that is watched. Its methods block on the disk.
#[derive(Debug)]
pub struct Pickup {
    folder: Folder,
    work: Folder,
    done: Folder,
    failed: Folder,
    still_for: Duration,
    scan_max: usize,
    watch: Watch,
    /// Files in `work` that a process before us did not finish.
    left: VecDeque<String>,
    ready: VecDeque<(String, Stamp)>,
    unfit: VecDeque<(OsString, Unfit)>,
    /// Entries that can neither be taken nor put aside; told once.
    stuck: BTreeSet<OsString>,
    /// Held as long as we live: two processes that share a folder do not read one file twice.
    _lock: File,
}

/// What came out of the folder.
#[derive(Debug)]
pub enum Picked {
    /// A file to read.
    File(Taken),
    /// One that was put aside, with the reason beside it.
    Unfit(Unfit),
}

/// A file that is ours.
#[derive(Debug)]
pub struct Taken {
    /// Its name. Senders write patients' numbers into names: not for logs.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    file: File,
    stamp: Stamp,
}

/// Where a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// To `done`.
    Done,
    /// To `failed`.
    Failed,
}

impl Taken {
    /// The file, from its beginning.
    ///
    /// # Errors
    /// The disk is away.
    pub fn reader(&self) -> Result<File, PickupError> {
        let cannot = || PickupError::of::<std::io::Error>("a file cannot be read");
        let mut file = self.file.try_clone().map_err(cannot())?;
        file.rewind().map_err(cannot())?;
        Ok(file)
    }

    /// Nobody has written to it since it was taken.
    pub fn is_unchanged(&self) -> bool {
        fstat(&self.file).is_ok_and(|stat| Stamp::of(&stat) == self.stamp)
    }
}

impl Pickup {
    /// Opens a folder and makes those in it. `None` while another process watches it.
    ///
    /// # Errors
    /// There is no such folder, or it cannot be written to.
    pub fn open(settings: &PickupSettings) -> Result<Option<Self>, PickupError> {
        let cannot = || PickupError::of::<Errno>("the folder cannot be opened");
        let folder = Folder::open(&settings.folder).map_err(cannot())?;
        let lock = folder.lock_file(LOCK).map_err(cannot())?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => {
                return Err(PickupError { what: "the folder cannot be locked", source });
            }
        }
        let make = |name| folder.make(name).map_err(PickupError::of("a folder cannot be made in the folder"));
        let (work, done, failed) = (make("work")?, make("done")?, make("failed")?);
        let left = left_over(&work).map_err(cannot())?;
        Ok(Some(Self {
            folder,
            work,
            done,
            failed,
            still_for: settings.still_for,
            scan_max: settings.scan_max,
            watch: Watch::default(),
            left,
            ready: VecDeque::new(),
            unfit: VecDeque::new(),
            stuck: BTreeSet::new(),
            _lock: lock,
        }))
    }

    /// The next file: what was left in `work` first, then what is ready in the folder, the oldest first. `None` when there
    /// is nothing at this moment.
    ///
    /// # Errors
    /// The disk is away.
    pub fn next(&mut self, now: Instant) -> Result<Option<Picked>, PickupError> {
        if self.left.is_empty() && self.ready.is_empty() && self.unfit.is_empty() {
            self.scan(now)?;
        }
        while let Some(name) = self.left.pop_front() {
            if let Some(picked) = self.open_work(name, None)? {
                return Ok(Some(picked));
            }
        }
        if let Some((name, cause)) = self.unfit.pop_front() {
            return Ok(Some(self.put_aside(&name, cause)));
        }
        while let Some((name, stamp)) = self.ready.pop_front() {
            if let Some(picked) = self.take(name, stamp)? {
                return Ok(Some(picked));
            }
        }
        Ok(None)
    }

    /// A report on a file, which will stand beside it with this ending. One that was begun before is forgotten.
    ///
    /// # Errors
    /// The disk is full or away.
    pub fn report(&self, taken: &Taken, ending: &'static str) -> Result<Report, PickupError> {
        let name = format!(".{}{ending}", taken.name);
        let file = self.work.create(&name).map_err(PickupError::of("a report cannot be written"))?;
        Ok(Report { file: BufWriter::new(file), name, ending })
    }

    /// Moves a file to its end, with its report, and makes both durable. The report is there first.
    ///
    /// # Errors
    /// The disk is full or away. The file is then still in `work`; [`give_back`](Self::give_back) it.
    pub fn finish(&self, taken: &Taken, end: End, report: Option<Report>) -> Result<(), PickupError> {
        let to = match end {
            End::Done => &self.done,
            End::Failed => &self.failed,
        };
        let cannot = || PickupError::of::<Errno>("a file cannot be moved");
        let name = to.free_name(&taken.name).map_err(cannot())?;
        if let Some(report) = report {
            let (temporary, ending) = report.end()?;
            self.work.replace(&temporary, to, &format!("{name}{ending}")).map_err(cannot())?;
        }
        self.work.shift(OsStr::new(&taken.name), to, &name).map_err(cannot())?;
        to.sync().and_then(|()| self.work.sync()).map_err(cannot())
    }

    /// Reads a file again later.
    pub fn give_back(&mut self, taken: Taken) {
        self.left.push_back(taken.name);
    }

    /// Looks at the folder.
    fn scan(&mut self, now: Instant) -> Result<(), PickupError> {
        let names = self.folder.names(self.scan_max).map_err(PickupError::of("the folder cannot be read"))?;
        self.stuck.retain(|name| names.contains(name));
        let mut there = Vec::new();
        for name in names.into_iter().filter(|name| !self.stuck.contains(name)) {
            // Gone again: somebody else's business.
            let Ok(stat) = self.folder.stat(&name) else { continue };
            if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
                continue;
            }
            match (judge(&name), judge_kind(&stat)) {
                (Name::Unfinished, _) => {}
                (Name::Unfit(cause), _) | (Name::Fit(_), Err(cause @ Unfit::NoFile)) => {
                    self.unfit.push_back((name, cause))
                }
                // A second name may be on its way out: senders that link and unlink are given the time to.
                (Name::Fit(text), _) => there.push((text, Stamp::of(&stat))),
            }
        }
        self.ready = self.watch.look(there, self.still_for, now).into();
        Ok(())
    }

    /// Takes a file that is still.
    fn take(&mut self, name: String, stamp: Stamp) -> Result<Option<Picked>, PickupError> {
        match self.folder.shift(OsStr::new(&name), &self.work, &name) {
            Ok(()) => self.open_work(name, Some(stamp)),
            // Gone, or one of this name is not finished: later.
            Err(Errno::NOENT | Errno::EXIST) => Ok(None),
            Err(_) => {
                self.stuck.insert(name.into());
                Ok(Some(Picked::Unfit(Unfit::Locked)))
            }
        }
    }

    /// Opens a file in `work`, if it is what it was.
    fn open_work(&mut self, name: String, seen: Option<Stamp>) -> Result<Option<Picked>, PickupError> {
        let (file, stat) = match self.work.read(&name) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::ACCESS | Errno::PERM) => return self.fail_work(&name, Unfit::Locked),
            Err(Errno::LOOP | Errno::NXIO) => return self.fail_work(&name, Unfit::NoFile),
            Err(error) => {
                self.left.push_back(name);
                return Err(PickupError::of("a file cannot be opened")(error));
            }
        };
        if let Err(cause) = judge_kind(&stat) {
            return self.fail_work(&name, cause);
        }
        let stamp = Stamp::of(&stat);
        if seen.is_some_and(|seen| seen != stamp) {
            // Written between our look and our rename: it goes back and is looked at anew.
            return match self.work.shift(OsStr::new(&name), &self.folder, &name) {
                Ok(()) => Ok(None),
                Err(_) => self.fail_work(&name, Unfit::Changed),
            };
        }
        Ok(Some(Picked::File(Taken { name, bytes: stamp.bytes(), file, stamp })))
    }

    fn fail_work(&self, name: &str, cause: Unfit) -> Result<Option<Picked>, PickupError> {
        set_aside(&self.work, OsStr::new(name), &self.failed, cause)
            .map_err(PickupError::of("a file cannot be moved"))?;
        Ok(Some(Picked::Unfit(cause)))
    }

    /// Moves what is no fit file to `failed`, under a name that can be shown.
    fn put_aside(&mut self, name: &OsStr, cause: Unfit) -> Picked {
        match set_aside(&self.folder, name, &self.failed, cause) {
            Ok(()) => Picked::Unfit(cause),
            Err(_) => {
                self.stuck.insert(name.to_owned());
                Picked::Unfit(Unfit::Locked)
            }
        }
    }
}

/// Moves an entry to `failed` with its reason.
fn set_aside(from: &Folder, name: &OsStr, failed: &Folder, cause: Unfit) -> Result<(), std::io::Error> {
    let free = failed.free_name(&tame(name))?;
    let reason = failed.create(&format!("{free}.reason"))?;
    let mut report = Report { file: BufWriter::new(reason), name: String::new(), ending: "" };
    let told = format!("{}: {}\n", cause.as_str().to_ascii_uppercase(), cause.text());
    let written = report.write(told.as_bytes()).and_then(|()| report.end());
    written.map_err(|error| error.source)?;
    from.shift(name, failed, &free)?;
    Ok(failed.sync()?)
}

/// The files that were being read when a process ended. Reports that were begun are forgotten.
fn left_over(work: &Folder) -> Result<VecDeque<String>, Errno> {
    let mut left = Vec::new();
    for name in work.names(usize::MAX)? {
        // Everything here came by `take`, so its name is text.
        let Some(name) = name.to_str() else { continue };
        if name.starts_with('.') {
            work.remove(name)?;
        } else {
            left.push(name.to_owned());
        }
    }
    left.sort_unstable();
    Ok(left.into())
}
