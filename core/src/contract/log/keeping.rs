//! What is kept, and in which order.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use uuid::Uuid;

use super::{
    LANE, Needs, New, envelope, fresh, held, one_lane, put, put_all, read_all, read_everything, receive, send,
};
use crate::envelope::{Digest, Envelope, FeedName, Format, Offset, Refusal, TraceId};
use crate::phi::Phi;
use crate::port::{Appended, Freshness};
use crate::reason::Reason;

/// Each partition counts from 0 without a gap, and an envelope stands in the partition of its patient.
pub fn offsets_begin_at_zero_and_have_no_gap(new: New) {
    let (_subject, log) = fresh(new, &Needs::default());
    let appended = put_all(&*log, 0..500);
    let mut next = vec![0; usize::from(log.partitions())];
    for (number, Appended { position, freshness }) in (0_u64..).zip(appended) {
        assert_eq!(freshness, Freshness::New);
        assert_eq!(position.partition, envelope(number, b"").partition(log.partitions()));
        let next = next.get_mut(usize::from(position.partition.0)).expect("a partition that exists");
        assert_eq!(position.offset, Offset(*next));
        *next += 1;
    }
    assert!(next.iter().all(|count| *count > 0), "fifty patients reach every lane: {next:?}");
    for lane in log.state().expect("state") {
        assert_eq!(lane.first, Offset(0));
        assert_eq!(Some(&lane.end.0), next.get(usize::from(lane.partition.0)));
    }
}

/// Promise 2: what one sender queues one after the other for one patient is read in that order, whatever others do.
pub fn messages_of_one_patient_keep_their_order(new: New) {
    const SENDERS: u64 = 8;
    const EACH: u64 = 200;
    let (_subject, log) = fresh(new, &Needs::default());
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            let log = &log;
            scope.spawn(move || {
                let numbers = sender * EACH..(sender + 1) * EACH;
                let sent: Vec<_> =
                    numbers.map(|number| send(&**log, of_sender(sender, number)).expect("room")).collect();
                assert!(sent.iter().all(|answer| receive(answer).is_ok()));
            });
        }
    });
    let mut last = BTreeMap::new();
    for entry in read_everything(&*log) {
        let number = entry.envelope.received_at;
        let patient = entry.envelope.patient_key.expose().clone();
        let before = last.insert((entry.envelope.sender.clone(), patient), number);
        assert!(before.is_none_or(|before| before < number), "{before:?} before {number:?}");
    }
    assert_eq!(held(&*log), SENDERS * EACH);
}

/// An envelope of one of several senders.
fn of_sender(sender: u64, number: u64) -> Envelope {
    Envelope { sender: format!("LAB{sender}|QMH"), ..envelope(number, number.to_string().as_bytes()) }
}

/// Promise 1: the completion says durable. What was completed is there when the log is opened again, and it goes on
/// from there.
pub fn a_completed_append_is_there_after_reopening(new: New) {
    let subject = new(&Needs::default());
    let mut expected = Vec::new();
    for round in 0..3 {
        let log = subject.open();
        let found: Vec<_> = read_everything(&*log).into_iter().map(|entry| entry.envelope.control_id).collect();
        assert_eq!(found.len(), expected.len());
        assert!(expected.iter().all(|control_id| found.contains(control_id)));
        let numbers = round * 40..(round + 1) * 40;
        expected.extend(numbers.clone().map(|number| format!("M{number}")));
        put_all(&*log, numbers);
    }
    let log = subject.open();
    assert_eq!(held(&*log), 120);
    let ends: u64 = log.state().expect("state").iter().map(|lane| lane.end.0).sum();
    assert_eq!(ends, 120, "offsets went on where they had stopped");
}

/// Promise 5: bytes and header come back as they were, whatever they are.
pub fn bodies_and_headers_come_back_as_they_were(new: New) {
    let subject = new(&one_lane());
    let log = subject.open();
    let appended = RefCell::new(Vec::new());
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&any_envelope(), |envelope| {
        let answer = put(&*log, envelope.clone());
        prop_assert!(answer.freshness != Freshness::Resent, "a trace id in the control id makes each unique");
        let entry = log.entry(answer.position).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&entry.envelope, &envelope);
        prop_assert_eq!(entry.position, answer.position);
        appended.borrow_mut().push(envelope);
        Ok(())
    });
    assert_eq!(result.map_err(|error| error.to_string()), Ok(()));
    drop(log);
    let log = subject.open();
    let read: Vec<_> = read_all(&*log, LANE).into_iter().map(|entry| entry.envelope).collect();
    assert!(read == appended.into_inner(), "and after reopening, in the same order");
}

/// Any envelope a door could make; its control id is unique.
fn any_envelope() -> impl Strategy<Value = Envelope> {
    let format = prop_oneof![Just(Format::Hl7v2), Just(Format::Dicom), Just(Format::ChineseMedicine)];
    let reason = prop::sample::select(Reason::ALL);
    let refusal = prop::option::of((reason, ".{0,9}").prop_map(|(reason, place)| Refusal { reason, place }));
    let time = (-3_000_000_000_i64..3_000_000_000, 0_i32..1_000_000_000);
    let body = prop_oneof![
        9 => prop::collection::vec(any::<u8>(), 0..300),
        1 => prop::collection::vec(any::<u8>(), 0..100_000),
    ];
    let texts = ("[a-z][a-z0-9-]{0,39}", ".{0,40}", ".{0,20}", ".{0,15}", ".{0,40}");
    (any::<u128>(), texts, format, refusal, time, body).prop_map(|(trace, texts, format, refusal, time, body)| {
        let (feed, sender, control_id, kind, patient) = texts;
        Envelope {
            trace: TraceId(Uuid::from_u128(trace)),
            feed: FeedName::parse(&feed).expect("the pattern is the grammar"),
            format,
            sender,
            control_id: format!("{trace:x}{control_id}"),
            kind,
            patient_key: Phi::new(patient),
            received_at: Timestamp::new(time.0, time.1).expect("within the range of time"),
            digest: Digest::of(&body),
            refusal,
            body: Phi::new(Arc::from(body)),
        }
    })
}

/// `verify` reads every entry that is held, and says how many.
pub fn everything_held_is_verified_and_counted(new: New) {
    let subject = new(&Needs::default());
    let log = subject.open();
    assert_eq!(log.verify().expect("an empty log is whole"), 0);
    put_all(&*log, 0..2500);
    assert_eq!(log.verify().expect("whole"), 2500);
    assert!(log.size_bytes().expect("size") > 0);
    drop(log);
    assert_eq!(subject.open().verify().expect("whole after reopening"), 2500);
}
