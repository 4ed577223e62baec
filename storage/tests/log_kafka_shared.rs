//! One topic, several logs: as when several processes write and read it.

#![cfg(feature = "kafka")]
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

#[path = "log_kafka/server.rs"]
mod server;
#[path = "log_kafka/support.rs"]
mod support;

use std::sync::mpsc::channel;
use std::time::Duration;

use causeway_core::contract::log::envelope;
use causeway_core::envelope::{Envelope, Offset, PartitionId};
use causeway_core::port::{Appended, Freshness, Log, ReadLimit};
use causeway_storage::log::kafka::{KafkaLog, KafkaLogSettings};

const PATIENCE: Duration = Duration::from_secs(60);
const PLENTY: ReadLimit = ReadLimit { count_max: 100_000, bytes_max: 64 << 20 };
const LANE: PartitionId = PartitionId(0);
const EACH: u64 = 500;

fn put(log: &KafkaLog, envelope: Envelope) -> Appended {
    let (done, answer) = channel();
    log.append(envelope, Box::new(move |result| drop(done.send(result)))).expect("room");
    answer.recv_timeout(PATIENCE).expect("answered").expect("durable")
}

/// The numbers of a writer, one after the other without waiting for the answer.
fn pour(log: &KafkaLog, writer: u64) {
    let (done, answers) = channel();
    for number in writer * EACH..(writer + 1) * EACH {
        let (done, envelope) = (done.clone(), envelope(number, number.to_string().as_bytes()));
        log.append(envelope, Box::new(move |result| drop(done.send(result)))).expect("room");
    }
    for _ in 0..EACH {
        answers.recv_timeout(PATIENCE).expect("answered").expect("durable");
    }
}

#[test]
fn what_several_processes_write_all_of_them_read_alike_and_each_in_its_own_order() {
    let settings = server::settings();
    support::create(&settings);
    let logs: Vec<_> = (0..3).map(|_| support::open(&settings).expect("opens")).collect();
    std::thread::scope(|scope| {
        for (writer, log) in (0..).zip(&logs) {
            scope.spawn(move || pour(log, writer));
        }
    });
    let read = |log: &KafkaLog| {
        let (mut at, mut bodies) = (Offset(0), Vec::new());
        while at < Offset(3 * EACH) {
            for entry in log.read(LANE, at, PLENTY, PATIENCE).expect("read") {
                at = entry.position.offset.next();
                bodies.push(String::from_utf8_lossy(entry.envelope.body.expose()).parse::<u64>().expect("a number"));
            }
        }
        bodies
    };
    let found = read(logs.first().expect("one"));
    for log in &logs {
        assert_eq!(read(log), found);
    }
    for writer in 0..3 {
        let own: Vec<_> = found.iter().copied().filter(|number| number / EACH == writer).collect();
        assert_eq!(own, (writer * EACH..(writer + 1) * EACH).collect::<Vec<_>>());
    }
}

#[test]
fn a_reader_is_woken_by_what_another_process_writes_and_a_resend_there_is_no_secret() {
    let settings = server::settings();
    support::create(&settings);
    let open = || support::open(&settings).expect("opens");
    let (one, other) = (open(), open());
    put(&one, envelope(1, b"one"));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| one.read(LANE, Offset(1), PLENTY, PATIENCE));
        let again = put(&other, envelope(1, b"one"));
        assert_eq!((again.position.offset, again.freshness), (Offset(1), Freshness::New), "the repository tells");
        let entries = waiting.join().expect("the reader lives").expect("read");
        assert_eq!(entries.iter().map(|entry| entry.envelope.clone()).collect::<Vec<_>>(), [envelope(1, b"one")]);
    });
    assert!(!one.tells_resends());
}

#[test]
fn a_check_of_everything_keeps_nobody_else_from_reading() {
    let settings = KafkaLogSettings { readers_max: 1, ..server::settings() };
    support::create(&settings);
    let log = support::open(&settings).expect("opens");
    pour(&log, 0);
    std::thread::scope(|scope| {
        let checks: Vec<_> = (0..3).map(|_| scope.spawn(|| log.verify())).collect();
        for _ in 0..20 {
            assert_eq!(log.state().expect("state").first().map(|lane| lane.end), Some(Offset(EACH)));
        }
        for check in checks {
            assert_eq!(check.join().expect("lives").map_err(|error| error.to_string()), Ok(EACH));
        }
    });
}
