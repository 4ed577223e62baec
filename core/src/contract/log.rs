//! The contract of the log port: what every engine promises, as tests that know no engine.
//!
//! An engine's test file says `causeway_core::log_contract!(new)`, where `new` is a `fn(&Needs) -> Box<dyn Subject>`
//! that makes a fresh, empty log each time.

#![expect(clippy::expect_used, reason = "a contract suite is test code: what does not hold must fail loudly")]

mod keeping;
mod limits;
mod reading;
mod sameness;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::envelope::{Digest, Envelope, FeedName, Format, Offset, PartitionId, TraceId};
use crate::phi::Phi;
use crate::port::{Appended, Entry, Log, LogError, ReadLimit};

pub use self::keeping::{
    a_completed_append_is_there_after_reopening, bodies_and_headers_come_back_as_they_were,
    everything_held_is_verified_and_counted, messages_of_one_patient_keep_their_order,
    offsets_begin_at_zero_and_have_no_gap,
};
pub use self::limits::{
    a_full_queue_answers_busy_and_loses_nothing, an_envelope_at_the_limit_is_taken_and_one_above_it_refused,
    nothing_is_pruned_before_it_is_processed, pruned_offsets_are_out_of_range_and_the_rest_still_verifies,
    young_entries_are_not_pruned,
};
pub use self::reading::{
    a_read_stops_at_its_limits_but_gives_at_least_one_entry, a_reader_that_waits_in_vain_gets_nothing,
    a_reader_that_waits_is_woken_by_an_append, one_entry_is_read_by_its_position,
    places_that_are_not_held_are_out_of_range,
};
pub use self::sameness::{
    a_control_id_used_for_other_bytes_is_stored_and_flagged, a_pruned_entry_is_no_longer_known,
    a_refused_and_an_accepted_copy_are_two_entries, a_resend_gets_the_first_position_and_is_stored_once,
    a_resend_is_known_after_reopening, a_resend_within_one_burst_is_stored_once,
    another_feed_or_sender_may_use_the_same_control_id, without_a_control_id_only_the_bytes_tell,
};

/// How long anything may take before the test calls it stuck.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a test asks of the log it is given.
#[derive(Debug, Clone)]
pub struct Needs {
    /// Its partitions.
    pub partitions: u16,
    /// Envelopes that may wait.
    pub queue_max: usize,
    /// The largest envelope, in bytes.
    pub entry_bytes_max: usize,
    /// How long processed entries are kept.
    pub retention_age: Duration,
}

impl Default for Needs {
    fn default() -> Self {
        Self { partitions: 4, queue_max: 4096, entry_bytes_max: 1 << 20, retention_age: Duration::from_hours(30 * 24) }
    }
}

/// A log under test.
pub trait Subject {
    /// Opens it. Called again only after what the call before gave was dropped; it is the same log then.
    fn open(&self) -> Arc<dyn Log>;
}

/// Makes a fresh, empty log.
pub type New = fn(&Needs) -> Box<dyn Subject>;

/// Makes the tests of the contract for one engine.
#[macro_export]
macro_rules! log_contract {
    ($new:path) => {
        $crate::log_contract!(
            @tests $new,
            offsets_begin_at_zero_and_have_no_gap,
            messages_of_one_patient_keep_their_order,
            a_completed_append_is_there_after_reopening,
            bodies_and_headers_come_back_as_they_were,
            everything_held_is_verified_and_counted,
            a_resend_gets_the_first_position_and_is_stored_once,
            a_resend_within_one_burst_is_stored_once,
            a_resend_is_known_after_reopening,
            a_control_id_used_for_other_bytes_is_stored_and_flagged,
            another_feed_or_sender_may_use_the_same_control_id,
            a_refused_and_an_accepted_copy_are_two_entries,
            without_a_control_id_only_the_bytes_tell,
            a_pruned_entry_is_no_longer_known,
            a_reader_that_waits_is_woken_by_an_append,
            a_reader_that_waits_in_vain_gets_nothing,
            a_read_stops_at_its_limits_but_gives_at_least_one_entry,
            one_entry_is_read_by_its_position,
            places_that_are_not_held_are_out_of_range,
            an_envelope_at_the_limit_is_taken_and_one_above_it_refused,
            a_full_queue_answers_busy_and_loses_nothing,
            nothing_is_pruned_before_it_is_processed,
            young_entries_are_not_pruned,
            pruned_offsets_are_out_of_range_and_the_rest_still_verifies,
        );
    };
    (@tests $new:path, $($name:ident,)+) => {
        $(#[test] fn $name() { $crate::contract::log::$name($new); })+
    };
}

/// A fresh log, and what must outlive it.
fn fresh(new: New, needs: &Needs) -> (Box<dyn Subject>, Arc<dyn Log>) {
    let subject = new(needs);
    let log = subject.open();
    (subject, log)
}

/// An envelope whose trace, control id and patient follow from `number`; `body` is up to the test.
pub fn envelope(number: u64, body: &[u8]) -> Envelope {
    let received_at = i64::try_from(number).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    Envelope {
        trace: TraceId(Uuid::from_u128(u128::from(number))),
        feed: feed("lab"),
        format: Format::Hl7v2,
        sender: "LAB|QMH".to_owned(),
        control_id: format!("M{number}"),
        kind: "ORU^R01".to_owned(),
        patient_key: Phi::new(format!("QMH|H{}", number % 50)),
        received_at: received_at.expect("a test's number is a time"),
        digest: Digest::of(body),
        refusal: None,
        body: Phi::new(Arc::from(body)),
    }
}

/// A feed's name.
fn feed(name: &str) -> FeedName {
    FeedName::parse(name).expect("a test's feed has a name")
}

/// Gets the answer to one append.
type Answer = Receiver<Result<Appended, LogError>>;

/// Appends without waiting.
fn send(log: &dyn Log, envelope: Envelope) -> Result<Answer, LogError> {
    let (done, answer) = channel();
    // Whether the test still listens is none of the log's business.
    log.append(envelope, Box::new(move |result| drop(done.send(result))))?;
    Ok(answer)
}

/// Waits for an answer.
fn receive(answer: &Answer) -> Result<Appended, LogError> {
    answer.recv_timeout(PATIENCE).expect("every append that was taken is answered")
}

/// Appends and waits until it is durable.
fn put(log: &dyn Log, envelope: Envelope) -> Appended {
    receive(&send(log, envelope).expect("the queue has room")).expect("the append succeeds")
}

/// Appends envelopes with these numbers, all at once, and waits for all.
fn put_all(log: &dyn Log, numbers: std::ops::Range<u64>) -> Vec<Appended> {
    let sent: Vec<_> = numbers
        .map(|number| send(log, envelope(number, number.to_string().as_bytes())).expect("the queue has room"))
        .collect();
    sent.iter().map(|answer| receive(answer).expect("the append succeeds")).collect()
}

/// Reads all that a partition holds.
fn read_all(log: &dyn Log, partition: PartitionId) -> Vec<Entry> {
    let state = log.state().expect("state");
    let lane = state.iter().find(|lane| lane.partition == partition).expect("the partition is there");
    let (mut at, mut entries) = (lane.first, Vec::new());
    while at < lane.end {
        let limit = ReadLimit { count_max: 100, bytes_max: 1 << 20 };
        let batch = log.read(partition, at, limit, PATIENCE).expect("what is held can be read");
        at = batch.last().expect("what is held is given").position.offset.next();
        entries.extend(batch);
    }
    entries
}

/// Reads all that is held.
fn read_everything(log: &dyn Log) -> Vec<Entry> {
    (0..log.partitions()).flat_map(|partition| read_all(log, PartitionId(partition))).collect()
}

/// How many entries are held.
fn held(log: &dyn Log) -> u64 {
    let state = log.state().expect("state");
    state.iter().map(|lane| lane.end.0 - lane.first.0).sum()
}

/// One partition, for tests that look at one lane.
fn one_lane() -> Needs {
    Needs { partitions: 1, ..Needs::default() }
}

/// The first lane.
const LANE: PartitionId = PartitionId(0);

/// Its place.
const fn at(offset: u64) -> crate::envelope::Position {
    crate::envelope::Position { partition: LANE, offset: Offset(offset) }
}
