//! Framing and connections, over TCP.

use std::time::Duration;

use causeway_core::reason::Reason;
use socket2::SockRef;

use super::support::{Hub, PID, SILENCE, config, framed, message, short};

const LAB_CONNECTIONS: &str = "feed_connections[\"lab\", \"mllp\"]";

#[tokio::test]
async fn r01_white_space_before_a_frame_is_skipped_and_other_bytes_close_the_connection() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    peer.write(b"\r\n \t").await;
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    peer.write(b"\n").await;
    assert_eq!(peer.exchange(&message("2")).await, "AA|2");
    peer.write(b"?").await;
    peer.sees_the_end().await;
    hub.until("frames_refused_total[\"-\", \"junk\"]", 1.0).await;
    let mut blank = hub.peer().await;
    blank.write(&[b' '; 65]).await;
    blank.sees_the_end().await;
    assert_eq!(hub.entries().len(), 2);
}

#[tokio::test]
async fn r02_a_message_without_start_block_is_closed_unless_the_door_takes_it() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    peer.write(format!("{}\x1c\r", message("1")).as_bytes()).await;
    peer.sees_the_end().await;
    hub.until("frames_refused_total[\"-\", \"no_start_block\"]", 1.0).await;
    assert_eq!(hub.entries().len(), 0);

    let mut lax = config();
    lax.framing.accept_missing_start = true;
    let hub = Hub::open(lax).await;
    let mut peer = hub.peer().await;
    peer.write(format!("{}\x1c\r", message("1")).as_bytes()).await;
    assert_eq!(short(&peer.msa().await), "AA|1");
}

#[tokio::test]
async fn r03_a_frame_that_never_ends_is_dropped_at_the_deadline() {
    let mut config = config();
    config.limits.idle_in_frame = Duration::from_millis(100);
    let hub = Hub::open(config).await;
    let mut peer = hub.peer().await;
    peer.write(format!("\x0b{}", message("1")).as_bytes()).await;
    peer.sees_the_end().await;
    hub.until("frames_refused_total[\"-\", \"timeout\"]", 1.0).await;
    assert_eq!(hub.entries().len(), 0);
}

#[tokio::test]
async fn r04_an_end_block_without_its_carriage_return_is_waited_for_and_not_answered() {
    let mut config = config();
    config.limits.end_cr_timeout = Duration::from_millis(100);
    let hub = Hub::open(config.clone()).await;
    let mut peer = hub.peer().await;
    peer.write(format!("\x0b{}\x1c", message("1")).as_bytes()).await;
    peer.sees_the_end().await;
    hub.until("frames_refused_total[\"-\", \"missing_end_cr\"]", 1.0).await;
    assert_eq!(hub.entries().len(), 0);

    config.framing.accept_missing_end_cr = true;
    let hub = Hub::open(config).await;
    let mut peer = hub.peer().await;
    peer.write(format!("\x0b{}\x1c", message("1")).as_bytes()).await;
    assert_eq!(short(&peer.msa().await), "AA|1");
}

#[tokio::test]
async fn r05_an_end_block_inside_the_text_is_rejected_and_kept() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    let text = message("1").replace("TAI", "T\x1cI");
    let msa = {
        peer.send(&text).await;
        peer.msa().await
    };
    assert!(msa.starts_with("MSA|AR|1|") && msa.contains("|STRAY_END_BLOCK^^L|"), "{msa}");
    let entry = hub.only_entry();
    assert_eq!(entry.envelope.refusal.expect("refusal").reason, Reason::StrayEndBlock);
    assert_eq!(entry.envelope.body.expose().as_ref(), text.as_bytes());
    assert_eq!(peer.exchange(&message("2")).await, "AA|2", "the connection goes on");

    let mut lax = config();
    lax.framing.accept_inner_end = true;
    let hub = Hub::open(lax).await;
    assert_eq!(hub.peer().await.exchange(&text).await, "AA|1");
}

#[tokio::test]
async fn r06_a_frame_cut_by_the_next_is_kept_unanswered_and_the_next_is_taken() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    let lost = message("1");
    let (part, _) = lost.split_at(lost.len() - 10);
    peer.write(format!("\x0b{part}\x0b{}\x1c\r", message("2")).as_bytes()).await;
    assert_eq!(short(&peer.msa().await), "AA|2");
    let entries = hub.entries();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0].envelope.refusal.as_ref().map(|refusal| refusal.reason), Some(Reason::BrokenFrame));
    assert_eq!(entries[0].envelope.body.expose().as_ref(), part.as_bytes());
    assert_eq!(entries[1].envelope.refusal, None);
    peer.hears_nothing().await;
    // Whoever sent it: a part of a message is never answered.
    peer.write(format!("\x0b{}\x0b{}\x1c\r", message("3").replace("|LIS|", "|WHO|"), message("4")).as_bytes()).await;
    assert_eq!(short(&peer.msa().await), "AA|4");
    assert_eq!(hub.entries().len(), 3);
}

#[tokio::test]
async fn r07_two_and_three_messages_in_one_write_are_answered_in_order() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    let frames = |ids: &[&str]| ids.iter().flat_map(|id| framed(message(id).as_bytes())).collect::<Vec<u8>>();
    peer.write(&frames(&["1", "2"])).await;
    peer.write(&frames(&["3", "4", "5"])).await;
    for id in 1..=5 {
        assert_eq!(short(&peer.msa().await), format!("AA|{id}"));
    }
    // FS CR LF VT…, with the second message incomplete in the buffer.
    let mut both = frames(&["6"]);
    both.push(b'\n');
    let (whole, cut) = (both.len(), 20);
    both.extend(frames(&["7"]));
    peer.write(&both[..whole + cut]).await;
    assert_eq!(short(&peer.msa().await), "AA|6");
    peer.hears_nothing().await;
    peer.write(&both[whole + cut..]).await;
    assert_eq!(short(&peer.msa().await), "AA|7");
    assert_eq!(hub.entries().len(), 7);
}

/// The name is Chinese, so splits fall inside characters.
#[tokio::test]
async fn r08_r09_a_message_split_at_any_byte_or_byte_by_byte_is_the_same_message() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    let text = message("1").replace("TAI MAN", "大文");
    let frame = framed(text.as_bytes());
    for byte in &frame {
        peer.write(std::slice::from_ref(byte)).await;
    }
    assert_eq!(short(&peer.msa().await), "AA|1");
    for split in 1..frame.len() {
        peer.write(&frame[..split]).await;
        tokio::task::yield_now().await;
        peer.write(&frame[split..]).await;
        assert_eq!(short(&peer.msa().await), "AA|1", "split at {split}");
    }
    assert_eq!(hub.only_entry().envelope.body.expose().as_ref(), text.as_bytes(), "one message, however it came");
}

#[tokio::test]
async fn r10_an_empty_frame_is_rejected_and_not_kept() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    peer.write(b"\x0b\x1c\r").await;
    let msa = peer.msa().await;
    assert!(msa.starts_with("MSA|AR||") && msa.contains("|UNREADABLE^^L|"), "{msa}");
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    assert_eq!(hub.entries().len(), 1);
    assert_eq!(hub.frames_refused("empty"), 1.0);
}

#[tokio::test]
async fn r11_a_message_at_the_limit_is_taken_and_one_above_it_rejected_and_closed() {
    let mut config = config();
    config.feeds[0].frame_bytes_max = 4096;
    let hub = Hub::open(config).await;
    let sized = |id: &str, bytes: usize| {
        let text = format!("{}NTE|1||", message(id));
        format!("{text}{}", "x".repeat(bytes - text.len()))
    };
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&sized("1", 4095)).await, "AA|1");
    assert_eq!(peer.exchange(&sized("2", 4096)).await, "AA|2");
    peer.send(&sized("3", 4097)).await;
    let msa = peer.msa().await;
    assert!(msa.starts_with("MSA|AR|3|") && msa.contains("207^") && msa.contains("|TOO_LONG^^L|"), "{msa}");
    peer.sees_the_end().await;
    // Without a header there is nothing to answer.
    let mut faceless = hub.peer().await;
    faceless.write(&framed(&[b'x'; 5000])).await;
    faceless.sees_the_end().await;
    assert_eq!(hub.entries().len(), 2);
    assert_eq!(hub.frames_refused("too_long"), 2.0);
}

#[tokio::test]
async fn a_feed_s_own_limit_is_kept_where_another_feed_may_send_more() {
    let mut config = config();
    config.feeds.push(super::support::feed("wide", "PACS|QMH"));
    config.feeds[0].frame_bytes_max = 512;
    let hub = Hub::open(config).await;
    let mut peer = hub.peer().await;
    let long = format!("{}NTE|1||{}\r", message("1"), "x".repeat(600));
    assert_eq!(peer.exchange(&long).await, "AR|1");
    assert_eq!(
        peer.exchange(&long.replace("|LIS|", "|PACS|")).await,
        "AA|1",
        "the frame was whole: the connection stays"
    );
    assert_eq!(hub.only_entry().envelope.feed.as_str(), "wide");
}

/// The sender gets nothing, resends, and one copy is stored.
#[tokio::test]
async fn r14_a_sender_that_was_gone_before_its_answer_is_answered_when_it_resends() {
    let hub = Hub::open(config()).await;
    hub.wire.hold();
    let mut peer = hub.peer().await;
    peer.send(&message("1")).await;
    assert!(super::support::until(|| hub.wire.held() == 1).await);
    drop(peer);
    hub.wire.release(&[]);
    assert_eq!(hub.peer().await.exchange(&message("1")).await, "AA|1");
    assert_eq!(hub.entries().len(), 1);
    assert_eq!(hub.numbers.get("messages_duplicate_total[\"lab\"]"), 1.0);
}

#[tokio::test]
async fn r15_a_peer_that_never_reads_its_answers_is_closed_and_stored_once() {
    let mut config = config();
    config.limits.write_timeout = Duration::from_millis(200);
    let hub = Hub::open(config).await;
    let stream = tokio::net::TcpSocket::new_v4().expect("socket");
    stream.set_recv_buffer_size(1024).expect("option");
    let mut peer = super::support::Peer::new(stream.connect(hub.address).await.expect("connection"));
    // Refused messages are answered without being kept, with the longest answers there are: they fill every buffer.
    let refused = framed(message("x").replace("|2.5", "|2.5|||||").replace("EHR", &"E".repeat(800)).as_bytes());
    hub.paused.store(true, std::sync::atomic::Ordering::SeqCst);
    peer.write(&framed(message("1").as_bytes())).await;
    let mut written = 0;
    while written < 64 << 20 && tokio::time::timeout(SILENCE * 2, write_some(&mut peer, &refused)).await.is_ok() {
        written += refused.len();
        if hub.numbers.get(LAB_CONNECTIONS) < 0.5 && written > 1 << 20 {
            break;
        }
    }
    hub.until(LAB_CONNECTIONS, 0.0).await;
    assert!(written < 64 << 20, "the door took {written} bytes without being able to answer");
}

async fn write_some(peer: &mut super::support::Peer, bytes: &[u8]) {
    use tokio::io::AsyncWriteExt as _;
    if peer.stream.write_all(bytes).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[tokio::test]
async fn r16_a_peer_that_closes_its_side_after_the_message_still_gets_its_answer() {
    use tokio::io::AsyncWriteExt as _;
    let hub = Hub::open(config()).await;
    hub.wire.hold();
    let mut peer = hub.peer().await;
    peer.send(&message("1")).await;
    peer.stream.shutdown().await.expect("half closed");
    assert!(super::support::until(|| hub.wire.held() == 1).await);
    peer.hears_nothing().await;
    hub.wire.release(&[]);
    assert_eq!(short(&peer.msa().await), "AA|1");
    peer.sees_the_end().await;
}

#[tokio::test]
async fn r17_a_reset_inside_a_frame_leaves_nothing_behind() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    peer.write(format!("\x0b{}", message("2")).as_bytes()).await;
    SockRef::from(&peer.stream).set_linger(Some(Duration::ZERO)).expect("option");
    drop(peer);
    hub.until(LAB_CONNECTIONS, 0.0).await;
    assert_eq!(hub.frames_refused("cut"), 1.0);
    assert_eq!(hub.entries().len(), 1);
}

#[tokio::test]
async fn r18_r19_tls_and_http_at_the_door_are_closed_at_once_and_counted() {
    let hub = Hub::open(config()).await;
    // Long before a deadline of the door: none of them is as short as a test's patience.
    for (bytes, cause) in [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(), "http"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "tls"),
    ] {
        let mut peer = hub.peer().await;
        peer.write(bytes).await;
        peer.sees_the_end().await;
        hub.until(&format!("frames_refused_total[\"-\", \"{cause}\"]"), 1.0).await;
    }
    assert_eq!(hub.peer().await.exchange(&message("1")).await, "AA|1", "others are not disturbed");
}

#[tokio::test]
async fn r22_commit_bytes_of_mllp_release_2_are_ignored() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    peer.write(b"\x0b\x06\x1c\r\x0b\x15\x1c\r").await;
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    assert_eq!(hub.frames_refused("commit_byte"), 2.0);
    assert_eq!(hub.entries().len(), 1);
}

#[tokio::test]
async fn r23_a_quiet_connection_is_kept_beyond_every_frame_deadline_unless_told_otherwise() {
    let mut config = config();
    config.limits.idle_in_frame = Duration::from_millis(20);
    config.limits.frame_timeout = Duration::from_millis(40);
    let hub = Hub::open(config.clone()).await;
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    peer.hears_nothing().await;
    assert_eq!(peer.exchange(&message("2")).await, "AA|2");

    config.limits.idle_timeout = Some(Duration::from_millis(100));
    let hub = Hub::open(config).await;
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    peer.sees_the_end().await;
}

#[tokio::test]
async fn r24_an_acknowledgement_is_never_acknowledged() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    let ack = "MSH|^~\\&|LIS|QMH|CAUSEWAY|EHR|2026||ACK^A08^ACK|9|P|2.5|||AL|AL\rMSA|AA|1\r";
    let odd = ack.replace("ACK^A08^ACK", "RSP^K22");
    let strange = ack.replace("|LIS|", "|NOBODY|");
    for text in [ack, &odd, &strange, &ack.replace("MSA|AA|1\r", PID)] {
        peer.send(text).await;
    }
    peer.hears_nothing().await;
    assert_eq!(hub.entries().len(), 0);
    assert_eq!(hub.frames_refused("acknowledgement"), 4.0);
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
}
