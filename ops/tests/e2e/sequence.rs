//! Sequence numbers of a feed (HL7 v2.9.1, §2.10.1), through the real binary.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::hub::{Hub, PATIENCE, until};

/// A hub whose one feed numbers its messages.
fn hub() -> Hub {
    let hub = Hub::new();
    let file = hub.path().join("causeway.toml");
    let text = std::fs::read_to_string(&file).expect("written by init");
    let text = text.replace("\n[[door.feed]]\n", "\n[[door.feed]]\nsequence_numbers = true\n");
    std::fs::write(&file, text).expect("written");
    hub
}

/// A message with this control id and MSH-13, about this number of a patient.
fn message(id: &str, sequence: &str, patient: &str) -> String {
    format!(
        "MSH|^~\\&|PAS|CBH|HUB|HKHUB|20260301100000+0800||ADT^A01^ADT_A01|{id}|P|2.5.1|{sequence}\rEVN|A01|20260301100000+0800\r\
         PID|1||{patient}||YEUNG^SIU KEI||19830114|M\rPV1|1|I|MED3||||||||||||||||HN26000001A\r"
    )
}

/// A message of the protocol itself: a header and nothing else.
fn link(id: &str, sequence: &str) -> String {
    format!("MSH|^~\\&|PAS|CBH|HUB|HKHUB|20260301100000+0800||^|{id}|P|2.5.1|{sequence}\r")
}

/// A sender on one connection.
struct Peer(TcpStream);

impl Peer {
    fn to(hub: &Hub) -> Self {
        let stream = TcpStream::connect(&hub.mllp).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
        Self(stream)
    }

    fn write(&mut self, text: &str) {
        self.0.write_all(format!("\x0b{text}\x1c\r").as_bytes()).expect("written");
    }

    fn answer(&mut self) -> String {
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while !answer.ends_with(b"\x1c\r") {
            self.0.read_exact(&mut byte).expect("an answer in time");
            answer.push(byte[0]);
        }
        String::from_utf8(answer).expect("ASCII")
    }

    /// MSA-1 and MSA-4 of the answer.
    fn told(&mut self, text: &str) -> String {
        self.write(text);
        told(&self.answer())
    }
}

fn told(answer: &str) -> String {
    let msa = answer.split('\r').find(|line| line.starts_with("MSA")).expect("MSA");
    let fields: Vec<&str> = msa.split('|').collect();
    format!("{} {}", fields[1], fields.get(4).unwrap_or(&"none"))
}

#[test]
fn numbers_go_up_by_one_and_survive_a_kill() {
    let mut hub = hub();
    assert_eq!(hub.run(&["check"]).code, Some(0));
    hub.start();
    let mut peer = Peer::to(&hub);
    assert_eq!(peer.told(&link("L1", "0")), "AA -1", "nothing is remembered: the first number is taken as it comes");
    assert_eq!(peer.told(&message("S7", "7", "L-1^^^CBH^PI")), "AA 7");
    assert_eq!(peer.told(&message("S8", "8", "L-1^^^CBH^PI")), "AA 8");
    peer.write(&message("S10", "10", "L-1^^^CBH^PI"));
    let gap = peer.answer();
    assert_eq!(told(&gap), "AR 9", "one is missing");
    assert!(gap.contains("|SEQUENCE_NUMBER^") && gap.contains("|MSH^1^13|"), "{gap}");
    assert_eq!(hub.run(&["--json", "message", "trace", "S10"]).code, Some(1), "it will come again, and is not kept");
    assert_eq!(peer.told(&link("L2", "0")), "AA 9");
    drop(peer);

    hub.kill();
    hub.start();
    let mut peer = Peer::to(&hub);
    assert_eq!(peer.told(&message("S8", "8", "L-1^^^CBH^PI")), "AA 9", "sent again, as its answer could be lost");
    assert_eq!(
        peer.told(&message("other", "8", "L-1^^^CBH^PI")),
        "AR 9",
        "something else under a number that is taken"
    );
    assert_eq!(peer.told(&message("S9", "9", "")), "AE 9", "refused, and kept under its number");
    assert_eq!(peer.told(&message("S9b", "9", "L-1^^^CBH^PI")), "AA 9", "which may be sent again, corrected");
    assert_eq!(peer.told(&link("L3", "-1")), "AA -1");
    assert_eq!(peer.told(&message("S1", "1", "L-1^^^CBH^PI")), "AA 1", "the numbers have begun anew");
    assert_eq!(peer.told(&message("none", "", "L-1^^^CBH^PI")), "AR none", "a number is needed");
    assert_eq!(peer.told(&message("word", "x", "L-1^^^CBH^PI")), "AR none");

    let many: Vec<String> = (2..=40).map(|n| message(&format!("P{n}"), &n.to_string(), "L-1^^^CBH^PI")).collect();
    many.iter().for_each(|text| peer.write(text));
    for number in 2..=40 {
        assert_eq!(told(&peer.answer()), format!("AA {number}"), "sent without waiting, answered in turn");
    }
    let metrics = until(|| Some(hub.get("/metrics").1).filter(|text| text.contains("cause=\"out_of_sequence\"")));
    assert!(metrics.is_some(), "counted");
    let listed = hub.run(&["--json", "message", "list", "--limit", "100"]).lines();
    assert_eq!(listed.iter().filter(|row| row["control_id"] == "S8").count(), 1, "a resend is no second message");
    assert_eq!(hub.stop(), Some(0));
}

#[test]
fn a_feed_that_does_not_number_its_messages_is_not_asked_for_numbers() {
    let mut hub = Hub::new();
    hub.start();
    let mut peer = Peer::to(&hub);
    assert_eq!(peer.told(&message("A", "", "L-1^^^CBH^PI")), "AA none");
    assert_eq!(peer.told(&message("B", "17", "L-1^^^CBH^PI")), "AA none");
}
