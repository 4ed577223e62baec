//! One finding: how severe, what, where, why, and what to do about it.

use causeway_core::envelope::Refusal;
use causeway_core::mapped::{Fault, Note, Pending};
use causeway_core::reason::Reason;
use causeway_mappers::hl7v2::note::NoteCode;
use serde_json::{Value, json};

use super::line::Line;
use crate::output::mask::Sight;

/// How severe a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// The message, or a part of it, is refused or held.
    Error,
    /// It is taken, with a doubt.
    Warning,
    /// It is taken; this is not used.
    Note,
}

impl Severity {
    /// The word printed.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }

    const fn color(self) -> &'static str {
        match self {
            Self::Error => "\x1b[1;31m",
            Self::Warning => "\x1b[1;33m",
            Self::Note => "\x1b[1;32m",
        }
    }
}

/// One finding.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// A reason code, or the code of a note.
    pub(super) code: String,
    /// As `OBX[2]-5`; empty when it is the whole message.
    pub(super) place: String,
    what: String,
    fix: String,
    /// The segment it points into, where there is one.
    pub(super) line: Option<Line>,
}

impl Finding {
    /// What the door has against it.
    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self {
            severity: Severity::Error,
            code: refusal.reason.code().to_owned(),
            place: refusal.place.clone(),
            what: format!("{}: the door refuses the message", refusal.reason.text()),
            fix: refusal.reason.fix().to_owned(),
            line: None,
        }
    }

    /// What keeps it, or a part of it, from being mapped.
    pub(super) fn fault(fault: &Fault) -> Self {
        Self {
            severity: Severity::Error,
            code: fault.reason.code().to_owned(),
            place: fault.place.clone(),
            what: fault.text.clone(),
            fix: fault.reason.fix().to_owned(),
            line: None,
        }
    }

    /// What a batch has against the file it is: what came of it is taken all the same.
    pub(super) fn of_batch(fault: &Refusal) -> Self {
        let fix = fault.reason.fix().to_owned();
        let what = format!("{}: what came is taken", fault.reason.text());
        let (code, place) = (fault.reason.code().to_owned(), fault.place.clone());
        Self { severity: Severity::Warning, code, place, what, fix, line: None }
    }

    /// A report by pointer that is not in the message: held until it is fetched, or for ever where nobody may fetch it.
    pub(super) fn pending(pending: &Pending, is_listed: bool) -> Self {
        let (severity, reason) =
            if is_listed { (Severity::Note, pending.reason) } else { (Severity::Error, Reason::DocumentNotListed) };
        Self {
            severity,
            code: reason.code().to_owned(),
            place: pending.place.clone(),
            what: reason.text().to_owned(),
            fix: reason.fix().to_owned(),
            line: None,
        }
    }

    /// What the mapper notes.
    pub(super) fn note(note: &Note) -> Self {
        let fix = NoteCode::parse(&note.code).map_or("", NoteCode::fix);
        Self {
            severity: if fix.is_empty() { Severity::Note } else { Severity::Warning },
            code: note.code.clone(),
            place: note.place.clone(),
            what: note.text.clone(),
            fix: fix.to_owned(),
            line: None,
        }
    }

    /// As a compiler tells it.
    pub(super) fn render(&self, input: &str, sight: Sight, color: bool) -> String {
        let (head, bold, blue, plain) =
            if color { (self.severity.color(), "\x1b[1m", "\x1b[34m", "\x1b[0m") } else { ("", "", "", "") };
        let (severity, code, what) = (self.severity.as_str(), &self.code, &self.what);
        let mut text = format!("{head}{severity}[{code}]{plain}: {bold}{what}{plain}\n");
        let place = if self.place.is_empty() { String::new() } else { format!(": {}", self.place) };
        match &self.line {
            Some(line) => {
                let gutter = " ".repeat(line.number.to_string().len());
                let (number, shown) = (line.number, line.shown(sight));
                let (pad, carets) = (" ".repeat(shown.column), "^".repeat(shown.width));
                text.push_str(&format!(
                    "{blue}{gutter}-->{plain} {input}{place}\n{blue}{gutter} |{plain}\n{blue}{number} |{plain} {}\n\
                     {blue}{gutter} |{plain} {pad}{head}{carets}{plain}\n",
                    shown.text
                ));
            }
            None => text.push_str(&format!("{blue} -->{plain} {input}{place}\n")),
        }
        if !self.fix.is_empty() {
            text.push_str(&format!("{bold}fix:{plain} {}\n", self.fix));
        }
        text
    }

    /// As data: the same, and the line as it is shown.
    pub(super) fn as_json(&self, input: &str, sight: Sight) -> Value {
        let line = self.line.as_ref().map(|line| {
            let shown = line.shown(sight);
            json!({"segment": line.number, "text": shown.text, "column": shown.column + 1, "width": shown.width})
        });
        json!({
            "v": 1,
            "input": input,
            "severity": self.severity.as_str(),
            "code": self.code,
            "place": self.place,
            "what": self.what,
            "fix": self.fix,
            "line": line,
        })
    }
}

/// What a code says, for the summary.
pub(super) fn meaning(code: &str) -> &'static str {
    if let Some(reason) = Reason::parse(code) {
        return reason.text();
    }
    NoteCode::parse(code).map_or("The line ends are not as the standard has them", NoteCode::text)
}
