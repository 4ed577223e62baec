//! Where `hl7-parser` 0.3.0 and our codec part: each test shows both answers, and `docs/hl7-parser-differences.md`
//! lists them. When a later version of that crate answers otherwise, the test fails and the list is corrected.

use std::panic::catch_unwind;

use causeway_core::feed::LineEnds::{Lenient, Strict};
use causeway_core::hl7v2::time::{Hl7Time, TimeFault};
use causeway_core::hl7v2::{Delimiters, Limits, Message, ParseFault, Presence, escape};
use causeway_core::reason::Reason;
use hl7_parser::datetime::{TimeStamp, TimeStampOffset, parse_timestamp};
use hl7_parser::message::Separators;
use hl7_parser::query::LocationQuery;

const MSH: &str = "MSH|^~\\&|A|B|C|D|20240101||ADT^A01|1|P|2.5\r";

fn ours(text: &str) -> Message<'_> {
    Message::parse(text, Lenient, &Limits::default()).expect("a message")
}

fn our_fault(text: &str) -> ParseFault {
    Message::parse(text, Lenient, &Limits::default()).expect_err("no message")
}

fn our_names(text: &str) -> Vec<String> {
    ours(text).segments().map(|segment| segment.name().to_owned()).collect()
}

fn theirs(text: &str) -> hl7_parser::Message<'_> {
    hl7_parser::Message::parse(text).expect("a message")
}

fn their_names(text: &str) -> Vec<String> {
    theirs(text).segments().map(|segment| segment.name.to_owned()).collect()
}

fn decoded(raw: &str) -> (String, String) {
    let theirs = Separators::default().decode(raw).to_string();
    (theirs, escape::unescape(raw, &Delimiters::default()).into_owned())
}

fn both(theirs: &str, ours: &str) -> (String, String) {
    (theirs.to_owned(), ours.to_owned())
}

#[test]
fn an_escape_behind_chinese_text_panics() {
    let raw = "陳大文\\T\\李";
    let theirs = catch_unwind(|| Separators::default().decode(raw).to_string());
    assert!(theirs.is_err());
    assert_eq!(escape::unescape(raw, &Delimiters::default()), "陳大文&李");
}

#[test]
fn an_escape_behind_an_accent_gives_other_text() {
    assert_eq!(decoded("é\\T\\x"), both("é\\x", "é&x"));
}

#[test]
fn the_marks_of_other_escapes_are_lost() {
    assert_eq!(decoded("a\\H\\b\\N\\c\\X4142\\d\\.sp2\\e"), both("aHbNcX4142d.sp2e", "abcABd\n\ne"));
    assert_eq!(decoded("\\Zfoo\\\\C2842\\"), both("ZfooC2842", "\\Zfoo\\\\C2842\\"));
}

#[test]
fn text_behind_an_unterminated_escape_is_lost() {
    assert_eq!(decoded("abc\\def"), both("abc", "abc\\def"));
    assert_eq!(decoded("BSV 4\\5"), both("BSV 4", "BSV 4\\5"));
}

#[test]
fn a_line_break_becomes_a_carriage_return() {
    assert_eq!(decoded("a\\.br\\b"), both("a\rb", "a\nb"));
}

#[test]
fn a_control_character_is_written_into_the_frame() {
    let theirs = Separators::default().encode("a\u{b}b\u{1c}c").to_string();
    assert_eq!(theirs, "a\u{b}b\u{1c}c");
    assert_eq!(escape::escape("a\u{b}b\u{1c}c", &Delimiters::default()), "a\\X0B\\b\\X1C\\c");
}

#[test]
fn a_message_of_line_feeds_is_one_endless_msh() {
    let text = MSH.replace('\r', "\n") + "PID|1";
    assert_eq!(their_names(&text), ["MSH"]);
    assert_eq!(theirs(&text).segment("MSH").and_then(|msh| msh.field(12)).map(|f| f.raw_value()), Some("2.5\nPID"));
    let strict = Message::parse(&text, Strict, &Limits::default()).expect_err("no message");
    assert_eq!(strict.reason, Reason::BadSegment);
    assert_eq!(our_names(&text), ["MSH", "PID"]);
}

#[test]
fn everything_behind_a_blank_line_is_dropped() {
    let text = format!("{MSH}EVN|A01\r\rPID|1\rPV1|1\r");
    assert_eq!(their_names(&text), ["MSH", "EVN"]);
    assert_eq!(our_names(&text), ["MSH", "EVN", "PID", "PV1"]);
    assert_eq!(ours(&text).warnings().len(), 1);
}

#[test]
fn everything_from_a_segment_without_fields_on_is_dropped() {
    let text = format!("{MSH}EVN\rPID|1\r");
    assert_eq!(their_names(&text), ["MSH"]);
    assert_eq!(our_names(&text), ["MSH", "EVN", "PID"]);
}

#[test]
fn everything_from_a_line_that_is_no_segment_on_is_dropped() {
    let text = format!("{MSH}OBX|1|TX|N||first\rsecond part\rPID|1\r");
    assert_eq!(their_names(&text), ["MSH", "OBX"]);
    assert_eq!((our_fault(&text).reason, our_fault(&text).offset), (Reason::BadSegment, MSH.len() + 18));
}

#[test]
fn everything_behind_a_line_feed_in_data_is_dropped_when_line_feeds_are_allowed() {
    let text = format!("{MSH}OBX|1|TX|N||one\ntwo\rPID|1\r");
    let theirs = hl7_parser::Message::parse_with_lenient_newlines(&text, true).expect("a message");
    assert_eq!(theirs.segments().map(|segment| segment.name).collect::<Vec<_>>(), ["MSH", "OBX"]);
    assert_eq!(our_names(&text), ["MSH", "OBX", "PID"]);
    assert_eq!(ours(&text).segment("OBX").expect("OBX").field(5).text(), "one\ntwo");
}

#[test]
fn segment_names_of_any_letters_and_digits_are_taken() {
    let text = format!("{MSH}pid|1\r123|2\r陳大文|3\r");
    assert_eq!(their_names(&text), ["MSH", "pid", "123", "陳大文"]);
    assert_eq!((our_fault(&text).reason, our_fault(&text).offset), (Reason::BadSegment, MSH.len()));
}

#[test]
fn two_messages_are_read_as_one() {
    let text = format!("{MSH}PID|1\r{MSH}PID|2\r");
    assert_eq!(their_names(&text), ["MSH", "PID", "MSH", "PID"]);
    assert_eq!((our_fault(&text).reason, our_fault(&text).offset), (Reason::BadSegment, MSH.len() + 6));
}

#[test]
fn msh_2_of_five_characters_shifts_every_field() {
    let text = "MSH|^~\\&#|APP|FAC\r";
    let their_application = theirs(text).segment("MSH").and_then(|msh| msh.field(3)).map(|f| f.raw_value());
    assert_eq!(their_application, Some("#"));
    assert_eq!(ours(text).msh().field(3).raw(), "APP");
}

#[test]
fn msh_2_of_three_characters_makes_the_field_separator_a_delimiter_twice() {
    let text = "MSH|^~\\|APP|FAC\r";
    let message = theirs(text);
    assert_eq!(message.separators.subcomponent, '|');
    assert_eq!(message.segment("MSH").and_then(|msh| msh.field(3)).map(|f| f.raw_value()), Some("APP|FAC"));
    assert_eq!(ours(text).msh().field(3).raw(), "APP");
    assert_eq!(ours(text).delimiters().subcomponent(), None);
}

#[test]
fn delimiters_that_are_alike_or_letters_are_taken() {
    assert_eq!(theirs("MSH||||||A\r").separators.component, '|');
    assert_eq!(theirs("MSHABCDEA\r").separators.field, 'A');
    assert_eq!(
        (our_fault("MSH||||||A\r").reason, our_fault("MSH||||||A\r").place().as_str()),
        (Reason::Unreadable, "MSH-2")
    );
    assert_eq!(our_fault("MSHABCDEA\r").place(), "MSH-1");
}

#[test]
fn a_batch_or_a_byte_order_mark_is_no_message() {
    let batch = format!("FHS|^~\\&|A\rBHS|^~\\&|A\r{MSH}BTS|1\rFTS|1\r");
    assert!(hl7_parser::Message::parse(&batch).is_err());
    assert_eq!(our_names(&batch), ["FHS", "BHS", "MSH", "BTS", "FTS"]);
    let marked = format!("\u{feff}{MSH}");
    assert!(hl7_parser::Message::parse(&marked).is_err());
    let decoded = causeway_core::hl7v2::charset::Charset::UTF_8.decode(marked.as_bytes()).expect("text");
    assert_eq!(our_names(&decoded), ["MSH"]);
}

#[test]
fn the_order_to_delete_is_text() {
    let text = format!("{MSH}PID|\"\"\r");
    let theirs = theirs(&text);
    let field = theirs.segment("PID").and_then(|pid| pid.field(1)).expect("a field");
    assert_eq!((field.is_empty(), field.display(&theirs.separators).to_string()), (false, "\"\"".to_owned()));
    let ours = ours(&text);
    let field = ours.segment("PID").expect("PID").field(1);
    assert_eq!((field.presence(), field.text().as_ref()), (Presence::Null, ""));
}

#[test]
fn days_and_minutes_that_do_not_exist_are_taken() {
    for text in ["20240230", "00000000", "202401011260", "2024010124"] {
        assert!(parse_timestamp(text, false).is_ok(), "{text}");
        assert_eq!(Hl7Time::parse(text), Err(TimeFault::Calendar), "{text}");
    }
}

#[test]
fn an_offset_of_hours_is_dropped() {
    let theirs = parse_timestamp("20240101120000+08", false).expect("a time");
    assert_eq!(theirs.offset, None);
    assert_eq!(Hl7Time::parse("20240101120000+08").map(|time| time.to_string()).as_deref(), Ok("20240101120000+0800"));
}

#[test]
fn the_sign_of_an_offset_below_an_hour_is_lost() {
    let theirs = parse_timestamp("20240101120000-0030", false).expect("a time");
    assert_eq!(theirs.offset, Some(TimeStampOffset { hours: 0, minutes: 30 }));
    let ours = Hl7Time::parse("20240101120000-0030").expect("a time");
    assert_eq!(ours.offset().map(|offset| offset.seconds()), Some(-1800));
}

#[test]
fn an_offset_no_place_has_is_taken() {
    let theirs = parse_timestamp("20240101120000+9999", false).expect("a time");
    assert_eq!(theirs.offset, Some(TimeStampOffset { hours: 99, minutes: 99 }));
    assert_eq!(Hl7Time::parse("20240101120000+9999"), Err(TimeFault::Offset));
}

#[test]
fn the_number_of_decimals_is_lost_and_those_past_the_fourth_become_an_offset() {
    let theirs = |text: &str| {
        let time: TimeStamp = parse_timestamp(text, false).expect("a time");
        (time.microsecond, time.offset)
    };
    assert_eq!(theirs("20240101120000.5"), theirs("20240101120000.5000"));
    assert_eq!(theirs("20240101120000.123456"), (Some(123_400), None));
    let offset = TimeStampOffset { hours: 56, minutes: 78 };
    assert_eq!(theirs("20240101120000.12345678"), (Some(123_400), Some(offset)));
    for text in ["20240101120000.5", "20240101120000.5000", "20240101120000.123456", "20240101120000.12345678"] {
        assert_eq!(Hl7Time::parse(text).map(|time| time.to_string()).as_deref(), Ok(text));
    }
}

#[test]
fn a_query_with_a_long_number_panics_and_one_with_junk_is_answered() {
    // We have no query language: fields are asked for by number, and any number has an answer.
    let long = format!("PID.{}", "9".repeat(25));
    assert!(catch_unwind(|| LocationQuery::parse(&long).is_ok()).is_err());
    let text = MSH.to_owned();
    let junk = theirs(&text).query("MSH.3junk").map(|found| found.raw_value().to_owned());
    assert_eq!(junk.as_deref(), Some("A"));
    assert_eq!(ours(&text).msh().field(usize::MAX).presence(), Presence::Absent);
}

#[test]
fn the_list_in_the_documentation_is_complete() {
    let list = include_str!("../../../docs/hl7-parser-differences.md");
    let tests: Vec<&str> = include_str!("differences.rs")
        .split("#[test]\nfn ")
        .skip(1)
        .filter_map(|rest| rest.split_once('(').map(|(name, _)| name))
        .filter(|name| *name != "the_list_in_the_documentation_is_complete")
        .collect();
    assert!(tests.len() > 20, "{}", tests.len());
    for name in &tests {
        assert_eq!(list.matches(&format!("`{name}`")).count(), 1, "{name}");
    }
    assert_eq!(list.lines().filter(|line| line.starts_with("| `")).count(), tests.len());
}
