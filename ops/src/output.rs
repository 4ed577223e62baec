//! What is printed: data on standard output, talk on standard error, protected text masked.

pub(crate) mod mask;
pub(crate) mod progress;
pub(crate) mod table;

use std::io::{self, IsTerminal as _, Write as _};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

pub(crate) use self::table::Table;

use crate::diagnostic::{Diagnostic, Outcome, Stop};

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Talk {
    /// Errors only.
    Quiet,
    /// What a person wants to know.
    Normal,
}

/// Where a command prints.
#[derive(Debug, Clone)]
pub(crate) struct Terminal {
    /// Whether data is printed as JSON.
    pub(crate) json: bool,
    /// Whether colours are used on standard output.
    color_out: bool,
    /// Whether colours are used on standard error.
    color_err: bool,
    talk: Talk,
    zone: TimeZone,
}

impl Terminal {
    /// Colours only on a terminal, and never when `NO_COLOR` is set or they are switched off.
    pub(crate) fn new(json: bool, no_color: bool, talk: Talk) -> Self {
        let no_color = no_color || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            json,
            color_out: !no_color && io::stdout().is_terminal(),
            color_err: !no_color && io::stderr().is_terminal(),
            talk,
            zone: TimeZone::get("Asia/Hong_Kong").unwrap_or(TimeZone::UTC),
        }
    }

    /// The same, with times in another zone.
    #[must_use]
    pub(crate) fn in_zone(mut self, zone: TimeZone) -> Self {
        self.zone = zone;
        self
    }

    /// Whether data is printed in colours.
    pub(crate) fn colors(&self) -> bool {
        self.color_out
    }

    /// Whether a person looks at standard error, so that progress may be shown.
    pub(crate) fn shows_progress(&self) -> bool {
        self.talk == Talk::Normal && io::stderr().is_terminal()
    }

    /// Prints one line of data.
    pub(crate) fn line(&self, text: &str) -> Outcome<()> {
        Ok(writeln!(io::stdout().lock(), "{text}")?)
    }

    /// Prints bytes of data as they are.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> Outcome<()> {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        Ok(out.flush()?)
    }

    /// Prints a value as one line of JSON.
    pub(crate) fn json_line<T: Serialize>(&self, value: &T) -> Outcome<()> {
        let mut text = serde_json::to_vec(value).map_err(|error| Stop::from(io::Error::from(error)))?;
        text.push(b'\n');
        self.bytes(&text)
    }

    /// Prints a table.
    pub(crate) fn table(&self, table: &Table) -> Outcome<()> {
        self.bytes(table.render(self.color_out).as_bytes())
    }

    /// Says something to the person at the terminal.
    pub(crate) fn say(&self, text: &str) {
        if self.talk == Talk::Normal {
            self.err(text);
        }
    }

    /// Tells what does not work.
    pub(crate) fn tell(&self, diagnostic: &Diagnostic) {
        self.err(&diagnostic.render(self.color_err));
    }

    /// A heading, in bold where there is colour.
    pub(crate) fn heading(&self, text: &str) -> Outcome<()> {
        if self.color_out { self.line(&format!("\x1b[1m{text}\x1b[0m")) } else { self.line(text) }
    }

    /// A time as people here read it: to the second, in the configured zone.
    pub(crate) fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// Nobody is left to be told when standard error is gone.
    fn err(&self, text: &str) {
        drop(writeln!(io::stderr().lock(), "{text}"));
    }
}

/// A number with thin groups, as in `1,013`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds as people read them: `0.4 s`, `14 min`, `3 h`.
pub(crate) fn seconds(seconds: f64) -> String {
    if seconds < 0.001 {
        format!("{:.1} ms", seconds * 1000.0)
    } else if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else if seconds < 3600.0 {
        format!("{:.0} min", seconds / 60.0)
    } else if seconds < 172_800.0 {
        format!("{:.0} h", seconds / 3600.0)
    } else {
        format!("{:.0} d", seconds / 86_400.0)
    }
}

/// Bytes as people read them: `1.4 MiB`.
#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
pub(crate) fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            return if unit == "B" { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") };
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        assert_eq!([0, 999, 1_013, 1_234_567].map(grouped), ["0", "999", "1,013", "1,234,567"]);
        assert_eq!(
            [0.0004, 0.4, 12.34, 840.0, 7200.0, 200_000.0].map(seconds),
            ["0.4 ms", "400 ms", "12.3 s", "14 min", "2 h", "2 d"]
        );
        assert_eq!([0, 1023, 1536, 5 << 40].map(size), ["0 B", "1023 B", "1.5 KiB", "5.0 TiB"]);
    }
}
