//! Durable before the answer, and what the door does when the log fails.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::support::{Fault, How, Hub, Peer, SILENCE, config, message, short, until};

#[tokio::test]
async fn nothing_is_answered_before_the_log_has_spoken() {
    let hub = Hub::open(config()).await;
    hub.wire.hold();
    let mut peer = hub.peer().await;
    peer.send(&message("1")).await;
    assert!(until(|| hub.wire.held() == 1).await);
    peer.hears_nothing().await;
    hub.wire.release(&[]);
    assert_eq!(short(&peer.msa().await), "AA|1");
}

#[tokio::test]
async fn messages_are_read_on_while_earlier_ones_are_in_flight_and_answered_in_order() {
    let hub = Hub::open(config()).await;
    hub.wire.hold();
    let mut peer = hub.peer().await;
    for id in 0..5 {
        peer.send(&message(&id.to_string())).await;
    }
    assert!(until(|| hub.wire.held() == 5).await, "all five are with the log");
    // The log speaks in its own order; the answers come in that of receipt.
    hub.wire.release(&[4, 2, 3, 1, 0]);
    for id in 0..5 {
        assert_eq!(short(&peer.msa().await), format!("AA|{id}"));
    }
}

#[tokio::test]
async fn no_more_than_the_window_is_in_flight_on_one_connection() {
    let mut config = config();
    config.limits.window = 3;
    let hub = Hub::open(config).await;
    hub.wire.hold();
    let mut peer = hub.peer().await;
    for id in 0..10 {
        peer.send(&message(&id.to_string())).await;
    }
    assert!(until(|| hub.wire.held() == 3).await);
    tokio::time::sleep(SILENCE).await;
    assert_eq!(hub.wire.appends(), 3);
    hub.wire.release(&[]);
    for id in 0..10 {
        assert_eq!(short(&peer.msa().await), format!("AA|{id}"));
    }
}

#[tokio::test]
async fn after_a_failed_sync_the_process_is_halted_and_nothing_positive_is_ever_sent() {
    let hub = Hub::open(config()).await;
    let mut others: Vec<Peer> = Vec::new();
    for id in ["a", "b", "c"] {
        let mut peer = hub.peer().await;
        assert_eq!(peer.exchange(&message(id)).await, format!("AA|{id}"));
        others.push(peer);
    }
    hub.wire.fail(Fault { from: 4, how: How::SyncFails });
    let mut peer = hub.peer().await;
    peer.send(&message("1")).await;
    peer.sees_the_end().await;
    assert_eq!(hub.halts.load(Ordering::SeqCst), 1);
    // What was appended before and is still in the pipe may be durable, but nobody is told so any more.
    for mut other in others {
        other.send(&message("2")).await;
        other.sees_the_end().await;
    }
}

#[tokio::test]
async fn what_was_durable_before_a_failed_sync_is_not_answered_after_it() {
    let hub = Hub::open(config()).await;
    hub.wire.hold();
    let mut peer = hub.peer().await;
    peer.send(&message("1")).await;
    assert!(until(|| hub.wire.held() == 1).await);
    hub.wire.fail(Fault { from: 2, how: How::SyncFails });
    let mut second = hub.peer().await;
    second.send(&message("2")).await;
    assert!(until(|| hub.halts.load(Ordering::SeqCst) == 1).await);
    hub.wire.release(&[]);
    peer.sees_the_end().await;
}

#[tokio::test]
async fn a_log_that_is_busy_is_an_error_and_the_connection_goes_on() {
    let hub = Hub::open(config()).await;
    hub.wire.fail(Fault { from: 1, how: How::Busy });
    let mut peer = hub.peer().await;
    peer.send(&message("1")).await;
    let msa = peer.msa().await;
    assert!(msa.starts_with("MSA|AE|1|") && msa.contains("ERR|||207^") && msa.contains("|BUSY^^L|"), "{msa}");
    peer.send(&message("2").replace("|2.5\r", "|2.5|||AL|NE\r")).await;
    assert!(peer.msa().await.starts_with("MSA|CE|2|"));
    hub.wire.fail(Fault { from: u64::MAX, how: How::Busy });
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    assert_eq!(hub.halts.load(Ordering::SeqCst), 0);
    assert_eq!(hub.entries().len(), 1);
}

#[tokio::test]
async fn a_refusal_that_cannot_be_kept_is_an_error_so_that_the_sender_tries_again() {
    let hub = Hub::open(config()).await;
    hub.wire.fail(Fault { from: 1, how: How::Busy });
    let mut peer = hub.peer().await;
    let unsupported = message("1").replace("ADT^A08", "ZZZ^Z01");
    assert_eq!(peer.exchange(&unsupported).await, "AE|1");
    hub.wire.fail(Fault { from: u64::MAX, how: How::Busy });
    assert_eq!(peer.exchange(&unsupported).await, "AR|1");
}

#[tokio::test]
async fn a_log_that_forgets_to_speak_is_taken_as_closed() {
    let hub = Hub::open(config()).await;
    hub.wire.fail(Fault { from: 1, how: How::Forgotten });
    let mut peer = hub.peer().await;
    peer.send(&message("1")).await;
    let msa = peer.msa().await;
    assert!(msa.starts_with("MSA|AE|1|") && msa.contains("|LOG_UNAVAILABLE^^L|"), "{msa}");
}

#[tokio::test]
async fn a_graceful_stop_finishes_frames_begun_answers_what_is_in_flight_and_closes() {
    let mut hub = Hub::open(config()).await;
    hub.wire.hold();
    let (mut waiting, mut reading, idle) = (hub.peer().await, hub.peer().await, hub.peer().await);
    waiting.send(&message("1")).await;
    assert!(until(|| hub.wire.held() == 1).await);
    let frame = super::support::framed(message("2").as_bytes());
    let (begun, rest) = frame.split_at(40);
    reading.write(begun).await;
    tokio::time::sleep(SILENCE).await;
    hub.begin_stop();
    idle.sees_the_end().await;
    let address = hub.address;
    assert!(until(|| std::net::TcpStream::connect(address).is_err()).await, "no more are let in");
    reading.write(rest).await;
    assert!(until(|| hub.wire.held() == 2).await);
    hub.wire.release(&[]);
    assert_eq!(short(&waiting.msa().await), "AA|1");
    assert_eq!(short(&reading.msa().await), "AA|2");
    waiting.sees_the_end().await;
    reading.sees_the_end().await;
    assert_eq!(hub.numbers.get("feed_up[\"lab\", \"mllp\"]"), 0.0);
    assert_eq!(hub.stopped().await.cut, 0);
}

#[tokio::test]
async fn a_connection_that_does_not_finish_is_cut_when_the_time_to_drain_is_over() {
    let mut config = config();
    config.limits.drain_timeout = Duration::from_millis(200);
    let mut hub = Hub::open(config).await;
    let mut peer = hub.peer().await;
    peer.write(b"\x0bMSH|").await;
    tokio::time::sleep(SILENCE).await;
    hub.begin_stop();
    peer.sees_the_end().await;
    assert_eq!(hub.stopped().await.cut, 1);
}
