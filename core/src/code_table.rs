//! Code tables of a feed: which recognised code a local code of its sender stands for, from when until when. They are
//! data of the site, loaded by the operator; none is part of the program (docs/codes.md).

pub mod check_digit;

use std::collections::HashMap;

use jiff::civil::Date;

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRow {
    /// The name of the sender's system, as in CWE.3; `L` where the sender names none.
    pub system: String,
    /// The sender's code.
    pub code: String,
    /// What it stands for.
    pub target: Target,
    /// The first day on which it does; `None`: always did.
    pub valid_from: Option<Date>,
    /// The last day on which it does; `None`: still does.
    pub valid_to: Option<Date>,
}

/// A recognised code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The URI of its system.
    pub system: String,
    /// The code.
    pub code: String,
    /// What it is called there; may be empty.
    pub display: String,
    /// The version of the table or of the system; may be empty.
    pub version: String,
    /// Who says so.
    pub source: String,
}

/// All tables of a feed, ready to be asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodeTables {
    systems: HashMap<String, HashMap<String, Vec<Period>>>,
    rows: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Period {
    from: Option<Date>,
    to: Option<Date>,
    target: Target,
}

/// Why a row is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// It ends before it begins.
    #[error("`valid_to` lies before `valid_from`")]
    Backwards,
    /// An earlier row has the code for some of the same days.
    #[error("an earlier row has this code for some of the same days")]
    Twice,
}

impl CodeTables {
    /// Adds a row.
    ///
    /// # Errors
    /// A period that ends before it begins, or in which the code stands for something already.
    pub fn insert(&mut self, row: CodeRow) -> Result<(), RowFault> {
        let CodeRow { system, code, target, valid_from: from, valid_to: to } = row;
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            return Err(RowFault::Backwards);
        }
        let periods = self.systems.entry(system).or_default().entry(code).or_default();
        if periods.iter().any(|known| begins_by(from, known.to) && begins_by(known.from, to)) {
            return Err(RowFault::Twice);
        }
        periods.push(Period { from, to, target });
        self.rows = self.rows.saturating_add(1);
        Ok(())
    }

    /// What a code stands for on a day.
    pub fn find(&self, system: &str, code: &str, day: Date) -> Option<&Target> {
        let periods = self.systems.get(system)?.get(code)?;
        let found = periods.iter().find(|period| begins_by(period.from, Some(day)) && begins_by(Some(day), period.to));
        found.map(|period| &period.target)
    }

    /// Whether there is a row for this system: then what no row knows is no code of it.
    pub fn has(&self, system: &str) -> bool {
        self.systems.contains_key(system)
    }

    /// How many rows there are.
    pub const fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub const fn is_empty(&self) -> bool {
        self.rows == 0
    }
}

/// Whether a period that begins then has begun by the end of another; an open end is never over.
fn begins_by(from: Option<Date>, to: Option<Date>) -> bool {
    from.zip(to).is_none_or(|(from, to)| from <= to)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn row(code: &str, target: &str, from: Option<Date>, to: Option<Date>) -> CodeRow {
        let target = Target {
            system: "urn:x".to_owned(),
            code: target.to_owned(),
            display: String::new(),
            version: String::new(),
            source: "us".to_owned(),
        };
        CodeRow { system: "L".to_owned(), code: code.to_owned(), target, valid_from: from, valid_to: to }
    }

    #[test]
    fn a_code_stands_for_what_it_did_on_the_day() {
        let mut tables = CodeTables::default();
        let (first, last, next) = (date(2025, 1, 1), date(2025, 6, 30), date(2025, 7, 1));
        tables.insert(row("GLU", "old", Some(first), Some(last))).expect("a row");
        tables.insert(row("GLU", "new", Some(next), None)).expect("a row");
        tables.insert(row("NA", "always", None, None)).expect("a row");
        let of = |code: &str, day: Date| tables.find("L", code, day).map(|target| target.code.as_str());
        assert_eq!(of("GLU", date(2024, 12, 31)), None);
        assert_eq!([of("GLU", first), of("GLU", last)], [Some("old"); 2]);
        assert_eq!([of("GLU", next), of("GLU", date(2099, 1, 1))], [Some("new"); 2]);
        assert_eq!(of("NA", first), Some("always"));
        assert_eq!(of("K", first), None);
        assert_eq!(tables.find("M", "NA", first), None);
        assert_eq!(tables.len(), 3);
        assert!(tables.has("L") && !tables.has("M"));
    }

    #[test]
    fn a_code_never_stands_for_two_things_on_one_day() {
        let mut tables = CodeTables::default();
        let (from, to) = (date(2025, 1, 1), date(2025, 12, 31));
        assert_eq!(tables.insert(row("A", "x", Some(to), Some(from))), Err(RowFault::Backwards));
        tables.insert(row("A", "x", Some(from), Some(to))).expect("a row");
        for (from, to) in [(None, None), (Some(to), None), (None, Some(from)), (Some(from), Some(from))] {
            assert_eq!(tables.insert(row("A", "y", from, to)), Err(RowFault::Twice));
        }
        tables.insert(row("A", "y", None, Some(date(2024, 12, 31)))).expect("before");
        tables.insert(row("A", "z", Some(date(2026, 1, 1)), None)).expect("after");
    }
}
