//! The rows of one visit, put together to one record, and what is wrong with it by row and column.

use causeway_core::chinese_medicine::{FAULTS_MAX, Fault, FaultCode, read};
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::{Value, json};

use super::cell;
use super::columns::{self, BY_HAND, Column};

/// The most rows of one visit.
const VISIT_ROWS_MAX: u64 = 1000;
/// The lists whose items are continued by the rows that name them again, or that leave the name empty.
const KEYED: [(&str, &str); 2] = [("/prescriptions", "prescription_number"), ("/acupuncture", "acupuncture_method")];

/// One thing wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowFault {
    /// The row, as a spreadsheet shows it.
    pub row: u64,
    /// The column by its name; by its letter when the name is not known, and empty for the whole row.
    pub column: String,
    /// What is wrong, and what to do.
    #[serde(flatten)]
    pub fault: Fault,
}

impl RowFault {
    pub(super) fn new(row: u64, column: &str, code: FaultCode, detail: impl Into<String>) -> Self {
        Self { row, column: column.to_owned(), fault: Fault::new(code, "", detail) }
    }
}

/// A record being put together.
#[derive(Debug)]
pub(super) struct Builder {
    zone: TimeZone,
    record: Value,
    places: Vec<Place>,
    rows: u64,
    bytes: usize,
    faults: Vec<RowFault>,
}

/// Where a value came from.
#[derive(Debug)]
struct Place {
    pointer: String,
    row: u64,
}

impl Builder {
    pub(super) const fn new(zone: TimeZone) -> Self {
        Self { zone, record: Value::Null, places: Vec::new(), rows: 0, bytes: 0, faults: Vec::new() }
    }

    /// Keeps the whole visit back for this reason.
    pub(super) fn blame(&mut self, fault: RowFault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }

    /// Adds the cells of a row that are not empty, each with its column.
    pub(super) fn add(&mut self, row: u64, cells: &[(&'static Column, String)], bytes_max: usize) {
        self.rows = self.rows.saturating_add(1);
        self.bytes = cells.iter().fold(self.bytes, |sum, (_, text)| sum.saturating_add(text.len()));
        if self.rows > VISIT_ROWS_MAX || self.bytes > bytes_max {
            let what = format!("the visit has more than {VISIT_ROWS_MAX} rows or {bytes_max} bytes");
            if !self.faults.iter().any(|told| told.fault.code == FaultCode::TooLong) {
                self.blame(RowFault::new(row, "", FaultCode::TooLong, what));
            }
            return;
        }
        let mut lists: Vec<(String, String)> = Vec::new();
        for (column, text) in cells {
            if column.path == "/@" {
                continue;
            }
            let Some(pointer) = self.pointer(row, column, cells, &mut lists) else { continue };
            let value = cell::value(column, text, &self.zone);
            match self.record.pointer(&pointer) {
                None => self.put(row, &pointer, value),
                Some(there) if *there == value => {}
                Some(_) => {
                    let what = "the cell differs from an earlier row of the same visit or prescription";
                    self.blame(RowFault::new(row, column.name, FaultCode::BadRow, what));
                }
            }
        }
    }

    /// The place of a cell, with the items of lists that this row begins or continues.
    fn pointer(
        &mut self,
        row: u64,
        column: &Column,
        cells: &[(&'static Column, String)],
        lists: &mut Vec<(String, String)>,
    ) -> Option<String> {
        let path = if column.path.starts_with("/@/") {
            let word = cells.iter().find(|(other, _)| other.path == "/@").map(|(_, text)| text.as_str());
            let known = word.and_then(|word| BY_HAND.iter().find(|(en, zh, _)| *en == word || *zh == word));
            let Some((.., list)) = known else {
                let what = "the row has a treatment by hand and does not say whether it is bone-setting or tui-na";
                self.blame(RowFault::new(row, "treatment_kind", FaultCode::MissingField, what));
                return None;
            };
            column.path.replacen('@', list, 1)
        } else {
            column.path.to_owned()
        };
        let mut pointer = String::new();
        for part in path.split('/').skip(1) {
            if part == "*" {
                pointer = self.item(row, pointer, cells, lists)?;
            } else {
                pointer = format!("{pointer}/{part}");
            }
        }
        Some(pointer)
    }

    /// The item of a list that a row is about.
    fn item(
        &mut self,
        row: u64,
        list: String,
        cells: &[(&'static Column, String)],
        lists: &mut Vec<(String, String)>,
    ) -> Option<String> {
        if let Some((_, item)) = lists.iter().find(|(known, _)| *known == list) {
            return Some(item.clone());
        }
        let there = self.record.pointer(&list).and_then(Value::as_array).map_or(0, Vec::len);
        let at = match KEYED.iter().find(|(keyed, _)| *keyed == list) {
            None => there,
            Some((_, key)) => {
                let named = cells.iter().find(|(column, _)| column.name == *key);
                match named {
                    Some((column, text)) => {
                        let value = cell::value(column, text, &self.zone);
                        let field = column.path.rsplit('/').next().unwrap_or_default();
                        let items = self.record.pointer(&list).and_then(Value::as_array);
                        let known =
                            items.and_then(|items| items.iter().position(|item| item.get(field) == Some(&value)));
                        known.unwrap_or(there)
                    }
                    None if there > 0 => there.saturating_sub(1),
                    None => {
                        let what = "the cell is empty, and no earlier row of the visit has it";
                        self.blame(RowFault::new(row, key, FaultCode::MissingField, what));
                        return None;
                    }
                }
            }
        };
        let item = format!("{list}/{at}");
        lists.push((list, item.clone()));
        Some(item)
    }

    fn put(&mut self, row: u64, pointer: &str, value: Value) {
        insert(&mut self.record, pointer, value);
        self.places.push(Place { pointer: pointer.to_owned(), row });
    }

    /// The record, or everything that is wrong with it.
    pub(super) fn finish(mut self, first: u64) -> Result<Vec<u8>, Vec<RowFault>> {
        self.complete();
        let mut faults = std::mem::take(&mut self.faults);
        // Of a visit that lacks a row, what else is missing follows from that.
        let is_torn = faults.iter().any(|told| told.column.is_empty() || told.fault.code == FaultCode::SameNumber);
        let found = if is_torn { Vec::new() } else { judge(&mut self.record) };
        // What is filled in from another cell is no fault of its own.
        let filled =
            |fault: &Fault| fault.pointer == "/issued" && !self.places.iter().any(|place| place.pointer == "/issued");
        for fault in found.into_iter().filter(|fault| !filled(fault)) {
            let placed = self.placed(first, fault);
            if !faults.iter().any(|told| told.row == placed.row && told.column == placed.column) {
                faults.push(placed);
            }
        }
        faults.sort_by_key(|fault| fault.row);
        faults.dedup();
        faults.truncate(FAULTS_MAX);
        if faults.is_empty() { Ok(self.record.to_string().into_bytes()) } else { Err(faults) }
    }

    /// Fills in what a spreadsheet need not say.
    fn complete(&mut self) {
        insert(&mut self.record, "/format", json!("causeway-cm-1"));
        for part in ["/patient", "/visit", "/practitioner"] {
            if self.record.pointer(part).is_none() {
                insert(&mut self.record, part, json!({}));
            }
        }
        let text = |record: &Value, pointer: &str| record.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        if self.record.pointer("/version").is_none() {
            insert(&mut self.record, "/version", json!(1));
        }
        if self.record.pointer("/status").is_none() {
            insert(&mut self.record, "/status", json!("final"));
        }
        let made = text(&self.record, "/issued")
            .or_else(|| text(&self.record, "/visit/end"))
            .or_else(|| text(&self.record, "/visit/start"));
        if let Some(made) = made {
            let with_time = if made.len() == 10 { cell::midnight(&made, &self.zone).unwrap_or(made) } else { made };
            insert(&mut self.record, "/issued", json!(with_time));
        }
        let only =
            text(&self.record, "/prescriptions/0/number").filter(|_| self.record.pointer("/prescriptions/1").is_none());
        let dispensings = self.record.get_mut("dispensings").and_then(Value::as_array_mut);
        for dispensing in dispensings.into_iter().flatten() {
            if let (Some(only), Some(item)) = (&only, dispensing.as_object_mut()) {
                item.entry("prescription").or_insert_with(|| json!(only));
            }
        }
    }

    /// A fault by its row and column.
    fn placed(&self, first: u64, fault: Fault) -> RowFault {
        let column = columns::at_pointer(&fault.pointer).map(|column| column.name).unwrap_or_default();
        let column = if fault.code == FaultCode::NoPatient { "patient_number" } else { column };
        let mut place = fault.pointer.as_str();
        loop {
            let within = |known: &&Place| {
                known.pointer.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if let Some(known) = self.places.iter().find(within) {
                let fault = Fault { pointer: String::new(), ..fault };
                return RowFault { row: known.row, column: column.to_owned(), fault };
            }
            let Some((parent, _)) = place.rsplit_once('/').filter(|(parent, _)| !parent.is_empty()) else {
                let fault = Fault { pointer: String::new(), ..fault };
                return RowFault { row: first, column: column.to_owned(), fault };
            };
            place = parent;
        }
    }
}

/// Everything that is wrong with a record. The reader stops at the first fault of form: a good sample takes its place, and
/// the rest is read. The record is spoilt by that when anything is wrong with it.
fn judge(record: &mut Value) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    while faults.len() < FAULTS_MAX {
        let Err(found) = read(record.to_string().as_bytes()) else { break };
        let of_form = found.len() == 1;
        let next = found.first().filter(|_| of_form).cloned();
        let sample = next.as_ref().and_then(|fault| columns::at_pointer(&fault.pointer));
        match (next, sample) {
            (Some(fault), Some(sample)) if !faults.iter().any(|known| known.pointer == fault.pointer) => {
                let value = cell::value(sample, sample.sample, &TimeZone::UTC);
                insert(record, &fault.pointer, value);
                faults.push(fault);
            }
            _ => {
                // What refers to a sample is no fault of the sender.
                let has_samples = !faults.is_empty();
                let own = |fault: &Fault| {
                    !has_samples || !matches!(fault.code, FaultCode::UnknownReference | FaultCode::SameNumber)
                };
                faults.extend(found.into_iter().filter(own));
                break;
            }
        }
    }
    faults
}

/// Puts a value at a pointer, with the objects and lists it stands in.
fn insert(record: &mut Value, pointer: &str, value: Value) {
    let mut here = record;
    let mut parts = pointer.split('/').skip(1).peekable();
    while let Some(part) = parts.next() {
        let is_last = parts.peek().is_none();
        let below = if parts.peek().is_some_and(|next| next.bytes().all(|b| b.is_ascii_digit())) {
            json!([])
        } else {
            json!({})
        };
        if here.is_null() {
            *here = json!({});
        }
        let next = match here {
            Value::Object(object) => object.entry(part).or_insert(below),
            Value::Array(items) => {
                let at = part.parse::<usize>().unwrap_or(items.len()).min(items.len());
                if at == items.len() {
                    items.push(below);
                }
                let Some(item) = items.get_mut(at) else { return };
                item
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return,
        };
        if is_last {
            *next = value;
            return;
        }
        here = next;
    }
}

/// The columns by the names of a heading; the letters of those that are not known.
pub(super) fn letter(at: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = at.saturating_add(1);
    while rest > 0 {
        let digit = rest.saturating_sub(1) % 26;
        letters.insert(0, char::from(b'A'.saturating_add(u8::try_from(digit).unwrap_or(0))));
        rest = rest.saturating_sub(1) / 26;
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::columns::COLUMNS;
    use super::*;

    #[test]
    fn every_sample_makes_a_good_record() {
        let mut builder = Builder::new(TimeZone::UTC);
        let cells: Vec<_> = COLUMNS.iter().map(|column| (column, column.sample.to_owned())).collect();
        builder.add(2, &cells, 1 << 18);
        let record = builder.finish(2).expect("good");
        let record: Value = serde_json::from_slice(&record).expect("JSON");
        for column in COLUMNS.iter().filter(|column| column.path != "/@") {
            let path = column.path.replace('*', "0").replace('@', "tui_na");
            assert!(record.pointer(&path).is_some(), "{path}");
        }
    }

    #[test]
    fn columns_have_the_letters_of_a_spreadsheet() {
        assert_eq!([0, 25, 26, 51, 52, 701, 702].map(letter), ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]);
    }
}
