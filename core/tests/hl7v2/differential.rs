//! A second opinion: on well-formed messages `hl7-parser` and our codec must say the same.

use causeway_core::feed::LineEnds;
use causeway_core::hl7v2::time::{Hl7Time, Precision};
use causeway_core::hl7v2::{Component, Field, Limits, Message, Segment, escape};
use hl7_parser::datetime::parse_timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::corpus::file;

/// What both can read: upper-case names, at least one field a segment, closed escapes before any character outside
/// ASCII.
fn well_formed() -> impl Strategy<Value = String> {
    let text = || "[A-Za-z0-9 .,:/()'+-]{0,10}";
    let escapes = || "([a-z ]{0,4}\\\\(F|S|T|R|E|X0D|X0A)\\\\){1,3}[a-z]{0,3}";
    let part = prop_oneof![4 => text(), 1 => escapes(), 1 => "[陳大文許功蓋é]{1,4}", 1 => Just("\"\"".to_owned())];
    let component = vec(part, 1..4).prop_map(|parts| parts.join("&"));
    let repetition = vec(component, 1..5).prop_map(|components| components.join("^"));
    let field = vec(repetition, 1..4).prop_map(|repetitions| repetitions.join("~"));
    let segment = ("[A-Z][A-Z0-9]{2}", vec(field, 1..12))
        .prop_filter("no second header", |(name, _)| !matches!(name.as_str(), "MSH" | "FHS" | "BHS"))
        .prop_map(|(name, fields)| format!("{name}|{}", fields.join("|")));
    (vec(segment, 0..8), prop_oneof![Just(""), Just("\r")]).prop_map(|(segments, end)| {
        let header = "MSH|^~\\&|A&B^1.2|C|D~E||20240101||ADT^A01^ADT_A01|1|P|2.5.1".to_owned();
        let lines: Vec<String> = std::iter::once(header).chain(segments).collect();
        lines.join("\r") + end
    })
}

fn compare(text: &str) {
    let ours = Message::parse(text, LineEnds::Strict, &Limits::default()).expect("ours");
    let theirs = hl7_parser::Message::parse(text).expect("theirs");
    let names: Vec<_> = theirs.segments().map(|segment| segment.name).collect();
    assert_eq!(ours.segments().map(|segment| segment.name()).collect::<Vec<_>>(), names);
    for (ours, theirs) in ours.segments().zip(theirs.segments()) {
        assert_eq!(ours.raw(), theirs.raw_value());
        compare_segment(ours, theirs);
    }
    for name in names {
        assert_eq!(ours.named(name).count(), theirs.segment_count(name));
        let last = ours.named(name).last().expect("a segment");
        assert_eq!(theirs.segment_n(name, last.occurrence()).map(|segment| segment.raw_value()), Some(last.raw()));
    }
}

fn compare_segment(ours: Segment<'_>, theirs: &hl7_parser::message::Segment<'_>) {
    assert_eq!(ours.field_count(), theirs.fields().count());
    let is_header = ours.name() == "MSH";
    for (number, theirs) in (1..).zip(theirs.fields()) {
        let ours = ours.field(number);
        assert_eq!((ours.raw(), ours.offset()), (theirs.raw_value(), Some(theirs.range.start)), "field {number}");
        if !is_header || number > 2 {
            compare_field(ours, theirs);
        }
    }
}

fn compare_field(ours: Field<'_>, theirs: &hl7_parser::message::Field<'_>) {
    assert_eq!(ours.repetition_count(), theirs.repeats().count());
    for (ours, theirs) in ours.repetitions().zip(theirs.repeats()) {
        assert_eq!(ours.raw(), theirs.raw_value());
        assert_eq!(ours.components().count(), theirs.components().count());
        for (ours, theirs) in ours.components().zip(theirs.components()) {
            assert_eq!(ours.raw(), theirs.raw_value());
            compare_component(ours, theirs);
        }
    }
}

fn compare_component(ours: Component<'_>, theirs: &hl7_parser::message::Component<'_>) {
    let separators = hl7_parser::message::Separators::default();
    assert_eq!(ours.subs().count(), theirs.subcomponents().count());
    for (ours, theirs) in ours.subs().zip(theirs.subcomponents()) {
        assert_eq!(ours.raw(), theirs.raw_value());
        if ours.raw() != "\"\"" {
            assert_eq!(ours.text(), theirs.display(&separators).to_string());
        }
    }
}

#[test]
fn the_samples_read_the_same() {
    for name in ["adt_a01.hl7", "absent_empty_null.hl7", "wide_and_deep.hl7", "times.hl7", "numbers.hl7"] {
        let text = String::from_utf8(file(name)).expect("UTF-8");
        eprintln!("{name}");
        compare(&text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn well_formed_messages_read_the_same(text in well_formed()) {
        compare(&text);
    }

    #[test]
    fn values_are_escaped_the_same(value in "[|^~\\\\&a-z陳é\r\n]{0,16}") {
        let theirs = hl7_parser::message::Separators::default().encode(&value).to_string();
        prop_assert_eq!(escape::escape(&value, &Default::default()), theirs);
    }

    #[test]
    fn good_times_read_the_same(
        (year, month, day) in (1900_i16..2100, 1_i8..=12, 1_i8..=28),
        (hour, minute, second, fraction) in (0_i8..24, 0_i8..60, 0_i8..60, "(\\.[0-9]{1,4})?"),
        offset in "([+-](0[1-9]|1[0-3])(00|30|45))?",
        length in prop_oneof![Just(4_usize), Just(6), Just(8), Just(12), Just(14)],
    ) {
        let digits = format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}");
        let fraction = if length == 14 { fraction } else { String::new() };
        let digits: String = digits.chars().take(length).collect();
        let text = format!("{digits}{fraction}{offset}");
        let ours = Hl7Time::parse(&text).expect("ours");
        let theirs = parse_timestamp(&text, false).expect("theirs");
        let at = ours.civil();
        prop_assert_eq!(i32::from(at.year()), i32::from(theirs.year));
        prop_assert_eq!(i32::from(at.month()), theirs.month.map_or(1, i32::from));
        prop_assert_eq!(i32::from(at.day()), theirs.day.map_or(1, i32::from));
        prop_assert_eq!(i32::from(at.hour()), theirs.hour.map_or(0, i32::from));
        prop_assert_eq!(i32::from(at.minute()), theirs.minute.map_or(0, i32::from));
        prop_assert_eq!(i32::from(at.second()), theirs.second.map_or(0, i32::from));
        prop_assert_eq!(i64::from(at.subsec_nanosecond()), theirs.microsecond.map_or(0, |micro| i64::from(micro) * 1000));
        prop_assert_eq!(ours.precision() >= Precision::Minute, theirs.minute.is_some());
        let seconds = theirs.offset.map(|offset| {
            let minutes = i32::from(offset.minutes) * 60;
            i32::from(offset.hours) * 3600 + if offset.hours < 0 { -minutes } else { minutes }
        });
        prop_assert_eq!(ours.offset().map(|offset| offset.seconds()), seconds);
    }
}
