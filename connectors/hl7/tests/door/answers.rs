//! Enhanced mode, application acknowledgements, and answers put off until the commit, over TCP.

use std::time::Duration;

use causeway_core::outcome::State;
use causeway_core::reason::Reason;
use causeway_hl7::config::{Acknowledge, ApplicationAck};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::support::{Hub, PATIENCE, PID, Peer, code, config, enhanced, message, short, until, with_feed};

#[tokio::test]
async fn r66_each_acknowledgement_is_sent_exactly_when_msh_15_and_msh_16_want_it() {
    let hub = Hub::open(config()).await;
    for (row, (accept, application, on_good, on_error, on_reject)) in [
        ("", "", "AA", "AE", "AR"),
        ("AL", "NE", "CA", "CE", "CR"),
        ("AL", "", "CA", "CE", "CR"),
        ("AL", "AL", "CA AA", "CE", "CR"),
        ("AL", "ER", "CA", "CE", "CR"),
        ("AL", "SU", "CA AA", "CE", "CR"),
        ("NE", "NE", "", "", ""),
        ("NE", "AL", "AA", "AE", "AR"),
        ("", "AL", "AA", "AE", "AR"),
        ("NE", "ER", "", "AE", "AR"),
        ("NE", "SU", "AA", "", ""),
        ("ER", "NE", "", "CE", "CR"),
        ("ER", "AL", "AA", "CE", "CR"),
        ("SU", "NE", "CA", "", ""),
        ("SU", "AL", "CA AA", "AE", "AR"),
        ("XX", "", "AA", "AE", "AR"),
    ]
    .into_iter()
    .enumerate()
    {
        let text = |kind: &str| enhanced(&format!("{row}-{kind}"), accept, application);
        for (text, expected) in [
            (text("good"), on_good),
            (text("error").replace(PID, ""), on_error),
            (text("reject").replace("ADT^A08", "ZZZ^Z01"), on_reject),
        ] {
            let heard = hear(&hub, &text, expected.split_whitespace().count()).await;
            assert_eq!(heard, expected, "MSH-15 {accept:?}, MSH-16 {application:?}: {text:?}");
        }
    }
}

/// Sends one message to a door whose router accepts it; gives the codes of `count` answers, when no more come.
async fn hear(hub: &Hub, text: &str, count: usize) -> String {
    let mut peer = hub.peer().await;
    peer.send(text).await;
    let sent = || hub.entries().into_iter().find(|entry| entry.envelope.body.expose().as_ref() == text.as_bytes());
    assert!(until(|| sent().is_some()).await);
    let entry = sent().expect("entry");
    if entry.envelope.refusal.is_none() {
        hub.settle(entry.position, State::Accepted, None);
    }
    let mut codes = Vec::new();
    for _ in 0..count {
        codes.push(code(&peer.msa().await));
    }
    // Whatever is still to come comes before the answer to the next message.
    let last = peer.exchange(&message("next")).await;
    assert_eq!(last, "AA|next", "one too many after {codes:?}");
    codes.join(" ")
}

#[tokio::test]
async fn the_application_acknowledgement_follows_the_commit_and_says_what_became_of_the_message() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    for (id, state, reason, code) in [
        ("1", State::Accepted, None, "AA"),
        ("2", State::Withheld, Some(Reason::NotRegistered), "AA"),
        ("3", State::Held, Some(Reason::IdentityReview), "AE"),
    ] {
        peer.send(&enhanced(id, "AL", "AL")).await;
        assert_eq!(short(&peer.msa().await), format!("CA|{id}"));
        peer.hears_nothing().await;
        let entry = hub.entries().into_iter().find(|entry| entry.envelope.control_id == id).expect("entry");
        hub.settle(entry.position, state, reason);
        let answer = peer.answer().await;
        let (msh, rest) = answer.split_once('\r').expect("MSH");
        assert_eq!(short(rest), format!("{code}|{id}"));
        let fields: Vec<&str> = msh.split('|').collect();
        assert_eq!(&fields[14..16], ["NE", "NE"], "MSH-15 and MSH-16 of {msh}");
        assert_eq!(rest.contains("|W|IDENTITY_REVIEW^^L|"), state == State::Held, "{rest}");
        assert!(!rest.contains("NOT_REGISTERED") && !rest.contains("participant"), "consent is not told: {rest}");
    }
}

#[tokio::test]
async fn an_outcome_that_is_known_before_the_accept_acknowledgement_left_is_told_after_it() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    hub.wire.hold();
    peer.send(&message("slow")).await;
    peer.send(&enhanced("1", "AL", "AL")).await;
    assert!(until(|| hub.wire.held() == 2).await);
    // The log speaks of the second message first, the router settles it, and then the log speaks of the first.
    let position = hub.entries().into_iter().find(|entry| entry.envelope.control_id == "1").expect("entry").position;
    hub.settle(position, State::Accepted, None);
    hub.wire.release(&[1]);
    for expected in ["AA|slow", "CA|1", "AA|1"] {
        assert_eq!(short(&peer.msa().await), expected);
    }
}

#[tokio::test]
async fn a_message_sent_again_is_told_its_outcome_again_even_when_that_was_long_ago() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    peer.send(&enhanced("1", "AL", "AL")).await;
    assert_eq!(short(&peer.msa().await), "CA|1");
    let settled = hub.settle(hub.only_entry().position, State::Accepted, None);
    assert_eq!(short(&peer.msa().await), "AA|1");
    hub.outcomes.lock().expect("outcomes").push(settled);
    let mut later = hub.peer().await;
    later.send(&enhanced("1", "AL", "AL")).await;
    assert_eq!(short(&later.msa().await), "CA|1");
    assert_eq!(short(&later.msa().await), "AA|1");
    peer.hears_nothing().await;
    assert_eq!(hub.entries().len(), 1);
}

#[tokio::test]
async fn an_application_acknowledgement_for_a_connection_that_is_gone_is_forgotten() {
    let hub = Hub::open(config()).await;
    let mut peer = hub.peer().await;
    peer.send(&enhanced("1", "AL", "AL")).await;
    assert_eq!(short(&peer.msa().await), "CA|1");
    drop(peer);
    hub.until("feed_connections[\"lab\", \"mllp\"]", 0.0).await;
    hub.settle(hub.only_entry().position, State::Accepted, None);
    assert_eq!(hub.peer().await.exchange(&message("2")).await, "AA|2");
}

#[tokio::test]
async fn application_acknowledgements_may_be_switched_off() {
    let hub = Hub::open(with_feed(|feed| feed.application_ack = ApplicationAck::Never)).await;
    let mut peer = hub.peer().await;
    peer.send(&enhanced("1", "AL", "AL")).await;
    assert_eq!(short(&peer.msa().await), "CA|1");
    hub.settle(hub.only_entry().position, State::Accepted, None);
    peer.hears_nothing().await;
}

#[tokio::test]
async fn application_acknowledgements_go_to_their_own_address_and_are_tried_until_it_answers() {
    let receiver = TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let to = receiver.local_addr().expect("address").to_string();
    let hub = Hub::open(with_feed(|feed| {
        feed.application_ack = ApplicationAck::Separate;
        feed.application_ack_to = Some(to);
    }))
    .await;
    let mut peer = hub.peer().await;
    peer.send(&enhanced("1", "AL", "AL")).await;
    peer.send(&enhanced("2", "NE", "AL").replace("ADT^A08", "ZZZ^Z01")).await;
    assert_eq!(short(&peer.msa().await), "CA|1");
    assert!(until(|| hub.entries().len() == 2).await);
    // The refusal comes first; the first attempt to deliver it is lost with its connection.
    let lost = accept(&receiver).await;
    hub.settle(hub.entries()[0].position, State::Accepted, None);
    drop(lost);
    let mut inbound = accept(&receiver).await;
    for expected in ["AR|2", "AA|1"] {
        let answer = inbound.answer().await;
        let (msh, rest) = answer.split_once('\r').expect("MSH");
        assert_eq!(short(rest), expected);
        assert!(msh.contains("|2.5|||AL|NE"), "it wants to be safe there, and no more: {msh}");
        let id = msh.split('|').nth(9).expect("MSH-10");
        inbound.send(&format!("MSH|^~\\&|CAUSEWAY|EHR|LIS|QMH|2026||ACK|9|P|2.5\rMSA|CA|{id}\r")).await;
    }
    peer.hears_nothing().await;
}

async fn accept(receiver: &TcpListener) -> Peer {
    let (stream, _) = timeout(PATIENCE, receiver.accept()).await.expect("in time").expect("connection");
    Peer::new(stream)
}

fn committed() -> causeway_hl7::config::DoorConfig {
    with_feed(|feed| feed.acknowledge = Acknowledge::Committed)
}

#[tokio::test]
async fn original_mode_may_be_answered_by_the_outcome_in_the_order_of_receipt() {
    let hub = Hub::open(committed()).await;
    let mut peer = hub.peer().await;
    for id in ["1", "2", "3"] {
        peer.send(&message(id)).await;
    }
    assert!(until(|| hub.entries().len() == 3).await);
    peer.hears_nothing().await;
    let entries = hub.entries();
    hub.settle(entries[1].position, State::Held, Some(Reason::NoDocument));
    hub.settle(entries[2].position, State::Withheld, Some(Reason::NotRegistered));
    peer.hears_nothing().await;
    hub.settle(entries[0].position, State::Accepted, None);
    for expected in ["AA|1", "AE|2", "AA|3"] {
        assert_eq!(short(&peer.msa().await), expected);
    }
}

#[tokio::test]
async fn an_outcome_that_does_not_come_is_answered_as_an_error_and_the_resend_by_what_is_known_then() {
    let mut config = committed();
    config.limits.commit_timeout = Duration::from_millis(100);
    let hub = Hub::open(config).await;
    let mut peer = hub.peer().await;
    peer.send(&message("1")).await;
    let msa = peer.msa().await;
    assert!(msa.starts_with("MSA|AE|1|") && msa.contains("|BUSY^^L|"), "{msa}");
    let settled = hub.settle(hub.only_entry().position, State::Accepted, None);
    peer.hears_nothing().await;
    hub.outcomes.lock().expect("outcomes").push(settled);
    assert_eq!(peer.exchange(&message("1")).await, "AA|1");
    assert_eq!(hub.entries().len(), 1);
}

/// A merge of two numbers.
fn merge(id: &str) -> String {
    message(id).replace("ADT^A08^ADT_A01", "ADT^A40^ADT_A39") + "MRG|OLD^^^QMH^MR\r"
}

#[tokio::test]
async fn a_merge_that_goes_round_is_an_error_and_every_other_is_answered_as_durable() {
    let hub = Hub::open(with_feed(|_| ())).await;
    let mut peer = hub.peer().await;
    for (number, (state, reason, expected)) in [
        (State::Held, Some(Reason::MergeLoop), "AE|1"),
        (State::Held, Some(Reason::MergeOfTwoPersons), "AA|2"),
        (State::Accepted, None, "AA|3"),
    ]
    .into_iter()
    .enumerate()
    {
        peer.send(&merge(&(number + 1).to_string())).await;
        assert!(until(|| hub.entries().len() == number + 1).await);
        peer.hears_nothing().await;
        hub.settle(hub.entries()[number].position, state, reason);
        let msa = peer.msa().await;
        assert_eq!(short(&msa), expected);
        assert_eq!(msa.contains("MERGE_LOOP"), reason == Some(Reason::MergeLoop), "{msa}");
    }
    assert_eq!(peer.exchange(&message("4")).await, "AA|4", "nobody else waits");
}

#[tokio::test]
async fn a_merge_whose_outcome_does_not_come_is_durable_all_the_same() {
    let mut config = with_feed(|_| ());
    config.limits.merge_timeout = Duration::from_millis(100);
    let hub = Hub::open(config.clone()).await;
    assert_eq!(hub.peer().await.exchange(&merge("1")).await, "AA|1");
    config.limits.merge_timeout = Duration::ZERO;
    let hub = Hub::open(config).await;
    assert_eq!(hub.peer().await.exchange(&merge("1")).await, "AA|1", "and need not be waited for");
}
