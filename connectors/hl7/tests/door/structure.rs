//! Structure, header and control ids, over TCP.

use std::sync::atomic::Ordering;

use causeway_core::reason::Reason;
use causeway_hl7::config::{Pattern, SenderPattern};

use super::support::{Hub, PID, code, config, feed, message, short, with_feed};

/// Sends one message to a fresh door; gives MSA-1, the reason and place as ERR has them, and the refusal as kept.
async fn refused(text: &str) -> (String, String, Option<(Reason, String)>) {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    peer.send(text).await;
    let msa = peer.msa().await;
    assert_eq!(peer.exchange(&message("after")).await, "AA|after", "the connection goes on after {text:?}");
    let kept = hub.entries().into_iter().find(|entry| entry.envelope.control_id != "after");
    if let Some(kept) = &kept {
        assert_eq!(kept.envelope.body.expose().as_ref(), text.as_bytes(), "bytes as they came");
    }
    let err = msa.split('\r').find(|segment| segment.starts_with("ERR")).unwrap_or_default();
    let fields: Vec<&str> = err.split('|').collect();
    let place = fields.get(2).copied().unwrap_or_default();
    let error = fields.get(3).and_then(|code| code.split('^').next()).unwrap_or_default();
    let refusal = kept.and_then(|entry| entry.envelope.refusal).map(|refusal| (refusal.reason, refusal.place));
    (code(&msa), format!("{error} {place}"), refusal)
}

fn kept(reason: Reason, place: &str) -> Option<(Reason, String)> {
    Some((reason, place.to_owned()))
}

#[tokio::test]
async fn r25_r27_a_header_that_cannot_be_read_is_rejected_and_kept_for_the_only_feed_of_the_peer() {
    for text in [
        "MSH",
        "MSHH0",
        "MSH|0",
        "MSH|^~",
        "hello",
        "MSH||||",
        "MSH^^^^^A",
        "MSHA^~\\&A",
        "MSH|^~\\A|LIS|QMH",
        "PID|1\r",
        "MSH|^~\\^|LIS|QMH|CAUSEWAY|EHR|2026||ADT^A08|1|P|2.5\r",
    ] {
        let (code, error, refusal) = refused(text).await;
        assert_eq!((code.as_str(), error.as_str()), ("AR", "100 MSH^1"), "{text}");
        assert_eq!(refusal, kept(Reason::Unreadable, "MSH"), "{text}");
    }
}

#[tokio::test]
async fn a_header_that_cannot_be_read_is_not_kept_when_the_peer_has_several_feeds() {
    let mut config = config();
    config.feeds.push(feed("other", "RIS|QMH"));
    let hub = Hub::open(config).await;
    assert_eq!(hub.peer().await.exchange("MSHH0").await, "AR|");
    assert_eq!(hub.entries().len(), 0);
    assert_eq!(hub.frames_refused("unreadable"), 1.0);
}

#[tokio::test]
async fn r26_the_header_that_hung_nhapi_is_refused_at_once() {
    let hub = Hub::open(config()).await;
    assert_eq!(hub.peer().await.exchange("MSH|^|||||||^A|||2.2\r^AA").await, "AR|");
}

#[tokio::test]
async fn r28_encoding_characters_of_two_to_five_are_taken_and_answered_alike() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    for (id, encoding) in ["^~", "^~\\", "^~\\&", "^~\\&#"].into_iter().enumerate() {
        peer.send(&message(&id.to_string()).replace("^~\\&", encoding)).await;
        let answer = peer.answer().await;
        assert!(answer.starts_with(&format!("MSH|{encoding}|CAUSEWAY|EHR|LIS|QMH|")), "{answer}");
        assert!(answer.contains(&format!("\rMSA|AA|{id}\r")), "{answer}");
    }
    assert_eq!(hub.entries().iter().filter(|entry| entry.envelope.refusal.is_none()).count(), 4);
}

#[tokio::test]
async fn r29_r30_r31_line_feeds_and_blank_lines_are_taken_when_the_feed_is_lenient() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message("1").replace('\r', "\n")).await, "AA|1");
    assert_eq!(peer.exchange(&message("2").replace('\r', "\r\n")).await, "AA|2");
    assert_eq!(peer.exchange(&message("3").replace('\r', "\r\r")).await, "AA|3");
    assert_eq!(peer.exchange(&format!("{}\n", message("4"))).await, "AA|4");
    let strict = with_feed(|feed| feed.line_ends = causeway_core::feed::LineEnds::Strict);
    let hub = Hub::open(strict).await;
    assert_eq!(hub.peer().await.exchange(&message("1").replace('\r', "\n")).await, "AE|1");
}

#[tokio::test]
async fn r33_a_line_that_is_no_segment_is_an_error_and_kept() {
    for line in ["pid|1", "PI|1", "OBXX|1", "a line of text", "O1|x"] {
        let text = format!("{}{line}\r", message("1"));
        let (code, error, refusal) = refused(&text).await;
        assert_eq!((code.as_str(), error.as_str()), ("AE", "100 PID^1"), "{line}: after PID");
        assert_eq!(refusal, kept(Reason::BadSegment, "PID"), "{line}");
    }
}

#[tokio::test]
async fn r34_r35_a_patient_that_the_kind_of_message_requires_must_be_there() {
    let header = message("1").replace(PID, "");
    for (rest, error, refusal) in [
        ("", "100 PID^1", kept(Reason::MissingSegment, "PID")),
        ("EVN|A08\r", "100 PID^1", kept(Reason::MissingSegment, "PID")),
        ("PID|1\r", "101 PID^1^3", kept(Reason::MissingField, "PID-3")),
        ("PID|1||\r", "101 PID^1^3", kept(Reason::MissingField, "PID-3")),
        ("PID|1||\"\"\r", "101 PID^1^3", kept(Reason::MissingField, "PID-3")),
        ("PID|1||^^^QMH^MR\r", "101 PID^1^3", kept(Reason::MissingField, "PID-3")),
        ("PID|1||\"\"^^^QMH^MR\r", "101 PID^1^3", kept(Reason::MissingField, "PID-3")),
    ] {
        let found = refused(&format!("{header}{rest}")).await;
        assert_eq!(found, ("AE".to_owned(), error.to_owned(), refusal), "{rest}");
    }
    let hub = Hub::open(config()).await;
    let without = header.replace("ADT^A08^ADT_A01", "MFN^M02");
    assert_eq!(hub.peer().await.exchange(&without).await, "AA|1", "this kind is about no patient");
}

#[tokio::test]
async fn r36_a_field_of_a_megabyte_is_taken_whole() {
    let hub = Hub::open(config()).await;
    let text = format!("{}NTE|1||{}\r", message("1"), "x".repeat(1 << 20));
    assert_eq!(hub.peer().await.exchange(&text).await, "AA|1");
    assert_eq!(hub.only_entry().envelope.body.expose().len(), text.len());
}

#[tokio::test]
async fn r37_r38_more_segments_or_parts_than_allowed_are_an_error_and_kept() {
    let segments = |count: usize| format!("{}{}", message("1"), "OBX|1\r".repeat(count - 2));
    let parts = |count: usize| format!("{}NTE|1||{}\r", message("1"), "~".repeat(count));
    for (within, beyond, error) in [
        (segments(20_000), segments(20_001), "207 OBX^1"),
        (parts(65_536), parts(65_537), "207 NTE^1^3"),
        (parts(65_536), parts(1_000_000), "207 NTE^1^3"),
    ] {
        let hub = Hub::open(config()).await;
        assert_eq!(hub.peer().await.exchange(&within).await, "AA|1");
        let (code, found, refusal) = refused(&beyond).await;
        assert_eq!((code.as_str(), found.as_str()), ("AE", error));
        assert_eq!(refusal.map(|(reason, _)| reason), Some(Reason::TooManyParts));
    }
}

#[tokio::test]
async fn r39_r40_r41_r42_versions_kinds_processing_ids_and_receivers_are_those_of_the_feed() {
    for (from, to, error, reason) in [
        ("|2.5\r", "|9.9\r", "203 MSH^1^12", Reason::VersionUnknown),
        ("|2.5\r", "|\r", "203 MSH^1^12", Reason::VersionUnknown),
        ("|2.5\r", "|2.10\r", "203 MSH^1^12", Reason::VersionUnknown),
        ("ADT^A08^ADT_A01", "ZZZ^Z01", "200 MSH^1^9^1^1", Reason::UnsupportedType),
        ("ADT^A08^ADT_A01", "ADT^A99", "201 MSH^1^9^1^2", Reason::UnsupportedEvent),
        ("ADT^A08^ADT_A01", "", "101 MSH^1^9", Reason::MissingField),
        ("|P|", "|T|", "202 MSH^1^11", Reason::ProcessingId),
        ("|P|", "|D^T|", "202 MSH^1^11", Reason::ProcessingId),
        ("|P|", "||", "202 MSH^1^11", Reason::ProcessingId),
    ] {
        let (code, found, refusal) = refused(&message("1").replace(from, to)).await;
        assert_eq!((code.as_str(), found.as_str()), ("AR", error), "{to}");
        assert_eq!(refusal.map(|(reason, _)| reason), Some(reason), "{to}");
    }
    let hub = Hub::open(with_feed(|feed| {
        feed.receivers = vec!["CAUSEWAY|EHR".parse().expect("receiver")];
        feed.processing_ids = vec![Pattern::any()];
        feed.versions = vec![Pattern::any()];
    }))
    .await;
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message("1").replace("|P|2.5", "|T|9.9")).await, "AA|1");
    peer.send(&message("2").replace("CAUSEWAY", "ELSEWHERE")).await;
    let msa = peer.msa().await;
    assert!(msa.starts_with("MSA|AR|2|") && msa.contains("NOT_FOR_US"), "{msa}");
    assert_eq!(hub.entries()[1].envelope.refusal.as_ref().map(|refusal| refusal.reason), Some(Reason::NotForUs));
}

#[tokio::test]
async fn r43_an_unknown_sender_is_rejected_not_kept_and_closed_at_the_third() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    let unknown = |id: &str| message(id).replace("|LIS|", "|MALLORY|");
    for id in ["1", "2"] {
        peer.send(&unknown(id)).await;
        let msa = peer.msa().await;
        assert!(msa.starts_with(&format!("MSA|AR|{id}|")) && msa.contains("FEED_UNKNOWN"), "{msa}");
    }
    assert_eq!(peer.exchange(&message("known")).await, "AA|known");
    assert_eq!(peer.exchange(&unknown("3")).await, "AR|3");
    peer.sees_the_end().await;
    assert_eq!(hub.only_entry().envelope.control_id, "known");
    assert_eq!(hub.frames_refused("unknown_sender"), 3.0);
}

#[tokio::test]
async fn r44_r45_a_control_id_that_cannot_be_answered_is_rejected_and_kept() {
    for (id, error, reason, echoed) in [
        ("", "101 MSH^1^10", Reason::MissingField, ""),
        ("  ", "101 MSH^1^10", Reason::MissingField, "  "),
        ("\"\"", "101 MSH^1^10", Reason::MissingField, "\"\""),
        (&"7".repeat(200), "102 MSH^1^10", Reason::BadValue, ""),
        ("7\t8", "102 MSH^1^10", Reason::BadValue, ""),
        ("7\u{7f}", "102 MSH^1^10", Reason::BadValue, ""),
    ] {
        let hub = Hub::open(config()).await;
        let mut peer = hub.peer().await;
        peer.send(&message(id)).await;
        let msa = peer.msa().await;
        assert_eq!(short(&msa), format!("AR|{echoed}"), "{id:?}");
        let (number, place) = error.split_once(' ').expect("number and place");
        assert!(msa.contains(&format!("|{number}^")) && msa.contains(&format!("|{place}|")), "{msa}");
        assert_eq!(hub.only_entry().envelope.refusal.map(|refusal| refusal.reason), Some(reason), "{id:?}");
    }
    let hub = Hub::open(config()).await;
    let (longest, html) = ("7".repeat(199), "<script>alert(1)</script>");
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message(&longest)).await, format!("AA|{longest}"));
    assert_eq!(peer.exchange(&message(html)).await, format!("AA|{html}"), "text as any other; pages escape it");
}

#[tokio::test]
async fn r46_a_resend_gets_the_same_answer_and_is_stored_once() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    assert_eq!(hub.peer().await.exchange(&message("1")).await, "AA|1");
    assert_eq!(hub.entries().len(), 1);
    assert_eq!(hub.numbers.get("messages_duplicate_total[\"lab\"]"), 2.0);
    let refused = message("2").replace(PID, "");
    assert_eq!(peer.exchange(&refused).await, "AE|2");
    assert_eq!(peer.exchange(&refused).await, "AE|2", "a refused one too");
    assert_eq!(hub.entries().len(), 2);
}

#[tokio::test]
async fn r47_r49_a_control_id_with_other_bytes_is_stored_and_flagged() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    assert_eq!(peer.exchange(&message("1").replace("TAI MAN", "SIU MING")).await, "AA|1");
    let entries = hub.entries();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries.iter().filter(|entry| entry.control_id_reused).count(), 1);
    assert_eq!(hub.numbers.get("control_id_reused_total[\"lab\"]"), 1.0);
}

#[tokio::test]
async fn r48_the_same_bytes_under_another_control_id_are_another_message() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    assert_eq!(peer.exchange(&message("2")).await, "AA|2");
    assert_eq!(hub.entries().len(), 2);
    assert_eq!(hub.numbers.get("messages_duplicate_total[\"lab\"]"), 0.0);
}

#[tokio::test]
async fn r62_r63_two_messages_or_a_part_of_one_are_refused_and_not_taken_for_one() {
    let two = format!("{}{}", message("1"), message("2"));
    let headless = format!("PID|1\r{}", message("1"));
    let trailer = format!("{}BTS|1\r", message("1"));
    let continued = format!("{}DSC|77|F\r", message("1"));
    let pointer = message("1").replace("|2.5\r", "|2.5||77\r");
    for text in [&two, &headless, &trailer, &continued, &pointer] {
        let (code, _, refusal) = refused(text).await;
        assert_eq!(code, "AR", "{text}");
        let reason = refusal.map(|(reason, _)| reason);
        assert!(matches!(reason, Some(Reason::NotOneMessage | Reason::Unreadable)), "{reason:?} {text}");
    }
}

#[tokio::test]
async fn what_an_envelope_says_is_what_the_message_says() {
    let hub = Hub::open(config()).await;
    let text =
        message("M-1").replace("LIS", "LIS^1.2^ISO").replace("H2001^^^QMH^MR", "A1234563^^^HKSAR^HKID~H2001^^^QMH^MR");
    assert_eq!(hub.peer().await.exchange(&text).await, "AA|M-1");
    let envelope = hub.only_entry().envelope;
    assert_eq!(envelope.feed.as_str(), "lab");
    assert_eq!(envelope.sender, "LIS^1.2^ISO|QMH");
    assert_eq!(envelope.control_id, "M-1");
    assert_eq!(envelope.kind, "ADT^A08");
    assert_eq!(envelope.patient_key.expose(), "QMH|H2001", "the local number orders a feed's messages");
    assert_eq!(envelope.body.expose().as_ref(), text.as_bytes());
    assert_eq!(envelope.refusal, None);
    assert_eq!(envelope.trace.0.get_version_num(), 7);
    assert_eq!(hub.numbers.get("messages_received_total[\"lab\", \"ADT^A08\"]"), 1.0);
}

#[tokio::test]
async fn a_catch_all_feed_takes_whatever_comes_behind_the_feeds_that_know_their_senders() {
    let mut config = config();
    let anyone = causeway_hl7::config::FeedConfig::catch_all(
        causeway_core::envelope::FeedName::parse("anyone").expect("name"),
        causeway_core::provider::ProviderId("HA".to_owned()),
    );
    config.feeds.push(anyone);
    let hub = Hub::open(config).await;
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    assert_eq!(
        peer.exchange(&message("2").replace("|LIS|QMH|", "|WHO|EVER|").replace("|P|2.5", "|T|9.9")).await,
        "AA|2"
    );
    let feeds: Vec<String> = hub.entries().iter().map(|entry| entry.envelope.feed.to_string()).collect();
    assert_eq!(feeds, ["lab", "anyone"]);
    assert!(SenderPattern::any().fits("WHO", "EVER"));
}

#[tokio::test]
async fn a_paused_feed_is_answered_busy_and_not_kept() {
    let hub = Hub::open(config()).await;
    hub.paused.store(true, Ordering::SeqCst);
    let mut peer = hub.peer().await;
    peer.send(&message("1")).await;
    let msa = peer.msa().await;
    assert!(msa.starts_with("MSA|AE|1|") && msa.contains("207^") && msa.contains("PAUSED"), "{msa}");
    assert_eq!(hub.entries().len(), 0);
    hub.paused.store(false, Ordering::SeqCst);
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
}

#[tokio::test]
async fn no_value_of_a_message_but_its_header_is_ever_repeated() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    for text in [
        message("1").replace("PID|1||H2001", "PID|1||"),
        format!("{}CHAN-CANARY 77\r", message("2")),
        message("3").replace("ADT^A08", "CAN^ARY"),
    ] {
        peer.send(&text).await;
        let answer = peer.answer().await;
        for value in ["H2001", "CHAN", "TAI MAN", "19800101", "CANARY", "CAN^"] {
            assert!(!answer.contains(value), "{value} in {answer}");
        }
    }
}
