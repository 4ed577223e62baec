//! What holds for any bytes whatever: shared by the fuzz target and by the tests on stable that replay its corpus.
//! Every assertion compares with a slow and plain reading: `str::split` at each level.

use causeway_core::feed::{CharsetRule, LineEnds};
use causeway_core::hl7v2::charset::Charset;
use causeway_core::hl7v2::header::Header;
use causeway_core::hl7v2::number::Number;
use causeway_core::hl7v2::time::Hl7Time;
use causeway_core::hl7v2::{Component, Field, Limits, Message, Presence, Repetition, Segment, escape, write};
use jiff::tz::TimeZone;

/// Walks `bytes` by every door of the codec; panics when a promise is broken.
pub fn bytes(bytes: &[u8]) {
    let default = |name: &str| CharsetRule::Default(name.to_owned());
    for rule in [CharsetRule::Auto, default("BIG-5"), default("GB18030"), CharsetRule::Force("8859/1".to_owned())] {
        header(bytes, &rule);
    }
    for charset in [Charset::UTF_8, Charset::BIG5, Charset::GB_18030, Charset::LATIN_1, Charset::ASCII] {
        match charset.decode(bytes) {
            Ok(decoded) => {
                encoded(charset, &decoded);
                text(&decoded, charset);
            }
            Err(fault) => assert!(fault.offset <= bytes.len(), "{charset:?} {fault:?}"),
        }
    }
}

/// Walks a decoded text.
pub fn text(text: &str, charset: Charset) {
    for line_ends in [LineEnds::Strict, LineEnds::Lenient] {
        match Message::parse(text, line_ends, &Limits::default()) {
            Ok(parsed) => {
                let parsed = parsed.in_charset(charset);
                message(&parsed);
                outline(&parsed, line_ends);
            }
            Err(fault) => {
                let outlined = Message::outline(text, line_ends, &Limits::default(), &OUTLINED);
                assert_eq!(outlined.map(|_| ()), Err(fault.clone()), "an outline has the same fault");
                assert!(text.is_char_boundary(fault.offset), "{fault:?}");
                assert!(fault.place().len() < 16, "{fault:?}");
            }
        }
        let few = Limits { segments_max: 2, parts_max: 2, separators_max: 8 };
        if let Ok(parsed) = Message::parse(text, line_ends, &few) {
            assert!(parsed.segment_count() <= 2);
            message(&parsed);
        }
    }
}

/// Segments whose fields an outline has, beside header segments.
const OUTLINED: [&str; 2] = ["PID", "OBX"];

/// An outline has the same segments, and the same fields in those it was asked for.
fn outline(whole: &Message<'_>, line_ends: LineEnds) {
    let outline = Message::outline(whole.text(), line_ends, &Limits::default(), &OUTLINED);
    let outline = outline.expect("what can be parsed can be outlined").in_charset(whole.charset());
    assert_eq!(outline.segment_count(), whole.segment_count());
    assert_eq!(outline.delimiters(), whole.delimiters());
    assert_eq!(outline.warnings(), whole.warnings());
    for (segment, same) in outline.segments().zip(whole.segments()) {
        assert_eq!((segment.offset(), segment.occurrence()), (same.offset(), same.occurrence()));
        assert_eq!(segment.raw(), same.raw());
        if OUTLINED.contains(&segment.name()) || matches!(segment.name(), "MSH" | "FHS" | "BHS") {
            let fields = |segment: Segment<'_>| -> Vec<String> {
                segment.fields().map(|field| format!("{} {}", field.raw(), field.text())).collect()
            };
            assert_eq!(fields(segment), fields(same));
        } else {
            assert_eq!(segment.field_count(), 0);
        }
    }
}

fn encoded(charset: Charset, text: &str) {
    // GB 18030 and Big5 have several codes for some characters, so bytes may differ, text may not.
    let Ok(bytes) = charset.encode(text) else { return };
    // A second byte order mark, or text whose bytes are one: decoding takes it away.
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return;
    }
    assert_eq!(charset.decode(&bytes).as_deref(), Ok(text), "{charset:?}");
}

fn header(bytes: &[u8], rule: &CharsetRule) {
    let (header, is_good) = match Header::peek(bytes, rule) {
        Ok(header) => (header.into_owned(), true),
        Err(fault) => {
            assert!(fault.offset <= bytes.len(), "{fault:?}");
            let Some(header) = fault.readable else { return };
            (*header, false)
        }
    };
    for field in 0..30 {
        for component in 0..4 {
            let _text = header.component(field, component);
        }
    }
    let _kind = header.kind();
    if !is_good {
        return;
    }
    // The header read alone and the header of the whole message say the same.
    let Ok(text) = header.charset().decode(bytes) else { return };
    if let Ok(message) = Message::parse(&text, LineEnds::Lenient, &Limits::default()) {
        let message = message.in_charset(header.charset());
        assert_eq!(message.delimiters(), header.delimiters());
        for number in 1..=28 {
            assert_eq!(message.msh().field(number).raw(), header.raw(number), "MSH-{number}");
            assert_eq!(message.msh().field(number).text(), header.text(number), "MSH-{number}");
        }
    }
}

fn message(message: &Message<'_>) {
    let no_line_ends = |text: &str| text.replace(['\r', '\n'], "");
    let written = write::message(message);
    assert_eq!(no_line_ends(&written), no_line_ends(message.text()), "something was dropped");
    let again = Message::parse(&written, LineEnds::Strict, &Limits::default()).expect("what was written");
    assert_eq!(write::message(&again), written);
    assert_eq!(again.segment_count(), message.segment_count());
    for (segment, same) in message.segments().zip(again.segments()) {
        assert_eq!(segment.raw(), same.raw());
        assert_eq!(segment.occurrence(), same.occurrence());
        assert!(stands_at(message, segment.offset(), segment.raw()));
        walk_segment(message, segment);
    }
    for warning in message.warnings() {
        assert!(message.text().is_char_boundary(warning.offset));
    }
    let _debug = format!("{message:?}");
}

fn stands_at(message: &Message<'_>, offset: usize, raw: &str) -> bool {
    message.text().get(offset..).is_some_and(|text| text.starts_with(raw))
}

fn walk_segment(message: &Message<'_>, segment: Segment<'_>) {
    let delimiters = message.delimiters();
    assert_eq!(segment.name().len(), 3);
    assert!(segment.occurrence() >= 1);
    let is_header = matches!(segment.name(), "MSH" | "FHS" | "BHS");
    let mut expected: Vec<&str> = segment.raw().split(delimiters.field()).skip(1).collect();
    let separator = delimiters.field().to_string();
    if is_header {
        expected.insert(0, &separator);
    }
    assert_eq!(segment.field_count(), expected.len());
    let fields: Vec<&str> = segment.fields().map(|field| field.raw()).collect();
    assert_eq!(fields, expected);
    assert_eq!(segment.field(0).presence(), Presence::Absent);
    assert_eq!(segment.field(segment.field_count() + 1).presence(), Presence::Absent);
    for field in segment.fields().skip(if is_header { 2 } else { 0 }) {
        walk_field(message, field);
    }
    let _debug = format!("{segment:?}");
}

fn walk_field(message: &Message<'_>, field: Field<'_>) {
    let offset = field.offset().expect("a field that is there");
    assert!(stands_at(message, offset, field.raw()));
    assert_presence(field.presence(), field.raw(), message);
    let expected: Vec<&str> = field.raw().split(message.delimiters().repetition()).collect();
    assert_eq!(field.repetition_count(), expected.len());
    for (number, (repetition, raw)) in (1..).zip(field.repetitions().zip(expected)) {
        assert_eq!(repetition.raw(), raw);
        if number < 4 {
            assert_eq!(field.rep(number).raw(), raw);
        }
        walk_repetition(message, repetition);
    }
    assert_eq!(field.rep(field.repetition_count() + 1).presence(), Presence::Absent);
    assert_eq!(field.text(), field.component(1).sub(1).text());
}

fn walk_repetition(message: &Message<'_>, repetition: Repetition<'_>) {
    assert_presence(repetition.presence(), repetition.raw(), message);
    let expected: Vec<&str> = repetition.raw().split(message.delimiters().component()).collect();
    assert_eq!(repetition.components().map(|part| part.raw()).collect::<Vec<_>>(), expected);
    for (number, component) in (1..).zip(repetition.components()) {
        if number < 4 {
            assert_eq!(repetition.component(number).raw(), component.raw());
        }
        walk_component(message, component);
    }
}

fn walk_component(message: &Message<'_>, component: Component<'_>) {
    assert_presence(component.presence(), component.raw(), message);
    let expected: Vec<&str> = match message.delimiters().subcomponent() {
        Some(separator) => component.raw().split(separator).collect(),
        None => vec![component.raw()],
    };
    assert_eq!(component.subs().map(|part| part.raw()).collect::<Vec<_>>(), expected);
    for part in component.subs() {
        assert_presence(part.presence(), part.raw(), message);
        value(&part.text(), message);
    }
}

fn assert_presence(presence: Presence, raw: &str, message: &Message<'_>) {
    let delimiters = message.delimiters();
    let is_separator = |c: char| {
        [Some(delimiters.repetition()), Some(delimiters.component()), delimiters.subcomponent()].contains(&Some(c))
    };
    let expected = match raw {
        "\"\"" => Presence::Null,
        raw if raw.chars().all(is_separator) => Presence::Empty,
        _ => Presence::Present,
    };
    assert_eq!(presence, expected, "{raw:?}");
}

fn value(value: &str, message: &Message<'_>) {
    let delimiters = message.delimiters();
    if let Some(escaped) = escape::try_escape(value, delimiters) {
        assert_eq!(escape::unescape(&escaped, delimiters), value);
        assert!(!escaped.contains(['\r', '\n', '\u{b}', '\u{1c}', delimiters.field()]));
    }
    let _escaped = escape::escape(value, delimiters);
    if let Ok(time) = Hl7Time::parse(value) {
        assert_eq!(Hl7Time::parse(&time.to_string()), Ok(time));
        assert!(time.to_fhir_date_time(&TimeZone::UTC).starts_with(&time.to_fhir_date()));
        assert!(time.start(&TimeZone::UTC).is_some());
    }
    if let Ok(number) = Number::parse(value) {
        let decimal = number.to_decimal();
        assert_eq!(Number::parse(&decimal).map(|number| number.to_decimal()), Ok(decimal));
    }
}
