//! What is told when something does not work: a stable code, the place, the cause and the fix.

pub(crate) mod code;
mod convert;
#[cfg(test)]
mod document;

use std::fmt::{self, Write as _};
use std::io;

pub(crate) use self::code::Code;

use crate::exit::Exit;

/// One thing that does not work, as told to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    /// The stable code.
    pub(crate) code: Code,
    /// What does not work, in one line. Never a patient's name or number.
    pub(crate) what: String,
    /// Where.
    pub(crate) place: Option<Box<Place>>,
    /// Why, outermost first.
    pub(crate) why: Vec<String>,
    /// What to do about it.
    pub(crate) fix: String,
}

/// Where something does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file, at a line that is shown with a caret below.
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
        /// How many characters are meant.
        length: usize,
        /// The line itself.
        text: String,
        /// Said beside the caret.
        hint: String,
    },
    /// Anywhere else: a file, an address, an environment variable.
    Named(String),
}

impl Diagnostic {
    /// A diagnostic with the code's own fix.
    pub(crate) fn new(code: Code, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), place: None, why: Vec::new(), fix: code.fix().to_owned() }
    }

    /// With a place.
    #[must_use]
    pub(crate) fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(Box::new(Place::Named(place.into())));
        self
    }

    /// With a cause and the causes behind it.
    #[must_use]
    pub(crate) fn because(mut self, cause: &dyn std::error::Error) -> Self {
        let mut next = Some(cause);
        while let Some(error) = next {
            self.why.push(error.to_string());
            next = error.source();
        }
        self
    }

    /// With a cause in words.
    #[must_use]
    pub(crate) fn why(mut self, cause: impl Into<String>) -> Self {
        self.why.push(cause.into());
        self
    }

    /// With a fix that fits better than the code's own.
    #[must_use]
    pub(crate) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = fix.into();
        self
    }

    /// As printed, in colour or not.
    pub(crate) fn render(&self, color: bool) -> String {
        let (red, bold, blue, plain) =
            if color { ("\x1b[1;31m", "\x1b[1m", "\x1b[34m", "\x1b[0m") } else { ("", "", "", "") };
        let mut text = format!("{red}error[{}]{plain}: {bold}{}{plain}\n", self.code, self.what);
        let done = match self.place.as_deref() {
            Some(Place::Line { file, line, column, length, text: source, hint }) => {
                let gutter = " ".repeat(line.to_string().len());
                let pad: String = source.chars().take(column - 1).map(blank).collect();
                let carets = "^".repeat((*length).max(1));
                let hint = if hint.is_empty() { String::new() } else { format!(" {hint}") };
                write!(
                    text,
                    "{blue}{gutter}-->{plain} {file}:{line}:{column}\n{blue}{gutter} |{plain}\n{blue}{line} |{plain} {source}\n\
                     {blue}{gutter} |{plain} {pad}{red}{carets}{hint}{plain}\n"
                )
            }
            Some(Place::Named(place)) => writeln!(text, "{blue}  -->{plain} {place}"),
            None => Ok(()),
        };
        let whys = self.why.iter().try_for_each(|why| writeln!(text, "why: {why}"));
        let fix = write!(text, "{bold}fix:{plain} {}", self.fix);
        match done.and(whys).and(fix) {
            Ok(()) | Err(fmt::Error) => text,
        }
    }
}

/// Keeps tabs, so that the caret stands below what it means.
const fn blank(c: char) -> char {
    if c == '\t' { '\t' } else { ' ' }
}

/// Why a command stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something does not work.
    Told(Box<Diagnostic>),
    /// Several things do not work.
    Several(Vec<Diagnostic>),
    /// Whoever read our output stopped reading, as `head` does.
    ReaderGone,
}

impl Stop {
    /// With what the process ends: the code of the first thing told.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Told(diagnostic) => diagnostic.code.exit(),
            Self::Several(several) => several.first().map_or(Exit::Failed, |first| first.code.exit()),
            Self::ReaderGone => Exit::Done,
        }
    }
}

impl From<Diagnostic> for Stop {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Told(Box::new(diagnostic))
    }
}

/// For writing to standard output.
impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::ReaderGone;
        }
        Diagnostic::new(Code::Output, "the output cannot be written").because(&error).into()
    }
}

/// What a command gives.
pub(crate) type Outcome<T = Exit> = Result<T, Stop>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_with_a_caret_below_what_is_meant() {
        let diagnostic = Diagnostic {
            code: Code::UnknownKey,
            what: "unknown key `prot` in [feed.hospital-a]".to_owned(),
            place: Some(Box::new(Place::Line {
                file: "causeway.toml".to_owned(),
                line: 14,
                column: 1,
                length: 4,
                text: "prot = 2575".to_owned(),
                hint: "did you mean `port`?".to_owned(),
            })),
            why: vec![],
            fix: "rename the key, then run `causeway check`".to_owned(),
        };
        assert_eq!(
            diagnostic.render(false),
            "error[CW0203]: unknown key `prot` in [feed.hospital-a]\n  --> causeway.toml:14:1\n   |\n14 | prot = 2575\n   \
             | ^^^^ did you mean `port`?\nfix: rename the key, then run `causeway check`"
        );
    }

    #[test]
    fn the_caret_follows_tabs_and_colour_changes_no_word() {
        let place = Place::Line {
            file: "f".to_owned(),
            line: 3,
            column: 3,
            length: 2,
            text: "\t\tab".to_owned(),
            hint: String::new(),
        };
        let diagnostic =
            Diagnostic { place: Some(Box::new(place)), ..Diagnostic::new(Code::BadValue, "w").why("because") };
        let plain = diagnostic.render(false);
        assert!(plain.contains("  | \t\t^^\n"), "{plain}");
        let coloured = diagnostic.render(true);
        let mut stripped = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\x1b') {
            stripped.push_str(before);
            rest = after.split_once('m').map_or("", |(_, rest)| rest);
        }
        assert_eq!(stripped + rest, plain);
    }
}
