//! Records from spreadsheets: CSV by the template of [`COLUMNS`], in UTF-8, Big5-HKSCS or GB 18030.
//!
//! The rows of one visit stand together, each with the number of the visit in the first column. One row that is wrong keeps its
//! whole visit back, and no other: so that nothing is stored in part, rows whose visit cannot be read keep back the
//! visits on both sides, and a visit whose rows stand apart is kept back wherever it stands. Memory does not depend on
//! the length of a file, but for eight bytes a visit.

mod cell;
mod columns;
mod rows;
mod template;
mod visit;

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::io::{self, BufReader, Read, Seek};

use causeway_core::chinese_medicine::FaultCode;
use causeway_core::feed::CharsetRule;
use causeway_core::hl7v2::charset::{Charset, CharsetError, strip_byte_order_mark};
use jiff::tz::TimeZone;

pub use self::columns::{BY_HAND, COLUMNS, Column, Kind};
use self::rows::{Row, Rows, Wrong};
pub use self::template::{Language, page, template};
pub use self::visit::RowFault;
use self::visit::{Builder, letter};

/// Bytes read at once.
const CHUNK: usize = 256 << 10;
/// The most visits of one file.
pub const VISITS_MAX: usize = 1_000_000;
/// The columns without which no row could be a record.
const REQUIRED: [&str; 3] = ["visit_number", "visit_start", "registration"];

/// How a file is read.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The encoding: `Auto` is UTF-8, `Default` another one for files that are not, `Force` that one for all but files
    /// with a byte order mark.
    pub charset: CharsetRule,
    /// The time zone of times.
    pub zone: TimeZone,
    /// The longest row, and the longest visit.
    pub record_bytes_max: usize,
}

/// A visit of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// Its first row.
    pub first: u64,
    /// Its last row.
    pub last: u64,
    /// Its record as JSON, or what is wrong with it.
    pub record: Result<Vec<u8>, Vec<RowFault>>,
}

/// The visits of a file, one after the other.
#[derive(Debug)]
pub struct Visits<R> {
    rows: Rows<BufReader<R>>,
    reading: Reading,
    charset: Charset,
    columns: Vec<&'static Column>,
    survey: Survey,
    /// The first row of the next visit.
    next: Option<Row>,
    /// What is wrong with the row before it, which is nobody's.
    orphan: Option<RowFault>,
}

/// Why no row of a file is read.
#[derive(Debug)]
pub enum Unread {
    /// The disk gives no more of it.
    Disk(io::Error),
    /// What is wrong with its heading, or with it as a whole.
    Faults(Vec<RowFault>),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl<R: Read + Seek> Visits<R> {
    /// Reads the heading, and looks through the file for visits whose rows stand apart.
    ///
    /// # Errors
    /// The heading is not of the template, or the file cannot be read.
    pub fn open(mut input: R, reading: Reading) -> Result<Self, Unread> {
        let charset = charset(&mut input, &reading.charset)?;
        input.rewind()?;
        let mut rows = Rows::new(BufReader::with_capacity(CHUNK, &mut input), reading.record_bytes_max);
        let Some(heading) = rows.next()? else {
            let detail = "the file is empty";
            return Err(Unread::Faults(vec![RowFault::new(1, "", FaultCode::BadRow, detail)]));
        };
        let columns = columns_of(&heading, charset).map_err(Unread::Faults)?;
        let survey = survey(&mut rows)?;
        input.rewind()?;
        let mut rows = Rows::new(BufReader::with_capacity(CHUNK, input), reading.record_bytes_max);
        rows.next()?;
        Ok(Self { rows, reading, charset, columns, survey, next: None, orphan: None })
    }

    /// The next visit; `None` at the end of the file.
    ///
    /// # Errors
    /// The disk gives no more of it.
    pub fn next_visit(&mut self) -> io::Result<Option<Visit>> {
        let first = match self.next.take() {
            Some(row) => row,
            None => match self.rows.next()? {
                Some(row) => row,
                None => return Ok(None),
            },
        };
        let start = first.number;
        let Some(key) = self.key(&first) else {
            let fault = nameless(start);
            self.orphan = Some(fault.clone());
            return Ok(Some(Visit { first: start, last: start, record: Err(vec![fault]) }));
        };
        let mut builder = Builder::new(self.reading.zone.clone());
        if let Some(orphan) = self.orphan.take() {
            builder.blame(orphan);
        }
        if self.survey.apart.contains(&key) {
            let detail = "the rows of this visit stand apart: put them together";
            builder.blame(RowFault::new(start, "visit_number", FaultCode::SameNumber, detail));
        }
        self.add(&mut builder, &first);
        let mut last = start;
        while let Some(row) = self.rows.next()? {
            let other = self.key(&row);
            if other == Some(key) {
                last = row.number;
                self.add(&mut builder, &row);
                continue;
            }
            if other.is_none() {
                builder.blame(nameless(row.number));
            }
            self.next = Some(row);
            break;
        }
        Ok(Some(Visit { first: start, last, record: builder.finish(start) }))
    }

    /// What tells a visit from others; `None` when the first cell cannot be read.
    fn key(&self, row: &Row) -> Option<u64> {
        let cell = row.cells.get(0)?;
        let text = cell::text(cell, self.charset).ok()?;
        (!text.is_empty()).then(|| self.survey.hash(cell))
    }

    fn add(&self, builder: &mut Builder, row: &Row) {
        if let Some(wrong) = row.wrong {
            return builder.blame(RowFault::new(row.number, "", FaultCode::BadRow, self.told(wrong)));
        }
        let mut cells = Vec::with_capacity(self.columns.len());
        for (column, bytes) in self.columns.iter().zip(row.cells.iter()) {
            match cell::text(bytes, self.charset) {
                Ok(text) if text.is_empty() => {}
                Ok(text) => cells.push((*column, text)),
                Err(fault) => builder.blame(RowFault { row: row.number, column: column.name.to_owned(), fault }),
            }
        }
        builder.add(row.number, &cells, self.reading.record_bytes_max);
    }

    fn told(&self, wrong: Wrong) -> String {
        match wrong {
            Wrong::TooLong => format!("the row is longer than {} bytes", self.reading.record_bytes_max),
            Wrong::Open => "a quotation mark in the row is not in a pair".to_owned(),
            Wrong::Cells(count) => format!("the row has {count} cells, the heading has {}", self.columns.len()),
        }
    }
}

fn nameless(row: u64) -> RowFault {
    let detail = "the number of the visit cannot be read, so the visits before and after this row are kept back";
    RowFault::new(row, "visit_number", FaultCode::MissingField, detail)
}

/// What is known of a file before its rows are read.
#[derive(Debug)]
struct Survey {
    hasher: RandomState,
    /// Visits whose rows stand apart.
    apart: HashSet<u64>,
}

impl Survey {
    fn hash(&self, cell: &[u8]) -> u64 {
        self.hasher.hash_one(cell.trim_ascii())
    }
}

fn survey<R: io::BufRead>(rows: &mut Rows<R>) -> Result<Survey, Unread> {
    let mut survey = Survey { hasher: RandomState::new(), apart: HashSet::new() };
    let (mut seen, mut current) = (HashSet::new(), None);
    while let Some(row) = rows.next()? {
        let Some(cell) = row.cells.get(0).filter(|cell| !cell.trim_ascii().is_empty()) else { continue };
        let key = survey.hash(cell);
        if current != Some(key) && !seen.insert(key) {
            survey.apart.insert(key);
        }
        current = Some(key);
        if seen.len() > VISITS_MAX {
            let detail = format!("the file has more than {VISITS_MAX} visits: split it");
            return Err(Unread::Faults(vec![RowFault::new(row.number, "", FaultCode::TooLong, detail)]));
        }
    }
    Ok(survey)
}

/// The columns of a heading.
fn columns_of(heading: &Row, charset: Charset) -> Result<Vec<&'static Column>, Vec<RowFault>> {
    let (mut columns, mut faults) = (Vec::new(), Vec::new());
    for (at, bytes) in heading.cells.iter().enumerate() {
        let bytes = if at == 0 { strip_byte_order_mark(bytes) } else { bytes };
        let mut told = |code, detail: &str| faults.push(RowFault::new(heading.number, &letter(at), code, detail));
        match cell::text(bytes, charset) {
            Err(fault) => told(FaultCode::Encoding, &fault.detail),
            Ok(text) => match columns::named(&text).and_then(|known| COLUMNS.get(known)) {
                None => told(FaultCode::UnknownField, "the heading is no column of the template"),
                Some(column) if columns.iter().any(|known: &&Column| known.name == column.name) => {
                    told(FaultCode::DuplicateField, "the column stands here twice");
                }
                Some(column) => columns.push(column),
            },
        }
    }
    if faults.is_empty() {
        let has = |name: &str| columns.iter().any(|column| column.name == name);
        let missing = REQUIRED.iter().filter(|name| !has(name));
        faults.extend(missing.map(|name| {
            RowFault::new(heading.number, name, FaultCode::MissingField, "the column is not in the heading")
        }));
        if columns.first().is_some_and(|first| first.name != "visit_number") {
            let detail = "visit_number is not the first column: each row says there whose it is";
            faults.push(RowFault::new(heading.number, "visit_number", FaultCode::BadRow, detail));
        }
    }
    if faults.is_empty() { Ok(columns) } else { Err(faults) }
}

/// The encoding of a file.
fn charset<R: Read + Seek>(input: &mut R, rule: &CharsetRule) -> Result<Charset, Unread> {
    let named = |name: &str| {
        Charset::named(name).ok_or_else(|| {
            let error = CharsetError::Configured(name.to_owned());
            Unread::Faults(vec![RowFault::new(1, "", FaultCode::Encoding, error.to_string())])
        })
    };
    input.rewind()?;
    let mut mark = [0_u8; 3];
    let has_mark = input.read_exact(&mut mark).is_ok() && strip_byte_order_mark(&mark).is_empty();
    match rule {
        CharsetRule::Auto => Ok(Charset::UTF_8),
        CharsetRule::Default(_) | CharsetRule::Force(_) if has_mark => Ok(Charset::UTF_8),
        CharsetRule::Default(_) if is_utf8(input)? => Ok(Charset::UTF_8),
        CharsetRule::Default(name) | CharsetRule::Force(name) => named(name),
    }
}

/// Whether all of a file is UTF-8.
fn is_utf8<R: Read + Seek>(input: &mut R) -> io::Result<bool> {
    input.rewind()?;
    let (mut buffer, mut kept) = (vec![0; CHUNK], Vec::new());
    loop {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            return Ok(kept.is_empty());
        }
        kept.extend_from_slice(buffer.get(..read).unwrap_or_default());
        match std::str::from_utf8(&kept) {
            Ok(_) => kept.clear(),
            // A character may be cut by the end of what was read.
            Err(error) if error.error_len().is_none() => {
                kept.drain(..error.valid_up_to());
            }
            Err(_) => return Ok(false),
        }
    }
}

#[cfg(test)]
mod tests;
