//! Character sets: names, strictness, and the Hong Kong characters.

use std::borrow::Cow;

use causeway_core::disposition::Disposition;
use causeway_core::feed::CharsetRule;
use causeway_core::hl7v2::charset::{Charset, CharsetError, DecodeFault, EncodeFault, strip_byte_order_mark};
use causeway_core::reason::Reason;

/// Characters whose second byte in Big5 is a delimiter, and characters of the Hong Kong supplement. The bytes are those
/// of Python's `big5hkscs` codec, which shares no code with ours.
const HONG_KONG: [(&str, [u8; 2]); 15] = [
    ("許", [0xB3, 0x5C]),
    ("功", [0xA5, 0x5C]),
    ("蓋", [0xBB, 0x5C]),
    ("彭", [0xB4, 0x5E]),
    ("年", [0xA6, 0x7E]),
    ("四", [0xA5, 0x7C]),
    ("育", [0xA8, 0x7C]),
    ("鰂", [0x91, 0x6F]),
    ("埗", [0x96, 0xF5]),
    ("邨", [0x90, 0x68]),
    ("鱲", [0x9E, 0x50]),
    ("喆", [0xFB, 0x46]),
    ("堃", [0xFB, 0x69]),
    ("煊", [0xFD, 0xF0]),
    ("Ê̄", [0x88, 0x62]),
];

#[test]
fn names_of_table_0211_and_of_the_wild_are_known() {
    let cases: &[(&str, &[&str])] = &[
        ("ASCII", &["ASCII", "ascii", "US-ASCII", "ISO IR6", "ISO_IR 6"]),
        ("UNICODE UTF-8", &["UNICODE UTF-8", "UTF-8", "utf8", "UTF_8", "Unicode utf8", "UNICODE", "ISO_IR 192"]),
        ("8859/1", &["8859/1", "8859-1", "ISO-8859-1", "iso8859-1", "ISO 8859/1", "ISO_IR 100", "LATIN1"]),
        ("8859/2", &["8859/2", "ISO-8859-2"]),
        ("8859/3", &["8859/3"]),
        ("8859/4", &["8859/4"]),
        ("8859/5", &["8859/5"]),
        ("8859/6", &["8859/6"]),
        ("8859/7", &["8859/7"]),
        ("8859/8", &["8859/8"]),
        ("8859/9", &["8859/9", "ISO-8859-9"]),
        ("8859/15", &["8859/15", "ISO-8859-15"]),
        ("BIG-5", &["BIG-5", "BIG5", "big5", "Big5-HKSCS", "BIG5_HKSCS", "HKSCS", "CP950"]),
        ("GB 18030-2000", &["GB 18030-2000", "GB18030", "gb 18030"]),
        ("GBK", &["GBK", "GB2312", "GB 2312-80", "CP936"]),
        ("WINDOWS-1252", &["windows-1252", "CP1252"]),
    ];
    for (expected, names) in cases {
        for name in *names {
            let found = Charset::resolve(&CharsetRule::Auto, name).map(Charset::name);
            assert_eq!(found.as_ref(), Ok(expected), "{name}");
        }
        // Its own name reads back.
        assert_eq!(Charset::named(expected).map(Charset::name), Some(*expected));
    }
}

#[test]
fn the_rule_of_the_feed_decides_what_a_missing_or_wrong_name_means() {
    let default = CharsetRule::Default("BIG5".to_owned());
    let force = CharsetRule::Force("8859/1".to_owned());
    assert_eq!(Charset::resolve(&CharsetRule::Auto, ""), Ok(Charset::UTF_8));
    assert_eq!(Charset::resolve(&CharsetRule::Auto, "\"\""), Ok(Charset::UTF_8));
    assert_eq!(Charset::resolve(&default, " "), Ok(Charset::BIG5));
    assert_eq!(Charset::resolve(&default, "ASCII"), Ok(Charset::ASCII));
    assert_eq!(Charset::resolve(&force, "UNICODE UTF-8"), Ok(Charset::LATIN_1));
    assert_eq!(Charset::resolve(&force, "nonsense"), Ok(Charset::LATIN_1));
    for rule in [CharsetRule::Auto, default] {
        for name in ["KS X 1001", "ISO IR87", "ISO IR14", "ISO IR159", "CNS 11643-1992", "8859/10", "8859", "nonsense"]
        {
            let error = Charset::resolve(&rule, name).expect_err(name);
            assert_eq!(error, CharsetError::Unknown(name.to_owned()));
            assert_eq!((error.reason(), error.disposition()), (Reason::CharsetUnknown, Disposition::Reject));
        }
        for name in ["UNICODE UTF-16", "UNICODE UTF-32", "utf-16le"] {
            assert_eq!(Charset::resolve(&rule, name), Err(CharsetError::Unsafe(name.to_owned())));
        }
    }
    for rule in [CharsetRule::Default("UTF-16".to_owned()), CharsetRule::Force("UTF-16".to_owned())] {
        let error = Charset::resolve(&rule, "").expect_err("UTF-16");
        assert_eq!(error, CharsetError::Configured("UTF-16".to_owned()));
        assert_eq!(error.disposition(), Disposition::Hold);
    }
    let long = Charset::resolve(&CharsetRule::Auto, &"陳\r".repeat(1_000)).expect_err("long");
    assert_eq!(long, CharsetError::Unknown("?".repeat(32)));
}

#[test]
fn hong_kong_characters_go_both_ways() {
    for (text, bytes) in HONG_KONG {
        assert_eq!(Charset::BIG5.decode(&bytes).as_deref(), Ok(text));
        assert_eq!(Charset::BIG5.encode(text).as_deref(), Ok(bytes.as_slice()), "{text}");
    }
    let all: String = HONG_KONG.iter().map(|(text, _)| *text).collect();
    for charset in [Charset::BIG5, Charset::GB_18030, Charset::UTF_8] {
        let bytes = charset.encode(&all).expect("bytes");
        assert_eq!(charset.decode(&bytes).as_deref(), Ok(all.as_str()), "{charset:?}");
    }
    // Ê alone, Ê with a macron, Ê with a caron: the longer ones first.
    assert_eq!(Charset::BIG5.encode("ÊÊ̄Ê̌"), Ok(vec![0x88, 0x66, 0x88, 0x62, 0x88, 0x64]));
}

#[test]
fn every_character_big5_can_read_it_can_write() {
    let mut count = 0;
    for bytes in (0x81..=0xFE).flat_map(|lead| (0x40..=0xFE).map(move |trail| [lead, trail])) {
        let Ok(text) = Charset::BIG5.decode(&bytes) else { continue };
        let written = Charset::BIG5.encode(&text).unwrap_or_else(|fault| panic!("{bytes:x?} {text}: {fault}"));
        assert_eq!(Charset::BIG5.decode(&written).as_deref(), Ok(text.as_ref()), "{bytes:x?}");
        count += 1;
    }
    assert!(count > 18_000, "{count}");
}

#[test]
fn what_a_set_cannot_write_is_a_fault_and_never_a_reference() {
    let cases = [
        (Charset::BIG5, "許😀", 3),
        (Charset::BIG5, "A\u{304}", 1),
        (Charset::GBK, "陳𠝹", 3),
        (Charset::LATIN_1, "é陳", 2),
        (Charset::ASCII, "abcé", 3),
        (Charset::UTF_8, "a\0", 1),
        (Charset::LATIN_1, "é\0", 2),
    ];
    for (charset, text, offset) in cases {
        assert_eq!(charset.encode(text), Err(EncodeFault { offset }), "{charset:?} {text}");
    }
    assert_eq!(
        Charset::GB_18030.encode("陳𠝹").map(|b| Charset::GB_18030.decode(&b).map(Cow::into_owned)),
        Ok(Ok("陳𠝹".to_owned()))
    );
}

#[test]
fn malformed_bytes_are_a_fault_with_their_offset_and_never_replaced() {
    let cases: &[(Charset, &[u8], usize)] = &[
        (Charset::UTF_8, b"ab\xc0\xaf", 2),         // overlong
        (Charset::UTF_8, b"ab\xed\xa0\x80", 2),     // a surrogate
        (Charset::UTF_8, b"ab\xf4\x90\x80\x80", 2), // beyond Unicode
        (Charset::UTF_8, b"ab\xe9\x99", 2),         // cut short
        (Charset::UTF_8, b"ab\xb3\x5c", 2),         // Big5
        (Charset::UTF_8, b"\xef\xbb\xbfab\xff", 5), // counts the byte order mark
        (Charset::UTF_8, b"a\0b", 1),
        (Charset::ASCII, b"abc\xe9", 3),
        (Charset::ASCII, "ab\u{e9}".as_bytes(), 2), // valid UTF-8 is not ASCII
        (Charset::BIG5, b"ab\xb3", 2),              // cut short
        (Charset::BIG5, b"\xb3\x5cab\xff\xff", 4),
        (Charset::BIG5, b"ab\x81\x20cd", 2),
        (Charset::GB_18030, b"\xb3\xc2a\xff", 3),
        (Charset::GB_18030, b"a\x81\x30\x81", 1), // cut short
        (Charset::GBK, b"a\xb3", 1),
        (Charset::LATIN_1, b"\xe9\0", 1),
    ];
    for (charset, bytes, offset) in cases {
        assert_eq!(charset.decode(bytes), Err(DecodeFault { offset: *offset }), "{charset:?} {bytes:x?}");
    }
    let undefined = Charset::named("8859/6").expect("8859/6").decode(b"a\xa1");
    assert_eq!(undefined, Err(DecodeFault { offset: 1 }));
    assert_eq!(DecodeFault { offset: 0 }.reason(), Reason::Undecodable);
    assert_eq!(DecodeFault { offset: 0 }.disposition(), Disposition::Hold);
    assert_eq!(EncodeFault { offset: 0 }.disposition(), Disposition::Hold);
}

#[test]
fn iso_8859_1_is_no_windows_set() {
    let every: Vec<u8> = (1..=255).collect();
    let text: String = every.iter().map(|b| char::from(*b)).collect();
    assert_eq!(Charset::LATIN_1.decode(&every).as_deref(), Ok(text.as_str()));
    assert_eq!(Charset::LATIN_1.encode(&text), Ok(every.clone()));
    let windows = Charset::named("windows-1252").expect("windows-1252");
    assert_eq!(windows.decode(b"\x80").as_deref(), Ok("€"));
    let turkish = Charset::named("8859/9").expect("8859/9");
    assert_eq!(turkish.decode(b"\xd0\xdd\xde\xf0\xfd\xfe\x80").as_deref(), Ok("ĞİŞğış\u{80}"));
    assert_eq!(turkish.encode("Ğış\u{80}ü"), Ok(b"\xd0\xfd\xfe\x80\xfc".to_vec()));
    assert_eq!(turkish.encode("Ð"), Err(EncodeFault { offset: 0 }));
    let euro = Charset::named("8859/15").expect("8859/15");
    assert_eq!(euro.decode(b"\xa4").as_deref(), Ok("€"));
    assert_eq!(euro.encode("€¤"), Err(EncodeFault { offset: 3 }));
}

#[test]
fn a_byte_order_mark_is_left_out_and_text_is_borrowed() {
    assert_eq!(Charset::UTF_8.decode(b"\xef\xbb\xbfMSH").as_deref(), Ok("MSH"));
    assert_eq!(Charset::ASCII.decode(b"\xef\xbb\xbfMSH").as_deref(), Ok("MSH"));
    assert_eq!(strip_byte_order_mark(b"\xef\xbb\xbf\xef\xbb\xbf"), b"\xef\xbb\xbf");
    assert_eq!(Charset::BIG5.decode(b"\xef\xbb\xbf\r\nMSH").as_deref(), Ok("\r\nMSH"));
    // In Big5 the three bytes begin a name, which must not lose its first character.
    assert_eq!(Charset::BIG5.encode("嚜燐"), Ok(b"\xef\xbb\xbf\x4d".to_vec()));
    assert_eq!(Charset::BIG5.decode(b"\xef\xbb\xbf\x4d").as_deref(), Ok("嚜燐"));
    assert_eq!(Charset::LATIN_1.decode(b"\xef\xbb\xbf").as_deref(), Ok("ï»¿"));
    assert!(matches!(Charset::UTF_8.decode("陳".as_bytes()), Ok(Cow::Borrowed(_))));
    assert!(matches!(Charset::BIG5.decode(b"CHAN"), Ok(Cow::Borrowed(_))));
}

#[test]
fn characters_outside_the_basic_plane_and_odd_ones_pass_unchanged() {
    let text = "\u{20779}\u{1F600}\u{202E}abc\u{200B}\u{E000}e\u{301}é\u{FF21}";
    assert_eq!(Charset::UTF_8.decode(text.as_bytes()).as_deref(), Ok(text));
    assert_eq!(Charset::UTF_8.encode(text), Ok(text.as_bytes().to_vec()));
    let bytes = Charset::GB_18030.encode(text).expect("GB 18030 writes all of Unicode");
    assert_eq!(Charset::GB_18030.decode(&bytes).as_deref(), Ok(text));
}

#[test]
fn a_private_character_that_gb_18030_gave_up_is_a_fault_and_not_another_one() {
    let fault = Charset::GB_18030.encode("陳\u{e82b}").expect_err("its bytes are those of another");
    assert_eq!(fault.offset, 3);
    assert_eq!(
        Charset::GB_18030.encode("陳龶").map(|bytes| Charset::GB_18030.decode(&bytes).map(|text| text.into_owned())),
        Ok(Ok("陳龶".to_owned()))
    );
}
