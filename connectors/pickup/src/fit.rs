//! Which files are taken, by name and kind.

use std::ffi::OsStr;

use rustix::fs::{FileType, Stat};

/// Endings of files that are still being written.
const UNFINISHED: [&str; 6] = [".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp"];
/// Endings of our own reports.
const REPORTS: [&str; 4] = [".ack", ".reason", ".result.csv", ".result.ndjson"];
/// The longest name, in bytes, so that there is room for what we add to it.
const NAME_MAX: usize = 200;
/// What stands for characters that no name should have.
const STAND_IN: char = '_';

/// Why a file is put aside without being opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unfit {
    /// Its name is no UTF-8, has control characters, or is too long.
    Name,
    /// It is called as the reports are.
    ReportName,
    /// A link, a pipe, a socket or a device.
    NoFile,
    /// It has another name elsewhere, so that somebody could change it under this one.
    HardLink,
    /// It changed while it was taken.
    Changed,
    /// The system does not let us move or read it.
    Locked,
}

impl Unfit {
    /// As a metric label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::ReportName => "report_name",
            Self::NoFile => "no_file",
            Self::HardLink => "hard_link",
            Self::Changed => "changed",
            Self::Locked => "locked",
        }
    }

    /// What it means and what to do.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Name => {
                "The name is no UTF-8, has control characters or is longer than 200 bytes: rename the file and put it in again"
            }
            Self::ReportName => {
                "The name ends as reports do (.ack, .reason, .result.csv or .result.ndjson): rename the file and put it in again"
            }
            Self::NoFile => "This is no regular file but a link, a pipe, a socket or a device: put in a copy",
            Self::HardLink => "The file has another name elsewhere: put in a copy",
            Self::Changed => {
                "The file was still written when it was taken: write it under a name that ends in .part and rename it, or raise `still_for`; then put it in again"
            }
            Self::Locked => "The file could not be moved or opened: let the hub read and move the files of this folder",
        }
    }
}

/// What is to be done with a name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// Look at the file.
    Fit(String),
    /// Leave it: its sender will rename it.
    Unfinished,
    /// Put it aside.
    Unfit(Unfit),
}

/// Judges a name.
pub(crate) fn judge(name: &OsStr) -> Name {
    let Some(text) = name.to_str() else { return Name::Unfit(Unfit::Name) };
    let lower = text.to_ascii_lowercase();
    if text.starts_with('.') || UNFINISHED.iter().any(|ending| lower.ends_with(ending)) {
        return Name::Unfinished;
    }
    if text.len() > NAME_MAX || text.chars().any(is_unwanted) {
        return Name::Unfit(Unfit::Name);
    }
    if REPORTS.iter().any(|ending| lower.ends_with(ending)) {
        return Name::Unfit(Unfit::ReportName);
    }
    Name::Fit(text.to_owned())
}

/// Judges what the file is.
pub(crate) fn judge_kind(stat: &Stat) -> Result<(), Unfit> {
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        Err(Unfit::NoFile)
    } else if stat.st_nlink > 1 {
        Err(Unfit::HardLink)
    } else {
        Ok(())
    }
}

/// A name that can be shown and stored, for one that cannot.
pub(crate) fn tame(name: &OsStr) -> String {
    let text = name.to_string_lossy();
    let tamed = text.chars().map(|c| if is_unwanted(c) || c == char::REPLACEMENT_CHARACTER { STAND_IN } else { c });
    let mut bounded = String::new();
    for c in tamed {
        if bounded.len() + c.len_utf8() > NAME_MAX {
            break;
        }
        bounded.push(c);
    }
    bounded
}

/// Control characters, and those that turn the direction of text and so make a name look like another.
const fn is_unwanted(c: char) -> bool {
    matches!(c, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '/' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn names_are_fit_unfinished_or_put_aside() {
        let judged = |name: &[u8]| judge(OsStr::from_bytes(name));
        assert_eq!(judged("化驗 1.hl7".as_bytes()), Name::Fit("化驗 1.hl7".to_owned()));
        assert_eq!(judged(b".hidden"), Name::Unfinished);
        assert_eq!(judged(b"a.hl7.PART"), Name::Unfinished);
        assert_eq!(judged(b"a\nb"), Name::Unfit(Unfit::Name));
        assert_eq!(judged("a\u{202e}b".as_bytes()), Name::Unfit(Unfit::Name));
        assert_eq!(judged(b"a\xff"), Name::Unfit(Unfit::Name));
        assert_eq!(judged(&[b'a'; 201]), Name::Unfit(Unfit::Name));
        assert_eq!(judged(b"a.ack"), Name::Unfit(Unfit::ReportName));
        assert_eq!(judged(b"a.csv.Result.csv"), Name::Unfit(Unfit::ReportName));
        assert_eq!(tame(OsStr::from_bytes(b"a\nb\xff\x1b[1m")), "a_b__[1m");
        assert_eq!(tame(OsStr::from_bytes(&[b'a'; 300])).len(), 200);
    }
}
