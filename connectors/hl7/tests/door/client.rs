//! The client against the door, and against receivers that do not behave.

use std::time::Duration;

use causeway_core::outcome::State;
use causeway_hl7::ack::Code;
use causeway_hl7::client::{AnswerFault, Client, ClientError, ClientSettings};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::support::{Hub, PATIENCE, PID, Peer, config, enhanced, message, until};

async fn connect(hub: &Hub) -> Client {
    Client::connect(&hub.address.to_string(), ClientSettings::default()).await.expect("connection")
}

#[tokio::test]
async fn a_message_gets_its_answer() {
    let hub = Hub::open(config()).await;
    let mut client = connect(&hub).await;
    let exchange = client.send(message("1").as_bytes()).await.expect("answer");
    assert!(exchange.is_positive() && exchange.accept.is_none());
    assert_eq!(exchange.last().map(|answer| (answer.code, answer.control_id.as_str())), Some((Code::AA, "1")));
    let refused = client.send(message("2").replace(PID, "").as_bytes()).await.expect("answer");
    let answer = refused.last().expect("answer");
    assert_eq!((answer.code, answer.error.as_deref(), answer.place.as_deref()), (Code::AE, Some("100"), Some("PID")));
    assert_eq!(answer.text.as_deref(), Some("A required segment is missing"));
    let none = client.send(enhanced("3", "NE", "NE").as_bytes()).await.expect("nothing asked");
    assert_eq!(none.last(), None);
    assert!(until(|| hub.entries().len() == 3).await);
}

#[tokio::test]
async fn in_enhanced_mode_the_outcome_is_waited_for_when_that_is_wanted() {
    let hub = Hub::open(config()).await;
    let mut client = connect(&hub).await;
    let accepted = client.send(enhanced("1", "AL", "AL").as_bytes()).await.expect("answer");
    assert_eq!(accepted.last().map(|answer| answer.code), Some(Code::CA), "the accept is not taken for the outcome");
    let settings = ClientSettings { wait_for_outcome: true, ..ClientSettings::default() };
    let mut patient = Client::connect(&hub.address.to_string(), settings).await.expect("connection");
    let text = enhanced("2", "AL", "AL");
    let sending = patient.send(text.as_bytes());
    let settling = async {
        assert!(until(|| hub.entries().len() == 2).await);
        hub.settle(hub.entries()[1].position, State::Accepted, None);
    };
    let (exchange, ()) = tokio::join!(sending, settling);
    let exchange = exchange.expect("answers");
    assert_eq!(exchange.accept.map(|answer| answer.code), Some(Code::CA));
    assert_eq!(exchange.application.map(|answer| answer.code), Some(Code::AA));
}

#[tokio::test]
async fn many_messages_go_with_a_window_and_each_gets_its_own_answer() {
    let hub = Hub::open(config()).await;
    let mut client = connect(&hub).await;
    let messages: Vec<String> = (0..500)
        .map(|id| if id % 10 == 3 { message(&id.to_string()).replace(PID, "") } else { message(&id.to_string()) })
        .collect();
    let mut told = Vec::new();
    let sent = client
        .send_all(&messages, 32, |place, exchange| {
            let answer = exchange.last().expect("answer");
            told.push((place, answer.control_id.clone(), answer.code.is_positive()));
            true
        })
        .await
        .expect("all");
    assert_eq!((sent, told.len()), (500, 500));
    for (place, id, positive) in told {
        assert_eq!((id, positive), (place.to_string(), place % 10 != 3));
    }
    assert_eq!(hub.entries().len(), 500);
}

#[tokio::test]
async fn sending_stops_when_told_to() {
    let hub = Hub::open(config()).await;
    let mut client = connect(&hub).await;
    let messages = (0..100).map(|id| message(&id.to_string()));
    let sent = client.send_all(messages, 1, |place, _| place < 9).await.expect("some");
    assert_eq!(sent, 10);
}

/// A receiver that does what it is told.
struct Receiver(TcpListener);

impl Receiver {
    async fn new() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
        let address = listener.local_addr().expect("address").to_string();
        (Self(listener), address)
    }

    async fn accept(&self) -> Peer {
        Peer::new(timeout(PATIENCE, self.0.accept()).await.expect("in time").expect("connection").0)
    }
}

fn ack(id: &str) -> String {
    format!("MSH|^~\\&|CAUSEWAY|EHR|LIS|QMH|2026||ACK|9|P|2.5\rMSA|AA|{id}\r")
}

#[tokio::test]
async fn an_answer_after_the_time_out_does_not_settle_the_next_message() {
    let (receiver, address) = Receiver::new().await;
    let settings = ClientSettings { answer_timeout: Duration::from_millis(100), ..ClientSettings::default() };
    let mut client = Client::connect(&address, settings.clone()).await.expect("connection");
    let mut inbound = receiver.accept().await;
    let late = client.send(message("1").as_bytes()).await;
    assert!(matches!(late, Err(ClientError::TimedOut(_))), "{late:?}");
    assert!(!client.is_open());
    drop(tokio::io::AsyncWriteExt::write_all(&mut inbound.stream, &super::support::framed(ack("1").as_bytes())).await);
    assert!(matches!(client.send(message("2").as_bytes()).await, Err(ClientError::Closed)));
}

#[tokio::test]
async fn an_answer_settles_the_message_it_names_and_no_other() {
    let (receiver, address) = Receiver::new().await;
    let mut client = Client::connect(&address, ClientSettings::default()).await.expect("connection");
    let answering = async {
        let mut inbound = receiver.accept().await;
        inbound.answer().await;
        for id in ["0", "2 ", "2"] {
            inbound.send(&ack(id)).await;
        }
    };
    let text = message("2");
    let (exchange, ()) = tokio::join!(client.send(text.as_bytes()), answering);
    assert_eq!(exchange.expect("answer").last().map(|answer| answer.control_id.as_str()), Some("2"));
    assert_eq!(client.strays(), 2);
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_and_closes_the_connection() {
    for (bytes, fault) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), Some(AnswerFault::Framing)),
        (b"\x0bhello\x1c\r", Some(AnswerFault::NoMessage)),
        (b"\x0bMSH|^~\\&|A|B|C|D|2026||ACK|9|P|2.5\r\x1c\r", Some(AnswerFault::NoCode)),
        (b"", None),
    ] {
        let (receiver, address) = Receiver::new().await;
        let mut client = Client::connect(&address, ClientSettings::default()).await.expect("connection");
        let answering = async {
            let mut inbound = receiver.accept().await;
            inbound.answer().await;
            inbound.write(bytes).await;
        };
        let text = message("1");
        let (exchange, ()) = tokio::join!(client.send(text.as_bytes()), answering);
        match (exchange, fault) {
            (Err(ClientError::Answer(found)), Some(fault)) => assert_eq!(found, fault),
            (Err(ClientError::Closed | ClientError::Broken(_)), None) => {}
            (other, _) => panic!("{other:?}"),
        }
        assert!(!client.is_open());
    }
}

#[tokio::test]
async fn nobody_there_and_nothing_to_send_are_told_apart() {
    let (receiver, address) = Receiver::new().await;
    let mut client = Client::connect(&address, ClientSettings::default()).await.expect("connection");
    let nothing = client.send(b"hello").await.expect_err("no message");
    assert_eq!(nothing.disposition(), causeway_core::disposition::Disposition::Reject);
    assert!(client.is_open(), "nothing was sent");
    drop(receiver);
    let nobody = Client::connect(&address, ClientSettings::default()).await.expect_err("nobody");
    assert_eq!(nobody.disposition(), causeway_core::disposition::Disposition::Retry);
    assert_eq!(nobody.to_string(), format!("cannot connect to {address}"));
}
