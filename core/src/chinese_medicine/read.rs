//! Reading a record: bytes to types, with the place, the kind and the fix of what is wrong. Unknown and repeated
//! fields are faults; nothing is read beyond the bounds of the types, so no nesting and no list can grow.

use serde::Deserialize;
use serde_path_to_error::{Path, Segment};

use super::check::check;
use super::fault::{Fault, FaultCode};
use super::record::Record;

/// The longest record, in bytes; a door may allow less.
pub const RECORD_BYTES_MAX: usize = 256 << 10;
/// The most faults told of one record.
pub const FAULTS_MAX: usize = 50;

/// Reads one record. A byte order mark in front is passed over.
///
/// # Errors
/// What is wrong: the first fault of its form, or else all that is wrong with its content, at most [`FAULTS_MAX`].
pub fn read(bytes: &[u8]) -> Result<Record, Vec<Fault>> {
    let whole = |code, detail: &str| vec![Fault::new(code, "", detail)];
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(whole(FaultCode::TooLong, &format!("the record is longer than {RECORD_BYTES_MAX} bytes")));
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            return Err(whole(FaultCode::Encoding, &format!("the bytes at {at} are no UTF-8")));
        }
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let Ok(record) = <Record as Deserialize>::deserialize(&mut json) else { return Err(vec![fault_of_form(text)]) };
    if json.end().is_err() {
        return Err(whole(FaultCode::NotJson, "something follows the record"));
    }
    let mut faults = check(&record);
    faults.truncate(FAULTS_MAX);
    if faults.is_empty() { Ok(record) } else { Err(faults) }
}

/// Why a text is no record, with the place. The text is read once more for that: keeping the place of everything that is read
/// would take longer than the reading, and most records are good.
fn fault_of_form(text: &str) -> Fault {
    let mut json = serde_json::Deserializer::from_str(text);
    let mut track = serde_path_to_error::Track::new();
    match <Record as Deserialize>::deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track)) {
        Ok(_) => {
            Fault::new(FaultCode::BadValue, "", "the record could not be read at first, and could be the second time")
        }
        Err(error) => of_form(&track.path(), &error),
    }
}

/// A fault of form, without the value that serde would name.
fn of_form(path: &Path, error: &serde_json::Error) -> Fault {
    use serde_json::error::Category;
    let at = format!("line {}, column {}", error.line(), error.column());
    match error.classify() {
        Category::Eof | Category::Io => {
            return Fault::new(FaultCode::CutShort, pointer(path), format!("the record ends at {at}"));
        }
        Category::Syntax => {
            let deep = error.to_string().starts_with("recursion limit");
            let (code, what) = if deep { (FaultCode::TooDeep, "too deep") } else { (FaultCode::NotJson, "no JSON") };
            return Fault::new(code, pointer(path), format!("{what} at {at}"));
        }
        Category::Data => {}
    }
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
    if let Some((code, detail)) = message.split_once('|').and_then(|(code, text)| Some((FaultCode::parse(code)?, text)))
    {
        return Fault::new(code, pointer(path), detail);
    }
    let expected = || message.rsplit_once("expected ").map_or("another value", |(_, expected)| expected);
    if message.starts_with("unknown field") {
        // The name is the sender's, and might be anything: the place is the object it stands in.
        let fault = Fault::new(FaultCode::UnknownField, parent(path), "the schema has no field of this name here");
        return Fault { fix: format!("Use one of these: {}", expected().trim_start_matches("one of ")), ..fault };
    }
    if let Some(name) = message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
        let place = format!("{}/{}", pointer(path), name.0);
        return Fault::new(FaultCode::MissingField, place, "the field is required");
    }
    if let Some(name) = message.strip_prefix("duplicate field `").and_then(|rest| rest.split_once('`')) {
        let place = pointer(path);
        let place = if place.ends_with(&format!("/{}", name.0)) { place } else { format!("{place}/{}", name.0) };
        return Fault::new(FaultCode::DuplicateField, place, "the field stands here twice");
    }
    if message.starts_with("unknown variant") {
        let fault = Fault::new(FaultCode::BadValue, pointer(path), "the value is not one of the list");
        return Fault { fix: format!("Send one of these: {}", expected().trim_start_matches("one of ")), ..fault };
    }
    if message.starts_with("invalid type") {
        // Names of our types say nothing to the sender.
        let expected = if expected().starts_with("struct ") { "an object" } else { expected() };
        return Fault::new(FaultCode::WrongType, pointer(path), format!("expected {expected}"));
    }
    Fault::new(FaultCode::BadValue, pointer(path), "the value is not of the form that the schema gives the field")
}

/// A path as a JSON Pointer.
fn pointer(path: &Path) -> String {
    path.iter().filter_map(part).collect()
}

/// The pointer of what the last part stands in.
fn parent(path: &Path) -> String {
    let parts: Vec<String> = path.iter().filter_map(part).collect();
    parts.split_last().map(|(_, parts)| parts.concat()).unwrap_or_default()
}

fn part(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

#[cfg(test)]
mod tests;
