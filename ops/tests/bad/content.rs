//! HL7 v2 structure: headers, segments, kinds, control ids, batches.

use super::hub::{Peer, Person, SILENCE, code, framed, header, hub, message, refused};

/// Refuses what the only feed of the door cannot read.
fn unreadable(text: &str) {
    let hub = hub();
    let before = hub.number("causeway_acks_total{code=\"AR\",feed=\"hasty\"}");
    refused(&Peer::to(hub.hasty).exchange(text), "AR|", 100, "UNREADABLE");
    // Kept for the one feed of the door, and counted as its answer.
    hub.grows(before, |hub| hub.number("causeway_acks_total{code=\"AR\",feed=\"hasty\"}"));
    let list = ["--json", "message", "list", "--feed", "hasty", "--reason", "UNREADABLE", "--limit", "100"];
    let digest = causeway_core::envelope::Digest::of(text.as_bytes()).to_string();
    assert!(super::hub::until(|| hub.run(&list).1.contains(&digest).then_some(())).is_some(), "not kept: {text}");
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
fn r30_a_blank_line_between_segments_is_skipped_with_a_warning() {
    let (hub, person) = (hub(), Person(24));
    let text = format!("{}{}", header("r30", "ADT^A28^ADT_A05"), person.pid()).replace('\r', "\r\r");
    assert_eq!(Peer::to(hub.plain).code(&text), "AA|r30");
    assert_eq!(hub.state("r30"), "accepted", "what stands behind the blank line is used");
    let notes = hub.outcome("r30")["notes"].to_string();
    assert!(notes.contains("\"blank-line\""), "{notes}");
    assert!(hub.record(person).contains(&person.family()));
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
    let kept = |id: &str| hub.run(&["message", "show", id, "--raw", "--reveal"]).1.len();
    assert!(kept("r36") >= text.len(), "{} of {} bytes", kept("r36"), text.len());

    let nameless = format!("{}{}\r", message("r36-line"), "x".repeat(1 << 20));
    refused(&Peer::to(hub.plain).exchange(&nameless), "AE|r36-line", 100, "BAD_SEGMENT");
    let bytes = format!("\"bytes\":{}", nameless.len());
    hub.outcome("r36-line");
    assert!(hub.run(&["--json", "message", "trace", "r36-line"]).1.contains(&bytes), "refused, and kept whole");
}

#[test]
fn r37_more_segments_than_allowed_are_an_error_in_linear_time() {
    let hub = hub();
    let answer = Peer::to(hub.plain).exchange(format!("{}{}", message("r37"), "OBX|1\r".repeat(100_000)));
    refused(&answer, "AE|r37", 207, "TOO_MANY_PARTS");
    assert_eq!(hub.state("r37"), "rejected TOO_MANY_PARTS");
    assert_eq!(Peer::to(hub.plain).code(format!("{}{}", message("r37-in"), "NTE|1\r".repeat(19_900))), "AA|r37-in");
}

#[test]
fn r38_more_repetitions_than_allowed_are_an_error_in_linear_time() {
    let hub = hub();
    for (number, part) in ["~", "^"].into_iter().enumerate() {
        let id = format!("r38-{number}");
        let answer = Peer::to(hub.plain).exchange(format!("{}NTE|1||{}\r", message(&id), part.repeat(1_000_000)));
        refused(&answer, &format!("AE|{id}"), 207, "TOO_MANY_PARTS");
        assert_eq!(hub.state(&id), "rejected TOO_MANY_PARTS");
    }
}

#[test]
fn r39_a_version_that_is_unknown_or_empty_is_rejected_unless_the_feed_takes_any() {
    let hub = hub();
    for (number, version) in ["9.9", "", "2.10"].into_iter().enumerate() {
        let id = format!("r39-{number}");
        let answer = Peer::to(hub.plain).exchange(message(&id).replace("|2.5.1\r", &format!("|{version}\r")));
        refused(&answer, &format!("AR|{id}"), 203, "VERSION_UNKNOWN");
        assert_eq!(hub.state(&id), "rejected VERSION_UNKNOWN");
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
        let line = format!("causeway_messages_refused_total{{feed=\"lab\",reason=\"{reason}\"}}");
        let before = hub.number(&line);
        let answer = Peer::to(hub.plain).exchange(message(id).replace("ADT^A08^ADT_A01", kind));
        refused(&answer, &format!("AR|{id}"), error, reason);
        assert_eq!(hub.state(id), format!("rejected {reason}"));
        hub.grows(before, |hub| hub.number(&line));
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
    let alarm = "causeway_messages_refused_total{feed=\"named\",reason=\"NOT_FOR_US\"}";
    let before = hub.number(alarm);
    assert_eq!(Peer::to(hub.plain).code(named("r42-for-us")), "AA|r42-for-us");
    assert!(hub.number(alarm) < before + 0.5, "nothing is wrong with that one");
    let answer = Peer::to(hub.plain).exchange(named("r42").replace("|CAUSEWAY|", "|ELSEWHERE|"));
    refused(&answer, "AR|r42", 207, "NOT_FOR_US");
    assert_eq!(hub.state("r42"), "rejected NOT_FOR_US");
    hub.grows(before, |hub| hub.number(alarm));
    let said = super::hub::until(|| {
        hub.said().lines().find(|line| line.contains("names another receiver")).map(str::to_owned)
    });
    let said = said.expect("the log of the hub tells of it");
    assert!(said.contains("named") && said.contains("127.0.0.1"), "which feed, and who sends: {said}");
    assert!(!said.contains("ELSEWHERE"), "no value of a field: {said}");
}

#[test]
fn r44_an_empty_control_id_is_rejected_unless_the_feed_knows_messages_by_their_bytes() {
    let hub = hub();
    let refusals = "causeway_messages_refused_total{feed=\"lab\",reason=\"MISSING_FIELD\"}";
    let before = hub.number(refusals);
    for id in ["", "\"\""] {
        refused(&Peer::to(hub.plain).exchange(message(id)), &format!("AR|{id}"), 101, "MISSING_FIELD");
    }
    hub.grows(before + 1.0, |hub| hub.number(refusals));
    let nameless = |name: &str| message("").replace("|LIS|", "|LAX|").replace("TAI MAN", name);
    let (again, line) = (nameless("R44"), "causeway_messages_duplicate_total{feed=\"lax\"}");
    let mut peer = Peer::to(hub.lax);
    assert_eq!(peer.code(&again), "AA|");
    let before = hub.number(line);
    assert_eq!(peer.code(&again), "AA|");
    hub.grows(before, |hub| hub.number(line));
    assert_eq!(peer.code(nameless("R44 OTHER")), "AA|");
    assert!((hub.number(line) - before - 1.0).abs() < 0.5, "other bytes are another message");

    let nothing = |name: &str| message("\"\"").replace("|LIS|", "|LAX|").replace("TAI MAN", name);
    let reused = hub.number("causeway_control_id_reused_total{feed=\"lax\"}");
    for name in ["R44 NOTHING", "R44 NOTHING ELSE"] {
        assert_eq!(peer.code(nothing(name)), "AA|\"\"");
    }
    let after = hub.number("causeway_control_id_reused_total{feed=\"lax\"}");
    assert!((after - reused).abs() < 0.5, "`\"\"` says that there is no id, so it is not used twice");
}

#[test]
fn r45_a_control_id_too_long_or_with_control_bytes_is_rejected_and_one_of_html_is_shown_as_text() {
    let hub = hub();
    for id in ["7".repeat(200), "7\t8".to_owned(), "7\u{7f}".to_owned()] {
        refused(&Peer::to(hub.plain).exchange(message(&id)), "AR|", 102, "BAD_VALUE");
    }
    let (longest, html) = ("7".repeat(199), "<script>r45</script>");
    assert_eq!(Peer::to(hub.plain).code(message(&longest)), format!("AA|{longest}"));
    // By a feed that hardly any other test uses, so that the page certainly shows it.
    let text = message(html).replace("|LIS|", "|STR|");
    assert_eq!(Peer::to(hub.plain).code(text), format!("AA|{html}"));
    hub.outcome(html);
    let shows = |page: &String| page.contains("script&gt;r45") || page.contains("script&#62;r45");
    let page = super::hub::until(|| hub.get("/en/ops/messages?feed=strict").filter(shows));
    let page = page.expect("a page that shows the control id as text");
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
    hub.outcome("r46");
    let (_, all) = hub.run(&["--json", "message", "trace", "r46"]);
    assert_eq!(all.lines().count(), 1, "one message: {all}");
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
    let both = super::hub::until(|| {
        let (_, text) = hub.run(&["--json", "message", "trace", "r47"]);
        (text.lines().count() == 2 && text.contains("\"control_id_reused\":true")).then_some(())
    });
    assert!(both.is_some(), "stored as another message, with a flag: {}", hub.run(&["message", "trace", "r47"]).1);
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

/// A batch of these messages, which says that it holds so many.
fn batch(messages: &[String], said: usize) -> String {
    let all = messages.concat();
    format!("FHS|^~\\&|LIS|QMH|CAUSEWAY|EHR\rBHS|^~\\&|LIS|QMH|CAUSEWAY|EHR|2026||||B62\r{all}BTS|{said}\rFTS|1\r")
}

/// MSA-1 and MSA-2 of each answer in a batch.
fn codes(answer: &str) -> Vec<String> {
    let told = answer.split('\r').filter_map(|line| line.strip_prefix("MSA|"));
    told.map(|msa| msa.split('|').take(2).collect::<Vec<_>>().join("|")).collect()
}

#[test]
fn r62_a_batch_in_one_frame_is_answered_by_one_batch_in_one_frame_each_message_for_itself() {
    let hub = hub();
    let bad = message("r62-b2").replace("H2001^^^QMH^MR", "");
    let text = batch(&[message("r62-b1"), bad, message("r62-b3")], 3);
    let mut peer = Peer::to(hub.plain);
    let answer = peer.exchange(&text);
    assert!(answer.starts_with("FHS|^~\\&|CAUSEWAY|EHR|LIS|QMH|"), "{answer}");
    assert_eq!(codes(&answer), ["AA|r62-b1", "AE|r62-b2", "AA|r62-b3"]);
    assert!(answer.contains("|B62\rMSH|") && answer.ends_with("BTS|3\rFTS|1\r"), "{answer}");
    assert_eq!(hub.state("r62-b2"), "rejected MISSING_FIELD");
    assert_eq!(hub.state("r62-b3"), "withheld NOT_REGISTERED");
    let line = "causeway_messages_duplicate_total{feed=\"lab\"}";
    let before = hub.number(line);
    assert_eq!(codes(&peer.exchange(&text)), codes(&answer), "a resend gets the same answers");
    assert!(hub.number(line) >= before + 3.0, "and has no second effect");
    assert_eq!(peer.code(message("r62-after")), "AA|r62-after", "the connection goes on");

    let many: Vec<_> = (0..200).map(|number| message(&format!("r62-m{number}"))).collect();
    let wanted: Vec<_> = (0..200).map(|number| format!("AA|r62-m{number}")).collect();
    assert_eq!(codes(&peer.exchange(batch(&many, 200))), wanted, "more than may wait at once, in their order");
}

#[test]
fn r62_a_batch_that_does_not_hold_what_it_says_is_told_so_and_what_came_is_taken() {
    let hub = hub();
    let faults = |reason: &str| hub.number(&format!("causeway_batch_faults_total{{feed=\"lab\",reason=\"{reason}\"}}"));
    let (counts, cuts) = (faults("BATCH_COUNT"), faults("BATCH_CUT"));
    let mut peer = Peer::to(hub.plain);
    let answer = peer.exchange(batch(&[message("r62-c1"), message("r62-c2")], 3));
    assert_eq!(codes(&answer), ["AA|r62-c1", "AA|r62-c2"]);
    assert!(answer.contains("BTS|2|BATCH_COUNT: "), "{answer}");
    let whole = batch(&[message("r62-d1"), message("r62-d2")], 2);
    let answer = peer.exchange(whole.split("BTS").next().expect("its beginning"));
    assert_eq!(codes(&answer), ["AA|r62-d1"], "the last message may lack its own end");
    assert!(answer.contains("|BATCH_CUT: ") && hub.state("r62-d2") == "rejected BROKEN_FRAME", "{answer}");
    assert_eq!((faults("BATCH_COUNT"), faults("BATCH_CUT")), (counts + 1.0, cuts + 1.0));
    let empty = peer.exchange(batch(&[], 0));
    assert!(codes(&empty).is_empty() && empty.ends_with("BTS|0\rFTS|1\r"), "{empty}");
}

#[test]
fn r62_answers_in_a_batch_are_not_answered_and_messages_without_a_batch_header_are_refused() {
    let hub = hub();
    let before = hub.frames_refused("acknowledgement");
    let mut peer = Peer::to(hub.plain);
    peer.write(&framed(batch(&[format!("{}MSA|AA|1\r", header("r62-ack", "ACK"))], 1).as_bytes()));
    peer.write(&framed(b"BHS|^~\\&|LIS|QMH|CAUSEWAY|EHR|2026||||1|B61\rBTS|0\r"));
    peer.hears_nothing(SILENCE);
    assert!(hub.frames_refused("acknowledgement") >= before + 2.0);
    let two = format!("{}{}", message("r62-two"), message("r62-two-more"));
    refused(&peer.exchange(two), "AR|r62-two", 207, "NOT_ONE_MESSAGE");
    hub.keeps_nothing_of("r62-two-more");
    let crowd: Vec<_> = (0..5).map(|number| message(&format!("r62-s{number}")).replace("|LIS|", "|SML|")).collect();
    refused(&Peer::to(hub.small).exchange(batch(&crowd, 5)), "AE|", 207, "TOO_MANY_PARTS");
    hub.keeps_nothing_of("r62-s0");
}

#[test]
fn r62_a_bad_message_of_five_hundred_in_a_file_is_refused_alone_and_a_wrong_count_is_told() {
    let hub = hub();
    let message = |number: u32| {
        let text = message(&format!("r62-{number:03}")).replace("|LIS|", "|FIL|");
        if number == 250 { text.replace("H2001^^^QMH^MR", "") } else { text }
    };
    let all: String = (0..500).map(message).collect();
    let file = format!("FHS|^~\\&|FIL|QMH\rBHS|^~\\&|FIL|QMH|||||||B62\r{all}BTS|499\rFTS|1\r");
    std::fs::write(hub.path("drop/r62.hl7.part"), file).expect("written");
    std::fs::rename(hub.path("drop/r62.hl7.part"), hub.path("drop/r62.hl7")).expect("renamed");
    let report = super::hub::until(|| std::fs::read_to_string(hub.path("drop/done/r62.hl7.ack")).ok());
    let report = report.expect("a report beside the file");
    assert_eq!((report.matches("MSA|AA|r62-").count(), report.matches("MSA|AE|r62-250").count()), (499, 1));
    assert!(report.contains("BTS|500|BATCH_COUNT: "), "{report}");
    assert_eq!(hub.state("r62-250"), "rejected MISSING_FIELD");
    hub.grows(0.0, |hub| hub.number("causeway_batch_faults_total{feed=\"drop\""));
}

#[test]
fn r63_a_part_of_a_message_is_refused_by_name_and_never_taken_for_the_whole() {
    let hub = hub();
    let parts = [
        ("r63-dsc", format!("{}DSC|77|F\r", message("r63-dsc"))),
        ("r63-add", format!("{}ADD|1\r", message("r63-add"))),
        ("r63-msh", message("r63-msh").replace("|2.5.1\r", "|2.5.1||77\r")),
    ];
    let line = "causeway_messages_refused_total{feed=\"lab\",reason=\"NOT_ONE_MESSAGE\"}";
    let before = hub.number(line);
    for ((id, text), place) in parts.into_iter().zip(["DSC^1", "ADD^1", "MSH^1^14"]) {
        let answer = Peer::to(hub.plain).exchange(&text);
        refused(&answer, &format!("AR|{id}"), 207, "NOT_ONE_MESSAGE");
        assert!(answer.contains(&format!("|{place}|")) && answer.contains("without DSC, ADD and MSH-14"), "{answer}");
        assert_eq!(hub.state(id), "rejected NOT_ONE_MESSAGE", "kept for whoever mends the sender");
    }
    hub.grows(before + 2.0, |hub| hub.number(line));
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
