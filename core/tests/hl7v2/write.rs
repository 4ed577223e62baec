//! Writing: from values, and again what was parsed.

use causeway_core::disposition::Disposition;
use causeway_core::feed::LineEnds;
use causeway_core::hl7v2::write::{WriteFault, Writer, message};
use causeway_core::hl7v2::{Delimiters, Limits, Message, Presence};

use crate::corpus::file;

fn writer() -> Writer {
    let mut writer = Writer::new(Delimiters::default());
    writer.segment("MSH");
    writer
}

fn parse(text: &str) -> Message<'_> {
    Message::parse(text, LineEnds::Lenient, &Limits::default()).expect("a message")
}

#[test]
fn a_parsed_message_is_written_back_byte_for_byte() {
    for name in
        ["adt_a01.hl7", "oru_r01.hl7", "custom_delimiters.hl7", "escape_junk.hl7", "batch.hl7", "names_alone.hl7"]
    {
        let text = String::from_utf8(file(name)).expect("UTF-8");
        let canonical = text.strip_suffix('\r').map_or(format!("{text}\r"), |text| format!("{text}\r"));
        assert_eq!(message(&parse(&text)), canonical, "{name}");
    }
    let text = String::from_utf8(file("carriage_return_line_feed.hl7")).expect("UTF-8");
    assert_eq!(message(&parse(&text)), text.replace("\r\n", "\r"));
}

#[test]
fn values_are_written_in_their_places() {
    let mut writer = writer();
    writer.components(9, &["ADT", "A01", "", ""]).value(10, "X1").value(12, "2.5");
    writer.segment("PID").field(3).text("A&1").component(4).text("QMH").sub(2).text("1.2").sub(3).text("ISO");
    writer.repetition().text("B").component(5).text("PI");
    writer.field(5).text("O|N").field(7).null().field(8).raw("a^b\\T\\c");
    writer.segment("ZZZ");
    let text = writer.finish().expect("a message");
    let expected =
        "MSH|^~\\&|||||||ADT^A01|X1||2.5\rPID|||A\\T\\1^^^QMH&1.2&ISO~B^^^^PI||O\\F\\N||\"\"|a^b\\T\\c\rZZZ\r";
    assert_eq!(text, expected);
    let message = parse(&text);
    let pid = message.segment("PID").expect("PID");
    assert_eq!(pid.field(3).text(), "A&1");
    assert_eq!(pid.field(3).component(4).sub(3).text(), "ISO");
    assert_eq!(pid.field(3).rep(2).component(5).text(), "PI");
    assert_eq!(pid.field(7).presence(), Presence::Null);
}

#[test]
fn what_cannot_be_written_is_a_fault_and_the_first_one_is_told() {
    let finish = |change: fn(&mut Writer)| {
        let mut writer = writer();
        change(&mut writer);
        writer.finish()
    };
    let order = |segment, field| Err(WriteFault::Order { segment, field });
    assert_eq!(
        finish(|w| {
            w.value(4, "a").value(4, "b");
        }),
        order(1, 4)
    );
    assert_eq!(
        finish(|w| {
            w.value(2, "a");
        }),
        order(1, 2)
    );
    assert_eq!(
        finish(|w| {
            w.segment("PID").value(0, "a");
        }),
        order(2, 0)
    );
    assert_eq!(
        finish(|w| {
            w.field(3).component(2).text("a").component(1);
        }),
        order(1, 3)
    );
    assert_eq!(
        finish(|w| {
            w.field(3).sub(0);
        }),
        order(1, 3)
    );
    assert_eq!(
        finish(|w| {
            w.field(100_000);
        }),
        order(1, 2)
    );
    for name in ["pid", "PI", "PIDX", "1AB", ""] {
        let mut writer = writer();
        writer.segment(name);
        assert_eq!(writer.finish(), Err(WriteFault::SegmentName { segment: 2 }), "{name}");
    }
    for raw in ["a\rb", "a\nb", "a|b"] {
        let mut writer = writer();
        writer.field(3).raw(raw);
        assert_eq!(writer.finish(), Err(WriteFault::Raw { segment: 1, field: 3 }));
    }
    let mut headless = Writer::new(Delimiters::default());
    headless.segment("PID").value(0, "later fault");
    assert_eq!(headless.finish(), Err(WriteFault::NoHeader));
    assert_eq!(Writer::new(Delimiters::default()).finish(), Err(WriteFault::NoHeader));
    assert_eq!(WriteFault::NoHeader.disposition(), Disposition::Hold);
}

#[test]
fn delimiters_that_are_not_declared_cannot_be_needed() {
    let mut writer = Writer::new(Delimiters::new('|', "^~").expect("delimiters"));
    writer.segment("MSH").value(3, "a&b\\c");
    assert_eq!(writer.clone().finish().as_deref(), Ok("MSH|^~|a&b\\c\r"));
    let mut with_delimiter = writer.clone();
    with_delimiter.value(4, "a|b");
    assert_eq!(with_delimiter.finish(), Err(WriteFault::Delimiter { segment: 1, field: 4 }));
    writer.field(4).sub(2);
    assert_eq!(writer.finish(), Err(WriteFault::Delimiter { segment: 1, field: 4 }));
}

#[test]
fn debug_shows_no_text() {
    let mut writer = writer();
    writer.segment("PID").value(5, "CHAN");
    assert!(!format!("{writer:?}").contains("CHAN"));
}
