//! Files with HL7 v2 messages: one or many in a file, as text or as they went over MLLP, in folders or not. Files with
//! Chinese-medicine records: one as JSON, one a line, or CSV by the template.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use causeway_chinese_medicine::csv::{Reading, RowFault, Unread, Visits};
use causeway_chinese_medicine::lines::are_lines;
use causeway_core::chinese_medicine::{Fault, RECORD_BYTES_MAX};
use causeway_core::feed::FeedSettings;
use jiff::tz::TimeZone;

use crate::diagnostic::{Code, Diagnostic};

/// Larger files are refused: they are read whole.
const FILE_BYTES_MAX: u64 = 1 << 30;
const START_BLOCK: u8 = 0x0b;
const END_BLOCK: u8 = 0x1c;
/// The UTF-8 byte order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A message of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its place among the messages of the file, from 1; of a spreadsheet its first row.
    pub(crate) number: usize,
    /// Whether it is the only one.
    pub(crate) alone: bool,
    /// Its bytes, without what parts it from the next one.
    pub(crate) bytes: Vec<u8>,
    /// It stands in rows of a spreadsheet, where this is wrong: each with its row and column as its place.
    pub(crate) rows: Option<Vec<Fault>>,
}

impl Input {
    /// What it is called: the file, and the number where there are more.
    pub(crate) fn name(&self) -> String {
        if self.rows.is_some() {
            return format!("{}, row {}", self.path.display(), self.number);
        }
        if self.alone { self.path.display().to_string() } else { format!("{}#{}", self.path.display(), self.number) }
    }
}

/// The messages of these files and folders, in the order given; a folder's files by name, folders inside included.
///
/// # Errors
/// A file that cannot be read, or holds no message.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<Input>, Diagnostic> {
    gather(paths, |file, _bytes| {
        Err(Diagnostic::new(Code::NoMessage, "the file holds no HL7 message").at(file.display().to_string()))
    })
}

/// The same, but a file without a message is one input as it is: who looks at it says what is wrong with it.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn read_whatever(paths: &[PathBuf], feed: &FeedSettings) -> Result<Vec<Input>, Diagnostic> {
    let mut inputs = Vec::new();
    for path in paths {
        if is_spreadsheet(path) && path.is_file() {
            inputs.extend(visits_of(path, &read_file(path)?, &reading(feed)));
            continue;
        }
        let found = gather(std::slice::from_ref(path), |file, bytes| {
            Ok(Input { path: file.to_owned(), number: 1, alone: true, bytes, rows: None })
        })?;
        for input in found {
            if is_record(&input.bytes) {
                inputs.extend(records_of(&input.path, &input.bytes));
            } else {
                inputs.push(input);
            }
        }
    }
    Ok(inputs)
}

/// How the spreadsheets of a feed are read.
fn reading(feed: &FeedSettings) -> Reading {
    let zone = TimeZone::get(&feed.time_zone).unwrap_or(TimeZone::UTC);
    Reading { charset: feed.charset.clone(), zone, record_bytes_max: RECORD_BYTES_MAX }
}

/// The Chinese-medicine records of these files and folders.
///
/// # Errors
/// A file that cannot be read, or no record at all.
pub(crate) fn records(paths: &[PathBuf], reading: &Reading) -> Result<Vec<Input>, Diagnostic> {
    let mut inputs = Vec::new();
    for path in paths {
        for file in files_where(path, is_record_file)? {
            let bytes = read_file(&file)?;
            if is_spreadsheet(&file) {
                inputs.extend(visits_of(&file, &bytes, reading));
            } else {
                inputs.extend(records_of(&file, &bytes));
            }
        }
    }
    if inputs.is_empty() {
        return Err(Diagnostic::new(Code::NoMessage, "the files hold no record"));
    }
    Ok(inputs)
}

/// Whether it looks like a Chinese-medicine record, or several: an object of JSON.
pub(crate) fn is_record(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// One record, or one a line where the file is not one value of JSON.
fn records_of(path: &Path, bytes: &[u8]) -> Vec<Input> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let mut lines = if are_lines(bytes) { bytes.split(|byte| *byte == b'\n').collect() } else { vec![bytes] };
    lines.retain(|line| !line.iter().all(u8::is_ascii_whitespace));
    let alone = lines.len() == 1;
    let input = |(line, number): (&[u8], usize)| {
        let bytes = line.to_vec();
        Input { path: path.to_owned(), number, alone, bytes, rows: None }
    };
    lines.into_iter().zip(1_usize..).map(input).collect()
}

/// The visits of a spreadsheet.
fn visits_of(path: &Path, bytes: &[u8], reading: &Reading) -> Vec<Input> {
    let place = |fault: RowFault| {
        let named = if fault.column.is_empty() { String::new() } else { format!(", {}", fault.column) };
        Fault { pointer: format!("row {}{named}", fault.row), ..fault.fault }
    };
    let input = |first: u64, record: Result<Vec<u8>, Vec<RowFault>>| {
        let (bytes, faults) = record.map_or_else(|faults| (Vec::new(), faults), |bytes| (bytes, Vec::new()));
        let rows = Some(faults.into_iter().map(place).collect());
        let number = usize::try_from(first).unwrap_or(usize::MAX);
        Input { path: path.to_owned(), number, alone: false, bytes, rows }
    };
    // Reading from memory does not fail.
    let mut visits = match Visits::open(Cursor::new(bytes), reading.clone()) {
        Ok(visits) => visits,
        Err(Unread::Faults(faults)) => return vec![input(1, Err(faults))],
        Err(Unread::Disk(_)) => return Vec::new(),
    };
    let next = || visits.next_visit().ok().flatten();
    std::iter::from_fn(next).map(|visit| input(visit.first, visit.record)).collect()
}

/// A spreadsheet is known by its name.
fn is_spreadsheet(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

/// In a folder only files that are called like records are taken.
fn is_record_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    matches!(extension.to_ascii_lowercase().as_str(), "json" | "ndjson" | "jsonl" | "csv")
}

/// The messages of all files; `without` says what a file without one is.
fn gather(
    paths: &[PathBuf],
    without: impl Fn(&Path, Vec<u8>) -> Result<Input, Diagnostic>,
) -> Result<Vec<Input>, Diagnostic> {
    let mut inputs = Vec::new();
    for path in paths {
        for file in files(path)? {
            let bytes = read_file(&file)?;
            let messages = split(&bytes);
            if messages.is_empty() {
                inputs.push(without(&file, bytes)?);
                continue;
            }
            let alone = messages.len() == 1;
            inputs.extend(messages.into_iter().zip(1_usize..).map(|(message, number)| Input {
                path: file.clone(),
                number,
                alone,
                bytes: message.to_vec(),
                rows: None,
            }));
        }
    }
    Ok(inputs)
}

/// With carriage returns between segments, as MLLP wants it: a file written by hand has line feeds.
pub(crate) fn with_carriage_returns(message: &[u8]) -> Vec<u8> {
    let has_lone_cr =
        message.iter().zip(message.iter().skip(1).chain([&b' '])).any(|(byte, next)| *byte == b'\r' && *next != b'\n');
    let mut bytes = message.to_vec();
    if !has_lone_cr && message.contains(&b'\n') {
        bytes.retain(|byte| *byte != b'\r');
        bytes.iter_mut().filter(|byte| **byte == b'\n').for_each(|byte| *byte = b'\r');
    }
    if bytes.last() != Some(&b'\r') {
        bytes.push(b'\r');
    }
    bytes
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Diagnostic> {
    files_where(path, is_message_file)
}

/// A file as it is, or those of a folder, by name and without hidden ones, folders inside included.
///
/// # Errors
/// What cannot be read.
pub(crate) fn files_where(path: &Path, wanted: fn(&Path) -> bool) -> Result<Vec<PathBuf>, Diagnostic> {
    let trouble = |error: &std::io::Error| {
        Diagnostic::new(Code::Input, "the input cannot be read").at(path.display().to_string()).because(error)
    };
    if !fs::metadata(path).map_err(|error| trouble(&error))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let entries = fs::read_dir(path).map_err(|error| trouble(&error))?;
    let mut names = Vec::new();
    for entry in entries {
        names.push(entry.map_err(|error| trouble(&error))?.path());
    }
    names.sort();
    for name in names {
        let hidden = name.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if name.is_dir() && !hidden {
            found.extend(files_where(&name, wanted)?);
        } else if !hidden && wanted(&name) {
            found.push(name);
        }
    }
    Ok(found)
}

/// In a folder only files that are called like messages are taken.
fn is_message_file(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    matches!(
        extension.to_ascii_lowercase().as_str(),
        "json" | "ndjson" | "jsonl" | "hl7" | "txt" | "out" | "msg" | "er7" | "dat"
    )
}

/// The bytes of a file.
///
/// # Errors
/// One that cannot be read, or is larger than is read whole.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Diagnostic> {
    let trouble = |error: &std::io::Error| {
        Diagnostic::new(Code::Input, "the input cannot be read").at(path.display().to_string()).because(error)
    };
    let length = fs::metadata(path).map_err(|error| trouble(&error))?.len();
    if length > FILE_BYTES_MAX {
        let told = Diagnostic::new(Code::Input, "the file is larger than 1 GiB").at(path.display().to_string());
        return Err(told.fix("split it"));
    }
    fs::read(path).map_err(|error| trouble(&error))
}

/// The messages in a file: its frames, when it begins with one, else what stands from one MSH line to the next. Lines
/// of a batch envelope (FHS, BHS, BTS, FTS) part messages and belong to none.
pub(crate) fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&START_BLOCK) { frames(bytes) } else { lines(bytes) }
}

fn frames(bytes: &[u8]) -> Vec<&[u8]> {
    let inner = bytes.split(|byte| *byte == START_BLOCK).skip(1);
    inner
        .filter_map(|frame| frame.split(|byte| *byte == END_BLOCK).next())
        .map(trimmed)
        .filter(|m| !m.is_empty())
        .collect()
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    // Where each message begins, and where each batch line begins, which ends the message before it.
    let mut marks = Vec::new();
    let mut at_line_start = true;
    for (place, byte) in bytes.iter().enumerate() {
        if at_line_start && let Some(rest) = bytes.get(place..) {
            if starts_segment(rest, &[b"MSH"]) {
                marks.push((place, true));
            } else if starts_segment(rest, &[b"FHS", b"BHS", b"BTS", b"FTS"]) {
                marks.push((place, false));
            }
        }
        at_line_start = matches!(byte, b'\r' | b'\n');
    }
    let ends = marks.iter().skip(1).map(|(place, _)| *place).chain([bytes.len()]);
    let pairs = marks.iter().zip(ends).filter(|((_, is_message), _)| *is_message);
    pairs.filter_map(|((start, _), end)| bytes.get(*start..end)).map(trimmed).collect()
}

/// One of these names, and then a separator.
fn starts_segment(bytes: &[u8], names: &[&[u8; 3]]) -> bool {
    let Some((name, rest)) = bytes.split_at_checked(3) else { return false };
    names.iter().any(|wanted| wanted.as_slice() == name)
        && rest.first().is_some_and(|byte| byte.is_ascii_graphic() && !byte.is_ascii_alphanumeric())
}

/// Without the line ends after it.
fn trimmed(message: &[u8]) -> &[u8] {
    let end = message.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
    message.get(..end).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed() -> FeedSettings {
        let name = causeway_core::envelope::FeedName::parse("clinic").expect("a name");
        let provider = causeway_core::provider::ProviderId("HA".to_owned());
        FeedSettings::new(name, causeway_core::envelope::Format::ChineseMedicine, provider)
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        split(bytes).into_iter().map(|message| String::from_utf8_lossy(message).into_owned()).collect()
    }

    #[test]
    fn messages_are_parted_at_their_headers_whatever_stands_between() {
        assert_eq!(texts(b"MSH|1\rPID|MSH\r\nMSH|2\rPID\r\n\n\nMSH|3"), ["MSH|1\rPID|MSH", "MSH|2\rPID", "MSH|3"]);
        assert_eq!(texts(b"\xef\xbb\xbfMSH^1\nPID"), ["MSH^1\nPID"]);
        assert_eq!(texts(b"MSHX\rPID"), [""; 0]);
        assert_eq!(texts(b""), [""; 0]);
    }

    #[test]
    fn envelopes_of_batches_belong_to_no_message() {
        let batch = b"FHS|^~\\&\rBHS|^~\\&\rMSH|1\rPID\rMSH|2\rBTS|2\rFTS|1\r";
        assert_eq!(texts(batch), ["MSH|1\rPID", "MSH|2"]);
    }

    #[test]
    fn a_capture_of_mllp_is_taken_frame_by_frame() {
        assert_eq!(texts(b"\x0bMSH|1\rPID\r\x1c\r\x0bMSH|2\r\x1c\r"), ["MSH|1\rPID", "MSH|2"]);
    }

    #[test]
    fn line_feeds_become_carriage_returns_only_where_they_end_segments() {
        assert_eq!(with_carriage_returns(b"MSH|1\nPID\n"), b"MSH|1\rPID\r");
        assert_eq!(with_carriage_returns(b"MSH|1\r\nPID"), b"MSH|1\rPID\r");
        assert_eq!(with_carriage_returns(b"MSH|1\rOBX|a\nb"), b"MSH|1\rOBX|a\nb\r");
    }

    #[test]
    fn folders_are_read_by_name_and_a_file_without_messages_is_told() {
        let folder = tempfile::tempdir().expect("folder");
        fs::create_dir(folder.path().join("inner")).expect("made");
        for (name, text) in
            [("b.hl7", "MSH|b"), ("a.HL7", "MSH|a1\nMSH|a2"), ("inner/c.txt", "MSH|c"), ("notes.md", "no")]
        {
            fs::write(folder.path().join(name), text).expect("written");
        }
        let inputs = read(&[folder.path().to_owned()]).expect("messages");
        let bytes: Vec<_> = inputs.iter().map(|input| String::from_utf8_lossy(&input.bytes).into_owned()).collect();
        assert_eq!(bytes, ["MSH|a1", "MSH|a2", "MSH|b", "MSH|c"]);
        assert!(inputs[1].name().ends_with("a.HL7#2") && inputs[2].name().ends_with("b.hl7"));
        let told = read(&[folder.path().join("notes.md")]).expect_err("no message");
        assert_eq!(told.code, Code::NoMessage);
        let whatever = read_whatever(&[folder.path().join("notes.md")], &feed()).expect("an input all the same");
        assert_eq!(whatever.iter().map(|input| input.bytes.as_slice()).collect::<Vec<_>>(), [b"no"]);
        assert_eq!(read(&[folder.path().join("gone.hl7")]).expect_err("not there").code, Code::Input);
    }
}
