//! Connections: who may make one, how many, and how they end.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::time::Duration;

use super::hub::{PATIENCE, Peer, code, framed, hub, message, refused, until};

#[test]
fn r12_connections_beyond_the_caps_are_closed_at_once_and_counted() {
    let hub = hub();
    let before = hub.connections_refused("peer_full");
    let mut guests: Vec<Peer> = (0..4).map(|_| Peer::to(hub.small)).collect();
    for (number, guest) in guests.iter_mut().enumerate() {
        let id = format!("r12-{number}");
        assert_eq!(guest.code(message(&id).replace("|LIS|", "|SML|")), format!("AA|{id}"));
    }
    Peer::to(hub.small).sees_the_end();
    hub.grows(before, |hub| hub.connections_refused("peer_full"));
    // Ten thousand: each is accepted, closed and counted, and those who were there first go on being answered.
    let before = hub.connections_refused("peer_full");
    for _ in 0..10_000 {
        drop(Peer::to(hub.small));
    }
    hub.grows(before + 9_999.0, |hub| hub.connections_refused("peer_full"));
    for (number, guest) in guests.iter_mut().enumerate() {
        let id = format!("r12-still-{number}");
        assert_eq!(guest.code(message(&id).replace("|LIS|", "|SML|")), format!("AA|{id}"));
    }
    drop(guests.pop());
    let again = until(|| {
        let mut peer = Peer::to(hub.small);
        peer.stream.write_all(&framed(message("r12-again").replace("|LIS|", "|SML|").as_bytes())).ok()?;
        peer.stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let mut byte = [0];
        matches!(peer.stream.read(&mut byte), Ok(1)).then_some(())
    });
    assert!(again.is_some(), "a place that came free is given away again");
}

#[test]
fn r12_a_door_that_says_nothing_has_caps_too() {
    let (_, text) = hub().run(&["--json", "config", "show"]);
    let value = |key: &str| {
        let rows = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
        let row = rows.into_iter().find(|row| row["key"] == format!("door.0.limits.{key}"));
        row.unwrap_or_else(|| panic!("no {key}: {text}"))["value"].clone()
    };
    assert_eq!((value("connections_per_peer_max"), value("connections_max")), (1024.into(), 2048.into()));
    // The deadlines of rows 3, 4, 15 and 23 likewise.
    let deadlines = ["idle_in_frame", "frame_timeout", "end_cr_timeout", "write_timeout", "keep_alive"].map(value);
    assert_eq!(deadlines, ["30s", "2m", "2s", "10s", "1m"].map(serde_json::Value::from));
}

#[test]
fn r12_connections_beyond_those_of_a_door_are_closed_at_once_whoever_makes_them_and_counted() {
    let hub = hub();
    let before = hub.connections_refused("door_full");
    let mut guests: Vec<Peer> = (0..2).map(|_| Peer::to(hub.full)).collect();
    for (number, guest) in guests.iter_mut().enumerate() {
        let id = format!("r12-full-{number}");
        assert_eq!(guest.code(message(&id).replace("|LIS|", "|FUL|")), format!("AA|{id}"));
    }
    let mut third = Peer::to(hub.full);
    // The door may have closed it before this is written.
    drop(third.stream.write_all(&framed(message("r12-third").replace("|LIS|", "|FUL|").as_bytes())));
    third.sees_the_end();
    hub.grows(before, |hub| hub.connections_refused("door_full"));
    hub.keeps_nothing_of("r12-third");
}

#[test]
fn r14_a_sender_that_was_gone_before_its_answer_is_answered_when_it_resends() {
    let hub = hub();
    let line = "causeway_messages_duplicate_total{feed=\"lab\"}";
    let before = hub.number(line);
    let mut peer = Peer::to(hub.plain);
    peer.write(&framed(message("r14").as_bytes()));
    drop(peer);
    hub.outcome("r14");
    assert_eq!(Peer::to(hub.plain).code(message("r14")), "AA|r14");
    hub.grows(before, |hub| hub.number(line));
}

#[test]
fn r15_a_peer_that_never_reads_its_answers_is_closed_and_its_message_is_stored_once() {
    let hub = hub();
    let mut peer = Peer::to(hub.hasty);
    peer.write(&framed(message("r15").replace("|LIS|", "|HST|").as_bytes()));
    // Refused without being kept, with the longest answer there is, until no buffer takes one more.
    let long = framed(
        message("r15-more")
            .replace("|LIS|", "|HST|")
            .replace("|EHR|", &format!("|{}|", "E".repeat(900)))
            .replace("PID|1||H2001^^^QMH^MR", "PID|1||")
            .as_bytes(),
    );
    let many: Vec<u8> = long.repeat(64);
    peer.stream.set_write_timeout(Some(Duration::from_secs(5))).expect("an option");
    let mut written = 0_usize;
    let closed = until(|| match peer.stream.write(&many) {
        Ok(count) => {
            written += count;
            None
        }
        Err(error) => {
            matches!(error.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe).then_some(())
        }
    });
    assert!(closed.is_some(), "still open after {written} bytes");
    assert_eq!(hub.state("r15"), "withheld NOT_REGISTERED");
    let (_, all) = hub.run(&["--json", "message", "trace", "r15"]);
    assert_eq!(all.lines().count(), 1, "stored once: {all}");
}

#[test]
fn r16_a_peer_that_closes_its_side_after_the_message_still_gets_its_answer() {
    let hub = hub();
    let mut peer = Peer::to(hub.plain);
    peer.write(&framed(message("r16").as_bytes()));
    peer.stream.shutdown(Shutdown::Write).expect("half closed");
    assert_eq!(code(&peer.answer()), "AA|r16");
    peer.sees_the_end();
}

#[test]
fn r17_a_reset_inside_a_frame_leaves_nothing_behind() {
    let hub = hub();
    let before = hub.frames_refused("cut");
    let mut peer = Peer::to(hub.plain);
    peer.write(&framed(message("r17-first").as_bytes()));
    // Closed with an answer unread, the connection is reset instead of ended.
    assert!(until(|| matches!(peer.stream.peek(&mut [0; 1]), Ok(1)).then_some(())).is_some());
    peer.write(format!("\x0b{}", message("r17")).as_bytes());
    drop(peer);
    hub.grows(before, |hub| hub.frames_refused("cut"));
    hub.keeps_nothing_of("r17");
}

#[test]
fn r18_tls_at_a_plain_door_and_plain_text_at_one_with_tls_are_closed_within_a_second() {
    let hub = hub();
    let (plain, tls) = (hub.frames_refused("tls"), hub.connections_refused("tls_not_spoken"));
    // Known by what it says and not by a deadline, which would be counted as something else.
    let mut peer = Peer::to(hub.plain);
    peer.write(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    peer.sees_the_end();
    let mut peer = Peer::to(hub.tls);
    peer.write(&framed(message("r18").as_bytes()));
    peer.sees_the_end();
    hub.grows(plain, |hub| hub.frames_refused("tls"));
    hub.grows(tls, |hub| hub.connections_refused("tls_not_spoken"));
    hub.keeps_nothing_of("r18");
}

#[test]
fn r19_http_at_the_door_is_closed_without_an_echo() {
    let hub = hub();
    let before = hub.frames_refused("http");
    let mut peer = Peer::to(hub.plain);
    peer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut rest = Vec::new();
    let ended = peer.stream.read_to_end(&mut rest);
    assert!(rest.is_empty(), "{rest:?} {ended:?}");
    hub.grows(before, |hub| hub.frames_refused("http"));
}

#[test]
fn r20_clients_without_a_certificate_or_with_a_bad_one_are_not_let_in_and_audited() {
    let hub = hub();
    let missing = hub.connections_refused("tls_no_certificate");
    let bad = hub.connections_refused("tls_certificate");
    let (code, text) = hub.send_by_tls(hub.tls, Some("LIS"), &message("r20"));
    assert!(code == Some(0) && text.contains("\"AA\":1"), "the good one is let in: {text}");
    for client in [None, Some("expired"), Some("foreign"), Some("revoked-client")] {
        let (code, text) = hub.send_by_tls(hub.tls, client, &message("r20-bad"));
        assert_eq!(code, Some(4), "{client:?}: {text}");
    }
    hub.keeps_nothing_of("r20-bad");
    hub.grows(missing, |hub| hub.connections_refused("tls_no_certificate"));
    hub.grows(bad + 2.0, |hub| hub.connections_refused("tls_certificate"));
    assert!(hub.audited("tls_no_certificate") && hub.audited("tls_certificate"));
}

#[test]
fn r21_the_right_certificate_from_the_wrong_address_is_closed_before_a_handshake_and_audited() {
    let hub = hub();
    let before = hub.connections_refused("unknown_peer");
    let (code, text) = hub.send_by_tls(hub.far, Some("LIS"), &message("r21"));
    assert_eq!(code, Some(4), "{text}");
    hub.grows(before, |hub| hub.connections_refused("unknown_peer"));
    assert!(hub.audited("unknown_peer"));
}

#[test]
fn r23_a_quiet_connection_is_kept_beyond_every_frame_deadline() {
    let hub = hub();
    let mut peer = Peer::to(hub.hasty);
    assert_eq!(peer.code(message("r23-1").replace("|LIS|", "|HST|")), "AA|r23-1");
    peer.hears_nothing(Duration::from_millis(1500));
    assert_eq!(peer.code(message("r23-2").replace("|LIS|", "|HST|")), "AA|r23-2");
}

/// The timer of the hub's end of a connection, as the kernel tells it (proc(5), `/proc/net/tcp`): which one is running, and
/// in how many hundredths of a second it goes off.
fn timer(peer: &Peer) -> Option<(u8, u64)> {
    let (ours, theirs) = (peer.stream.local_addr().ok()?, peer.stream.peer_addr().ok()?);
    let ends = format!(":{:04X} 0100007F:{:04X} ", theirs.port(), ours.port());
    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux");
    let line = table.lines().find(|line| line.contains(&ends))?;
    let (which, when) = line.split_whitespace().nth(5)?.split_once(':')?;
    Some((which.parse().ok()?, u64::from_str_radix(when, 16).ok()?))
}

#[test]
fn r23_a_quiet_peer_is_probed_within_a_minute_and_one_that_is_gone_is_dropped() {
    let hub = hub();
    let open = "causeway_feed_connections{feed=\"full\",protocol=\"mllp\"}";
    let mut peer = Peer::to(hub.full);
    let there = until(|| {
        let text = message("r23-full").replace("|LIS|", "|FUL|");
        // The door has two places, which another test may hold.
        peer.stream.write_all(&framed(text.as_bytes())).ok()?;
        let mut byte = [0];
        let answered = matches!(peer.stream.read(&mut byte), Ok(1));
        if !answered {
            peer = Peer::to(hub.full);
        }
        answered.then_some(())
    });
    assert!(there.is_some(), "no place");
    const KEEP_ALIVE: u8 = 2;
    let probed = until(|| timer(&peer).filter(|(which, when)| *which == KEEP_ALIVE && *when <= 6_000));
    assert!(probed.is_some(), "no keep-alive: {:?}", timer(&peer));
    assert!(hub.number(open) >= 1.0);
    // The rest of the answer is unread, so what the hub sees is a reset, as from a machine that started anew.
    drop(peer);
    assert!(until(|| (hub.number(open) < 0.5).then_some(())).is_some(), "a peer that is gone still counts as there");
}

#[test]
fn r43_a_sender_with_another_s_certificate_is_refused_by_name_and_audited() {
    let hub = hub();
    let before = hub.frames_refused("certificate");
    let three: String = ["r43-1", "r43-2", "r43-3", "r43-4"].map(message).concat();
    let (code, text) = hub.send_by_tls(hub.tls, Some("RIS"), &three);
    // Closed after the third: the fourth goes over connections that are closed likewise.
    assert!(matches!(code, Some(4 | 5)) && text.contains("certificate"), "{code:?} {text}");
    hub.grows(before + 2.0, |hub| hub.frames_refused("certificate"));
    assert!(hub.audited("certificate"));
    hub.keeps_nothing_of("r43-1");
    let mut stranger = Peer::to(hub.plain);
    for id in ["r43-a", "r43-b", "r43-c"] {
        refused(
            &stranger.exchange(message(id).replace("|LIS|", "|MALLORY|")),
            &format!("AR|{id}"),
            207,
            "FEED_UNKNOWN",
        );
    }
    stranger.sees_the_end();
}
