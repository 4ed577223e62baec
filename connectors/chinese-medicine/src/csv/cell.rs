//! A cell as a value of the record.

use causeway_core::chinese_medicine::{Fault, FaultCode};
use causeway_core::hl7v2::charset::Charset;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::columns::{Column, Kind};

/// The text of a cell, without the blanks around it.
pub(super) fn text(bytes: &[u8], charset: Charset) -> Result<String, Fault> {
    let wrong = |detail: String| Fault::new(FaultCode::Encoding, "", detail);
    let decoded = charset.decode(bytes);
    let decoded = decoded.map_err(|fault| wrong(format!("the bytes at {} are no {}", fault.offset, charset.name())))?;
    if charset != Charset::UTF_8 && is_chinese_utf8(bytes) {
        return Err(wrong(format!("the cell is UTF-8 in a file of {}", charset.name())));
    }
    Ok(decoded.trim().to_owned())
}

/// Whether bytes that were read in another encoding are Chinese in UTF-8 too: then two encodings are mixed.
fn is_chinese_utf8(bytes: &[u8]) -> bool {
    !bytes.is_ascii()
        && std::str::from_utf8(bytes).is_ok_and(|text| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)))
}

/// The value of a text. What is not of the column's kind stays text, and the reader of records says what is wrong.
pub(super) fn value(column: &Column, text: &str, zone: &TimeZone) -> Value {
    let as_it_is = || Value::String(text.to_owned());
    match column.kind {
        Kind::Text => as_it_is(),
        Kind::Number => text.parse().map_or_else(|_no_number| as_it_is(), Value::Number),
        Kind::YesNo => yes_or_no(text).map_or_else(as_it_is, Value::Bool),
        Kind::Day => day(text).map_or_else(as_it_is, |day| Value::String(day.to_string())),
        Kind::Time => time(text, zone).map_or_else(as_it_is, Value::String),
        Kind::Word(parse, _) => parse(text).map_or_else(as_it_is, |word| Value::String(word.to_owned())),
    }
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "true" | "1" | "是" => Some(true),
        "n" | "no" | "false" | "0" | "否" => Some(false),
        _ => None,
    }
}

/// A day with its year first. What begins with a day or a month could be either.
fn day(text: &str) -> Option<Date> {
    let mut parts = text.split(['-', '/']);
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let (month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    if parts.next().is_some() { None } else { Date::new(year, month, day).ok() }
}

/// A time of the clinic, with its offset; a day as a day.
fn time(text: &str, zone: &TimeZone) -> Option<String> {
    let Some((date, clock)) = text.split_once([' ', 'T']) else { return day(text).map(|day| day.to_string()) };
    let mut parts = clock.trim().split(':').map(str::parse::<i8>);
    let (hour, minute, second) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next());
    let second = second.map_or(Some(0), Result::ok)?;
    if parts.next().is_some() {
        return None;
    }
    let zoned =
        DateTime::from_parts(day(date)?, Time::new(hour, minute, second, 0).ok()?).to_zoned(zone.clone()).ok()?;
    Some(zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

/// The beginning of a day, with its offset.
pub(super) fn midnight(text: &str, zone: &TimeZone) -> Option<String> {
    time(&format!("{text} 00:00"), zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hong_kong() -> TimeZone {
        TimeZone::get("Asia/Hong_Kong").expect("known")
    }

    #[test]
    fn days_and_times_are_read_as_spreadsheets_write_them_unless_they_are_ambiguous() {
        let read = |text| time(text, &hong_kong());
        assert_eq!(read("2026/3/1"), Some("2026-03-01".to_owned()));
        assert_eq!(read("2026-03-01 9:30"), Some("2026-03-01T09:30:00+08:00".to_owned()));
        assert_eq!(read("2026-03-01T09:30:05"), Some("2026-03-01T09:30:05+08:00".to_owned()));
        for bad in ["1/3/2026", "2026-02-30", "2026-03-01 25:00", "2026-03-01T09:30:00+08:00", "9:30", ""] {
            assert_eq!(read(bad), None, "{bad}: left as it is for the reader of records");
        }
    }

    #[test]
    fn a_cell_in_another_encoding_than_its_file_is_refused() {
        let big5 = Charset::BIG5.encode("咳嗽").expect("it has them");
        assert_eq!(text(&big5, Charset::BIG5).as_deref(), Ok("咳嗽"));
        assert!(text(&big5, Charset::UTF_8).is_err());
        assert_eq!(text("咳嗽 ".as_bytes(), Charset::UTF_8).as_deref(), Ok("咳嗽"));
        for charset in [Charset::BIG5, Charset::GB_18030] {
            assert!(text("陳大文".as_bytes(), charset).is_err(), "{charset:?}");
        }
    }
}
