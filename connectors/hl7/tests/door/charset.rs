//! Character sets, over TCP.

use causeway_core::feed::CharsetRule;
use causeway_core::reason::Reason;
use causeway_hl7::config::CharsetSetting;

use super::support::{Hub, code, config, framed, message, with_feed};

/// 許功蓋 in Big5: every second byte is a backslash.
const TRAP: &[u8] = b"\xb3\x5c\xa5\x5c\xbb\x5c";
/// 四育 in Big5: every second byte is a field separator.
const BARS: &[u8] = b"\xa5\x7c\xa8\x7c";
/// 鰂魚涌 in Big5 with HKSCS.
const HKSCS: &[u8] = b"\x91\x6f\xb3\xbd\xab\xb2";

/// A message with this MSH-18 and this name.
fn named(id: &str, charset: &str, name: &[u8]) -> Vec<u8> {
    let text = message(id).replace("|2.5\r", &format!("|2.5||||||{charset}\r"));
    let (before, after) = text.split_once("TAI MAN").expect("a name");
    [before.as_bytes(), name, after.as_bytes()].concat()
}

/// MSA-1 and the reason in the answer to a message on a fresh door, and whether it was kept refused.
async fn outcome(setting: CharsetRule, bytes: &[u8]) -> (String, Option<Reason>) {
    let hub = Hub::open(with_feed(|feed| feed.charset = CharsetSetting::of(setting))).await;
    let mut peer = hub.peer().await;
    peer.write(&framed(bytes)).await;
    let answer = String::from_utf8_lossy(&peer.answer_bytes().await).into_owned();
    let msa = answer.split('\r').find(|segment| segment.starts_with("MSA|")).expect("MSA").to_owned();
    let entry = hub.only_entry();
    assert_eq!(entry.envelope.body.expose().as_ref(), bytes, "bytes as they came");
    (code(&msa), entry.envelope.refusal.map(|refusal| refusal.reason))
}

#[tokio::test]
async fn r67_without_msh_18_the_feed_s_default_holds_and_then_strict_utf_8() {
    let taken = ("AA".to_owned(), None);
    let undecodable = ("AE".to_owned(), Some(Reason::Undecodable));
    assert_eq!(outcome(CharsetRule::Auto, &named("1", "", "大文".as_bytes())).await, taken);
    assert_eq!(outcome(CharsetRule::Auto, &named("1", "", TRAP)).await, undecodable);
    assert_eq!(outcome(CharsetRule::Default("BIG-5".to_owned()), &named("1", "", TRAP)).await, taken);
    assert_eq!(
        outcome(CharsetRule::Default("BIG-5".to_owned()), &named("1", "UNICODE UTF-8", TRAP)).await,
        undecodable
    );
}

#[tokio::test]
async fn r68_text_that_is_not_in_the_set_it_claims_is_held_unless_the_feed_knows_better() {
    assert_eq!(
        outcome(CharsetRule::Auto, &named("1", "UNICODE UTF-8", HKSCS)).await,
        ("AE".to_owned(), Some(Reason::Undecodable))
    );
    assert_eq!(
        outcome(CharsetRule::Force("BIG-5".to_owned()), &named("1", "UNICODE UTF-8", HKSCS)).await,
        ("AA".to_owned(), None)
    );
}

#[tokio::test]
async fn r69_second_bytes_that_look_like_delimiters_split_nothing() {
    for name in [TRAP, BARS, HKSCS, b"\xb4\x5e\xa6\x7e"] {
        assert_eq!(outcome(CharsetRule::Auto, &named("1", "BIG-5", name)).await, ("AA".to_owned(), None), "{name:x?}");
    }
    // The same in the header: MSH-4 is 四育, and MSH-10 stands where it should.
    let hub = Hub::open(with_feed(|feed| {
        feed.senders = vec!["LIS|四育".parse().expect("sender")];
        feed.charset = CharsetSetting::of(CharsetRule::Force("BIG-5".to_owned()));
    }))
    .await;
    let text = message("77");
    let (before, after) = text.split_once("QMH|").expect("MSH-4");
    let mut peer = hub.peer().await;
    peer.write(&framed(&[before.as_bytes(), BARS, b"|", after.as_bytes()].concat())).await;
    let answer = peer.answer_bytes().await;
    let expected = [b"MSH|^~\\&|CAUSEWAY|EHR|LIS|".as_slice(), BARS, b"|"].concat();
    assert!(answer.starts_with(&expected), "{}", String::from_utf8_lossy(&answer));
    assert!(answer.ends_with(b"\rMSA|AA|77\r"), "{}", String::from_utf8_lossy(&answer));
    let envelope = hub.only_entry().envelope;
    assert_eq!((envelope.sender.as_str(), envelope.control_id.as_str()), ("LIS|四育", "77"));
}

#[tokio::test]
async fn names_of_character_sets_from_the_table_and_from_the_wild_are_known_and_others_rejected() {
    for (name, bytes) in [
        ("UNICODE UTF-8", "大文".as_bytes()),
        ("UTF-8", "大文".as_bytes()),
        ("BIG-5", TRAP),
        ("BIG5", TRAP),
        ("Big5-HKSCS", HKSCS),
        ("GB 18030-2000", b"\xb4\xf3\xce\xc4"),
        ("GBK", b"\xb4\xf3\xce\xc4"),
        ("8859/1", b"M\xfcller"),
        ("ASCII", b"TAI MAN"),
        ("BIG-5~ASCII", TRAP),
    ] {
        assert_eq!(outcome(CharsetRule::Auto, &named("1", name, bytes)).await, ("AA".to_owned(), None), "{name}");
    }
    for name in ["KLINGON", "UNICODE UTF-16", "UNICODE UTF-32"] {
        let rejected = ("AR".to_owned(), Some(Reason::CharsetUnknown));
        assert_eq!(outcome(CharsetRule::Auto, &named("1", name, b"X")).await, rejected, "{name}");
    }
}

#[tokio::test]
async fn r70_utf_16_is_rejected_with_its_reason() {
    for little in [true, false] {
        let wide = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        for mark in ["", "\u{feff}"] {
            let bytes: Vec<u8> = format!("{mark}{}", message("1")).encode_utf16().flat_map(wide).collect();
            assert_eq!(outcome(CharsetRule::Auto, &bytes).await, ("AR".to_owned(), Some(Reason::CharsetUnknown)));
        }
    }
}

#[tokio::test]
async fn r71_a_byte_order_mark_is_skipped_and_kept() {
    let bytes = [b"\xef\xbb\xbf".as_slice(), message("1").as_bytes()].concat();
    assert_eq!(outcome(CharsetRule::Auto, &bytes).await, ("AA".to_owned(), None));
}

#[tokio::test]
async fn r72_overlong_forms_surrogates_and_nul_are_no_text() {
    for bytes in [b"\xc0\xaf".as_slice(), b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe5\xa4", b"A\0B"] {
        let held = ("AE".to_owned(), Some(Reason::Undecodable));
        assert_eq!(outcome(CharsetRule::Auto, &named("1", "", bytes)).await, held, "{bytes:x?}");
    }
}

#[tokio::test]
async fn text_that_cannot_be_decoded_waits_among_the_messages_of_its_patient() {
    let key = async |name: &[u8]| {
        let hub = Hub::open(config()).await;
        let mut peer = hub.peer().await;
        peer.write(&framed(&named("1", "", name))).await;
        peer.answer_bytes().await;
        hub.only_entry().envelope.patient_key
    };
    let read = key(b"MARY").await;
    assert!(!read.expose().is_empty());
    assert_eq!(key(b"\xff").await.expose(), read.expose());
}

#[tokio::test]
async fn the_place_of_undecodable_text_is_the_segment_it_stands_in() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    peer.write(&framed(&named("1", "", b"\xff"))).await;
    let msa = peer.msa().await;
    assert!(msa.contains("ERR||PID^1|102^Data type error^HL70357|E|UNDECODABLE^^L|"), "{msa}");
    assert_eq!(hub.only_entry().envelope.refusal.map(|refusal| refusal.place).as_deref(), Some("PID"));
}

#[tokio::test]
async fn an_undecodable_header_is_answered_with_its_control_id_byte_for_byte() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    let text = message("ID").into_bytes();
    let at = text.windows(4).position(|window| window == b"|ID|").expect("MSH-10");
    let mut bytes = text;
    bytes.splice(at + 1..at + 3, b"7\xff8".iter().copied());
    peer.write(&framed(&bytes)).await;
    let answer = peer.answer_bytes().await;
    let msa = b"\rMSA|AE|7\xff8|";
    assert!(answer.windows(msa.len()).any(|window| window == msa), "{}", String::from_utf8_lossy(&answer));
}
