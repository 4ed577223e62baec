//! The code tables of the feeds, read from their CSV files. docs/codes.md tells the columns.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use causeway_core::code_table::check_digit::CheckDigit;
use causeway_core::code_table::{CodeRow, CodeTables, Target};
use causeway_core::envelope::FeedName;
use causeway_core::port::UnmappedCount;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};

use super::Config;
use super::find::Found;
use super::trouble::closest;
use crate::diagnostic::{Code, Diagnostic, Place};

/// The columns, which may stand in any order.
pub(crate) const COLUMNS: &[&str] = &[
    "system",
    "code",
    "target_system",
    "target_code",
    "target_display",
    "version",
    "source",
    "valid_from",
    "valid_to",
    "check",
];
/// Those that must be there and have a value in every row.
const REQUIRED: &[&str] = &["system", "code", "target_system", "target_code", "source"];
/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// The most rows of the tables of one feed.
const ROWS_MAX: usize = 500_000;
/// At most so many rows of one file are told; more come from one cause.
const TOLD_MAX: usize = 20;

/// The tables of all feeds, to ask whether one knows a code today.
#[derive(Debug, Clone)]
pub(crate) struct Known(BTreeMap<FeedName, Arc<CodeTables>>);

impl Known {
    /// Those of a configuration.
    pub(crate) fn of(config: &Config) -> Self {
        Self(config.code_tables.clone())
    }

    /// Whether a table of its feed knows a code on the day of this instant, in Hong Kong.
    pub(crate) fn knows(&self, count: &UnmappedCount, at: Timestamp) -> bool {
        let day = at.to_zoned(TimeZone::fixed(offset(8))).date();
        let Some(tables) = self.0.get(&count.feed) else { return false };
        tables.find(&count.code.system, &count.code.code, day).is_some()
    }
}

/// Reads the tables of all feeds into the configuration, and tells every bad file and row.
pub(crate) fn load(found: &mut Found) -> Vec<Diagnostic> {
    let folder = found.file.path.parent().unwrap_or(Path::new("")).to_owned();
    let (mut troubles, mut tables_of) = (Vec::new(), BTreeMap::new());
    let config = found.config();
    let hl7 = config.feeds().map(|feed| (&feed.name, &feed.code_tables));
    let clinics = config.clinics().map(|feed| (&feed.name, &feed.code_tables));
    for (name, paths) in hl7.chain(clinics).filter(|(_, paths)| !paths.is_empty()) {
        let mut tables = CodeTables::default();
        for path in paths {
            troubles.extend(read(&folder.join(path), &mut tables));
        }
        tables_of.insert(name.clone(), Arc::new(tables));
    }
    found.layered.value.code_tables = tables_of;
    troubles
}

/// Reads one file into the tables.
fn read(path: &Path, tables: &mut CodeTables) -> Vec<Diagnostic> {
    let unreadable = |error: &std::io::Error| {
        let told = Diagnostic::new(Code::FeedTable, "the code table cannot be read");
        let fix = "put the file there, or correct `code_tables` of the feed; a path begins at the configuration file";
        vec![told.at(path.display().to_string()).because(error).fix(fix)]
    };
    match fs::metadata(path) {
        Ok(about) if about.len() > FILE_BYTES_MAX => {
            let told = Diagnostic::new(Code::FeedTable, "the code table is larger than 64 MiB");
            return vec![told.at(path.display().to_string()).fix("leave out what the feed does not send")];
        }
        Ok(_) => {}
        Err(error) => return unreadable(&error),
    }
    match fs::read(path) {
        Ok(bytes) => parse(path, &bytes, tables),
        Err(error) => unreadable(&error),
    }
}

/// A line that cannot be taken.
struct Bad {
    what: String,
    fix: &'static str,
}

fn parse(path: &Path, bytes: &[u8], tables: &mut CodeTables) -> Vec<Diagnostic> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).comment(Some(b'#')).from_reader(bytes);
    let text_of = |line: u64| {
        let at = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        let line = bytes.split(|byte| *byte == b'\n').nth(at).unwrap_or_default();
        String::from_utf8_lossy(line).trim_end().chars().take(200).collect::<String>()
    };
    let told = |line: u64, bad: Bad| {
        let text = text_of(line);
        let place = Place::Line {
            file: path.display().to_string(),
            line: usize::try_from(line).unwrap_or(usize::MAX),
            column: 1,
            length: text.chars().count(),
            text,
            hint: String::new(),
        };
        Diagnostic { place: Some(Box::new(place)), ..Diagnostic::new(Code::FeedTable, bad.what).fix(bad.fix) }
    };
    let headings = match reader.headers() {
        Ok(headings) => headings.clone(),
        Err(error) => return vec![told(1, unreadable(&error))],
    };
    if let Some(bad) = bad_heading(&headings) {
        return vec![told(1, bad)];
    }
    let mut troubles = Vec::new();
    for record in reader.records() {
        let taken = match &record {
            Ok(record) => {
                let line = record.position().map_or(0, csv::Position::line);
                take(&headings, record, tables).map_err(|bad| (line, bad))
            }
            Err(error) => Err((error.position().map_or(0, csv::Position::line), unreadable(error))),
        };
        if let Err((line, bad)) = taken {
            troubles.push(told(line, bad));
        }
        if troubles.len() >= TOLD_MAX {
            break;
        }
    }
    troubles
}

fn unreadable(error: &csv::Error) -> Bad {
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the line has {len} cells, the heading has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "the line is not UTF-8".to_owned(),
        _ => "the line is no CSV".to_owned(),
    };
    Bad { what, fix: "correct the line; cells with commas stand in double quotes" }
}

fn bad_heading(headings: &csv::StringRecord) -> Option<Bad> {
    let fix = "the columns are listed in docs/codes.md";
    if let Some(strange) = headings.iter().find(|heading| !COLUMNS.contains(heading)) {
        let meant = closest(strange, COLUMNS).map_or_else(String::new, |meant| format!(", did you mean `{meant}`?"));
        return Some(Bad { what: format!("the column `{strange}` is not known{meant}"), fix });
    }
    let missing = REQUIRED.iter().find(|required| !headings.iter().any(|heading| heading == **required))?;
    Some(Bad { what: format!("the column `{missing}` is missing"), fix })
}

fn take(headings: &csv::StringRecord, record: &csv::StringRecord, tables: &mut CodeTables) -> Result<(), Bad> {
    let cells: BTreeMap<&str, &str> = headings.iter().zip(record.iter()).collect();
    let cell = |column: &str| cells.get(column).copied().unwrap_or_default();
    if let Some(empty) = REQUIRED.iter().find(|column| cell(column).is_empty()) {
        return Err(Bad { what: format!("`{empty}` is empty"), fix: "fill it in, or take the row out" });
    }
    let is_uri = cell("target_system").split_once(':').is_some_and(|(scheme, rest)| {
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) && !rest.is_empty()
    });
    if !is_uri || cell("target_system").contains(char::is_whitespace) {
        return Err(Bad { what: "`target_system` is no URI".to_owned(), fix: "write a URI, as urn:example:tests" });
    }
    if cell("target_code").contains(char::is_whitespace) {
        return Err(Bad { what: "`target_code` holds a blank".to_owned(), fix: "write the code alone" });
    }
    check_digit(cell("check"), cell("target_code"))?;
    let date = |column: &str| match cell(column) {
        "" => Ok(None),
        text => text.parse::<Date>().map(Some).map_err(|_bad| Bad {
            what: format!("`{column}` is no date"),
            fix: "write a day, as 2026-03-01, or nothing",
        }),
    };
    if tables.len() >= ROWS_MAX {
        return Err(Bad {
            what: format!("a feed has at most {ROWS_MAX} rows"),
            fix: "leave out what it does not send",
        });
    }
    let row = CodeRow {
        system: cell("system").to_owned(),
        code: cell("code").to_owned(),
        target: Target {
            system: cell("target_system").to_owned(),
            code: cell("target_code").to_owned(),
            display: cell("target_display").to_owned(),
            version: cell("version").to_owned(),
            source: cell("source").to_owned(),
        },
        valid_from: date("valid_from")?,
        valid_to: date("valid_to")?,
    };
    let fix = "a code stands for one thing on one day: correct the dates, or take one of the rows out";
    tables.insert(row).map_err(|fault| Bad { what: fault.to_string(), fix })
}

/// Looks at the last digit of a code whose row names the rule of check digits.
fn check_digit(rule: &str, code: &str) -> Result<(), Bad> {
    if rule.is_empty() {
        return Ok(());
    }
    let Some(rule) = CheckDigit::parse(rule) else {
        let known = CheckDigit::ALL.map(CheckDigit::as_str).join("`, `");
        return Err(Bad {
            what: format!("`check` names no rule: `{known}`"),
            fix: "name one of these, or leave it empty",
        });
    };
    rule.check(code).map_err(|fault| Bad {
        what: format!("the check digit of `target_code` does not hold: {fault}"),
        fix: "compare the code with its source: a digit is mistyped, or the rule is another",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "system,code,target_system,target_code,target_display,version,source,valid_from,valid_to\n";

    fn told(text: &str) -> (CodeTables, Vec<String>) {
        let mut tables = CodeTables::default();
        let troubles = parse(Path::new("lab.csv"), text.as_bytes(), &mut tables);
        let line = |trouble: &Diagnostic| match trouble.place.as_deref() {
            Some(Place::Line { line, .. }) => format!("{line}: {}", trouble.what),
            Some(Place::Named(_)) | None => trouble.what.clone(),
        };
        let told = troubles.iter().map(line).collect();
        (tables, told)
    }

    #[test]
    fn rows_are_read_with_their_days_and_comments_are_passed_over() {
        let rows =
            "# invented\nL,GLU,urn:x,X-1,\"Glucose, invented\",1,us,2026-01-01,2026-12-31\nL,NA,urn:x,X-2,,,us,,\n";
        let (tables, told) = told(&format!("\u{feff}{HEADING}{rows}"));
        assert!(told.is_empty(), "{told:?}");
        let found = tables.find("L", "GLU", jiff::civil::date(2026, 6, 1)).expect("found");
        assert_eq!((found.code.as_str(), found.display.as_str()), ("X-1", "Glucose, invented"));
        assert_eq!(tables.find("L", "GLU", jiff::civil::date(2027, 1, 1)), None);
        assert_eq!(tables.len(), 2);
    }

    #[test]
    fn every_bad_row_is_told_by_its_line_and_the_good_ones_are_read() {
        let rows = "L,A,urn:x,1,,,us,,\nL,A,urn:x,2,,,us,,\nL,B,no uri,1,,,us,,\nL,,urn:x,1,,,us,,\nL,C,urn:x,1 2,,,us,,\n\
                    L,D,urn:x,1,,,us,1 May,\nL,E,urn:x,1,,,us,2026-02-01,2026-01-01\nL,F,urn:x\nL,G,urn:x,1,,,us,,\n";
        let (tables, told) = told(&format!("{HEADING}{rows}"));
        assert_eq!(
            told,
            [
                "3: an earlier row has this code for some of the same days",
                "4: `target_system` is no URI",
                "5: `code` is empty",
                "6: `target_code` holds a blank",
                "7: `valid_from` is no date",
                "8: `valid_to` lies before `valid_from`",
                "9: the line has 3 cells, the heading has 9",
            ]
        );
        assert_eq!(tables.len(), 2, "A and G");
    }

    #[test]
    fn a_code_whose_check_digit_does_not_hold_is_told_with_the_digit_it_would_be() {
        let heading = "system,code,target_system,target_code,source,check\n";
        let rows = "L,A,urn:x,4006381333931,us,gs1\nL,B,urn:x,4006381333913,us,gs1\nL,C,urn:x,07945,us,iso7064-mod11-10\n\
                    L,D,urn:x,H-1,us,gs1\nL,E,urn:x,1,us,luhn\nL,F,urn:x,1,us,\n";
        let (tables, told) = told(&format!("{heading}{rows}"));
        assert_eq!(
            told,
            [
                "3: the check digit of `target_code` does not hold: its last digit would be 7",
                "5: the check digit of `target_code` does not hold: it is not of digits alone",
                "6: `check` names no rule: `gs1`, `iso7064-mod11-10`",
            ]
        );
        assert_eq!(tables.len(), 3, "A, C and F");
    }

    #[test]
    fn the_table_of_the_demo_is_well_formed() {
        let (tables, told) = told(include_str!("../demo/lab.csv"));
        assert!(told.is_empty(), "{told:?}");
        let old = tables.find("L", "CRP", jiff::civil::date(2025, 12, 31)).expect("found");
        let new = tables.find("L", "CRP", jiff::civil::date(2026, 1, 1)).expect("found");
        assert_eq!([old.code.as_str(), new.code.as_str()], ["DT-3001", "DT-3002"]);
    }

    #[test]
    fn the_invented_terminologies_of_the_docs_are_well_formed_and_hold_together() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/chinese-medicine/terminology");
        let mut tables = CodeTables::default();
        let mut files = 0;
        for file in fs::read_dir(folder).expect("the terminologies") {
            let path = file.expect("a file").path();
            let troubles = read(&path, &mut tables);
            assert!(troubles.is_empty(), "{}: {troubles:?}", path.display());
            files += 1;
        }
        assert!(files >= 8 && tables.len() >= 18, "{files} {}", tables.len());
        let of = |system, code, day| tables.find(system, code, day).map(|target| target.version.clone());
        assert_eq!(of("GB/T 15657-2021", "A99.01", jiff::civil::date(2021, 10, 10)), None, "before it was in force");
        assert_eq!(of("GB/T 15657-2021", "A99.01", jiff::civil::date(2021, 10, 11)), Some("2021".to_owned()));
        assert_eq!(of("GB/T 15657-1995", "BZZ010", jiff::civil::date(2021, 10, 11)), None, "replaced");
        assert_eq!(of("HKPCM", "HKP-99002", jiff::civil::date(2025, 7, 1)), None, "ended");
    }

    #[test]
    fn tables_stand_beside_the_configuration_and_a_missing_one_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let feed = |tables: &str| {
            format!(
                "[[door]]\nlisten = \"127.0.0.1:0\"\n[[door.feed]]\nname = \"lab\"\nprovider = \"HA\"\nsenders = [\"any\"]\n\
                 code_tables = [{tables}]\n"
            )
        };
        let path = folder.path().join("causeway.toml");
        fs::create_dir(folder.path().join("tables")).expect("a folder");
        fs::write(folder.path().join("tables/lab.csv"), format!("{HEADING}L,GLU,urn:x,X-1,,,us,,\n")).expect("a table");
        let wanted = super::super::find::Wanted { path: Some(path.clone()), set: Vec::new() };
        fs::write(&path, feed("\"tables/lab.csv\"")).expect("a file");
        let found = super::super::find::find(&wanted).expect("it holds");
        let settings = found.config().feed_settings().next().expect("a feed");
        assert_eq!(settings.code_tables.len(), 1);
        fs::write(&path, feed("\"tables/lab.csv\", \"gone.csv\"")).expect("a file");
        let Err(told) = super::super::find::find(&wanted) else { panic!("a table that is not there is an error") };
        assert!(format!("{told:?}").contains("put the file there"), "with what to do about it: {told:?}");
    }

    #[test]
    fn a_heading_that_means_nothing_is_told_with_what_was_meant() {
        assert_eq!(
            told("system,code,target_sytem\n").1,
            ["1: the column `target_sytem` is not known, did you mean `target_system`?"]
        );
        assert_eq!(told("system,code,target_system,target_code\n").1, ["1: the column `source` is missing"]);
    }
}
