//! The files below a folder, without leaving it: folders are entered by their descriptors and no link is followed, so that
//! neither a link nor `..` nor a folder that is swapped meanwhile leads anywhere else.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

/// Folders within folders.
const DEPTH_MAX: usize = 64;

/// Something below the folder.
pub(super) enum Found {
    /// A file, open for reading.
    File {
        /// Where, for people.
        path: PathBuf,
        /// It.
        file: File,
    },
    /// Something that is not looked at, and why.
    Left {
        /// Where, for people.
        path: PathBuf,
        /// Why not.
        why: &'static str,
    },
    /// Something that could not be read.
    Unreadable {
        /// Where, for people.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// Goes through a folder, folders inside included, by name.
pub(super) struct Tree {
    open: Vec<Level>,
    /// A path that was no folder.
    single: Option<Found>,
}

struct Level {
    folder: OwnedFd,
    path: PathBuf,
    /// The last one comes first.
    names: Vec<OsString>,
}

impl Tree {
    /// From a path that someone wrote: it may be a link itself, or one file.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(super) fn at(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat(CWD, path, flags, Mode::empty()) {
            Ok(folder) => Ok(Self { open: vec![Level::read(folder, path.to_owned())?], single: None }),
            Err(Errno::NOTDIR) => {
                let single = Found::File { path: path.to_owned(), file: File::open(path)? };
                Ok(Self { open: Vec::new(), single: Some(single) })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What a name of the innermost folder is; `None` for a folder, which is entered.
    fn look(&mut self, name: &OsStr) -> Option<Found> {
        let level = self.open.last()?;
        let path = level.path.join(name);
        let kind = match statat(&level.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => FileType::from_raw_mode(stat.st_mode),
            Err(error) => return Some(Found::Unreadable { path, error: error.into() }),
        };
        let opened = match kind {
            FileType::Symlink => return Some(Found::Left { path, why: "a link: what it leads to may be anywhere" }),
            FileType::Directory if self.open.len() >= DEPTH_MAX => {
                return Some(Found::Left { path, why: "folders are nested deeper than 64" });
            }
            FileType::Directory => self.enter(name, &path),
            FileType::RegularFile => self.file(name, &path).map(Some),
            _ => return Some(Found::Left { path, why: "neither a file nor a folder" }),
        };
        opened.unwrap_or_else(|error| Some(Found::Unreadable { path, error }))
    }

    fn enter(&mut self, name: &OsStr, path: &Path) -> io::Result<Option<Found>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        if let Some(level) = self.open.last() {
            let folder = openat(&level.folder, name, flags, Mode::empty())?;
            self.open.push(Level::read(folder, path.to_owned())?);
        }
        Ok(None)
    }

    /// Opens a file; what was one a moment ago and is something else is told as the system does.
    fn file(&self, name: &OsStr, path: &Path) -> io::Result<Found> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let level = self.open.last().ok_or(io::ErrorKind::NotFound)?;
        let file = File::from(openat(&level.folder, name, flags, Mode::empty())?);
        Ok(Found::File { path: path.to_owned(), file })
    }
}

impl Iterator for Tree {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        if self.single.is_some() {
            return self.single.take();
        }
        loop {
            match self.open.last_mut()?.names.pop() {
                Some(name) => {
                    if let Some(found) = self.look(&name) {
                        return Some(found);
                    }
                }
                None => drop(self.open.pop()),
            }
        }
    }
}

impl Level {
    fn read(folder: OwnedFd, path: PathBuf) -> io::Result<Self> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable_by(|one, other| other.cmp(one));
        Ok(Self { folder, path, names })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    fn seen(path: &Path) -> Vec<(String, String)> {
        let of = |found: Found| match found {
            Found::File { path, mut file } => {
                let mut text = String::new();
                file.read_to_string(&mut text).expect("readable");
                (path, text)
            }
            Found::Left { path, why } => (path, why.to_owned()),
            Found::Unreadable { path, error } => (path, error.to_string()),
        };
        let named =
            |(found, what): (PathBuf, String)| (found.strip_prefix(path).unwrap_or(&found).display().to_string(), what);
        Tree::at(path).expect("there").map(of).map(named).collect()
    }

    #[test]
    fn catalogue_135_files_come_by_name_and_no_link_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (root, outside) = (folder.path().join("in"), folder.path().join("outside"));
        fs::create_dir_all(root.join("b/c")).expect("folders");
        fs::create_dir(&outside).expect("a folder");
        for (path, text) in [("z", "last"), ("a", "first"), ("b/c/deep", "deep"), ("b/x", "x")] {
            fs::write(root.join(path), text).expect("written");
        }
        fs::write(outside.join("secret"), "secret").expect("written");
        symlink(&outside, root.join("b/way-out")).expect("linked");
        symlink("../outside/secret", root.join("secret")).expect("linked");
        symlink(".", root.join("b/loop")).expect("linked");
        let link = "a link: what it leads to may be anywhere".to_owned();
        let expected = [
            ("a", "first"),
            ("b/c/deep", "deep"),
            ("b/loop", &link),
            ("b/way-out", &link),
            ("b/x", "x"),
            ("secret", &link),
            ("z", "last"),
        ];
        assert_eq!(seen(&root), expected.map(|(path, what)| (path.to_owned(), what.to_owned())));
        assert_eq!(seen(&root.join("a")).len(), 1, "one file");
        assert!(Tree::at(&root.join("nothing")).is_err());
    }

    #[test]
    fn what_is_no_file_is_left_and_so_are_folders_without_end() {
        let folder = tempfile::tempdir().expect("a folder");
        drop(std::os::unix::net::UnixListener::bind(folder.path().join("socket")).expect("a socket"));
        let mut deep = folder.path().join("d");
        for _ in 0..DEPTH_MAX + 2 {
            deep.push("d");
        }
        fs::create_dir_all(&deep).expect("folders");
        fs::write(deep.join("file"), "never").expect("written");
        let seen = seen(folder.path());
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert!(seen[0].1.contains("nested deeper") && seen[1].1.contains("neither a file"), "{seen:?}");
    }
}
