//! A topic that is not as it must be is refused with its cause and its fix, and what is not as it was written is damage.

#![cfg(feature = "kafka")]
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

#[path = "log_kafka/server.rs"]
mod server;
#[path = "log_kafka/support.rs"]
mod support;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use causeway_core::contract::log::envelope;
use causeway_core::envelope::{Offset, PartitionId, Position};
use causeway_core::port::{Log, LogError, ReadLimit};
use causeway_storage::log::kafka::topic::{Difference, apply, inspect, plan};
use causeway_storage::log::kafka::{KafkaLog, KafkaLogSettings};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::{Header, Headers as _, Message as _, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};

const PATIENCE: Duration = Duration::from_secs(60);
const PLENTY: ReadLimit = ReadLimit { count_max: 100, bytes_max: 1 << 20 };
const LANE: PartitionId = PartitionId(0);

/// Why the log is not opened.
fn refusal(settings: &KafkaLogSettings) -> String {
    match support::open(settings) {
        Ok(_) => panic!("it was opened"),
        Err(LogError::Unavailable { cause }) => cause,
        Err(error) => panic!("{error}"),
    }
}

fn client(settings: &KafkaLogSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.bootstrap_servers).set("group.id", "test");
    config
}

fn put(log: &KafkaLog, number: u64, body: &[u8]) {
    let (done, answer) = std::sync::mpsc::channel();
    let taken = log.append(envelope(number, body), Box::new(move |result| drop(done.send(result))));
    taken.expect("room");
    answer.recv_timeout(PATIENCE).expect("answered").expect("durable");
}

/// A message as it stands in the topic.
fn stored(settings: &KafkaLogSettings, offset: i64) -> OwnedMessage {
    let consumer: BaseConsumer = client(settings).create().expect("consumer");
    let mut at = TopicPartitionList::new();
    at.add_partition_offset(&settings.topic, 0, KafkaOffset::Offset(offset)).expect("place");
    consumer.assign(&at).expect("assigned");
    let message = consumer.poll(PATIENCE).expect("in time").expect("a message");
    assert_eq!(message.offset(), offset);
    message.detach()
}

/// Writes a message by hand, as another program would.
fn write(settings: &KafkaLogSettings, message: &OwnedMessage, headers: OwnedHeaders, body: &[u8]) {
    let producer: BaseProducer = client(settings).create().expect("producer");
    send(&producer, settings, message, headers, body);
    producer.flush(PATIENCE).expect("written");
}

/// Gives a producer a message with the key and the time of another.
fn send(
    producer: &BaseProducer,
    settings: &KafkaLogSettings,
    message: &OwnedMessage,
    headers: OwnedHeaders,
    body: &[u8],
) {
    let record = BaseRecord::to(&settings.topic)
        .partition(0)
        .key(message.key().expect("a key"))
        .payload(body)
        .timestamp(message.timestamp().to_millis().expect("a time"))
        .headers(headers);
    producer.send(record).map_err(|(error, _)| error).expect("taken");
}

#[test]
fn a_topic_that_does_not_exist_is_not_made_by_asking() {
    let settings = server::settings();
    for _ in 0..2 {
        let cause = refusal(&settings);
        assert!(cause.contains(&settings.topic) && cause.contains("does not exist"), "{cause}");
        assert!(cause.contains("`causeway kafka apply`"), "{cause}");
    }
}

#[test]
fn another_number_of_partitions_is_refused_because_patients_would_move() {
    let settings = KafkaLogSettings { partitions: 3, ..server::settings() };
    support::create(&settings);
    let more = KafkaLogSettings { partitions: 4, ..settings.clone() };
    let cause = refusal(&more);
    assert!(cause.contains("3 partitions and `partitions` is 4") && cause.contains("set `partitions` to 3"), "{cause}");
    // And nothing makes it fit.
    let differences = plan(&more, &inspect(&more).expect("answers"));
    assert_eq!(apply(&more, &differences).expect("answers"), [Difference::Partitions { found: 3, wanted: 4 }]);
    assert!(support::open(&settings).is_ok());
}

#[test]
fn weaker_settings_are_refused_until_they_are_mended_and_others_are_left_alone() {
    let settings = server::settings();
    support::create(&settings);
    let broken = [("retention.ms", "60000"), ("cleanup.policy", "compact"), ("segment.ms", "86400000")];
    let admin: rdkafka::admin::AdminClient<_> = client(&settings).create().expect("admin");
    let specifier = rdkafka::admin::ResourceSpecifier::Topic(&settings.topic);
    let change = rdkafka::admin::AlterConfig { specifier, entries: HashMap::from(broken) };
    let answer = admin.alter_configs([&change], &rdkafka::admin::AdminOptions::new());
    block_on(answer).expect("answers").into_iter().for_each(|altered| drop(altered.expect("altered")));

    let cause = refusal(&settings);
    for name in ["`retention.ms` is 60000 and must be -1", "`cleanup.policy` is compact and must be delete"] {
        assert!(cause.contains(name), "{cause}");
    }
    let differences = plan(&settings, &inspect(&settings).expect("answers"));
    assert!(!differences.is_empty());
    assert_eq!(apply(&settings, &differences).expect("mended"), []);
    assert!(support::open(&settings).is_ok());
    let topic = inspect(&settings).expect("answers").topic.expect("there");
    assert_eq!(topic.settings.get("segment.ms").map(|setting| setting.value.as_str()), Some("86400000"));
}

#[test]
fn too_few_copies_are_refused() {
    let settings = server::settings();
    support::create(&settings);
    let cause = refusal(&KafkaLogSettings { replication: 3, min_isr: 2, ..settings });
    assert!(cause.contains("partition 0 has 1 copies and `replication` wants 3"), "{cause}");
    assert!(cause.contains("`min.insync.replicas` is 1 and must be 2"), "{cause}");
}

#[test]
fn a_message_that_was_altered_is_damage_at_its_place_and_is_not_skipped() {
    let settings = server::settings();
    support::create(&settings);
    let log = support::open(&settings).expect("opens");
    put(&log, 1, b"one");
    let good = stored(&settings, 0);
    let headers = || good.headers().expect("headers").iter();
    let same = || headers().fold(OwnedHeaders::new(), OwnedHeaders::insert);
    // As it was: nothing is wrong with a copy. Then a body that was changed, and one after it that is good.
    write(&settings, &good, same(), b"one");
    write(&settings, &good, same(), b"onf");
    put(&log, 2, b"two");
    // A header that was changed, one that was taken away, and a message that is not ours at all.
    let moved = headers().fold(OwnedHeaders::new(), |all, header| match header.key {
        "causeway_sender" => all.insert(Header { key: header.key, value: Some("LAB|PMH") }),
        _ => all.insert(header),
    });
    write(&settings, &good, moved, b"one");
    let kept = headers().filter(|header| header.key != "ce_subject").fold(OwnedHeaders::new(), OwnedHeaders::insert);
    write(&settings, &good, kept, b"one");
    write(&settings, &good, OwnedHeaders::new(), b"one");

    let read = log.read(LANE, Offset(0), PLENTY, PATIENCE).expect("what stands before the damage");
    assert_eq!(read.len(), 2);
    for offset in [2, 4, 5, 6] {
        let place = Position { partition: LANE, offset: Offset(offset) };
        for _ in 0..2 {
            let told = log.read(LANE, Offset(offset), PLENTY, PATIENCE);
            let Err(LogError::Damaged { partition, offset: at, what }) = told else { panic!("{offset}: {told:?}") };
            assert_eq!((partition, at), (LANE, Offset(offset)));
            assert!(what.contains("checksum") && !what.contains("one"), "{what}");
        }
        assert!(matches!(log.entry(place), Err(LogError::Damaged { .. })), "{offset}");
    }
    assert_eq!(log.read(LANE, Offset(3), PLENTY, PATIENCE).expect("good").len(), 1, "and after it reading goes on");
    let told = log.verify();
    assert!(matches!(told, Err(LogError::Damaged { offset: Offset(2), .. })), "{told:?}");
}

#[test]
fn an_offset_without_a_message_is_damage_and_is_not_skipped() {
    let settings = server::settings();
    support::create(&settings);
    let log = support::open(&settings).expect("opens");
    put(&log, 1, b"one");
    let good = stored(&settings, 0);
    // The end of a transaction takes an offset that no reader gets: to us the same as a message that is gone.
    let mut config = client(&settings);
    let producer: BaseProducer = config.set("transactional.id", &settings.topic).create().expect("producer");
    producer.init_transactions(PATIENCE).expect("ready");
    producer.begin_transaction().expect("begun");
    let same = good.headers().expect("headers").iter().fold(OwnedHeaders::new(), OwnedHeaders::insert);
    send(&producer, &settings, &good, same, b"one");
    producer.commit_transaction(PATIENCE).expect("committed");
    // The mark of its end is written a little after the answer.
    let (end, deadline) = (|| log.state().expect("state").first().map(|lane| lane.end), Instant::now() + PATIENCE);
    while end() != Some(Offset(3)) {
        assert!(Instant::now() < deadline, "the transaction ends");
    }
    put(&log, 2, b"two");
    assert_eq!(end(), Some(Offset(4)));

    assert_eq!(log.read(LANE, Offset(0), PLENTY, PATIENCE).expect("what stands before").len(), 2);
    let told = log.read(LANE, Offset(2), PLENTY, PATIENCE);
    assert!(matches!(told, Err(LogError::Damaged { offset: Offset(2), .. })), "{told:?}");
    assert!(matches!(log.verify(), Err(LogError::Damaged { offset: Offset(2), .. })));
    assert_eq!(log.read(LANE, Offset(3), PLENTY, PATIENCE).expect("good").len(), 1);
}

#[test]
fn what_was_given_up_is_not_read_from_what_a_reader_held_ready() {
    let settings = server::settings();
    support::create(&settings);
    let log = support::open(&settings).expect("opens");
    (0..5).for_each(|number| put(&log, number, b"x"));
    let one = ReadLimit { count_max: 1, ..PLENTY };
    assert_eq!(log.read(LANE, Offset(0), one, PATIENCE).expect("read").len(), 1);
    let processed = Position { partition: LANE, offset: Offset(4) };
    assert_eq!(log.prune(jiff::Timestamp::MAX, &[processed]).expect("prune"), 4);
    let gone = log.read(LANE, Offset(1), PLENTY, PATIENCE);
    assert!(matches!(gone, Err(LogError::OutOfRange { .. })), "{gone:?}");
    assert_eq!(log.read(LANE, Offset(4), PLENTY, PATIENCE).expect("read").len(), 1);
}

#[test]
fn a_log_opened_for_reading_reads_and_refuses_the_rest() {
    let settings = server::settings();
    support::create(&settings);
    put(&support::open(&settings).expect("opens"), 1, b"one");
    let log = KafkaLog::open_read_only(&settings).expect("opens");
    assert_eq!(log.verify().map_err(|error| error.to_string()), Ok(1));
    assert!(log.size_bytes().expect("an estimate") > 0);
    assert!(matches!(log.append(envelope(2, b"two"), Box::new(|_| ())), Err(LogError::Unavailable { .. })));
    assert!(matches!(log.prune(jiff::Timestamp::MAX, &[]), Err(LogError::Unavailable { .. })));
}

/// Waits for the administration's answer.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        assert!(Instant::now() < deadline, "the brokers answer");
        std::thread::yield_now();
    }
}
