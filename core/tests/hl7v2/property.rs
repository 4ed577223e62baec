//! What holds for any message: arbitrary bytes, mutations of real messages, and messages made from values.

use causeway_core::feed::LineEnds;
use causeway_core::hl7v2::charset::Charset;
use causeway_core::hl7v2::escape::{escape, unescape};
use causeway_core::hl7v2::write::{Writer, message};
use causeway_core::hl7v2::{Delimiters, Limits, Message};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::corpus::corpus;
use crate::walk;

/// What a mutation puts into a message.
const NASTY: [&[u8]; 28] = [
    b"|",
    b"^",
    b"~",
    b"\\",
    b"&",
    b"#",
    b"\r",
    b"\n",
    b"\r\n",
    b"\"\"",
    b"\0",
    b"\x0b",
    b"\x1c",
    b"MSH|^~\\&|",
    b"\rPID|",
    b"\rMSH",
    b"\\X",
    b"\\X0D\\",
    b"\\F\\",
    b"\\.sp",
    b"\xef\xbb\xbf",
    b"\xb3\x5c",
    b"\xa5\x7c",
    b"\x91\x6f",
    b"\xff",
    b"\xe9\x99\xb3",
    b"0",
    b"A",
];

/// One change to a message.
#[derive(Debug, Clone)]
enum Change {
    Put(Index, &'static [u8]),
    Cut(Index, usize),
    Set(Index, u8),
    Repeat(Index, usize),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        (any::<Index>(), select(&NASTY[..])).prop_map(|(at, bytes)| Change::Put(at, bytes)),
        (any::<Index>(), 1_usize..40).prop_map(|(at, length)| Change::Cut(at, length)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (any::<Index>(), 1_usize..40).prop_map(|(at, length)| Change::Repeat(at, length)),
    ];
    vec(change, 1..8)
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let place = |at: &Index, bytes: &[u8]| at.index(bytes.len() + 1);
    match change {
        Change::Put(at, put) => {
            let at = place(at, bytes);
            bytes.splice(at..at, put.iter().copied());
        }
        Change::Cut(at, length) => {
            let at = place(at, bytes);
            bytes.drain(at..(at + length).min(bytes.len()));
        }
        Change::Set(at, byte) => {
            let at = place(at, bytes);
            if let Some(slot) = bytes.get_mut(at) {
                *slot = *byte;
            }
        }
        Change::Repeat(at, length) => {
            let at = place(at, bytes);
            let piece = bytes[at..(at + length).min(bytes.len())].to_vec();
            bytes.splice(at..at, piece);
        }
    }
}

/// Text that is hard on a codec: delimiters, escapes, control characters, Chinese.
fn value() -> impl Strategy<Value = String> {
    let hard = "[|^~\\\\&#\"a-zA-Z0-9. \r\n\t許功蓋彭年四育鰂埗邨鱲喆堃煊😀éÊ\u{304}]{0,12}";
    prop_oneof![hard, "[\\PC]{0,12}", "[^\0]{0,8}"].prop_filter("no byte order mark", |text| !text.contains('\u{feff}'))
}

fn delimiters() -> impl Strategy<Value = Delimiters> {
    let marks = "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~".chars().collect::<Vec<_>>();
    Just(marks).prop_shuffle().prop_flat_map(|marks| {
        (4_usize..=6).prop_map(move |count| {
            let encoding: String = marks[1..count].iter().collect();
            Delimiters::new(marks[0], &encoding).expect("delimiters")
        })
    })
}

/// Segments of fields of repetitions of components.
type Values = Vec<Vec<Vec<Vec<String>>>>;

fn values() -> impl Strategy<Value = Values> {
    vec(vec(vec(vec(value(), 1..4), 1..3), 0..6), 0..6)
}

fn written(values: &Values, delimiters: Delimiters) -> String {
    let mut writer = Writer::new(delimiters);
    writer.segment("MSH").value(3, "A").value(4, "B");
    for segment in values {
        writer.segment("ZZZ");
        for (number, field) in (1..).zip(segment) {
            writer.field(number);
            for (count, repetition) in field.iter().enumerate() {
                if count > 0 {
                    writer.repetition();
                }
                for (number, component) in (1..).zip(repetition) {
                    writer.component(number).text(component);
                }
            }
        }
    }
    writer.finish().expect("a message")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_keep_every_promise(bytes in vec(any::<u8>(), 0..300)) {
        walk::bytes(&bytes);
        walk::bytes(&[b"MSH|^~\\&|", bytes.as_slice()].concat());
    }

    #[test]
    fn a_damaged_message_keeps_every_promise(seed in any::<Index>(), changes in changes()) {
        let mut bytes = seed.get(&corpus()).1.clone();
        for change in &changes {
            apply(&mut bytes, change);
        }
        walk::bytes(&bytes);
    }

    #[test]
    fn what_is_escaped_is_read_as_the_same_value(value in value(), delimiters in delimiters()) {
        let raw = escape(&value, &delimiters).into_owned();
        prop_assert_eq!(unescape(&raw, &delimiters), value.as_str());
        let (repetition, component) = (delimiters.repetition(), delimiters.component());
        let separators = [delimiters.field(), repetition, component, '\r', '\n'];
        prop_assert!(!raw.contains(separators));
    }

    #[test]
    fn what_is_written_is_read_as_the_same_values(values in values(), delimiters in delimiters()) {
        let text = written(&values, delimiters);
        let parsed = Message::parse(&text, LineEnds::Strict, &Limits::default()).expect("a message");
        prop_assert_eq!(message(&parsed), text.as_str());
        prop_assert_eq!(parsed.segment_count(), values.len() + 1);
        for (segment, values) in parsed.named("ZZZ").zip(&values) {
            prop_assert_eq!(segment.field_count(), values.len());
            for (number, values) in (1..).zip(values) {
                let field = segment.field(number);
                prop_assert_eq!(field.repetition_count(), values.len());
                for (repetition, values) in field.repetitions().zip(values) {
                    let read: Vec<_> = repetition.components().map(|c| c.text().into_owned()).collect();
                    prop_assert_eq!(&read, values);
                }
            }
        }
    }

    #[test]
    fn big5_and_gb_18030_split_the_same_as_utf_8(values in values()) {
        let text = written(&values, Delimiters::default());
        for charset in [Charset::BIG5, Charset::GB_18030] {
            // Big5 has not every character; then it must say so and not write something else.
            let Ok(bytes) = charset.encode(&text) else { continue };
            let decoded = charset.decode(&bytes);
            prop_assert_eq!(decoded.as_deref(), Ok(text.as_str()));
        }
    }
}
