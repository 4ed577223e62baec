//! A step, and a run of steps.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use causeway_core::disposition::Disposition;
use causeway_core::envelope::{Envelope, Format, Offset, PartitionId, Position};
use causeway_core::outcome::State;
use causeway_core::port::{
    Clock as _, Completion, Entry, Log, LogError, PartitionState, ReadLimit, RedoMode, Repository as _, RepositoryError,
};
use causeway_core::reason::Reason;
use jiff::Timestamp;

use super::hub::{Hub, LANE, actor, at, lab};
use crate::{Lag, RouterError, Selection, Step};

#[test]
fn every_message_of_a_batch_has_its_outcome_and_one_that_breaks_the_mapper_stops_nobody() {
    let mut hub = Hub::new();
    let person = hub.participant("A1234563");
    let accepted = hub.receive(&lab("A1234563", "F-1", 2, 0, "5.8"));
    let panics = hub.receive(&serde_json::json!({ "panic": true }));
    let stranger = hub.receive(&lab("L1234563", "F-2", 2, 0, "6.1"));
    let faulty = hub.receive(&serde_json::json!({ "fault": true }));
    let refused = hub.receive_refused(&lab("A1234563", "F-3", 2, 0, "7.0"), Reason::UnsupportedType);
    let last = hub.receive(&lab("A1234563", "F-4", 2, 0, "4.4"));

    assert_eq!(hub.router.step(LANE).expect("a step"), Step::Committed(6));

    assert_eq!(hub.ended(accepted), (State::Accepted, None));
    assert_eq!(hub.ended(panics), (State::Held, Some(Reason::Unmappable)));
    assert_eq!(hub.ended(stranger), (State::Withheld, Some(Reason::NotRegistered)));
    assert_eq!(hub.ended(faulty), (State::Held, Some(Reason::Unmappable)));
    assert_eq!(hub.ended(refused), (State::Rejected, Some(Reason::UnsupportedType)));
    assert_eq!(hub.ended(last), (State::Accepted, None));
    let key = |name: &str| format!("Observation/1000000001/{name}");
    assert_eq!(hub.values(person), [(key("F-1"), "5.8".to_owned()), (key("F-4"), "4.4".to_owned())]);
    assert_eq!(hub.store.next_offset(LANE).expect("readable"), Offset(6));
    assert_eq!(hub.router.step(LANE).expect("a step"), Step::Idle);

    let told = hub.told.0.lock().expect("no panic");
    let told: Vec<_> = told.iter().map(|settled| (settled.position.offset.0, settled.state)).collect();
    let expected =
        [(0, State::Accepted), (1, State::Held), (2, State::Withheld), (3, State::Held), (5, State::Accepted)];
    assert_eq!(told, expected, "what the door refused is not told again");
}

#[test]
fn a_batch_is_bounded_and_the_next_step_goes_on_behind_it() {
    let mut hub = Hub::new();
    hub.router.settings.batch.count_max = 2;
    let messages: Vec<_> = (0..5).map(|i| hub.receive(&lab("A1234563", &format!("F-{i}"), 2, 0, "1"))).collect();
    let steps: Vec<_> = (0..4).map(|_| hub.router.step(LANE).expect("a step")).collect();
    assert_eq!(steps, [Step::Committed(2), Step::Committed(2), Step::Committed(1), Step::Idle]);
    assert_eq!(hub.messages().len(), messages.len());
}

#[test]
fn a_record_version_carries_its_place_in_the_log() {
    let mut hub = Hub::new();
    let person = hub.participant("A1234563");
    // Two messages of one second: the one sent later wins, by its place alone.
    let first = hub.receive(&lab("A1234563", "F-1", 2, 7, "first"));
    hub.receive(&lab("A1234563", "F-1", 2, 7, "second"));
    hub.process();
    let seen = [("Observation/1000000001/F-1".to_owned(), "second".to_owned())];
    assert_eq!(hub.values(person), seen);
    hub.router.replay(Selection::Positions(vec![first]), RedoMode::Commit, &actor()).expect("done");
    assert_eq!(hub.values(person), seen, "also when the first is run again");
}

#[test]
fn a_worker_that_was_overtaken_stores_nothing_and_has_to_stop() {
    let mut hub = Hub::new();
    hub.participant("A1234563");
    hub.receive(&lab("A1234563", "F-1", 2, 0, "5.8"));
    // Another worker of the same partition takes the batch between this one's read and its commit.
    let other = Arc::new(Mutex::new(Some(crate::Router {
        log: hub.router.log.clone(),
        map: hub.router.map.clone(),
        repository: hub.router.repository.clone(),
        blobs: hub.router.blobs.clone(),
        clock: hub.router.clock.clone(),
        metrics: hub.router.metrics.clone(),
        settlement: hub.router.settlement.clone(),
        feeds: hub.router.feeds.clone(),
        pause: hub.router.pause.clone(),
        settings: hub.router.settings,
    })));
    let overtake = move || {
        if let Some(other) = other.lock().expect("no panic").take() {
            assert_eq!(other.step(LANE).expect("a step"), Step::Committed(1));
        }
        Ok(())
    };
    hub.router.log = Arc::new(Between { log: hub.log.clone(), after_read: Box::new(overtake) });
    let error = hub.router.run(LANE, &AtomicBool::new(false)).expect_err("fenced");
    assert!(matches!(error, RouterError::Repository(RepositoryError::Fenced { found: Offset(1), .. })), "{error}");
    assert_eq!(error.disposition(), Disposition::Halt);
    assert_eq!(hub.messages().len(), 1);
    assert_eq!(hub.told.0.lock().expect("no panic").len(), 1, "told by the one that committed");
}

#[test]
fn images_that_have_just_come_are_given_a_moment_to_be_more_and_nothing_else_is() {
    let mut hub = Hub::new();
    let image = |name: &str| lab("A1234563", name, 2, 0, "1");
    hub.format = Format::Dicom;
    hub.receive(&image("I-1"));
    let (log, second) = (hub.log.clone(), hub.envelope(image("I-2").to_string().into_bytes(), None));
    let coming = Mutex::new(Some(second));
    hub.router.pause = Arc::new(move |pause| {
        assert_eq!(pause, Duration::from_millis(150));
        let (done, durable) = mpsc::channel();
        let second = coming.lock().expect("no panic").take().expect("one pause a step");
        log.append(second, Box::new(move |result| drop(done.send(result)))).expect("taken");
        durable.recv_timeout(Duration::from_secs(30)).expect("answered").expect("durable");
    });
    assert_eq!(hub.router.step(LANE).expect("a step"), Step::Committed(2), "both in one");

    hub.router.pause = Arc::new(|_| panic!("nothing to wait for"));
    hub.receive(&image("I-3"));
    hub.clock.forward(1);
    assert_eq!(hub.router.step(LANE).expect("a step"), Step::Committed(1), "it came a second ago");
    hub.receive(&image("I-4"));
    hub.format = Format::Hl7v2;
    hub.receive(&image("F-5"));
    assert_eq!(hub.router.step(LANE).expect("a step"), Step::Committed(2), "a message waits for no image");
}

#[test]
fn errors_that_may_pass_are_tried_again_after_longer_and_longer_pauses_up_to_a_bound() {
    let mut hub = Hub::new();
    let position = hub.receive(&lab("A1234563", "F-1", 2, 0, "5.8"));
    let (stop, reads, pauses) = (Arc::new(AtomicBool::new(false)), AtomicU32::new(0), Arc::new(Mutex::new(Vec::new())));
    let stopping = stop.clone();
    let unavailable = move || match reads.fetch_add(1, Ordering::SeqCst) {
        0..5 | 6..8 => Err(LogError::Unavailable { cause: "as told".to_owned() }),
        5 => Ok(()),
        _ => {
            stopping.store(true, Ordering::Release);
            Ok(())
        }
    };
    hub.router.log = Arc::new(Between { log: hub.log.clone(), after_read: Box::new(unavailable) });
    let noted = pauses.clone();
    hub.router.pause = Arc::new(move |pause| noted.lock().expect("no panic").push(pause));
    hub.router.settings.retry_first = Duration::from_millis(50);
    hub.router.settings.retry_max = Duration::from_millis(300);
    hub.router.run(LANE, &stop).expect("stopped, not failed");
    let pauses: Vec<u128> = pauses.lock().expect("no panic").iter().map(Duration::as_millis).collect();
    assert_eq!(pauses, [50, 100, 200, 300, 300, 50, 100], "from the beginning after a success");
    assert_eq!(hub.ended(position).0, State::Withheld);
}

#[test]
fn a_log_that_lacks_what_comes_next_stops_the_router() {
    let mut hub = Hub::new();
    hub.receive(&lab("A1234563", "F-1", 2, 0, "5.8"));
    let gone = || Err(LogError::OutOfRange { position: at(0) });
    hub.router.log = Arc::new(Between { log: hub.log.clone(), after_read: Box::new(gone) });
    let error = hub.router.run(LANE, &AtomicBool::new(false)).expect_err("acknowledged messages would be skipped");
    assert_eq!(error.disposition(), Disposition::Halt);
}

#[test]
fn the_lag_is_what_is_logged_and_not_processed_and_the_age_of_the_oldest() {
    let mut hub = Hub::new();
    assert_eq!(hub.router.lag().expect("readable"), Lag::default());
    hub.receive(&lab("A1234563", "F-1", 2, 0, "1"));
    hub.process();
    let oldest = hub.clock.now();
    hub.receive(&lab("A1234563", "F-2", 2, 0, "2"));
    hub.clock.forward(30);
    hub.receive(&lab("A1234563", "F-3", 2, 0, "3"));
    assert_eq!(hub.router.lag().expect("readable"), Lag { messages: 2, oldest: Some(oldest) });
}

/// The real log, with something happening after each read.
struct Between<F> {
    log: Arc<causeway_storage::log::embedded::EmbeddedLog>,
    after_read: Box<F>,
}

impl<F: Fn() -> Result<(), LogError> + Send + Sync> Log for Between<F> {
    fn append(&self, envelope: Envelope, done: Completion) -> Result<(), LogError> {
        self.log.append(envelope, done)
    }

    fn read(
        &self,
        partition: PartitionId,
        from: Offset,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Vec<Entry>, LogError> {
        let entries = self.log.read(partition, from, limit, wait)?;
        (self.after_read)()?;
        Ok(entries)
    }

    fn entry(&self, position: Position) -> Result<Entry, LogError> {
        self.log.entry(position)
    }

    fn partitions(&self) -> u16 {
        self.log.partitions()
    }

    fn state(&self) -> Result<Vec<PartitionState>, LogError> {
        self.log.state()
    }

    fn size_bytes(&self) -> Result<u64, LogError> {
        self.log.size_bytes()
    }

    fn prune(&self, now: Timestamp, processed: &[Position]) -> Result<u64, LogError> {
        self.log.prune(now, processed)
    }

    fn verify(&self) -> Result<u64, LogError> {
        self.log.verify()
    }
}
