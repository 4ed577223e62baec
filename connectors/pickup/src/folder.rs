//! A folder by its descriptor: whoever swaps the path under us swaps nothing for us.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, Mode, OFlags, RenameFlags, Stat, fstat, fsync, mkdirat, openat, renameat, renameat_with, statat,
    unlinkat,
};
use rustix::io::Errno;

/// Tries of a free name.
const NAMES_MAX: u32 = 10_000;

/// An open folder.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl Folder {
    /// The folder at a path, which may be a link.
    pub(crate) fn open(path: &Path) -> Result<Self, Errno> {
        openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map(Self)
    }

    /// The folder in this one, made when it is missing. It may not be a link.
    pub(crate) fn make(&self, name: &str) -> Result<Self, Errno> {
        match mkdirat(&self.0, name, Mode::from_raw_mode(0o750)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&self.0, name, flags, Mode::empty()).map(Self)
    }

    /// Up to `max` names in it.
    pub(crate) fn names(&self, max: usize) -> Result<Vec<OsString>, Errno> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
            if names.len() >= max {
                break;
            }
        }
        Ok(names)
    }

    /// What an entry is; of a link, the link.
    pub(crate) fn stat(&self, name: &OsStr) -> Result<Stat, Errno> {
        statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    /// Opens a file for reading. A link is not followed, and a pipe does not block.
    pub(crate) fn read(&self, name: &str) -> Result<(File, Stat), Errno> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = openat(&self.0, name, flags, Mode::empty())?;
        let stat = fstat(&fd)?;
        Ok((File::from(fd), stat))
    }

    /// A new file for writing, in place of one of the same name.
    pub(crate) fn create(&self, name: &str) -> Result<File, Errno> {
        self.remove(name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&self.0, name, flags, Mode::from_raw_mode(0o640)).map(File::from)
    }

    /// A file that stays, for a lock.
    pub(crate) fn lock_file(&self, name: &str) -> Result<File, Errno> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&self.0, name, flags, Mode::from_raw_mode(0o640)).map(File::from)
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Errno> {
        match unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Moves an entry to another folder, unless the name is used there.
    pub(crate) fn shift(&self, name: &OsStr, to: &Self, new_name: &str) -> Result<(), Errno> {
        renameat_with(&self.0, name, &to.0, new_name, RenameFlags::NOREPLACE)
    }

    /// Moves a file to another folder, in place of one of the same name.
    pub(crate) fn replace(&self, name: &str, to: &Self, new_name: &str) -> Result<(), Errno> {
        renameat(&self.0, name, &to.0, new_name)
    }

    /// A name like `name` that is free here.
    pub(crate) fn free_name(&self, name: &str) -> Result<String, Errno> {
        let candidates =
            std::iter::once(name.to_owned()).chain((2..NAMES_MAX).map(|number| format!("{name}.{number}")));
        for candidate in candidates {
            match self.stat(OsStr::new(&candidate)) {
                Err(Errno::NOENT) => return Ok(candidate),
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Err(Errno::EXIST)
    }

    /// Makes what was moved here durable.
    pub(crate) fn sync(&self) -> Result<(), Errno> {
        fsync(&self.0)
    }
}
