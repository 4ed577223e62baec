//! Segments and fields: delimiters, line ends, presence, limits and faults.

use causeway_core::disposition::Disposition;
use causeway_core::feed::LineEnds::{Lenient, Strict};
use causeway_core::hl7v2::{Limits, Message, ParseFault, Presence, WarningKind};
use causeway_core::reason::Reason;

use crate::corpus::file;

const MSH: &str = "MSH|^~\\&|A|B|C|D|20240101||ADT^A01|1|P|2.5\r";

fn parse(text: &str) -> Message<'_> {
    Message::parse(text, Lenient, &Limits::default()).expect("a message")
}

fn fault(text: &str) -> ParseFault {
    Message::parse(text, Lenient, &Limits::default()).expect_err("no message")
}

fn text_of(name: &str) -> String {
    String::from_utf8(file(name)).expect("UTF-8")
}

/// Names of the segments, in order.
fn names<'m>(message: &'m Message<'_>) -> Vec<&'m str> {
    message.segments().map(|segment| segment.name()).collect()
}

fn warnings(message: &Message<'_>) -> Vec<WarningKind> {
    message.warnings().iter().map(|warning| warning.kind).collect()
}

#[test]
fn every_part_of_a_message_is_where_the_standard_counts_it() {
    let text = text_of("adt_a01.hl7");
    let message = parse(&text);
    assert_eq!(names(&message), ["MSH", "EVN", "PID", "PD1", "NK1", "PV1", "AL1", "DG1"]);
    assert_eq!(message.msh().field(1).raw(), "|");
    assert_eq!(message.msh().field(2).raw(), "^~\\&");
    assert_eq!(message.msh().field(2).repetition_count(), 1);
    assert_eq!(message.msh().field(9).component(3).text(), "ADT_A01");
    assert_eq!(message.msh().field(18).text(), "UNICODE UTF-8");
    let pid = message.segment("PID").expect("PID");
    assert_eq!(pid.field(3).repetition_count(), 2);
    assert_eq!(pid.field(3).rep(2).component(4).text(), "QMH");
    assert_eq!(pid.field(5).rep(2).component(2).text(), "大文");
    assert_eq!(pid.field(11).component(1).text(), "FLAT A&B");
    assert_eq!(pid.field(11).component(1).sub(2).text(), "8/F");
    assert_eq!(message.segment("PV1").expect("PV1").field(44).text(), "20240307103000+0800");
    assert_eq!(message.segment("XXX").map(|segment| segment.offset()), None);
    assert!(message.warnings().is_empty());
}

#[test]
fn segments_of_one_name_are_counted_from_one() {
    let text = format!("{MSH}OBX|1\rNTE|1\rOBX|2\rOBX|3\rNTE|2\r");
    let message = parse(&text);
    let counted: Vec<_> = message.segments().map(|s| (s.name(), s.occurrence())).collect();
    assert_eq!(counted, [("MSH", 1), ("OBX", 1), ("NTE", 1), ("OBX", 2), ("OBX", 3), ("NTE", 2)]);
    let ids: Vec<_> = message.named("OBX").map(|obx| obx.field(1).text().into_owned()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
}

#[test]
fn absent_empty_null_and_present_are_four_different_things() {
    use Presence::{Absent, Empty, Null, Present};
    let text = text_of("absent_empty_null.hl7");
    let message = parse(&text);
    let pid = message.named("PID").nth(1).expect("the second PID");
    let said: Vec<_> = (1..=13).map(|number| pid.field(number).presence()).collect();
    let expected =
        [Present, Empty, Null, Empty, Present, Empty, Present, Present, Present, Empty, Absent, Absent, Absent];
    assert_eq!(said, expected);
    // `""^` is a component to delete, and one that says nothing.
    assert_eq!(pid.field(5).component(1).presence(), Null);
    assert_eq!(pid.field(5).component(2).presence(), Empty);
    assert_eq!(pid.field(5).component(3).presence(), Absent);
    assert_eq!(pid.field(7).rep(1).presence(), Null);
    assert_eq!(pid.field(7).rep(2).presence(), Present);
    assert_eq!(pid.field(3).text(), "");
    assert_eq!(pid.field(3).rep(2).component(1).sub(1).presence(), Absent);
    assert_eq!(pid.field(99).component(2).sub(3).text(), "");
    assert_eq!(pid.field(99).repetition_count(), 0);
    assert_eq!(pid.field(2).repetition_count(), 1);
}

#[test]
fn msh_2_may_have_two_three_four_or_five_characters() {
    let field = |name: &str| {
        let text = text_of(name);
        let message = parse(&text);
        assert_eq!(message.msh().field(3).raw(), "A", "{name}");
        let pid = message.segment("PID").expect("PID");
        let subs = pid.field(3).component(1).subs().map(|sub| sub.text().into_owned()).collect::<Vec<_>>();
        (subs, pid.field(3).rep(2).text().into_owned())
    };
    // Undeclared delimiters are text: no escape in the first, no sub-component in the first two.
    assert_eq!(field("msh_2_of_two.hl7"), (vec!["X\\F\\1&2".to_owned()], "4".to_owned()));
    assert_eq!(field("msh_2_of_three.hl7"), (vec!["X|1&2".to_owned()], "4\\T\\".to_owned()));
    assert_eq!(field("msh_2_of_five.hl7"), (vec!["X##1".to_owned(), "2".to_owned()], "4".to_owned()));
    assert_eq!(field("custom_delimiters.hl7"), (vec!["X$1".to_owned(), "2".to_owned()], "4|^~\\&".to_owned()));
}

#[test]
fn line_feeds_end_segments_only_where_no_carriage_return_does() {
    let plain = text_of("byte_order_mark.hl7").replace('\u{feff}', "");
    for text in [text_of("line_feeds.hl7"), text_of("carriage_return_line_feed.hl7"), plain] {
        let message = parse(&text);
        assert_eq!(names(&message), ["MSH", "PID"]);
        assert_eq!(message.segment("PID").expect("PID").field(3).raw(), "X1");
        assert!(message.warnings().is_empty(), "{:?}", message.warnings());
    }
    let text = text_of("line_feed_in_data.hl7");
    let message = parse(&text);
    assert_eq!(names(&message), ["MSH", "PID", "OBX", "OBX"]);
    assert_eq!(message.segment("OBX").expect("OBX").field(5).text(), "one\ntwo");
    assert_eq!(warnings(&message), [WarningKind::MixedLineEnds]);
}

#[test]
fn a_strict_feed_takes_carriage_returns_only() {
    for name in ["line_feeds.hl7", "carriage_return_line_feed.hl7"] {
        let text = text_of(name);
        let fault = Message::parse(&text, Strict, &Limits::default()).expect_err(name);
        assert_eq!((fault.reason, fault.offset), (Reason::BadSegment, text.find('\n').expect("LF")), "{name}");
    }
    // Line feeds after the last segment harm nobody.
    let text = format!("{MSH}PID|1\r\n");
    let message = Message::parse(&text, Strict, &Limits::default()).expect("a message");
    assert_eq!(message.segment("PID").expect("PID").field(1).raw(), "1");
    assert_eq!(warnings(&message), [WarningKind::TrailingLineEnds]);
}

#[test]
fn one_stray_carriage_return_does_not_swallow_a_message_of_line_feeds() {
    let text = text_of("line_feeds_and_one_stray_return.hl7");
    let fault = fault(&text);
    assert_eq!((fault.reason, fault.place().as_str()), (Reason::BadSegment, "MSH"));
    assert_eq!(Some(fault.offset), text.find('\n'));
}

#[test]
fn blank_lines_are_skipped_and_told() {
    let text = text_of("blank_lines.hl7");
    let message = parse(&text);
    assert_eq!(names(&message), ["MSH", "PID"]);
    let expected = [WarningKind::BlankLine, WarningKind::BlankLine, WarningKind::TrailingLineEnds];
    assert_eq!(warnings(&message), expected);
    assert_eq!(message.warnings()[1].offset, text.find("\r\rPID").expect("blank line") + 1);
}

#[test]
fn a_line_that_is_no_segment_is_a_fault_with_its_offset() {
    let text = text_of("broken_by_a_return.hl7");
    let found = fault(&text);
    assert_eq!((found.reason, found.place().as_str()), (Reason::BadSegment, "OBX"));
    assert_eq!(Some(found.offset), text.find("second part"));
    assert_eq!(found.disposition(), Disposition::Reject);
    assert!(!found.to_string().contains("second"), "{found}");
    for bad in ["pid|1", "Z|1", "PI|1", "PIDX|1", "1ID|1", " PID|1", "P-D|1", "|", "PIDé|", "PID^1"] {
        let text = format!("{MSH}{bad}\r");
        assert_eq!((fault(&text).reason, fault(&text).offset), (Reason::BadSegment, MSH.len()), "{bad}");
    }
}

#[test]
fn segments_without_fields_and_unknown_ones_are_kept() {
    let text = text_of("names_alone.hl7");
    let message = parse(&text);
    assert_eq!(names(&message), ["MSH", "EVN", "PID", "ZZZ", "PV1"]);
    let counts: Vec<_> = message.segments().map(|segment| segment.field_count()).collect();
    assert_eq!(counts, [3, 0, 1, 1, 0]);
}

#[test]
fn what_has_no_readable_header_is_refused() {
    let cases = [
        ("", "", 0),
        ("\r\n", "", 2),
        ("PID|1", "", 0),
        ("MSH", "MSH-1", 3),
        ("MSH|^~", "MSH-2", 3),
        ("MSH|^~\\", "MSH-2", 3),
        ("MSHH0", "MSH-2", 3),
        ("MSH|0", "MSH-2", 3),
        ("MSHH^~\\&HAHB", "MSH-1", 3),
        ("MSH|^|||||||^A|||2.2\r^AA", "MSH-2", 4),
        ("MSH|||||^^^^\rPID|1", "MSH-2", 4),
        ("MSH|^^^^|A|B", "MSH-2", 4),
        ("MSH|^~\\A|A|B", "MSH-2", 4),
        ("MSH|^~\\&#!|A|B", "MSH-2", 4),
        ("MSH|^~\\\"|A|B", "MSH-2", 4),
        ("\u{feff}MSH|^~\\&|A|B", "", 0),
    ];
    for (text, place, offset) in cases {
        let fault = fault(text);
        assert_eq!(
            (fault.reason, fault.place().as_str(), fault.offset),
            (Reason::Unreadable, place, offset),
            "{text:?}"
        );
        assert_eq!(fault.reason.hl7_error(), 100);
    }
}

#[test]
fn two_messages_in_one_text_are_never_read_as_one() {
    let text = text_of("two_messages.hl7");
    let fault = fault(&text);
    assert_eq!((fault.reason, Some(fault.offset)), (Reason::BadSegment, text.rfind("MSH")));
    let at_once = MSH.repeat(2);
    assert_eq!((self::fault(&at_once).reason, self::fault(&at_once).offset), (Reason::BadSegment, MSH.len()));
}

#[test]
fn batch_headers_carry_delimiters_that_must_be_those_of_the_message() {
    let text = text_of("batch.hl7");
    let message = parse(&text);
    assert_eq!(names(&message), ["FHS", "BHS", "MSH", "PID", "BTS", "FTS"]);
    assert_eq!(message.segment("BHS").expect("BHS").field(2).raw(), "^~\\&");
    assert_eq!(message.segment("BHS").expect("BHS").field(3).raw(), "A");
    assert_eq!(message.msh().field(9).component(2).text(), "A01");
    let alone = parse("FHS|^~\\&|A\rFTS|0\r");
    assert_eq!((alone.msh().name(), alone.msh().field_count(), alone.msh().field(1).raw()), ("", 0, ""));
    let other = text_of("batch_with_other_delimiters.hl7");
    assert_eq!((fault(&other).reason, fault(&other).offset), (Reason::BadSegment, other.find("BHS").expect("BHS")));
    let other = text.replace("BHS|^~\\&|", "BHS|~^\\&|");
    assert_eq!((fault(&other).reason, fault(&other).offset), (Reason::BadSegment, other.find("BHS").expect("BHS")));
}

#[test]
fn more_segments_or_parts_than_allowed_are_refused_where_they_stand() {
    let limits = Limits { segments_max: 3, parts_max: 4, separators_max: 40 };
    let check = |text: &str, place: &str, offset: usize| {
        let fault = Message::parse(text, Strict, &limits).expect_err("too many");
        assert_eq!((fault.reason, fault.place().as_str(), fault.offset), (Reason::TooManyParts, place, offset));
        assert_eq!(fault.reason.hl7_error(), 207);
    };
    let header = "MSH|^~\\&|A\r";
    let within = format!("{header}OBX|1~2~3^4&5\rOBX|2\r");
    assert!(Message::parse(&within, Strict, &limits).is_ok());
    check(&format!("{within}OBX|3\r"), "OBX", within.len());
    check(&format!("{header}PID|1|1~2~3^4&5~6"), "PID-2", header.len() + "PID|1|1~2~3^4&5".len());
    let wide = format!("{header}PID{}", "|".repeat(50));
    check(&wide, "PID-37", header.len() + 3 + 37);
    let many = format!("{header}PID{}", "|^^^".repeat(20));
    check(&many, "PID-10", header.len() + 3 + 9 * 4 + 1);
}

#[test]
fn a_hostile_message_at_the_limits_costs_linear_time() {
    let limits = Limits::default();
    let segments = format!("{MSH}{}", "OBX|1|NM|A^B||1\r".repeat(19_999));
    let message = Message::parse(&segments, Strict, &limits).expect("20,000 segments");
    assert_eq!(message.segments().last().map(|segment| segment.occurrence()), Some(19_999));
    let more = format!("{segments}OBX|");
    assert_eq!(Message::parse(&more, Strict, &limits).expect_err("one more").reason, Reason::TooManyParts);
    let many = format!("{MSH}PID|{}\r", "~".repeat(65_536));
    let message = Message::parse(&many, Strict, &limits).expect("65,536 separators");
    assert_eq!(message.segment("PID").expect("PID").field(1).repetition_count(), 65_537);
    let many = format!("{MSH}PID|{}\r", "^".repeat(1_000_000));
    assert_eq!(Message::parse(&many, Strict, &limits).expect_err("a million").place(), "PID-1");
    let names = (0..19_999_u32).map(|n| format!("Z{}{}\r", base_36(n / 36 % 36), base_36(n % 36)));
    let names = format!("{MSH}{}", names.collect::<String>());
    assert_eq!(Message::parse(&names, Strict, &limits).expect("names").segment_count(), 20_000);
    let long = format!("{MSH}OBX|1|ED|X||^application^pdf^Base64^{}\r", "A".repeat(4_000_000));
    let message = Message::parse(&long, Strict, &limits).expect("a long field");
    assert_eq!(message.segment("OBX").expect("OBX").field(5).component(5).raw().len(), 4_000_000);
}

fn base_36(digit: u32) -> char {
    char::from_digit(digit, 36).expect("a digit").to_ascii_uppercase()
}

#[test]
fn nothing_of_a_patient_shows_in_debug_or_faults() {
    let text = text_of("adt_a01.hl7");
    let message = parse(&text);
    let pid = message.segment("PID").expect("PID");
    let name = pid.field(5);
    let shown = format!(
        "{message:?} {pid:?} {name:?} {:?} {:?} {:?} {:?}",
        name.rep(1),
        name.component(1),
        name.component(1).sub(1),
        name.repetitions()
    );
    for secret in ["CHAN", "TAI MAN", "A1234563", "大文", "H2001"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
