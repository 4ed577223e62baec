//! Rows of a CSV file (RFC 4180), from bytes as they come. The marks of CSV are the same bytes in UTF-8, Big5-HKSCS and GB
//! 18030, so rows are parted before they are decoded, and one row in another encoding spoils no other.
//!
//! A quotation mark that is never closed would swallow the rest of a file: a row over several lines whose cells are
//! not as many as the heading's is judged by its first line alone, and the lines after it are rows of their own.

use std::collections::VecDeque;
use std::io::{self, BufRead};

use csv::ByteRecord;

/// The most lines of one row: line ends within cells.
const ROW_LINES_MAX: usize = 64;

/// A row that is not blank.
#[derive(Debug)]
pub(super) struct Row {
    /// Its number as a spreadsheet shows it: the heading is 1.
    pub(super) number: u64,
    /// Its cells, as far as they could be parted.
    pub(super) cells: ByteRecord,
    /// What is wrong with it as a row.
    pub(super) wrong: Option<Wrong>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    /// More bytes than a record may have.
    TooLong,
    /// A cell is opened by a quotation mark and not closed, or closed within it.
    Open,
    /// Another number of cells than the heading.
    Cells(usize),
}

/// Parts bytes into rows.
#[derive(Debug)]
pub(super) struct Rows<R> {
    input: R,
    bytes_max: usize,
    /// Cells of the heading; 0 until it is read.
    width: usize,
    number: u64,
    /// Lines that were looked at and are rows of their own.
    waiting: VecDeque<Line>,
}

/// A line with its end.
#[derive(Debug)]
struct Line {
    bytes: Vec<u8>,
    too_long: bool,
}

impl<R: BufRead> Rows<R> {
    /// Rows of at most so many bytes.
    pub(super) const fn new(input: R, bytes_max: usize) -> Self {
        Self { input, bytes_max, width: 0, number: 0, waiting: VecDeque::new() }
    }

    /// The next row that is not blank; the first one is the heading.
    pub(super) fn next(&mut self) -> io::Result<Option<Row>> {
        loop {
            let Some(first) = self.line()? else { return Ok(None) };
            self.number = self.number.saturating_add(1);
            if first.bytes.iter().all(u8::is_ascii_whitespace) && !first.too_long {
                continue;
            }
            let row = self.row(first)?;
            if self.width == 0 {
                self.width = row.cells.len();
            }
            if row.wrong.is_some() || row.cells.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                return Ok(Some(row));
            }
        }
    }

    fn row(&mut self, first: Line) -> io::Result<Row> {
        let number = self.number;
        if first.too_long {
            return Ok(Row { number, cells: cells(&first.bytes), wrong: Some(Wrong::TooLong) });
        }
        let mut quotes = Quotes::default();
        quotes.read(&first.bytes);
        if !quotes.is_open() {
            let cells = cells(&first.bytes);
            let broken = (quotes == Quotes::Broken).then_some(Wrong::Open);
            let wrong = broken.or_else(|| self.miscounted(&cells));
            return Ok(Row { number, cells, wrong });
        }
        let (mut whole, mut more) = (first.bytes.clone(), Vec::new());
        while quotes.is_open() && more.len() < ROW_LINES_MAX && whole.len() <= self.bytes_max {
            let Some(line) = self.line()? else { break };
            let broken = line.too_long;
            quotes.read(&line.bytes);
            whole.extend_from_slice(&line.bytes);
            more.push(line);
            if broken {
                break;
            }
        }
        let joined = cells(&whole);
        let closed = !quotes.is_open() && quotes != Quotes::Broken;
        if closed && self.miscounted(&joined).is_none() && whole.len() <= self.bytes_max {
            return Ok(Row { number, cells: joined, wrong: None });
        }
        more.into_iter().rev().for_each(|line| self.waiting.push_front(line));
        Ok(Row { number, cells: cells(&first.bytes), wrong: Some(Wrong::Open) })
    }

    fn miscounted(&self, cells: &ByteRecord) -> Option<Wrong> {
        (self.width != 0 && cells.len() != self.width).then_some(Wrong::Cells(cells.len()))
    }

    /// The next line; of one that is too long its beginning.
    fn line(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.waiting.pop_front() {
            return Ok(Some(line));
        }
        let (mut bytes, mut too_long) = (Vec::new(), false);
        loop {
            let there = self.input.fill_buf()?;
            let end = there.iter().position(|byte| *byte == b'\n').map(|at| at.saturating_add(1));
            let part = there.get(..end.unwrap_or(there.len())).unwrap_or_default();
            let taken = part.len();
            if bytes.len().saturating_add(taken) > self.bytes_max {
                too_long = true;
                // The first cell says whose row it is.
                bytes.truncate(FIRST_CELL_MAX);
            }
            if !too_long {
                bytes.extend_from_slice(part);
            }
            self.input.consume(taken);
            if end.is_some() || taken == 0 {
                let is_end = bytes.is_empty() && !too_long;
                return Ok((!is_end).then_some(Line { bytes, too_long }));
            }
        }
    }
}

/// As much as is kept of a line that is too long.
const FIRST_CELL_MAX: usize = 4096;

/// The cells of a row.
fn cells(bytes: &[u8]) -> ByteRecord {
    let mut reader = csv::ReaderBuilder::new();
    let mut reader = reader.has_headers(false).flexible(true).buffer_capacity(bytes.len().max(1)).from_reader(bytes);
    let mut record = ByteRecord::new();
    // Reading from memory does not fail, and with flexible rows nothing is wrong with one.
    drop(reader.read_byte_record(&mut record));
    record
}

/// Follows the quotation marks of a row.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    /// At the beginning of a cell.
    #[default]
    Start,
    /// In a cell without quotation marks around it.
    Bare,
    /// In a cell with them.
    Within,
    /// After a mark in such a cell: its end, or half of a pair.
    After,
    /// Something followed the end of such a cell: the marks are not in pairs.
    Broken,
}

impl Quotes {
    fn read(&mut self, bytes: &[u8]) {
        for byte in bytes {
            *self = match (*self, *byte) {
                (Self::Start, b'"') | (Self::After, b'"') => Self::Within,
                (Self::Within, b'"') => Self::After,
                (Self::Within, _) => Self::Within,
                (Self::Start | Self::Bare | Self::After, b',' | b'\n') => Self::Start,
                (Self::After, b'\r') => Self::After,
                (Self::Start | Self::Bare, _) => Self::Bare,
                (Self::After | Self::Broken, _) => Self::Broken,
            };
        }
    }

    fn is_open(self) -> bool {
        self == Self::Within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &[u8]) -> Vec<(u64, Vec<String>, Option<Wrong>)> {
        let mut rows = Rows::new(io::BufReader::with_capacity(7, text), 100);
        let mut told = Vec::new();
        while let Some(row) = rows.next().expect("memory") {
            let cells = row.cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
            told.push((row.number, cells, row.wrong));
        }
        told
    }

    fn row(number: u64, cells: &[&str]) -> (u64, Vec<String>, Option<Wrong>) {
        (number, cells.iter().map(|cell| (*cell).to_owned()).collect(), None)
    }

    #[test]
    fn quotes_and_line_ends_within_cells_and_blank_rows_are_as_a_spreadsheet_shows_them() {
        let text = b"a,b\r\n1,\"x,\r\n\"\"y\"\"\"\r\n\r\n,\n2,5\" wide\n3,z";
        let expected =
            [row(1, &["a", "b"]), row(2, &["1", "x,\r\n\"y\""]), row(5, &["2", "5\" wide"]), row(6, &["3", "z"])];
        assert_eq!(told(text), expected);
    }

    #[test]
    fn a_quotation_mark_that_is_not_closed_spoils_its_own_line_only() {
        let found = told(b"a,b\n1,\"x\n2,y\n3,\"z\"\n4,w\n5,\"cut");
        let wrong: Vec<_> = found.iter().map(|(number, _, wrong)| (*number, *wrong)).collect();
        assert_eq!(wrong, [(1, None), (2, Some(Wrong::Open)), (3, None), (4, None), (5, None), (6, Some(Wrong::Open))]);
    }

    #[test]
    fn rows_with_other_cells_and_rows_without_end_are_told() {
        let long = format!("a,b\n1\n2,y,z\n3,{}\n4,w\n", "x".repeat(1000));
        let found = told(long.as_bytes());
        let wrong: Vec<_> = found.iter().map(|(number, _, wrong)| (*number, *wrong)).collect();
        let cells = |count| Some(Wrong::Cells(count));
        assert_eq!(wrong, [(1, None), (2, cells(1)), (3, cells(3)), (4, Some(Wrong::TooLong)), (5, None)]);
        assert_eq!(found[3].1.first().map(String::as_str), Some("3"), "whose row it is");
    }

    #[test]
    fn marks_that_are_not_in_pairs_never_join_two_rows() {
        let text = format!("a,b\n{}", "1,\"x\n".repeat(500));
        let found = told(text.as_bytes());
        assert_eq!(found.len(), 501);
        assert!(found.iter().skip(1).all(|(.., wrong)| *wrong == Some(Wrong::Open)), "{found:?}");
    }
}
