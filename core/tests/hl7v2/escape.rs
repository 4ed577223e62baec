//! Escape sequences, both ways.

use std::borrow::Cow;

use causeway_core::hl7v2::charset::Charset;
use causeway_core::hl7v2::escape::{escape, try_escape, unescape, unescape_in};
use causeway_core::hl7v2::{Delimiters, Limits, Message};

use crate::corpus::file;

#[track_caller]
fn check(raw: &str, value: &str) {
    assert_eq!(unescape(raw, &Delimiters::default()), value, "{raw}");
}

#[test]
fn sequences_of_the_standard_are_decoded() {
    check("A\\T\\B \\F\\ \\S\\ \\R\\ \\E\\", "A&B | ^ ~ \\");
    check("陳大文\\T\\李", "陳大文&李");
    check("a\\H\\b\\N\\c\\X4142\\d", "abcABd");
    check("one\\.br\\two\\.sp\\three\\.sp2\\four\\.sp+3\\five\\.ce\\six", "one\ntwo\nthree\n\nfour\n\n\nfive\nsix");
    check("\\.fi\\a\\.in+4\\b\\.ti-2\\c\\.nf\\d\\.sk3\\e", "abcd   e");
    check("\\X0D\\\\X0a\\\\XC3A9\\\\XE999B3\\", "\r\né陳");
}

#[test]
fn what_cannot_be_decoded_stays_as_it_was_sent() {
    for raw in [
        "abc\\def",
        "BSV 4\\5",
        "end\\",
        "\\",
        "\\\\",
        "\\X4\\",
        "\\X\\",
        "\\XZZ\\",
        "\\X00\\",
        "\\X00E0\\",
        "\\XE0\\",
        "\\Z",
        "\\Zfoo\\",
        "\\C2842\\",
        "\\M24A1A2\\",
        "\\.sp99999999\\",
        "\\.sp101\\",
        "\\.sp0\\",
        "\\.sp-1\\",
        "\\.sk\\",
        "\\.xx\\",
        "\\.\\",
        "\\.é\\",
        "\\P\\",
        "\\f\\",
        "C:\\temp\\new",
    ] {
        check(raw, raw);
    }
}

#[test]
fn a_stray_mark_does_not_hide_the_sequence_behind_it() {
    check("BSV 4\\5 and \\F\\", "BSV 4\\5 and |");
    check("a\\b c\\F\\d", "a\\b c|d");
    check("\\\\F\\", "\\|");
    // The closing mark of a kept sequence opens none.
    check("\\Z1\\F\\Z2\\", "\\Z1\\F\\Z2\\");
    check("\\C2842\\F\\T\\", "\\C2842\\F&");
}

#[test]
fn a_few_bytes_cannot_ask_for_a_great_text() {
    let raw = "\\.sp100\\".repeat(1_000);
    let value = unescape(&raw, &Delimiters::default());
    assert_eq!(value.matches('\n').count(), 10_000);
    assert!(value.ends_with("\\.sp100\\"));
}

#[test]
fn hexadecimal_bytes_are_text_in_the_character_set_of_the_message() {
    let delimiters = Delimiters::default();
    assert_eq!(unescape_in("\\XB35C\\", &delimiters, Charset::BIG5), "許");
    assert_eq!(unescape_in("\\XE9\\", &delimiters, Charset::LATIN_1), "é");
    assert_eq!(unescape_in("\\XE9\\", &delimiters, Charset::ASCII), "\\XE9\\");
    let text = "MSH|^~\\&|A|B\rPID|\\XB35C\\\r";
    let parse = || Message::parse(text, Default::default(), &Limits::default()).expect("a message");
    assert_eq!(parse().in_charset(Charset::BIG5).segment("PID").expect("PID").field(1).text(), "許");
    assert_eq!(parse().segment("PID").expect("PID").field(1).text(), "\\XB35C\\");
}

#[test]
fn decoded_delimiters_and_line_ends_never_become_structure() {
    let text = "MSH|^~\\&|A|B\rPID|a\\X0D\\PID\\F\\b\\S\\c\\R\\d|2\r";
    let message = Message::parse(text, Default::default(), &Limits::default()).expect("a message");
    assert_eq!(message.segment_count(), 2);
    let pid = message.segment("PID").expect("PID");
    assert_eq!(pid.field(1).text(), "a\rPID|b^c~d");
    assert_eq!((pid.field(1).repetition_count(), pid.field(2).raw()), (1, "2"));
    assert_eq!(escape(&pid.field(1).text(), message.delimiters()), "a\\X0D\\PID\\F\\b\\S\\c\\R\\d");
}

#[test]
fn a_message_full_of_junk_escapes_is_read_as_text() {
    let text = String::from_utf8(file("escape_junk.hl7")).expect("UTF-8");
    let message = Message::parse(&text, Default::default(), &Limits::default()).expect("a message");
    let note = message.segment("NTE").expect("NTE").field(3).text().into_owned();
    assert!(note.starts_with("\\X4\\ \\Z \\.sp99999999\\ \\C2842\\"), "{note}");
    assert!(note.contains("\n\n\n") && note.ends_with("é |^~\\&\\P\\ a\\b c| end\\"), "{note}");
}

#[test]
fn values_are_written_so_that_they_read_the_same() {
    let check = |value: &str, raw: &str| {
        let escaped = escape(value, &Delimiters::default());
        assert_eq!(escaped, raw);
        assert_eq!(unescape(&escaped, &Delimiters::default()), value);
    };
    check("plain 陳", "plain 陳");
    check("|^~\\&#", "\\F\\\\S\\\\R\\\\E\\\\T\\#");
    check("a\r\n\tb\u{b}\u{1c}\u{7f}", "a\\X0D\\\\X0A\\\tb\\X0B\\\\X1C\\\\X7F\\");
    // The two quotes of a value are not an order to delete.
    check("\"\"", "\\X22\\\"");
    check("\"", "\"");
    check("\"\"\"", "\"\"\"");
    assert!(matches!(escape("plain", &Delimiters::default()), Cow::Borrowed(_)));
    assert!(matches!(unescape("plain", &Delimiters::default()), Cow::Borrowed(_)));
    let five = Delimiters::new('|', "^~\\&#").expect("delimiters");
    assert_eq!(escape("#", &five), "\\P\\");
    assert_eq!(unescape("\\P\\", &five), "#");
}

#[test]
fn without_an_escape_character_nothing_is_decoded_and_delimiters_cannot_be_written() {
    let two = Delimiters::new('|', "^~").expect("delimiters");
    assert_eq!(unescape("\\F\\", &two), "\\F\\");
    assert_eq!(try_escape("a|b", &two), None);
    assert_eq!(try_escape("\"\"", &two), None);
    assert_eq!(try_escape("a\\b&c", &two).as_deref(), Some("a\\b&c"));
    assert_eq!(escape("a|b\rc", &two), "a b c");
    assert_eq!(escape("\"\"", &two), "\" \"");
}
