//! MSH before the whole is decoded.

use causeway_core::disposition::Disposition;
use causeway_core::feed::CharsetRule;
use causeway_core::hl7v2::charset::Charset;
use causeway_core::hl7v2::header::{Header, HeaderFault};
use causeway_core::reason::Reason;

use crate::corpus::file;

fn default(name: &str) -> CharsetRule {
    CharsetRule::Default(name.to_owned())
}

fn fault(bytes: &[u8], rule: &CharsetRule) -> HeaderFault {
    Header::peek(bytes, rule).expect_err("no header")
}

#[test]
fn the_fields_a_door_needs_are_read() {
    let bytes = b"MSH|^~\\&|EA\\T\\I^1.2^ISO|HAHO|PMS|Q&M~X|20240305101500||ORU^R01^ORU_R01|a\\F\\1|T^R|2.3.1^HKG|7||AL|ER|HKG|ASCII~UNICODE UTF-8|ENG\rPID|1\xff\0";
    let header = Header::peek(bytes, &CharsetRule::Auto).expect("a header");
    assert_eq!(header.raw(1), "|");
    assert_eq!(header.raw(2), "^~\\&");
    assert_eq!((header.raw(3), header.sending_application().as_ref()), ("EA\\T\\I^1.2^ISO", "EA&I"));
    assert_eq!((header.component(3, 2).as_ref(), header.raw_component(3, 3)), ("1.2", "ISO"));
    assert_eq!(header.sending_facility(), "HAHO");
    assert_eq!((header.receiving_application().as_ref(), header.receiving_facility().as_ref()), ("PMS", "Q"));
    assert_eq!(header.raw(6), "Q&M~X");
    assert_eq!((header.message_code().as_ref(), header.trigger_event().as_ref()), ("ORU", "R01"));
    assert_eq!((header.message_structure().as_ref(), header.kind().as_str()), ("ORU_R01", "ORU^R01"));
    assert_eq!((header.raw(10), header.control_id().as_ref()), ("a\\F\\1", "a|1"));
    assert_eq!((header.processing_id().as_ref(), header.version().as_ref()), ("T", "2.3.1"));
    assert_eq!(header.sequence_number(), "7");
    assert_eq!(header.accept_acknowledgement(), "AL");
    assert_eq!(header.application_acknowledgement(), "ER");
    assert_eq!(header.raw(18), "ASCII~UNICODE UTF-8");
    assert_eq!(header.charset(), Charset::ASCII, "the first repetition counts");
    assert_eq!((header.raw(19), header.raw(20), header.raw(0), header.raw(99)), ("ENG", "", "", ""));
    assert_eq!((header.raw_component(3, 0), header.raw_component(99, 1)), ("", ""));
    assert!(!header.has_byte_order_mark());
}

#[test]
fn a_kind_without_event_is_its_code_and_null_is_empty() {
    let header = Header::peek(b"MSH|^~\\&|\"\"|B|||||ACK|1", &CharsetRule::Auto).expect("a header");
    assert_eq!((header.kind().as_str(), header.sending_application().as_ref(), header.raw(3)), ("ACK", "", "\"\""));
    assert_eq!(header.charset(), Charset::UTF_8);
}

#[test]
fn delimiters_in_second_bytes_do_not_shift_the_fields() {
    let big5 = file("big5_hkscs.hl7");
    let silent = file("big5_without_msh_18.hl7");
    let forced = CharsetRule::Force("BIG-5".to_owned());
    // The sending facility is 四育年: each of its characters ends in a delimiter.
    for (bytes, rule) in [
        (&big5, CharsetRule::Auto),
        (&big5, default("UTF-8")),
        (&big5, default("GB18030")),
        (&big5, default("BIG-5")),
        (&big5, forced.clone()),
        (&silent, default("BIG-5")),
        (&silent, forced),
    ] {
        let header = Header::peek(bytes, &rule).expect("a header");
        assert_eq!(header.charset(), Charset::BIG5, "{rule:?}");
        assert_eq!(header.sending_application(), "醫管局", "{rule:?}");
        assert_eq!(header.sending_facility(), "四育年", "{rule:?}");
        assert_eq!(header.receiving_facility(), "許功蓋", "{rule:?}");
        assert_eq!((header.kind().as_str(), header.control_id().as_ref()), ("ADT^A01", "彭1"), "{rule:?}");
    }
    let gb = Header::peek(&file("gb_18030.hl7"), &CharsetRule::Auto).expect("a header").into_owned();
    assert_eq!((gb.charset(), gb.sending_facility().as_ref()), (Charset::GB_18030, "四育年"));
}

#[test]
fn a_default_does_not_misread_a_header_in_utf_8() {
    // Read as two-byte characters, 陳| would swallow the separator.
    let text = "MSH|^~\\&|陳|大文|C|D|20240101||ADT^A01|1|P|2.5||||||UNICODE UTF-8\r";
    for rule in [default("BIG-5"), default("GBK"), CharsetRule::Auto] {
        let header = Header::peek(text.as_bytes(), &rule).expect("a header");
        assert_eq!((header.charset(), header.sending_application().as_ref()), (Charset::UTF_8, "陳"), "{rule:?}");
        assert_eq!(header.control_id(), "1");
    }
}

#[test]
fn a_byte_order_mark_and_line_ends_before_msh_are_skipped() {
    let bytes = file("byte_order_mark.hl7");
    let header = Header::peek(&bytes, &CharsetRule::Auto).expect("a header");
    assert!(header.has_byte_order_mark());
    assert_eq!(header.control_id(), "1");
    let header = Header::peek(b"\r\nMSH|^~\\&|A|B\nPID|1", &CharsetRule::Auto).expect("a header");
    assert_eq!((header.raw(4), header.has_byte_order_mark()), ("B", false));
}

#[test]
fn a_set_that_is_unknown_or_unsafe_is_refused_but_can_be_answered() {
    let text = "MSH|^~\\&|A|B|C|D|20240101||ADT^A01|id-1|P|2.5||||||KS X 1001\r";
    let found = fault(text.as_bytes(), &CharsetRule::Auto);
    assert_eq!(
        (found.reason, found.place, found.disposition()),
        (Reason::CharsetUnknown, "MSH-18", Disposition::Reject)
    );
    let readable = found.readable.expect("something to answer to");
    assert_eq!((readable.control_id().as_ref(), readable.raw(3)), ("id-1", "A"));
    let found = fault(text.as_bytes(), &CharsetRule::Force("nonsense".to_owned()));
    assert_eq!((found.reason, found.place), (Reason::CharsetUnknown, "MSH"));
    let forced = Header::peek(text.as_bytes(), &CharsetRule::Force("UTF-8".to_owned())).expect("a header");
    assert_eq!(forced.charset(), Charset::UTF_8);
    let utf_16 = fault(&file("utf_16.hl7"), &CharsetRule::Auto);
    assert_eq!((utf_16.reason, utf_16.readable), (Reason::Unreadable, None));
}

#[test]
fn a_header_that_is_no_text_is_held_but_can_be_answered_byte_for_byte() {
    let found = fault(&file("big5_called_utf_8.hl7"), &CharsetRule::Auto);
    assert_eq!((found.reason, found.disposition()), (Reason::Undecodable, Disposition::Hold));
    let bytes = b"MSH|^~\\&|A|B|C|D|20240101||ADT^A01|id\xe9|P|2.5||||||ASCII\r";
    let found = fault(bytes, &CharsetRule::Auto);
    assert_eq!((found.reason, found.place, found.offset), (Reason::Undecodable, "MSH", 37));
    let readable = found.readable.expect("something to answer to");
    assert_eq!(readable.charset().encode(readable.raw(10)), Ok(b"id\xe9".to_vec()));
    let nul = fault(b"MSH|^~\\&|A\0|B", &CharsetRule::Auto);
    assert_eq!((nul.reason, nul.offset, nul.readable), (Reason::Undecodable, 10, None));
    // The name is known, but read in that set MSH names another one.
    let shifted = "MSH|^~\\&|四|B|C|D|20240101||ADT^A01|1|P|2.5|||||BIG-5\r";
    let bytes = Charset::BIG5.encode(shifted).expect("Big5");
    assert_eq!(fault(&bytes, &CharsetRule::Auto).reason, Reason::Undecodable);
}

#[test]
fn what_is_no_header_is_refused_with_its_place() {
    let cases: [(&[u8], &str, usize); 9] = [
        (b"", "MSH", 0),
        (b"\r\n", "MSH", 2),
        (b"PID|1|2|3|4", "MSH", 0),
        (b"MSH", "MSH-1", 3),
        (b"MSHH0", "MSH-2", 3),
        (b"MSH|^|||||||^A|||2.2\r^AA", "MSH-2", 4),
        (b"MSH||||||||", "MSH-2", 4),
        (b"\xef\xbb\xbf\nMSH|^~~\\|A", "MSH-2", 8),
        (b"FHS|^~\\&|A|B\rBHS|^~\\&|A\r", "MSH", 0),
    ];
    for (bytes, place, offset) in cases {
        let fault = fault(bytes, &CharsetRule::Auto);
        assert_eq!((fault.reason, fault.place, fault.offset), (Reason::Unreadable, place, offset), "{bytes:x?}");
        assert_eq!(fault.disposition(), Disposition::Reject);
    }
}

#[test]
fn debug_shows_no_names() {
    let header = Header::peek(b"MSH|^~\\&|SECRET|B|C|D|1||ADT^A01|SECRET", &CharsetRule::Auto).expect("a header");
    assert!(!format!("{header:?}").contains("SECRET"));
}
