//! What a real broker cannot be made to answer, by librdkafka's own cluster of mocks: refusals that last, and those
//! that pass.

use std::sync::mpsc::{Receiver, channel};

use causeway_core::contract::log::{PATIENCE, envelope};
use causeway_core::metric::Silent;
use causeway_core::port::Freshness;
use jiff::Timestamp;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

use super::*;

const TOPIC: &str = "mocked";

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

type Answer = Receiver<Result<Appended, LogError>>;

/// A producer at a cluster of mocks, and what it halted with.
struct World {
    producing: Producing,
    halted: Receiver<String>,
    cluster: MockCluster<'static, DefaultProducerContext>,
}

/// `prepare` tells the cluster what to answer before the producer speaks to it.
fn world(queue_max: usize, prepare: impl Fn(&MockCluster<'static, DefaultProducerContext>)) -> World {
    let cluster = MockCluster::new(1).expect("a cluster");
    cluster.create_topic(TOPIC, 1, 1).expect("a topic");
    prepare(&cluster);
    let settings = KafkaLogSettings {
        bootstrap_servers: cluster.bootstrap_servers(),
        topic: TOPIC.to_owned(),
        partitions: 1,
        queue_max,
        delivery_timeout: Duration::from_secs(2),
        ..KafkaLogSettings::default()
    };
    let (halt, halted) = channel();
    let halt: Halt = Arc::new(move |error: &LogError| drop(halt.send(error.to_string())));
    let producing = Producing::start(&settings, Arc::new(Still), Arc::new(Silent), halt, Arc::default());
    World { producing: producing.expect("starts"), halted, cluster }
}

fn send(producing: &Producing, number: u64) -> Result<Answer, LogError> {
    let (done, answer) = channel();
    producing.append(&envelope(number, b"one"), Box::new(move |result| drop(done.send(result))))?;
    Ok(answer)
}

fn receive(answer: &Answer) -> Result<Appended, LogError> {
    answer.recv_timeout(PATIENCE).expect("every append that was taken is answered")
}

#[test]
fn a_producer_that_may_not_be_idempotent_halts_the_process_once_and_takes_no_more() {
    let refusal = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED; 20];
    let world = world(10, |cluster| cluster.request_errors(RDKafkaApiKey::InitProducerId, &refusal));
    // Refused at once or answered later, depending on who is faster; never a yes.
    if let Ok(answer) = send(&world.producing, 1) {
        let told = receive(&answer);
        assert!(matches!(told, Err(LogError::Sync { .. } | LogError::Unavailable { .. })), "{told:?}");
    }
    let told = world.halted.recv_timeout(PATIENCE).expect("the process is halted");
    assert!(told.contains("could not be made durable"), "{told}");
    let refused = send(&world.producing, 2);
    assert!(matches!(refused, Err(LogError::Sync { .. })), "{refused:?}");
    world.producing.close();
    assert!(world.halted.try_recv().is_err(), "once");
}

#[test]
fn a_refusal_that_passes_is_tried_again_and_stored_once() {
    let passing = [
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    ];
    let world = world(10, |cluster| cluster.request_errors(RDKafkaApiKey::Produce, &passing));
    let answer = receive(&send(&world.producing, 1).expect("taken")).expect("durable in the end");
    assert_eq!((answer.position.offset, answer.freshness), (Offset(0), Freshness::New));
    let answer = receive(&send(&world.producing, 2).expect("taken")).expect("durable");
    assert_eq!(answer.position.offset, Offset(1), "the first is there once");
    assert!(world.halted.try_recv().is_err());
}

#[test]
fn a_message_the_broker_may_have_written_is_answered_with_no() {
    let world = world(10, |_| ());
    receive(&send(&world.producing, 1).expect("taken")).expect("durable");
    // Written or not, the answer comes too late.
    world.cluster.broker_round_trip_time(1, Duration::from_secs(30)).expect("slow");
    let told = receive(&send(&world.producing, 2).expect("taken"));
    assert!(matches!(told, Err(LogError::Unavailable { .. })), "{told:?}");
    world.cluster.broker_round_trip_time(1, Duration::ZERO).expect("quick");
}

#[test]
fn what_is_on_its_way_is_bounded_and_is_answered_before_the_end() {
    let world = world(3, |cluster| cluster.broker_down(1).expect("down"));
    let sent: Vec<_> = (0..3).map(|number| send(&world.producing, number).expect("room")).collect();
    let refused = send(&world.producing, 3);
    assert!(matches!(refused, Err(LogError::Busy)), "{refused:?}");
    world.producing.close();
    for answer in sent {
        let told = answer.try_recv().expect("answered before `close` came back");
        assert!(matches!(told, Err(LogError::Unavailable { .. })), "{told:?}");
    }
    assert!(matches!(send(&world.producing, 4), Err(LogError::Closed)));
}

#[test]
fn a_completion_that_panics_ends_the_process_instead_of_leaving_everyone_without_an_answer() {
    let world = world(10, |_| ());
    let taken = world.producing.append(&envelope(1, b"one"), Box::new(|_| panic!("planted")));
    taken.expect("taken");
    let told = world.halted.recv_timeout(PATIENCE).expect("the process is halted");
    assert!(told.contains("the thread of the log panicked"), "{told}");
    assert!(matches!(send(&world.producing, 2), Err(LogError::Sync { .. })));
}
