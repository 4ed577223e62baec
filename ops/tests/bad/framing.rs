//! MLLP framing: bytes that are no frame, or not yet one.

use std::time::{Duration, Instant};

use super::hub::{Peer, SILENCE, code, framed, hub, message, refused};

#[test]
fn r01_white_space_before_a_frame_is_skipped_and_other_bytes_close_the_connection() {
    let hub = hub();
    let before = hub.frames_refused("junk");
    let mut peer = Peer::to(hub.plain);
    peer.write(b"\r\n \t");
    assert_eq!(peer.code(message("r01")), "AA|r01");
    peer.write(b"?");
    peer.sees_the_end();
    hub.grows(before, |hub| hub.frames_refused("junk"));
    let mut most = Peer::to(hub.plain);
    most.write(&[b'\n'; 64]);
    assert_eq!(most.code(message("r01-most")), "AA|r01-most");
    let before = hub.frames_refused("blank");
    let mut blank = Peer::to(hub.plain);
    blank.write(&[b' '; 65]);
    blank.sees_the_end();
    hub.grows(before, |hub| hub.frames_refused("blank"));
}

#[test]
fn r02_a_message_without_start_block_is_closed_unless_the_door_takes_it() {
    let hub = hub();
    let before = hub.frames_refused("no_start_block");
    let bare = format!("{}\x1c\r", message("r02"));
    let mut peer = Peer::to(hub.plain);
    peer.write(bare.as_bytes());
    peer.sees_the_end();
    hub.grows(before, |hub| hub.frames_refused("no_start_block"));
    hub.keeps_nothing_of("r02");
    let mut lax = Peer::to(hub.lax);
    lax.write(bare.replace("|LIS|", "|LAX|").as_bytes());
    assert_eq!(code(&lax.answer()), "AA|r02");
}

#[test]
fn r03_a_frame_that_never_ends_is_dropped_at_the_deadline() {
    let hub = hub();
    let before = hub.frames_refused("timeout");
    let mut peer = Peer::to(hub.hasty);
    peer.write(format!("\x0b{}", message("r03")).as_bytes());
    peer.sees_the_end();
    hub.grows(before, |hub| hub.frames_refused("timeout"));
    hub.keeps_nothing_of("r03");
}

#[test]
fn r04_an_end_block_without_its_carriage_return_is_waited_for_and_not_answered() {
    let hub = hub();
    let before = hub.frames_refused("missing_end_cr");
    let cut = |sender: &str| format!("\x0b{}\x1c", message("r04").replace("|LIS|", sender));
    let mut peer = Peer::to(hub.hasty);
    peer.write(cut("|HST|").as_bytes());
    peer.sees_the_end();
    hub.grows(before, |hub| hub.frames_refused("missing_end_cr"));
    hub.keeps_nothing_of("r04");
    let mut lax = Peer::to(hub.lax);
    lax.write(cut("|LAX|").as_bytes());
    assert_eq!(code(&lax.answer()), "AA|r04");
}

#[test]
fn r05_an_end_block_inside_the_text_is_rejected_and_kept_unless_the_door_takes_it() {
    let hub = hub();
    let inner = message("r05").replace("TAI", "T\x1cI");
    let mut peer = Peer::to(hub.plain);
    refused(&peer.exchange(&inner), "AR|r05", 100, "STRAY_END_BLOCK");
    assert_eq!(hub.state("r05"), "rejected STRAY_END_BLOCK");
    assert_eq!(peer.code(message("r05-next")), "AA|r05-next", "the connection goes on");
    assert_eq!(Peer::to(hub.lax).code(inner.replace("|LIS|", "|LAX|").replace("r05", "r05-lax")), "AA|r05-lax");
}

#[test]
fn r06_a_frame_cut_by_the_next_is_kept_unanswered_and_the_next_is_taken() {
    let hub = hub();
    let lost = message("r06-lost");
    let before = hub.frames_refused("broken");
    let mut peer = Peer::to(hub.plain);
    peer.write(format!("\x0b{}\x0b{}\x1c\r", lost.split_at(lost.len() - 10).0, message("r06")).as_bytes());
    assert_eq!(code(&peer.answer()), "AA|r06");
    peer.hears_nothing(SILENCE);
    assert_eq!(hub.state("r06-lost"), "rejected BROKEN_FRAME");
    hub.grows(before, |hub| hub.frames_refused("broken"));
}

#[test]
fn r07_messages_in_one_write_are_answered_in_order() {
    let hub = hub();
    let ids = ["r07-1", "r07-2", "r07-3", "r07-4", "r07-5"];
    let mut peer = Peer::to(hub.plain);
    peer.write(&ids.iter().flat_map(|id| framed(message(id).as_bytes())).collect::<Vec<u8>>());
    for id in ids {
        assert_eq!(code(&peer.answer()), format!("AA|{id}"));
    }
}

#[test]
fn r08_a_message_that_comes_byte_by_byte_is_taken() {
    let hub = hub();
    let mut peer = Peer::to(hub.plain);
    for byte in framed(message("r08").as_bytes()) {
        peer.write(&[byte]);
    }
    assert_eq!(code(&peer.answer()), "AA|r08");
}

#[test]
fn r09_a_message_split_inside_a_character_is_the_same_message() {
    let hub = hub();
    let frame = framed(message("r09").replace("TAI MAN", "大文").as_bytes());
    let inside = frame.windows(3).position(|three| three == "大".as_bytes()).expect("there") + 1;
    let mut peer = Peer::to(hub.plain);
    peer.write(&frame[..inside]);
    peer.hears_nothing(SILENCE);
    peer.write(&frame[inside..]);
    assert_eq!(code(&peer.answer()), "AA|r09");
    hub.outcome("r09");
    let (_, raw) = hub.run(&["message", "show", "r09", "--raw", "--reveal"]);
    assert!(raw.contains("^大文|"), "whole again: {raw}");
}

#[test]
fn r10_an_empty_frame_is_rejected_and_not_kept() {
    let hub = hub();
    let before = hub.frames_refused("empty");
    let mut peer = Peer::to(hub.plain);
    refused(&peer.exchange(b""), "AR|", 100, "UNREADABLE");
    hub.grows(before, |hub| hub.frames_refused("empty"));
    assert_eq!(peer.code(message("r10")), "AA|r10");
}

#[test]
fn r11_a_message_beyond_the_limit_is_rejected_before_its_end_and_the_connection_closed() {
    let hub = hub();
    let sized = |id: &str, bytes: usize| {
        let text = format!("{}NTE|1||", message(id).replace("|LIS|", "|HST|"));
        format!("{text}{}", "x".repeat(bytes - text.len()))
    };
    let before = hub.frames_refused("too_long");
    let mut peer = Peer::to(hub.hasty);
    assert_eq!(peer.code(sized("r11-at", 64 << 10)), "AA|r11-at");
    // Without its end: the door does not wait for more than it takes.
    peer.write(format!("\x0b{}", sized("r11-above", (64 << 10) + 1)).as_bytes());
    refused(&peer.answer(), "AR|r11-above", 207, "TOO_LONG");
    peer.sees_the_end();
    hub.keeps_nothing_of("r11-above");
    let mut faceless = Peer::to(hub.hasty);
    faceless.write(&[b"\x0b".as_slice(), &[b'x'; (64 << 10) + 2]].concat());
    faceless.sees_the_end();
    hub.grows(before + 1.0, |hub| hub.frames_refused("too_long"));
}

#[test]
fn r11_the_limit_is_sixteen_mebibytes_where_none_is_set_and_what_comes_behind_it_is_not_taken_in() {
    let hub = hub();
    let sized = |id: &str, bytes: usize| {
        let text = format!("{}NTE|1||", message(id));
        format!("{text}{}", "x".repeat(bytes - text.len()))
    };
    assert_eq!(Peer::to(hub.plain).code(sized("r11-16", 16 << 20)), "AA|r11-16");
    let mut peer = Peer::to(hub.plain);
    peer.write(format!("\x0b{}", sized("r11-17", (16 << 20) + 1)).as_bytes());
    refused(&peer.answer(), "AR|r11-17", 207, "TOO_LONG");
    // For a moment it drops what still comes, so that the answer is not lost by a reset; then it is closed, however much a
    // sender goes on writing.
    let more = vec![b'x'; 1 << 20];
    peer.stream.set_write_timeout(Some(Duration::from_secs(10))).expect("an option");
    let closed = super::hub::until(|| std::io::Write::write_all(&mut peer.stream, &more).is_err().then_some(()));
    assert!(closed.is_some(), "the door goes on reading");
    hub.keeps_nothing_of("r11-17");
}

#[test]
fn r13_a_byte_now_and_then_does_not_keep_a_connection_beyond_the_frame_s_deadline() {
    let hub = hub();
    let before = hub.frames_refused("timeout");
    let began = Instant::now();
    let mut peer = Peer::to(hub.hasty);
    peer.write(b"\x0bMSH|");
    // Each byte comes before the door loses patience with silence, so the total is what ends it.
    let mut closed = false;
    while !closed && began.elapsed() < super::hub::PATIENCE {
        peer.stream.set_read_timeout(Some(Duration::from_millis(100))).expect("an option");
        closed = matches!(std::io::Read::read(&mut peer.stream, &mut [0; 1]), Ok(0))
            || std::io::Write::write_all(&mut peer.stream, b"x").is_err();
    }
    assert!(closed, "a slow sender is kept for ever");
    hub.grows(before, |hub| hub.frames_refused("timeout"));
}

#[test]
fn r22_commit_bytes_of_mllp_release_2_are_ignored() {
    let hub = hub();
    let before = hub.frames_refused("commit_byte");
    let mut peer = Peer::to(hub.plain);
    peer.write(b"\x0b\x06\x1c\r\x0b\x15\x1c\r");
    assert_eq!(peer.code(message("r22")), "AA|r22");
    assert!(hub.frames_refused("commit_byte") >= before + 2.0);
}

#[test]
fn r24_an_acknowledgement_is_never_acknowledged() {
    let hub = hub();
    let before = hub.frames_refused("acknowledgement");
    let ack = "MSH|^~\\&|LIS|QMH|CAUSEWAY|EHR|2026||ACK^A08^ACK|r24|P|2.5|||AL|AL\rMSA|AA|1\r";
    let mut peer = Peer::to(hub.plain);
    for text in [ack.to_owned(), ack.replace("ACK^A08^ACK", "RSP^K22"), ack.replace("|LIS|", "|NOBODY|")] {
        peer.write(&framed(text.as_bytes()));
    }
    peer.hears_nothing(SILENCE);
    assert!(hub.frames_refused("acknowledgement") >= before + 3.0);
    hub.keeps_nothing_of("r24");
    assert_eq!(peer.code(message("r24-next")), "AA|r24-next");
}
