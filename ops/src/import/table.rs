//! Persons as CSV, with a heading: the columns may stand in any order, only the document is required.

use std::collections::BTreeMap;

use causeway_core::person::{BirthDate, Demographics, Document, DocumentKind, LocalNumber, Sex};
use causeway_core::phi::Phi;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::NewPerson;
use causeway_core::provider::ProviderId;

use super::jsonl::checked;
use super::{BadRow, Join, Row};
use crate::config::trouble::closest;

/// The columns.
pub(crate) const COLUMNS: &[&str] = &[
    "document_kind",
    "document_number",
    "document_issuer",
    "family",
    "given",
    "chinese",
    "birth",
    "sex",
    "local_numbers",
    "join",
    "joined_at",
    "share",
];

/// Reads all rows.
///
/// # Errors
/// A heading with columns that mean nothing, or without the document.
pub(crate) fn read(text: &str) -> Result<Vec<Result<Row, BadRow>>, BadRow> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(false).from_reader(text.as_bytes());
    let headings = reader.headers().map_err(|error| bad_line("line 1", &error))?.clone();
    for heading in &headings {
        if !COLUMNS.contains(&heading) {
            let meant =
                closest(heading, COLUMNS).map_or_else(String::new, |meant| format!(", did you mean `{meant}`?"));
            let fix = "the columns are listed in docs/importing.md";
            return Err(BadRow::new("line 1", format!("the column `{heading}` is not known{meant}"), fix));
        }
    }
    for required in ["document_kind", "document_number"] {
        if !headings.iter().any(|heading| heading == required) {
            return Err(BadRow::new("line 1", format!("the column `{required}` is missing"), "add it to the heading"));
        }
    }
    let rows = reader.records().map(|record| {
        let record = record.map_err(|error| bad_line(&line_of(error.position()), &error))?;
        let cells = headings.iter().zip(record.iter()).collect();
        row(&line_of(record.position()), &cells)
    });
    Ok(rows.collect())
}

fn line_of(position: Option<&csv::Position>) -> String {
    position.map_or_else(|| "?".to_owned(), |position| format!("line {}", position.line()))
}

/// The error of the reader may hold a value of the line, so only its kind is told.
fn bad_line(place: &str, error: &csv::Error) -> BadRow {
    let why = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} cells, the heading has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        _ => "it is no CSV".to_owned(),
    };
    BadRow::new(place, why, "correct the line; cells with commas stand in double quotes")
}

fn row(place: &str, cells: &BTreeMap<&str, &str>) -> Result<Row, BadRow> {
    let cell = |column: &str| cells.get(column).copied().unwrap_or_default();
    let bad = |column: &str, fix: &str| BadRow::new(place, format!("`{column}` means nothing"), fix);
    let kinds = "the kinds are HKID, HKBC, PASSPORT, EXEMPTION, REENTRY_PERMIT, DOC_I, ONE_WAY_PERMIT, OTHER";
    let document = Document {
        kind: DocumentKind::parse(cell("document_kind")).ok_or_else(|| bad("document_kind", kinds))?,
        issuer: cell("document_issuer").to_owned(),
        number: Phi::new(cell("document_number").to_owned()),
    };
    let birth = match cell("birth") {
        "" => None,
        text => Some(BirthDate::parse(text).ok_or_else(|| bad("birth", "write 1983, 1983-01 or 1983-01-14"))?),
    };
    let sex = match cell("sex") {
        "" => None,
        text @ ("M" | "F" | "O" | "U") => Some(Sex::from_hl7(text)),
        _ => return Err(bad("sex", "write M, F, O or U")),
    };
    let joined_at = match cell("joined_at") {
        "" => None,
        text => Some(text.parse().map_err(|_bad| bad("joined_at", "write a time, as 2026-02-01T10:00:00+08:00"))?),
    };
    let join = match cell("join") {
        "" => None,
        text => Some(PolicyVersion::parse(text).ok_or_else(|| bad("join", "write 2019 or 2025"))?),
    };
    let local_numbers = listed(cell("local_numbers"))
        .map(|text| {
            let mut parts = text.splitn(3, ':');
            match (parts.next(), parts.next(), parts.next()) {
                (Some(provider), Some(authority), Some(number)) if !provider.is_empty() && !number.is_empty() => {
                    Ok(LocalNumber {
                        provider: ProviderId(provider.to_owned()),
                        authority: authority.to_owned(),
                        number: Phi::new(number.to_owned()),
                    })
                }
                _ => Err(bad("local_numbers", "write provider:authority:number, several parted by ;")),
            }
        })
        .collect::<Result<_, _>>()?;
    Ok(Row {
        place: place.to_owned(),
        person: NewPerson {
            documents: vec![checked(document, place)?],
            demographics: Demographics {
                family: cell("family").into(),
                given: cell("given").into(),
                chinese: cell("chinese").into(),
                birth: birth.map(Phi::new),
                sex,
            },
            local_numbers,
        },
        join: join.map(|policy| Join { policy, at: joined_at }),
        share: listed(cell("share")).map(|id| ProviderId(id.to_owned())).collect(),
    })
}

/// Values parted by semicolons.
fn listed(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').map(str::trim).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_by_heading_and_a_bad_one_stops_nobody() {
        let text = "\u{feff}document_kind,document_number,family,given,chinese,birth,sex,local_numbers,join,share\n\
                    HKID,A123456(3),CHAN,Tai Man,陳大文,1983-01-14,M,HA:QMH:H2001; 9265486345::77,2025,9265486345\n\
                    HKID,A1234564,CHAN,,,,,,,\n\
                    HKID,A1234563,CHAN\n\
                    PASSPORT,K12,LEE,,,13 May,F,,,\n\
                    PASSPORT,K12,\"LEE, Mei\",,,,F,,,\n";
        let rows = read(text).expect("a heading");
        let first = rows[0].as_ref().expect("well formed");
        assert_eq!(first.person.local_numbers.len(), 2);
        assert_eq!(first.person.demographics.chinese.expose(), "陳大文");
        assert_eq!(first.join.map(|join| join.policy), Some(PolicyVersion::V2025));
        let bad: Vec<_> =
            rows.iter().filter_map(|row| row.as_ref().err()).map(|b| (b.place.as_str(), b.why.as_str())).collect();
        assert_eq!(
            bad,
            [
                ("line 3", "the HKID check digit is wrong"),
                ("line 4", "it has 3 cells, the heading has 10"),
                ("line 5", "`birth` means nothing"),
            ]
        );
        assert!(rows[4].is_ok());
    }

    #[test]
    fn a_heading_that_means_nothing_is_told() {
        let told = read("document_kind,document_numbr\n").expect_err("unknown column");
        assert!(told.why.contains("did you mean `document_number`?"), "{told:?}");
        assert!(read("document_kind\n").is_err());
    }
}
