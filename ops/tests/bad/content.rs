//! HL7 v2 structure: headers, segments, kinds, control ids, batches.

use std::time::{Duration, Instant};

use super::hub::{Peer, SILENCE, code, framed, header, hub, message, refused};

/// Refuses what the only feed of the door cannot read.
fn unreadable(text: &str) {
    let hub = hub();
    let before = hub.number("causeway_acks_total{code=\"AR\",feed=\"hasty\"}");
    let began = Instant::now();
    refused(&Peer::to(hub.hasty).exchange(text), "AR|", 100, "UNREADABLE");
    assert!(began.elapsed() < Duration::from_secs(2), "{text}: {:?}", began.elapsed());
    // Kept for the one feed of the door, and counted as its answer.
    hub.grows(before, |hub| hub.number("causeway_acks_total{code=\"AR\",feed=\"hasty\"}"));
}

#[test]
fn r25_a_header_that_cannot_be_read_is_rejected() {
    ["MSH", "MSHH0", "MSH|0", "MSH|^~", "hello", "PID|1\r"].into_iter().for_each(unreadable);
}

#[test]
fn r26_the_header_that_hung_another_parser_is_rejected_at_once() {
    unreadable("MSH|^|||||||^A|||2.2\r^AA");
}

#[test]
fn r27_delimiters_that_are_the_same_or_letters_are_rejected() {
    for text in
        ["MSH||||", "MSH^^^^^A", "MSHA^~\\&A", "MSH|^~\\A|LIS|QMH", "MSH|^~\\^|HST|QMH|C|E|2026||ADT^A08|1|P|2.5\r"]
    {
        unreadable(text);
    }
}

#[test]
fn r28_five_encoding_characters_are_taken() {
    let answer = Peer::to(hub().plain).exchange(message("r28").replace("^~\\&", "^~\\&#"));
    assert!(answer.starts_with("MSH|^~\\&#|CAUSEWAY|EHR|LIS|QMH|") && code(&answer) == "AA|r28", "{answer}");
}

#[test]
fn r29_segments_that_end_with_line_feeds_are_taken_by_a_lenient_feed_and_kept_as_they_came() {
    let hub = hub();
    let text = |id: &str, sender: &str, end: &str| message(id).replace("|LIS|", sender).replace('\r', end);
    let mut lax = Peer::to(hub.lax);
    assert_eq!(lax.code(text("r29-lf", "|LAX|", "\n")), "AA|r29-lf");
    assert_eq!(lax.code(text("r29-crlf", "|LAX|", "\r\n")), "AA|r29-crlf");
    hub.outcome("r29-crlf");
    let (_, raw) = hub.run(&["message", "show", "r29-crlf", "--raw", "--reveal"]);
    assert!(raw.contains("\r\nPID|1||H2001"), "{raw:?}");
    assert!(Peer::to(hub.plain).code(text("r29-strict", "|STR|", "\n")).starts_with("AE|"));
}

#[test]
fn r30_a_blank_line_between_segments_is_skipped() {
    assert_eq!(Peer::to(hub().plain).code(message("r30").replace('\r', "\r\r")), "AA|r30");
}

#[test]
fn r31_a_line_feed_after_the_last_segment_is_taken() {
    assert_eq!(Peer::to(hub().plain).code(format!("{}\n", message("r31"))), "AA|r31");
}

#[test]
fn r32_a_segment_that_nobody_knows_is_kept_and_disturbs_nothing() {
    let hub = hub();
    assert_eq!(Peer::to(hub.plain).code(format!("{}ZZ9|1|own business\r", message("r32"))), "AA|r32");
    assert_eq!(hub.state("r32"), "withheld NOT_REGISTERED");
    let (_, raw) = hub.run(&["message", "show", "r32", "--raw", "--reveal"]);
    assert!(raw.contains("ZZ9|1|own business"), "{raw}");
}

#[test]
fn r33_a_line_that_is_no_segment_is_an_error_and_kept() {
    let hub = hub();
    for (number, line) in ["pid|1", "PI|1", "OBXX|1", "a line of text"].into_iter().enumerate() {
        let id = format!("r33-{number}");
        let answer = Peer::to(hub.plain).exchange(format!("{}{line}\r", message(&id)));
        refused(&answer, &format!("AE|{id}"), 100, "BAD_SEGMENT");
        assert_eq!(hub.state(&id), "rejected BAD_SEGMENT");
    }
}

#[test]
fn r34_a_patient_s_message_without_pid_is_an_error_and_kept() {
    let hub = hub();
    let answer = Peer::to(hub.plain).exchange(format!("{}EVN|A01\r", header("r34", "ADT^A01^ADT_A01")));
    refused(&answer, "AE|r34", 100, "MISSING_SEGMENT");
    assert!(answer.contains("|PID^1|"), "{answer}");
    assert_eq!(hub.state("r34"), "rejected MISSING_SEGMENT");
}

#[test]
fn r35_an_empty_pid_3_is_an_error_and_kept() {
    let hub = hub();
    let answer = Peer::to(hub.plain).exchange(message("r35").replace("H2001^^^QMH^MR", ""));
    refused(&answer, "AE|r35", 101, "MISSING_FIELD");
    assert!(answer.contains("|PID^1^3|"), "{answer}");
    assert_eq!(hub.state("r35"), "rejected MISSING_FIELD");
}

#[test]
fn r36_a_field_of_a_megabyte_is_taken_whole() {
    let hub = hub();
    let text = format!("{}NTE|1||{}\r", message("r36"), "x".repeat(1 << 20));
    assert_eq!(Peer::to(hub.plain).code(&text), "AA|r36");
    assert_eq!(hub.state("r36"), "withheld NOT_REGISTERED");
    let (_, raw) = hub.run(&["message", "show", "r36", "--raw", "--reveal"]);
    assert!(raw.len() >= text.len(), "{} of {} bytes", raw.len(), text.len());
}

#[test]
fn r37_more_segments_than_allowed_are_an_error_in_linear_time() {
    let hub = hub();
    let began = Instant::now();
    let answer = Peer::to(hub.plain).exchange(format!("{}{}", message("r37"), "OBX|1\r".repeat(100_000)));
    refused(&answer, "AE|r37", 207, "TOO_MANY_PARTS");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn r38_more_repetitions_than_allowed_are_an_error_in_linear_time() {
    let hub = hub();
    let began = Instant::now();
    for (number, part) in ["~", "^"].into_iter().enumerate() {
        let id = format!("r38-{number}");
        let answer = Peer::to(hub.plain).exchange(format!("{}NTE|1||{}\r", message(&id), part.repeat(1_000_000)));
        refused(&answer, &format!("AE|{id}"), 207, "TOO_MANY_PARTS");
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn r39_a_version_that_is_unknown_or_empty_is_rejected_unless_the_feed_takes_any() {
    let hub = hub();
    for (number, version) in ["9.9", "", "2.10"].into_iter().enumerate() {
        let id = format!("r39-{number}");
        let answer = Peer::to(hub.plain).exchange(message(&id).replace("|2.5.1\r", &format!("|{version}\r")));
        refused(&answer, &format!("AR|{id}"), 203, "VERSION_UNKNOWN");
    }
    let any = message("r39-any").replace("|2.5.1\r", "|9.9\r").replace("|LIS|", "|LAX|");
    assert_eq!(Peer::to(hub.lax).code(any), "AA|r39-any");
}

#[test]
fn r40_kinds_and_events_that_are_not_taken_are_rejected_and_kept() {
    let hub = hub();
    for (id, kind, error, reason) in
        [("r40-t", "ZZZ^Z01", 200, "UNSUPPORTED_TYPE"), ("r40-e", "ADT^A99", 201, "UNSUPPORTED_EVENT")]
    {
        let answer = Peer::to(hub.plain).exchange(message(id).replace("ADT^A08^ADT_A01", kind));
        refused(&answer, &format!("AR|{id}"), error, reason);
        assert_eq!(hub.state(id), format!("rejected {reason}"));
    }
}

#[test]
fn r41_test_data_is_rejected_where_production_is_expected() {
    let hub = hub();
    for (number, processing) in ["T", "D", ""].into_iter().enumerate() {
        let id = format!("r41-{number}");
        let answer = Peer::to(hub.plain).exchange(message(&id).replace("|P|2.5.1", &format!("|{processing}|2.5.1")));
        refused(&answer, &format!("AR|{id}"), 202, "PROCESSING_ID");
        assert_eq!(hub.state(&id), "rejected PROCESSING_ID");
    }
}

#[test]
fn r42_a_message_for_another_receiver_is_rejected_and_kept_for_the_alarm() {
    let hub = hub();
    let named = |id: &str| message(id).replace("|LIS|", "|NAM|");
    assert_eq!(Peer::to(hub.plain).code(named("r42-for-us")), "AA|r42-for-us");
    let answer = Peer::to(hub.plain).exchange(named("r42").replace("|CAUSEWAY|", "|ELSEWHERE|"));
    refused(&answer, "AR|r42", 207, "NOT_FOR_US");
    assert_eq!(hub.state("r42"), "rejected NOT_FOR_US");
}

#[test]
fn r44_an_empty_control_id_is_rejected() {
    for id in ["", "\"\""] {
        refused(&Peer::to(hub().plain).exchange(message(id)), &format!("AR|{id}"), 101, "MISSING_FIELD");
    }
}

#[test]
fn r45_a_control_id_too_long_or_with_control_bytes_is_rejected_and_one_of_html_is_shown_as_text() {
    let hub = hub();
    for id in ["7".repeat(200), "7\t8".to_owned(), "7\u{7f}".to_owned()] {
        refused(&Peer::to(hub.plain).exchange(message(&id)), "AR|", 102, "BAD_VALUE");
    }
    let (longest, html) = ("7".repeat(199), "<script>r45</script>");
    assert_eq!(Peer::to(hub.plain).code(message(&longest)), format!("AA|{longest}"));
    assert_eq!(Peer::to(hub.plain).code(message(html)), format!("AA|{html}"));
    hub.outcome(html);
    let page = hub.get("/en/ops/messages").expect("a page");
    assert!(!page.contains(html), "the page holds the script as such");
}

#[test]
fn r46_the_same_message_again_gets_the_same_answer_and_has_no_second_effect() {
    let hub = hub();
    let line = "causeway_messages_duplicate_total{feed=\"lab\"}";
    let before = hub.number(line);
    for _ in 0..3 {
        assert_eq!(Peer::to(hub.plain).code(message("r46")), "AA|r46");
    }
    assert!(hub.number(line) >= before + 2.0);
    let (_, all) = hub.run(&["--json", "message", "list"]);
    assert_eq!(all.matches("\"r46\"").count().min(2), all.matches("\"r46\"").count(), "one message: {all}");
    let wrong = message("r46-e").replace("H2001^^^QMH^MR", "");
    assert_eq!(Peer::to(hub.plain).code(&wrong), Peer::to(hub.plain).code(&wrong), "a refused one too");
}

#[test]
fn r47_a_control_id_with_other_bytes_is_stored_and_flagged_and_never_taken_for_a_resend() {
    let hub = hub();
    let line = "causeway_control_id_reused_total{feed=\"lab\"}";
    let before = hub.number(line);
    assert_eq!(Peer::to(hub.plain).code(message("r47")), "AA|r47");
    assert_eq!(Peer::to(hub.plain).code(message("r47").replace("TAI MAN", "SIU MING")), "AA|r47");
    assert!(hub.number(line) > before);
}

#[test]
fn r49_control_ids_that_begin_again_each_day_name_other_messages() {
    let hub = hub();
    let received = "causeway_log_end_offset";
    let day = |day: u32| message("r49").replace("20260301", &format!("202603{day:02}"));
    let total = || {
        hub.get("/metrics")
            .expect("metrics")
            .lines()
            .filter(|l| l.starts_with(received))
            .filter_map(|l| l.rsplit(' ').next()?.parse::<f64>().ok())
            .sum::<f64>()
    };
    let before = total();
    for number in 1..=3 {
        assert_eq!(Peer::to(hub.plain).code(day(number)), "AA|r49");
    }
    assert!(super::hub::until(|| (total() >= before + 3.0).then_some(())).is_some(), "three messages are in the log");
}

#[test]
fn r62_a_batch_in_one_frame_is_refused_by_name_where_the_feed_takes_none() {
    let hub = hub();
    let batch =
        format!("FHS|^~\\&|HST|QMH\rBHS|^~\\&|HST|QMH\r{}BTS|1\rFTS|1\r", message("r62").replace("|LIS|", "|HST|"));
    refused(&Peer::to(hub.hasty).exchange(batch), "AR|", 207, "NOT_ONE_MESSAGE");
    let two = format!("{}{}", message("r62-two"), message("r62-two-more"));
    refused(&Peer::to(hub.plain).exchange(two), "AR|r62-two", 207, "NOT_ONE_MESSAGE");
    hub.keeps_nothing_of("r62-two-more");
}

#[test]
fn r63_a_part_of_a_message_is_refused_by_name_and_never_taken_for_the_whole() {
    let hub = hub();
    let parts = [
        ("r63-dsc", format!("{}DSC|77|F\r", message("r63-dsc"))),
        ("r63-add", format!("{}ADD|1\r", message("r63-add"))),
        ("r63-msh", message("r63-msh").replace("|2.5.1\r", "|2.5.1||77\r")),
    ];
    for (id, text) in parts {
        refused(&Peer::to(hub.plain).exchange(text), &format!("AR|{id}"), 207, "NOT_ONE_MESSAGE");
        assert_eq!(hub.state(id), "rejected NOT_ONE_MESSAGE", "kept for whoever mends the sender");
    }
}

#[test]
fn r66_msh_15_and_msh_16_are_followed_exactly() {
    let hub = hub();
    for (row, (accept, application, good, bad)) in [
        ("", "", "AA", "AE"),
        ("AL", "NE", "CA", "CE"),
        ("AL", "AL", "CA AA", "CE"),
        ("NE", "NE", "", ""),
        ("NE", "AL", "AA", "AE"),
        ("NE", "ER", "", "AE"),
        ("ER", "NE", "", "CE"),
        ("SU", "NE", "CA", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let asks = format!("|2.5.1|||{accept}|{application}\r");
        let mut peer = Peer::to(hub.plain);
        for (id, expected) in [(format!("r66-{row}-good"), good), (format!("r66-{row}-bad"), bad)] {
            let text = message(&id).replace("|2.5.1\r", &asks);
            let text = if id.ends_with("bad") { text.replace("H2001^^^QMH^MR", "") } else { text };
            peer.write(&framed(text.as_bytes()));
            for word in expected.split_whitespace() {
                let answer = code(&peer.answer());
                // Nobody is registered, so the outcome is that it was withheld, which is told as taken.
                assert_eq!(answer, format!("{word}|{id}"), "MSH-15 {accept:?}, MSH-16 {application:?}");
            }
            peer.hears_nothing(SILENCE / 2);
        }
    }
}
