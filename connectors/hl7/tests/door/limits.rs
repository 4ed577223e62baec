//! Limits: connections, time and memory.

use std::time::Duration;

use super::support::{Hub, PATIENCE, Peer, config, feed, message, short};

#[tokio::test]
async fn r12_connections_beyond_the_caps_are_closed_at_once_and_counted() {
    for (in_all, per_peer, cause) in [(2, 8, "door_full"), (8, 2, "peer_full")] {
        let mut config = config();
        config.limits.connections_max = in_all;
        config.limits.connections_per_peer_max = per_peer;
        let hub = Hub::open(config).await;
        let mut guests = Vec::new();
        for id in ["1", "2"] {
            let mut peer = hub.peer().await;
            assert_eq!(peer.exchange(&message(id)).await, format!("AA|{id}"));
            guests.push(peer);
        }
        hub.peer().await.sees_the_end().await;
        hub.until(&format!("connections_refused_total[\"-\", \"{cause}\"]"), 1.0).await;
        assert_eq!(guests[0].exchange(&message("3")).await, "AA|3");
        drop(guests);
        hub.until("feed_connections[\"lab\", \"mllp\"]", 0.0).await;
        // A place comes free; the door may need a moment to notice.
        let mut answered = false;
        for _ in 0..100 {
            let mut peer = hub.peer().await;
            peer.send(&message("4")).await;
            let mut byte = [0];
            if matches!(peer.stream.peek(&mut byte).await, Ok(1)) {
                answered = short(&peer.msa().await) == "AA|4";
                break;
            }
        }
        assert!(answered, "{cause}");
    }
}

#[tokio::test]
async fn r13_a_byte_now_and_then_does_not_keep_a_connection_beyond_the_frame_s_deadline() {
    let mut config = config();
    // Never silent for so long, so that the total is what counts.
    config.limits.idle_in_frame = PATIENCE;
    config.limits.frame_timeout = Duration::from_millis(400);
    let hub = Hub::open(config).await;
    let mut slow = hub.peer().await;
    let mut quick = hub.peer().await;
    slow.write(b"\x0b").await;
    let began = std::time::Instant::now();
    let mut id = 0;
    while hub.frames_refused("timeout") < 0.5 {
        assert!(began.elapsed() < PATIENCE, "a slow sender is kept for ever");
        drop(tokio::io::AsyncWriteExt::write(&mut slow.stream, b"M").await);
        id += 1;
        assert_eq!(quick.exchange(&message(&id.to_string())).await, format!("AA|{id}"), "others are not disturbed");
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    slow.sees_the_end().await;
}

#[tokio::test]
async fn r21_an_address_that_no_feed_hears_is_closed_before_a_byte_is_read() {
    let mut config = config();
    config.insecure_plaintext_from = vec!["10.0.0.0/8".parse().expect("network")];
    config.feeds[0].from = vec!["10.1.2.3".parse().expect("network")];
    let hub = Hub::open(config).await;
    let mut peer = hub.peer().await;
    drop(tokio::io::AsyncWriteExt::write(&mut peer.stream, b"\x0bMSH|").await);
    peer.sees_the_end().await;
    hub.until("connections_refused_total[\"-\", \"unknown_peer\"]", 1.0).await;
}

#[tokio::test]
async fn a_sender_is_only_known_from_its_own_addresses() {
    let mut config = config();
    let mut elsewhere = feed("elsewhere", "RIS|QMH");
    config.insecure_plaintext_from = vec!["10.0.0.0/8".parse().expect("network")];
    elsewhere.from = vec!["10.1.2.3".parse().expect("network")];
    config.feeds.push(elsewhere);
    let hub = Hub::open(config).await;
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message("1").replace("|LIS|", "|RIS|")).await, "AR|1");
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
}

/// Runs a test in a process of its own, where nobody else's memory is counted. True in that process.
fn alone(name: &str) -> bool {
    if std::env::var_os("CAUSEWAY_TEST_ALONE").is_some() {
        return true;
    }
    let this = std::env::current_exe().expect("this test");
    let mut child = std::process::Command::new(this);
    child.args(["--exact", name]).env("CAUSEWAY_TEST_ALONE", "1");
    let output = child.output().expect("a process of its own");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    false
}

/// Resident memory of this process, in bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    let kilobytes: usize = line.split_whitespace().nth(1).expect("number").parse().expect("number");
    kilobytes * 1024
}

/// Both ends of each connection live in this process.
#[tokio::test]
async fn a_thousand_idle_connections_cost_less_than_twenty_kilobytes_each() {
    const COUNT: usize = 1000;
    if !alone("limits::a_thousand_idle_connections_cost_less_than_twenty_kilobytes_each") {
        return;
    }
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    let before = resident();
    let mut guests: Vec<Peer> = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        guests.push(hub.peer().await);
    }
    // Every one of them is served once, so that nothing it needs is still to be allocated.
    for guest in &mut guests {
        guest.send(&message("1")).await;
    }
    for guest in &mut guests {
        assert_eq!(short(&guest.msa().await), "AA|1");
    }
    let each = resident().saturating_sub(before) / COUNT;
    assert!(each < 20_000, "{each} bytes each");
    println!("{each} bytes each");
    assert_eq!(peer.exchange(&message("2")).await, "AA|2");
    assert_eq!(
        hub.numbers.get("feed_connections[\"lab\", \"mllp\"]"),
        f64::from(u32::try_from(COUNT + 1).expect("small"))
    );
}

#[tokio::test]
async fn a_hundred_megabyte_frame_is_rejected_and_memory_stays_bounded() {
    const FRAME_MAX: usize = 16 << 20;
    if !alone("limits::a_hundred_megabyte_frame_is_rejected_and_memory_stays_bounded") {
        return;
    }
    let hub = Hub::open(config()).await;
    let mut other = hub.peer().await;
    assert_eq!(other.exchange(&message("1")).await, "AA|1");
    let mut peer = hub.peer().await;
    let before = resident();
    peer.write(format!("\x0b{}NTE|1||", message("2")).as_bytes()).await;
    let block = vec![b'x'; 1 << 20];
    let mut highest = 0;
    for _ in 0..100 {
        if tokio::io::AsyncWriteExt::write_all(&mut peer.stream, &block).await.is_err() {
            break;
        }
        highest = highest.max(resident());
    }
    let msa = peer.msa().await;
    assert!(msa.starts_with("MSA|AR|2|") && msa.contains("TOO_LONG"), "{msa}");
    let grown = highest.saturating_sub(before);
    assert!(grown < 2 * FRAME_MAX, "grew by {grown} bytes");
    assert_eq!(other.exchange(&message("3")).await, "AA|3");
}

#[tokio::test]
async fn frames_half_read_share_one_budget_and_the_one_too_many_is_answered_busy() {
    let mut config = config();
    config.limits.in_flight_bytes_max = 3 << 20;
    let hub = Hub::open(config).await;
    let begin = format!("\x0b{}NTE|1||{}", message("1"), "x".repeat(2 << 20));
    let mut first = hub.peer().await;
    first.write(begin.as_bytes()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut second = hub.peer().await;
    let refused = async {
        drop(tokio::io::AsyncWriteExt::write_all(&mut second.stream, begin.as_bytes()).await);
        second.msa().await
    };
    let msa = refused.await;
    assert!(msa.starts_with("MSA|AE|1|") && msa.contains("|BUSY^^L|"), "{msa}");
    assert_eq!(hub.frames_refused("no_memory"), 1.0);
    drop(first);
    hub.until("frames_refused_total[\"-\", \"cut\"]", 1.0).await;
    assert_eq!(
        hub.peer().await.exchange(&format!("{}\r", begin.trim_start_matches('\x0b'))).await,
        "AE|1",
        "frame and message together"
    );
    let smaller = format!("{}NTE|1||{}\r", message("2"), "x".repeat(1 << 20));
    assert_eq!(hub.peer().await.exchange(&smaller).await, "AA|2");
}

#[tokio::test]
async fn messages_that_wait_for_the_log_count_against_the_budget_until_they_are_durable() {
    let mut config = config();
    config.limits.in_flight_bytes_max = 4096;
    let hub = Hub::open(config).await;
    hub.wire.hold();
    let padded = |id: &str| format!("{}NTE|1||{}\r", message(id), "x".repeat(2500));
    let mut peer = hub.peer().await;
    peer.send(&padded("1")).await;
    peer.send(&padded("2")).await;
    assert!(super::support::until(|| hub.wire.held() == 1).await);
    hub.wire.release(&[]);
    assert_eq!(short(&peer.msa().await), "AA|1");
    assert_eq!(short(&peer.msa().await), "AE|2");
    assert_eq!(peer.exchange(&padded("2")).await, "AA|2");
}
