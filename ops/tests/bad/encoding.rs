//! Character sets.

use causeway_core::dicom::tag;
use causeway_dicom::syntax::Coding;
use causeway_dicom::write::ElementWriter;

use super::hub::{Peer, Person, code, framed, header, hub, message, refused, until};

/// 許功蓋 in Big5: every second byte is a backslash.
const TRAP: &[u8] = b"\xb3\x5c\xa5\x5c\xbb\x5c";
/// 四育 in Big5: every second byte is a field separator.
const BARS: &[u8] = b"\xa5\x7c\xa8\x7c";
/// 鰂魚垓 in Big5 with HKSCS.
const HKSCS: &[u8] = b"\x91\x6f\xb3\xbd\xab\xb2";

/// A message of this sender with this MSH-18 and this name, in these bytes.
fn named(id: &str, sender: &str, charset: &str, name: &[u8]) -> Vec<u8> {
    let text = message(id).replace("|LIS|", sender).replace("|2.5.1\r", &format!("|2.5.1||||||{charset}\r"));
    let (before, after) = text.split_once("TAI MAN").expect("a name");
    [before.as_bytes(), name, after.as_bytes()].concat()
}

fn undecodable(id: &str, bytes: &[u8]) {
    let hub = hub();
    refused(&Peer::to(hub.plain).exchange(bytes), &format!("AE|{id}"), 102, "UNDECODABLE");
    assert_eq!(hub.state(id), "held UNDECODABLE");
}

#[test]
fn r67_without_msh_18_the_feed_s_default_holds_and_nothing_undecodable_is_taken() {
    assert_eq!(Peer::to(hub().plain).code(named("r67-big5", "|BIG|", "", TRAP)), "AA|r67-big5");
    assert_eq!(Peer::to(hub().plain).code(named("r67-utf8", "|LIS|", "", "大文".as_bytes())), "AA|r67-utf8");
    undecodable("r67", &named("r67", "|LIS|", "", TRAP));
}

#[test]
fn r68_text_that_is_not_in_the_set_it_claims_is_an_error_unless_the_feed_knows_better() {
    undecodable("r68", &named("r68", "|LIS|", "UNICODE UTF-8", HKSCS));
    assert_eq!(Peer::to(hub().plain).code(named("r68-forced", "|FRC|", "UNICODE UTF-8", HKSCS)), "AA|r68-forced");
}

#[test]
fn r69_second_bytes_that_look_like_delimiters_split_nothing() {
    let hub = hub();
    let person = Person(16);
    for (number, name) in [TRAP, BARS, HKSCS].into_iter().enumerate() {
        let id = format!("r69-{number}");
        let text =
            format!("{}{}", header(&id, "ADT^A28^ADT_A05").replace("|2.5.1\r", "|2.5.1||||||BIG-5\r"), person.pid());
        let (before, after) = text.split_once("^SIU KEI").expect("a name");
        let bytes = [before.as_bytes(), b"^SIU KEI^^^^^L^A~", name, b"^^^^^^L^I", after.as_bytes()].concat();
        let mut peer = Peer::to(hub.plain);
        peer.write(&framed(&bytes));
        assert_eq!(code(&peer.answer()), format!("AA|{id}"));
        hub.outcome(&id);
    }
    let record = until(|| Some(hub.record(person)).filter(|text| text.contains("鰂魚垓")));
    assert!(record.is_some(), "{}", hub.record(person));
    let history = hub.history(person);
    for name in ["許功蓋", "四育"] {
        assert!(history.contains(name), "{name} was stored before: {history}");
    }
}

#[test]
fn r70_utf_16_is_rejected() {
    let hub = hub();
    for little in [true, false] {
        let wide = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        let bytes: Vec<u8> = format!("\u{feff}{}", message("r70")).encode_utf16().flat_map(wide).collect();
        let answer = Peer::to(hub.hasty).exchange(bytes);
        assert!(code(&answer).starts_with("AR|") && answer.contains("CHARSET_UNKNOWN"), "{answer}");
    }
}

#[test]
fn r71_a_byte_order_mark_before_the_header_is_skipped() {
    let bytes = [b"\xef\xbb\xbf".as_slice(), message("r71").as_bytes()].concat();
    assert_eq!(Peer::to(hub().plain).code(bytes), "AA|r71");
}

#[test]
fn r72_overlong_forms_surrogates_and_nul_are_no_text() {
    for (number, bytes) in
        [b"\xc0\xaf".as_slice(), b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe5\xa4", b"A\0B"].into_iter().enumerate()
    {
        let id = format!("r72-{number}");
        undecodable(&id, &named(&id, "|LIS|", "", bytes));
    }
}

/// Stores a name for a person and gives the record.
fn stored(id: &str, person: Person, name: &str) -> String {
    let hub = hub();
    let pid = person.pid().replace("^SIU KEI", &format!("^SIU KEI^^^^^L^A~{name}^^^^^^L^I"));
    assert_eq!(Peer::to(hub.plain).code(format!("{}{pid}", header(id, "ADT^A28^ADT_A05"))), format!("AA|{id}"));
    assert_eq!(hub.state(id), "accepted");
    hub.record(person)
}

#[test]
fn r73_marks_that_turn_or_hide_text_are_stored_as_they_came_told_and_shown_by_themselves() {
    let (hub, name) = (hub(), "王\u{202e}文\u{200b}大");
    let record = stored("r73", Person(17), name);
    let escaped = name.replace('\u{202e}', "\\u202e").replace('\u{200b}', "\\u200b");
    assert!(record.contains(name) || record.contains(&escaped), "{record}");
    // Flagged, with the place: to programs, and on the page of the message.
    let notes = hub.outcome("r73")["notes"].to_string();
    assert!(notes.contains("\"hidden-mark\"") && notes.contains("\"PID-5\""), "{notes}");
    let trace = hub.outcome("r73")["trace"].as_str().expect("a trace").to_owned();
    let page = hub.get(&format!("/en/ops/messages/{trace}")).expect("a page");
    assert!(page.contains("hidden-mark") && page.contains("turns or hides text"), "{page}");
    // What a sender writes is kept to itself on pages, and written out on a terminal.
    let id = "r73\u{202e}gnp";
    let text = message(id).replace("|LIS|", "|STR|");
    assert_eq!(Peer::to(hub.plain).code(text), format!("AA|{id}"));
    hub.outcome(id);
    let isolated = format!("<bdi>{id}</bdi>");
    assert!(until(|| hub.get("/en/ops/messages?feed=strict").filter(|page| page.contains(&isolated))).is_some());
    let (_, table) = hub.run(&["message", "list", "--feed", "strict"]);
    assert!(table.contains("r73<U+202E>gnp") && !table.contains('\u{202e}'), "{table}");
    // A look-alike letter is another letter: nobody is taken for somebody else by it.
    let person = Person(29);
    let alike = person.pid().replace(&person.family(), &person.family().replace('O', "\u{41e}"));
    assert_eq!(Peer::to(hub.plain).code(format!("{}{alike}", header("r73-o", "ADT^A28^ADT_A05"))), "AA|r73-o");
    assert_eq!(hub.state("r73-o"), "held IDENTITY_REVIEW", "a Cyrillic O");
}

#[test]
fn r74_rare_characters_are_stored_unchanged_and_private_ones_by_the_table_with_the_original_kept() {
    let hub = hub();
    let record = stored("r74", Person(18), "𠝹😀\u{f8ff}");
    assert!(record.contains("𠝹😀\u{f8ff}") || record.contains("𠝹😀\\uf8ff"), "{record}");
    let notes = hub.outcome("r74")["notes"].to_string();
    assert!(notes.contains("\"private-use-unknown\"") && notes.contains("\"PID-5\""), "nobody knows U+F8FF: {notes}");
    // U+E473 is what HKSCS wrote for 邨 before it had a code point of its own.
    let record = stored("r74-private", Person(30), "陳\u{e473}");
    assert!(record.contains("陳邨") && !record.contains('\u{e473}'), "{record}");
    let notes = hub.outcome("r74-private")["notes"].to_string();
    assert!(notes.contains("\"private-use\"") && notes.contains("\"PID-5\""), "{notes}");
    let (_, raw) = hub.run(&["message", "show", "r74-private", "--raw", "--reveal"]);
    assert!(raw.contains("陳\u{e473}"), "what came is kept as it came");
}

#[test]
fn r75_composed_and_decomposed_names_find_the_same_person_and_are_stored_as_sent() {
    let hub = hub();
    let person = Person(19);
    let wide: String =
        person.family().chars().map(|c| char::from_u32(c as u32 - 'A' as u32 + 'Ａ' as u32).expect("wide")).collect();
    let pid = person.pid().replace(&person.family(), &wide);
    assert_eq!(Peer::to(hub.plain).code(format!("{}{pid}", header("r75", "ADT^A28^ADT_A05"))), "AA|r75");
    assert_eq!(hub.state("r75"), "accepted", "full width or half, it is the same name");
    assert!(hub.record(person).contains(&wide), "as sent");

    // Registered with a composed Ö; sent so, and with an O and the mark behind it.
    let person = Person(32);
    let decomposed = person.family().replace('Ö', "O\u{308}");
    assert_ne!(decomposed, person.family());
    let pid = person.pid().replace(&person.family(), &decomposed);
    for (id, pid) in [("r75-nfc", person.pid()), ("r75-nfd", pid)] {
        assert_eq!(Peer::to(hub.plain).code(format!("{}{pid}", header(id, "ADT^A28^ADT_A05"))), format!("AA|{id}"));
        assert_eq!(hub.state(id), "accepted", "{id}");
    }
    assert!(hub.record(person).contains(&decomposed), "as sent: {}", hub.record(person));
    let bare = person.pid().replace('Ö', "O");
    assert_eq!(Peer::to(hub.plain).code(format!("{}{bare}", header("r75-bare", "ADT^A28^ADT_A05"))), "AA|r75-bare");
    assert_eq!(hub.state("r75-bare"), "held IDENTITY_REVIEW", "another letter is another name");
}

#[test]
fn r76_escape_sequences_of_iso_2022_in_hl7_are_refused_by_name() {
    let hub = hub();
    let bytes = named("r76", "|LIS|", "ISO IR87", b"\x1b$B;3ED\x1b(B");
    refused(&Peer::to(hub.plain).exchange(bytes), "AR|r76", 103, "CHARSET_UNKNOWN");
    assert_eq!(hub.state("r76"), "held CHARSET_UNKNOWN");
}

/// Sends an image of a person under this name; gives its message.
fn image(uid: &str, person: Person, charset: &str, name: &[u8]) -> serde_json::Value {
    let hub = hub();
    let born = format!("198301{:02}", person.0 % 28 + 1);
    let bytes = ElementWriter::new(Coding::EXPLICIT)
        .text(tag::SPECIFIC_CHARACTER_SET, *b"CS", charset)
        .text(tag::SOP_CLASS_UID, *b"UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(tag::SOP_INSTANCE_UID, *b"UI", uid)
        .text(tag::STUDY_DATE, *b"DA", "20260301")
        .text(tag::ACCESSION_NUMBER, *b"SH", "RAD-76")
        .text(tag::MODALITY, *b"CS", "CT")
        .raw(tag::PATIENT_NAME, *b"PN", name)
        .text(tag::PATIENT_ID, *b"LO", &person.hkid())
        .text(tag::PATIENT_BIRTH_DATE, *b"DA", &born)
        .text(tag::PATIENT_SEX, *b"CS", "M")
        .text(tag::STUDY_INSTANCE_UID, *b"UI", "1.2.76")
        .text(tag::SERIES_INSTANCE_UID, *b"UI", "1.2.76.1")
        .raw(tag::PIXEL_DATA, *b"OW", &[7; 64])
        .bytes();
    let file = hub.path(uid);
    std::fs::write(&file, bytes).expect("written");
    let to = format!("CAUSEWAY@{}", hub.dicom);
    let (code, text) = hub.run(&["--json", "send", "dicom", file.to_str().expect("UTF-8"), "--to", &to]);
    assert_eq!(code, Some(0), "{text}");
    hub.outcome(uid)
}

#[test]
fn r76_a_dicom_name_without_its_escape_reset_is_read_by_its_components_and_what_cannot_be_is_flagged() {
    let person = Person(21);
    let english = format!("{}^SIU KEI", person.family());
    let named = |ideographic: &[u8]| [english.as_bytes(), b"=", ideographic].concat();
    let flagged = |message: &serde_json::Value| message["notes"].to_string().contains("undecodable");

    let whole = image("1.2.76.1.1", person, "\\ISO 2022 IR 87", &named(b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"));
    assert!(whole["state"] == "accepted" && !flagged(&whole), "{whole}");
    let open = image("1.2.76.1.2", person, "\\ISO 2022 IR 87", &named(b"\x1b$B;3ED^\x1b$BB@O:"));
    assert!(open["state"] == "accepted" && !flagged(&open), "each component for itself: {open}");
    let broken = image("1.2.76.1.3", person, "\\ISO 2022 IR 58", &named(b"\x1b$)A\xd5\xc5^\xd0\xa1"));
    assert!(broken["state"] == "accepted" && flagged(&broken), "the rest is used, and it is said so: {broken}");
    assert!(broken["notes"].to_string().contains("(0010,0010)"), "{broken}");
    let nobody = image("1.2.76.1.4", person, "\\ISO 2022 IR 58", b"\xd5\xc5^\xd0\xa1=A");
    assert!(nobody["state"] == "held" && nobody["reason"] == "UNDECODABLE", "no name to tell people by: {nobody}");
    let (_, shown) = hub().run(&["message", "show", "1.2.76.1.3", "--raw", "--reveal"]);
    assert!(!shown.is_empty(), "what came is kept as it came");
}
