//! Names as the standard prints them (PS3.5 annexes H to K), and as devices of Hong Kong send them.

use super::*;

fn name(declared: &str, rule: &CharsetRule, value: &[u8]) -> Result<String, TextFault> {
    Repertoire::new(Some(declared.as_bytes()), rule).decode(Kind::PersonName, value)
}

const AUTO: &CharsetRule = &CharsetRule::Auto;

fn fallback(name: &str) -> CharsetRule {
    CharsetRule::Default(name.to_owned())
}

#[test]
fn japanese_with_escapes_is_read_as_in_annex_h_of_part_5() {
    let value = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
    assert_eq!(name("\\ISO 2022 IR 87", AUTO, value).as_deref(), Ok("Yamada^Tarou=山田^太郎=やまだ^たろう"));
    let value =
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J";
    assert_eq!(name("ISO 2022 IR 13\\ISO 2022 IR 87", AUTO, value).as_deref(), Ok("ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"));
}

#[test]
fn korean_with_escapes_is_read_as_in_annex_i_and_begins_anew_at_each_delimiter() {
    let value = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
    assert_eq!(name("\\ISO 2022 IR 149", AUTO, value).as_deref(), Ok("Hong^Gildong=洪^吉洞=홍^길동"));
    // Without the escape after the delimiter the bytes belong to no set.
    let value = b"Hong^Gildong=\x1b$)C\xfb\xf3^\xd1\xce\xd4\xd7";
    assert_eq!(name("\\ISO 2022 IR 149", AUTO, value), Err(TextFault));
}

#[test]
fn chinese_is_read_in_utf_8_in_gb_18030_and_with_escapes() {
    let utf8 = "Wang^XiaoDong=王^小东=";
    assert_eq!(name("ISO_IR 192", AUTO, utf8.as_bytes()).as_deref(), Ok(utf8));
    let gb = b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=";
    assert_eq!(name("GB18030", AUTO, gb).as_deref(), Ok(utf8));
    assert_eq!(name("GBK", AUTO, gb).as_deref(), Ok(utf8));
    let escaped = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=";
    assert_eq!(name("\\ISO 2022 IR 58", AUTO, escaped).as_deref(), Ok("Zhang^XiaoDong=张^小东="));
}

#[test]
fn a_second_byte_that_looks_like_a_backslash_parts_nothing() {
    // 許 is B3 5C in Big5; 昞 is 95 5C in GBK.
    let rule = fallback("big5-hkscs");
    assert_eq!(
        Repertoire::new(None, &rule).values(Kind::PersonName, b"\xb3\x5c^A\\B ").as_deref(),
        Ok(&["許^A".to_owned(), "B".to_owned()][..])
    );
    assert_eq!(name("GBK", AUTO, b"\x95\x5c").as_deref(), Ok("昞"));
}

#[test]
fn big5_under_the_label_of_latin_1_is_read_by_the_feed_s_rule() {
    let big5 = b"CHAN^TAI MAN=\xb3\xaf^\xa4j\xa4\xe5";
    for declared in ["ISO_IR 100", "ISO_IR 6", ""] {
        assert_eq!(name(declared, &fallback("big5-hkscs"), big5).as_deref(), Ok("CHAN^TAI MAN=陳^大文"), "{declared}");
    }
    assert_eq!(name("", AUTO, big5), Err(TextFault), "undeclared and no rule: nobody guesses");
    // A character of HKSCS that plain Big5 lacks.
    assert_eq!(name("", &fallback("big5-hkscs"), b"\x9d\xf2").as_deref(), Ok("𨋢"));
    assert_eq!(name("ISO_IR 100", &fallback("big5-hkscs"), b"M\xfcller").as_deref(), Ok("Müller"));
    assert_eq!(
        name("ISO_IR 192", &fallback("big5-hkscs"), "陳".as_bytes()).as_deref(),
        Ok("陳"),
        "a right label holds"
    );
    let force = CharsetRule::Force("big5-hkscs".to_owned());
    assert_eq!(name("GB18030", &force, b"\xb3\xaf").as_deref(), Ok("陳"));
}

#[test]
fn what_is_not_in_its_set_is_a_fault_and_what_is_unknown_is_said_to_be() {
    assert_eq!(name("ISO_IR 192", AUTO, b"\xb3\xaf"), Err(TextFault));
    assert_eq!(name("ISO_IR 100", AUTO, b"\x93"), Err(TextFault));
    assert_eq!(name("ISO_IR 999", AUTO, b"\xb3\xaf"), Err(TextFault));
    assert!(Repertoire::new(Some(b"ISO_IR 999"), AUTO).is_unknown());
    assert_eq!(name("ISO_IR 999", AUTO, b"plain").as_deref(), Ok("plain"));
    assert_eq!(name("\\ISO 2022 IR 87", AUTO, b"\x1b"), Err(TextFault));
    assert_eq!(name("\\ISO 2022 IR 87", AUTO, b"\x1b$B;"), Err(TextFault));
}

#[test]
fn a_name_whose_escapes_are_not_reset_is_read_by_its_components_and_a_group_that_is_broken_is_left_out() {
    let japanese = Repertoire::new(Some(b"\\ISO 2022 IR 87"), AUTO);
    let read = |value: &[u8]| japanese.name(value).map(|name| (name.text, name.lacks_group));
    let good = Ok(("Yamada^Tarou=山田^太郎=やまだ^たろう".to_owned(), false));
    let ended = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
    assert_eq!(read(ended), good);
    let open = b"Yamada^Tarou=\x1b$B;3ED^\x1b$BB@O:=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&";
    assert_eq!(japanese.decode(Kind::PersonName, open), Err(TextFault), "as a whole it is no text");
    assert_eq!(read(open), good);
    assert_eq!(read(b"Yamada^Tarou=\x1b$B;3E"), Ok(("Yamada^Tarou=".to_owned(), true)), "a half character");
    assert_eq!(read(b"\x1b$B;3E^Tarou=\x1b$B;3ED\x1b(B"), Err(TextFault), "nobody can be told by what is left");
    let korean = Repertoire::new(Some(b"\\ISO 2022 IR 149"), AUTO);
    let name = korean.name(b"Hong^Gildong=\x1b$)C\xfb\xf3^\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab").expect("the first group");
    assert_eq!((name.text.as_str(), name.lacks_group), ("Hong^Gildong==홍", true));
    assert!(!format!("{name:?}").contains("Hong"));
}
