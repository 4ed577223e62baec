//! Acknowledgements byte by byte: original and enhanced mode, every version.

use causeway_core::feed::CharsetRule;
use causeway_core::hl7v2::header::Header;
use jiff::Timestamp;
use uuid::Uuid;

use super::*;

use First::{Answer as Sends, Application, Nothing};
use Verdict::{Error, Reject, Stored};

/// The first exchange for MSH-15 and MSH-16, for a message that is stored, one with an error, and a rejected one.
fn row(accept: &str, application: &str) -> [First; 3] {
    [Stored, Error, Reject].map(|verdict| first(Mode::of(accept, application), verdict))
}

#[test]
fn original_mode_answers_every_message_once() {
    let original = [Sends(Code::AA), Sends(Code::AE), Sends(Code::AR)];
    assert_eq!(row("", ""), original);
    assert_eq!(row("\"\"", ""), original, "delete what you have: nothing");
    assert_eq!(row("XX", ""), original, "not in table 0155: as empty");
    assert_eq!(row("", "al"), original, "codes are upper case");
    assert!(Mode::has_unknown("XX", "") && Mode::has_unknown("AL", "al") && !Mode::has_unknown("", "NE"));
}

#[test]
fn msh_15_decides_the_accept_acknowledgement_as_table_0155_says() {
    assert_eq!(row("AL", "NE"), [Sends(Code::CA), Sends(Code::CE), Sends(Code::CR)]);
    assert_eq!(row("AL", ""), [Sends(Code::CA), Sends(Code::CE), Sends(Code::CR)]);
    assert_eq!(row("NE", "NE"), [Nothing, Nothing, Nothing]);
    assert_eq!(row("NE", ""), [Nothing, Nothing, Nothing]);
    assert_eq!(row("ER", "NE"), [Nothing, Sends(Code::CE), Sends(Code::CR)]);
    assert_eq!(row("SU", "NE"), [Sends(Code::CA), Nothing, Nothing]);
    assert_eq!(row("XX", "NE"), [Nothing, Nothing, Nothing], "not in the table: as empty, and empty beside NE is NE");
}

#[test]
fn a_refusal_that_msh_15_does_not_want_is_told_as_msh_16_wants() {
    for (application, error, reject) in [
        ("AL", Application(Code::AE), Application(Code::AR)),
        ("ER", Application(Code::AE), Application(Code::AR)),
        ("SU", Nothing, Nothing),
        ("NE", Nothing, Nothing),
    ] {
        assert_eq!(row("NE", application), [Nothing, error, reject], "NE {application}");
        assert_eq!(row("", application), [Nothing, error, reject], "empty {application}");
        assert_eq!(row("SU", application), [Sends(Code::CA), error, reject], "SU {application}");
        // One that was told already is not told again.
        assert_eq!(row("AL", application), [Sends(Code::CA), Sends(Code::CE), Sends(Code::CR)], "AL {application}");
        assert_eq!(row("ER", application), [Nothing, Sends(Code::CE), Sends(Code::CR)], "ER {application}");
    }
}

#[test]
fn msh_16_decides_the_application_acknowledgement_as_table_0155_says() {
    let told = |application: &str| {
        let mode = Mode::of("AL", application);
        let states = [State::Accepted, State::Withheld, State::Held, State::Discarded, State::Rejected];
        states.map(|state| outcome(mode, state))
    };
    let (aa, ae) = (Some(Code::AA), Some(Code::AE));
    assert_eq!(told("AL"), [aa, aa, ae, ae, None]);
    assert_eq!(told("SU"), [aa, aa, None, None, None]);
    assert_eq!(told("ER"), [None, None, ae, ae, None]);
    assert_eq!(told("NE"), [None; 5]);
    assert_eq!(told(""), [None; 5]);
    assert!(!Mode::of("AL", "NE").wants_outcome() && Mode::of("NE", "ER").wants_outcome());
}

#[test]
fn original_mode_put_off_until_the_commit_answers_by_the_outcome() {
    assert_eq!(outcome(Mode::Original, State::Accepted), Some(Code::AA));
    assert_eq!(outcome(Mode::Original, State::Withheld), Some(Code::AA), "consent is not the sender's to know");
    assert_eq!(outcome(Mode::Original, State::Held), Some(Code::AE));
    assert_eq!(outcome(Mode::Original, State::Rejected), None);
}

#[test]
fn what_is_not_taken_at_all_is_rejected_and_what_is_wrong_in_it_is_an_error() {
    for reason in [Reason::UnsupportedType, Reason::UnsupportedEvent, Reason::ProcessingId, Reason::VersionUnknown] {
        assert_eq!(Verdict::of(reason, ""), Reject, "{reason}");
    }
    assert_eq!(Verdict::of(Reason::MissingField, "MSH-10"), Reject);
    assert_eq!(Verdict::of(Reason::MissingField, "PID-3"), Error);
    for reason in [Reason::Undecodable, Reason::BadSegment, Reason::TooManyParts, Reason::Busy, Reason::LogUnavailable]
    {
        assert_eq!(Verdict::of(reason, ""), Error, "{reason}");
    }
}

const AT: &str = "20261101093000+0800";

/// The answer to a message with this header, with the id of ours replaced by `ID`.
fn written(header: &[u8], answer: impl Fn(&Echo) -> Vec<u8>) -> Vec<u8> {
    let header = Header::peek(header, &CharsetRule::Auto).expect("header");
    answer(&Echo::of(&header, true))
}

fn write_with(
    echo: &Echo,
    code: Code,
    complaint: Option<Complaint<'_>>,
    own_exchange: Option<&'static str>,
) -> Vec<u8> {
    let ids = MessageIds::new(Timestamp::UNIX_EPOCH, Uuid::nil());
    let mut out = Vec::new();
    write(&mut out, &ids, &Answer { echo, code, complaint, at: AT, own_exchange, expected: None });
    let id = b"0".repeat(20);
    let at = out.windows(20).position(|window| window == id).expect("our own id");
    out.splice(at..at + 20, *b"ID");
    out
}

fn accepted(header: &[u8], code: Code) -> String {
    String::from_utf8(written(header, |echo| write_with(echo, code, None, None))).expect("text")
}

fn refused(header: &[u8], code: Code, reason: Reason, place: &str) -> String {
    let complaint = Complaint { reason, place, severity: Severity::Error };
    String::from_utf8(written(header, |echo| write_with(echo, code, Some(complaint), None))).expect("text")
}

#[test]
fn an_accept_is_built_anew_and_swaps_sender_and_receiver_whole() {
    let header = b"MSH|^~\\&|CMS^1.2.3^ISO|QMH^4.5.6^ISO|CAUSEWAY|EHR^7.8^ISO|20261101092900||ORU^R01^ORU_R01|M-1|P|2.5.1|||AL|NE||UNICODE UTF-8\rPID|1\r";
    assert_eq!(
        accepted(header, Code::CA),
        "MSH|^~\\&|CAUSEWAY|EHR^7.8^ISO|CMS^1.2.3^ISO|QMH^4.5.6^ISO|20261101093000+0800||ACK^R01^ACK|ID|P|2.5.1||||||UNICODE UTF-8\rMSA|CA|M-1\r"
    );
}

#[test]
fn versions_before_2_4_know_no_event_in_the_answer() {
    let header = |version: &str| format!("MSH|^~\\&|A|B|C|D|2026||ADT^A01|7|T|{version}\r").into_bytes();
    for (version, kind) in
        [("2.1", "ACK"), ("2.3", "ACK"), ("2.3.1", "ACK"), ("2.4", "ACK^A01^ACK"), ("2.9", "ACK^A01^ACK")]
    {
        let expected = format!("MSH|^~\\&|C|D|A|B|{AT}||{kind}|ID|T|{version}\rMSA|AA|7\r");
        assert_eq!(accepted(&header(version), Code::AA), expected);
    }
}

#[test]
fn a_refusal_says_where_and_what_in_the_segment_of_its_version() {
    let header = |version: &str| format!("MSH|^~\\&|A|B|C|D|2026||ADT^A01|7|P|{version}\r").into_bytes();
    let tail = |version: &str| {
        let text = refused(&header(version), Code::AE, Reason::MissingField, "PID-3");
        text.split_once('\r').expect("MSH").1.to_owned()
    };
    let err = "ERR||PID^1^3|101^Required field missing^HL70357|E|MISSING_FIELD^^L||Fill the field named in the place|A required field is empty\r";
    assert_eq!(tail("2.1"), "MSA|AE|7|PID-3: A required field is empty. Fill the field named in the place\r");
    let eld = "MSA|AE|7|PID-3: A required field is empty. Fill the field named in the place\rERR|PID^1^3^101&Required field missing&HL70357\r";
    assert_eq!(tail("2.2"), eld);
    assert_eq!(tail("2.4"), eld);
    for version in ["2.5", "2.5.1", "2.6"] {
        assert_eq!(
            tail(version),
            format!("MSA|AE|7|PID-3: A required field is empty. Fill the field named in the place\r{err}"),
            "{version}"
        );
    }
    for version in ["2.7", "2.9"] {
        assert_eq!(tail(version), format!("MSA|AE|7\r{err}"), "{version}: MSA-3 is withdrawn");
    }
}

#[test]
fn a_place_inside_a_field_is_written_as_erl_has_it() {
    let header = b"MSH|^~\\&|A|B|C|D|2026||XXX^Y99|7|P|2.7\r";
    let text = refused(header, Code::AR, Reason::UnsupportedType, "MSH-9.1");
    assert!(text.contains("ERR||MSH^1^9^1^1|200^Unsupported message type^HL70357|E|"), "{text}");
    let third = refused(header, Code::AE, Reason::DocumentBroken, "OBX[3]-5.5");
    assert!(third.contains("ERR||OBX^3^5^1^5|102^Data type error^HL70357|E|DOCUMENT_BROKEN^"), "{third}");
    let old = refused(b"MSH|^~\\&|A|B|C|D|2026||XXX^Y99|7|P|2.4\r", Code::AE, Reason::DocumentBroken, "OBX[3]-5.5");
    assert!(old.contains("|OBX[3]-5.5: ") && old.contains("ERR|OBX^3^5^102&"), "{old}");
    let whole = refused(header, Code::AE, Reason::Busy, "");
    assert!(whole.contains("ERR|||207^Application internal error^HL70357|E|"), "{whole}");
    let segment = refused(header, Code::AE, Reason::MissingSegment, "PID");
    assert!(segment.contains("ERR||PID^1|100^Segment sequence error^HL70357|E|"), "{segment}");
}

#[test]
fn the_sender_s_delimiters_are_used_and_our_text_is_escaped_by_them() {
    let header = b"MSH$%*!?$A$B$C%1?2$D$2026$$ADT%A01$7$P$2.5\r";
    assert_eq!(
        accepted(header, Code::AA),
        "MSH$%*!?$C%1?2$D$A$B$20261101093000+0800$$ACK%A01%ACK$ID$P$2.5\rMSA$AA$7\r"
    );
    // A blank is no delimiter, but the letters of this one are ours: `-` stands in no text, `.` does.
    let dotted = b"MSH|.~\\&|A|B|C|D|2026||ADT.A01|7|P|2.7\r";
    let text = refused(dotted, Code::AR, Reason::VersionUnknown, "MSH-12");
    assert!(text.contains("Send 2\\S\\1 to 2\\S\\9, or set"), "{text}");
    let short = b"MSH|.~|A|B|C|D|2026||ADT.A01|7|P|2.7\r";
    let text = refused(short, Code::AR, Reason::VersionUnknown, "MSH-12");
    assert!(text.starts_with("MSH|.~|C|D|A|B|") && text.contains("Send 2 1 to 2 9, or set"), "{text}");
}

#[test]
fn msh_2_of_two_three_four_and_five_characters_is_repeated_as_it_came() {
    for encoding in ["^~", "^~\\", "^~\\&", "^~\\&#"] {
        let header = format!("MSH|{encoding}|A|B|C|D|2026||ADT^A01|7|P|2.7\r");
        let expected = format!("MSH|{encoding}|C|D|A|B|{AT}||ACK^A01^ACK|ID|P|2.7\rMSA|AA|7\r");
        assert_eq!(accepted(header.as_bytes(), Code::AA), expected);
    }
}

#[test]
fn the_control_id_goes_back_byte_for_byte() {
    for id in [" 7 ", "a\\T\\b", "x&y", "1^2", "\"\"", "0007"] {
        let header = format!("MSH|^~\\&|A|B|C|D|2026||ADT^A01|{id}|P|2.3\r");
        assert!(accepted(header.as_bytes(), Code::AA).ends_with(&format!("\rMSA|AA|{id}\r")), "{id}");
    }
}

#[test]
fn an_answer_is_in_the_sender_s_character_set() {
    // 四育 is A5 7C A8 7C in Big5: both second bytes look like the field separator. 許 is B3 5C, 鰂魚涌 91 6F B3 BD AB B2.
    let header =
        b"MSH|^~\\&|\xa5\x7c\xa8\x7c|\x91\x6f\xb3\xbd\xab\xb2|EHR|HK|2026||ADT^A01|\xb3\x5c-1|P|2.5|||AL|||BIG-5\r";
    let expected = b"MSH|^~\\&|EHR|HK|\xa5\x7c\xa8\x7c|\x91\x6f\xb3\xbd\xab\xb2|20261101093000+0800||ACK^A01^ACK|ID|P|2.5||||||BIG-5\rMSA|CA|\xb3\x5c-1\r";
    let out = written(header, |echo| write_with(echo, Code::CA, None, None));
    assert_eq!(out, expected, "{}", String::from_utf8_lossy(&out));
}

#[test]
fn an_application_acknowledgement_is_an_exchange_of_its_own_that_wants_none() {
    let header = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|7|P|2.5|||AL|AL||ASCII\r";
    let complaint = Complaint { reason: Reason::IdentityReview, place: "", severity: Severity::Warning };
    let out = written(header, |echo| write_with(echo, Code::AE, Some(complaint), Some("AL")));
    let text = String::from_utf8(out).expect("text");
    assert!(
        text.starts_with("MSH|^~\\&|C|D|A|B|20261101093000+0800||ACK^A01^ACK|ID|P|2.5|||AL|NE||ASCII\rMSA|AE|7|"),
        "{text}"
    );
    assert!(text.contains("\rERR|||207^Application internal error^HL70357|W|IDENTITY_REVIEW^^L|"), "{text}");
    let none = written(b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|7|P|2.3|||NE|AL\r", |echo| {
        write_with(echo, Code::AA, None, Some("NE"))
    });
    assert_eq!(none, b"MSH|^~\\&|C|D|A|B|20261101093000+0800||ACK|ID|P|2.3|||NE|NE\rMSA|AA|7\r");
}

#[test]
fn a_message_without_a_header_is_refused_in_the_common_delimiters() {
    let complaint = Complaint { reason: Reason::Unreadable, place: "MSH", severity: Severity::Error };
    let out = write_with(&Echo::unreadable(), Code::AR, Some(complaint), None);
    assert_eq!(
        String::from_utf8(out).expect("text"),
        "MSH|^~\\&|||||20261101093000+0800||ACK|ID|P|2.5\rMSA|AR||MSH: The message has no readable MSH segment. Send MSH first, with its delimiters in MSH-1 and MSH-2\rERR||MSH^1|100^Segment sequence error^HL70357|E|UNREADABLE^^L||Send MSH first, with its delimiters in MSH-1 and MSH-2|The message has no readable MSH segment\r"
    );
}

#[test]
fn a_header_field_beyond_all_measure_is_not_repeated() {
    let long = "x".repeat(1_000_000);
    let header = format!("MSH|^~\\&|{long}|B|C|D|2026||ADT^A01|7|P|2.5\r");
    let peeked = Header::peek(header.as_bytes(), &CharsetRule::Auto).expect("header");
    assert!(Echo::of(&peeked, true).size() < 1_000);
    assert_eq!(
        accepted(header.as_bytes(), Code::AA),
        "MSH|^~\\&|C|D||B|20261101093000+0800||ACK^A01^ACK|ID|P|2.5\rMSA|AA|7\r"
    );
    let control = Echo::of(&peeked, false);
    assert!(write_with(&control, Code::AR, None, None).ends_with(b"\rMSA|AR|\r"));
}

#[test]
fn msa_4_tells_the_sequence_number_behind_the_text_or_its_place() {
    let header = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|7|P|2.3|5\r";
    let ids = MessageIds::new(Timestamp::UNIX_EPOCH, Uuid::nil());
    let tail = |code: Code, complaint: Option<Complaint<'_>>| {
        let out = written(header, |echo| {
            let mut out = Vec::new();
            write(&mut out, &ids, &Answer { echo, code, complaint, at: AT, own_exchange: None, expected: Some(-1) });
            out
        });
        String::from_utf8(out).expect("text").split_once("MSA").expect("MSA").1.to_owned()
    };
    assert_eq!(tail(Code::AA, None), "|AA|7||-1\r");
    let complaint = Complaint { reason: Reason::SequenceNumber, place: "MSH-13", severity: Severity::Error };
    let told = tail(Code::AR, Some(complaint));
    assert!(told.starts_with("|AR|7|MSH-13: ") && told.contains("|-1\r"), "{told}");
}
