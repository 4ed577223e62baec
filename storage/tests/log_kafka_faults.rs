//! Brokers that hang, die and come back: what was acknowledged is there, once and in order, and nothing is
//! acknowledged that may not be.

#![cfg(feature = "kafka")]
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails loudly")]

#[path = "log_kafka/broker.rs"]
mod broker;
#[path = "log/reading.rs"]
mod reading;
#[path = "log_kafka/support.rs"]
mod support;
#[cfg(feature = "kafka-tls")]
#[path = "log_kafka/tls.rs"]
mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use causeway_core::contract::log::envelope;
use causeway_core::envelope::Position;
use causeway_core::port::{Appended, Log, LogError};
use causeway_storage::log::kafka::{KafkaLog, KafkaLogSettings};

use self::broker::Brokers;

/// How long the brokers have to acknowledge.
const DELIVERY: Duration = Duration::from_secs(3);
/// What may pass beyond that until the answer: librdkafka looks for expired messages once a second.
const SLACK: Duration = Duration::from_secs(4);
/// How long anything else may take before it is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

type Answer = Receiver<Result<Appended, LogError>>;

/// A log, and what it acknowledged.
struct Journal {
    log: Arc<KafkaLog>,
    next: u64,
    acknowledged: BTreeMap<u64, Position>,
}

impl Journal {
    fn of(log: Arc<KafkaLog>) -> Self {
        Self { log, next: 0, acknowledged: BTreeMap::new() }
    }

    /// Appends so many at once.
    fn send(&mut self, count: u64) -> Vec<(u64, Answer)> {
        let numbers = self.next..self.next + count;
        self.next = numbers.end;
        numbers.map(|number| (number, self.append(number))).collect()
    }

    fn append(&self, number: u64) -> Answer {
        let (done, answer) = channel();
        let envelope = envelope(number, number.to_string().as_bytes());
        self.log.append(envelope, Box::new(move |result| drop(done.send(result)))).expect("room");
        answer
    }

    /// Waits for the answers, and says how many were good. Each comes in time and is good or `Unavailable`.
    fn receive(&mut self, sent: Vec<(u64, Answer)>) -> usize {
        let (count, deadline) = (sent.len(), Instant::now() + DELIVERY + SLACK);
        let mut failed = 0;
        for (number, answer) in sent {
            let left = deadline.saturating_duration_since(Instant::now());
            match answer.recv_timeout(left).expect("the answer comes within the delivery timeout") {
                Ok(appended) => drop(self.acknowledged.insert(number, appended.position)),
                Err(LogError::Unavailable { .. }) => failed += 1,
                Err(error) => panic!("{number}: {error}"),
            }
        }
        count - failed
    }

    /// Appends until one is acknowledged. An append that fails takes its time by itself.
    fn until_it_goes_on(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let sent = self.send(1);
            if self.receive(sent) == 1 {
                return;
            }
            assert!(Instant::now() < deadline, "it goes on when the brokers are back");
        }
    }

    /// All that was acknowledged stands where it was said to stand; nothing stands twice, and what is there was sent.
    fn check(&self) {
        let entries = patiently(|| reading::read_everything(&*self.log));
        let mut found = BTreeMap::new();
        for entry in entries {
            let text = String::from_utf8_lossy(entry.envelope.body.expose()).into_owned();
            let number: u64 = text.parse().expect("a body of ours");
            assert!(number < self.next);
            let before = found.insert(number, entry.position);
            assert_eq!(before, None, "{number} stands twice");
        }
        for (number, position) in &self.acknowledged {
            assert_eq!(found.get(number), Some(position), "{number} was acknowledged");
        }
        let held = u64::try_from(found.len()).expect("count");
        assert_eq!(patiently(|| self.log.verify()), held);
    }
}

/// Tries again while the brokers choose a new leader.
fn patiently<T>(work: impl Fn() -> Result<T, LogError>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match work() {
            Ok(done) => return done,
            Err(LogError::Unavailable { .. }) if Instant::now() < deadline => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn settings(brokers: &Brokers, copies: (u16, u16)) -> KafkaLogSettings {
    let (replication, min_isr) = copies;
    let settings = KafkaLogSettings {
        partitions: 2,
        replication,
        min_isr,
        delivery_timeout: DELIVERY,
        ..support::settings_at(brokers.bootstrap())
    };
    support::create(&settings);
    settings
}

#[test]
fn a_broker_that_hangs_is_answered_in_time_and_never_with_a_false_yes() {
    let brokers = Brokers::start(1, &[]);
    let mut journal = Journal::of(support::open(&settings(&brokers, (1, 1))).expect("the log opens"));
    let sent = journal.send(50);
    assert_eq!(journal.receive(sent), 50);
    brokers.signal(1, "STOP");
    let sent = journal.send(20);
    assert_eq!(journal.receive(sent), 0, "nobody can have acknowledged them");
    let read = journal.log.state();
    assert!(matches!(read, Err(LogError::Unavailable { .. })), "{read:?}");
    brokers.signal(1, "CONT");
    journal.until_it_goes_on();
    let sent = journal.send(50);
    assert_eq!(journal.receive(sent), 50);
    journal.check();
}

#[test]
fn a_broker_that_was_killed_comes_back_with_all_that_was_acknowledged() {
    let brokers = Brokers::start(1, &[]);
    let settings = settings(&brokers, (1, 1));
    let mut journal = Journal::of(support::open(&settings).expect("the log opens"));
    let sent = journal.send(200);
    // In the middle of it: some may have been acknowledged, some not.
    brokers.signal(1, "KILL");
    journal.receive(sent);
    let sent = journal.send(5);
    assert_eq!(journal.receive(sent), 0, "there is nobody");
    let refused = support::open(&KafkaLogSettings { read_timeout: Duration::from_secs(1), ..settings });
    let cause = refused.expect_err("no broker").to_string();
    assert!(cause.contains("no broker answers at") && cause.contains(&brokers.bootstrap()), "{cause}");
    brokers.start_again(1);
    journal.until_it_goes_on();
    let sent = journal.send(50);
    assert_eq!(journal.receive(sent), 50);
    journal.check();
}

#[test]
fn of_three_brokers_one_may_die_and_with_two_dead_nothing_is_acknowledged() {
    let brokers = Brokers::start(3, &[]);
    let mut journal = Journal::of(support::open(&settings(&brokers, (3, 2))).expect("the log opens"));
    let sent = journal.send(100);
    assert_eq!(journal.receive(sent), 100);
    brokers.signal(1, "KILL");
    journal.until_it_goes_on();
    let sent = journal.send(50);
    journal.receive(sent);
    journal.check();
    brokers.signal(2, "KILL");
    let sent = journal.send(20);
    assert_eq!(journal.receive(sent), 0, "one copy is not two");
    brokers.start_again(1);
    brokers.start_again(2);
    journal.until_it_goes_on();
    journal.check();
}
