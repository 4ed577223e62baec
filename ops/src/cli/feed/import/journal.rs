//! What imports of a feed took already: one line a file, written when the file is safe. A line is a digest of path, size and
//! time of change, since the names of files often hold patients' numbers; a file that was changed has another line.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use causeway_core::envelope::Digest;

/// The journal of a feed.
pub(super) struct Journal {
    file: File,
    known: HashSet<Digest>,
}

impl Journal {
    /// Opens it, made when it is not there. Without `anew` it knows what it holds.
    ///
    /// # Errors
    /// It cannot be read or written.
    pub(super) fn open(path: &Path, anew: bool) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        let text = if anew { String::new() } else { fs::read_to_string(path)? };
        // The last line may have been cut by a crash: its file is sent again.
        let known: HashSet<Digest> = text.lines().filter_map(Digest::parse).collect();
        if !text.is_empty() && !text.ends_with('\n') {
            (&file).write_all(b"\n")?;
        }
        Ok(Self { file, known })
    }

    /// Whether a file was taken before.
    pub(super) fn knows(&self, entry: &Digest) -> bool {
        self.known.contains(entry)
    }

    /// Notes a file that is safe.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn note(&mut self, entry: &Digest) -> io::Result<()> {
        self.file.write_all(format!("{entry}\n").as_bytes())
    }
}

/// The line of a file below the real path of a folder.
///
/// # Errors
/// The file cannot be asked for its size.
pub(super) fn entry(path: &Path, file: &File) -> io::Result<Digest> {
    let about = file.metadata()?;
    let mut line = path.as_os_str().as_bytes().to_vec();
    line.push(0);
    for number in [i128::from(about.len()), about.mtime().into(), about.mtime_nsec().into()] {
        line.extend(number.to_be_bytes());
    }
    Ok(Digest::of(&line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_known_until_the_file_changes_and_a_line_cut_short_is_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let (image, path) = (folder.path().join("image"), folder.path().join("imports/pacs.journal"));
        fs::write(&image, "one").expect("written");
        let opened = File::open(&image).expect("there");
        let first = entry(&image, &opened).expect("an entry");
        let mut journal = Journal::open(&path, false).expect("made");
        assert!(!journal.knows(&first));
        journal.note(&first).expect("noted");
        assert!(Journal::open(&path, false).expect("there").knows(&first));
        assert!(!Journal::open(&path, true).expect("there").knows(&first), "anew");
        fs::write(&image, "other").expect("written");
        let second = entry(&image, &File::open(&image).expect("there")).expect("an entry");
        assert_ne!(first, second);

        let text = fs::read_to_string(&path).expect("there");
        fs::write(&path, text.trim_end().get(..40).expect("longer")).expect("cut");
        let mut journal = Journal::open(&path, false).expect("there");
        assert!(!journal.knows(&first));
        journal.note(&second).expect("noted");
        assert!(Journal::open(&path, false).expect("there").knows(&second), "the cut line spoils no other");
    }
}
