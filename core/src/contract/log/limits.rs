//! What is bounded: envelopes, the queue, what is held.

use std::sync::mpsc::channel;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{LANE, Needs, New, PATIENCE, at, envelope, fresh, held, one_lane, put, put_all, read_all, receive, send};
use crate::envelope::{Offset, PartitionId, Position};
use crate::port::{LogError, ReadLimit};

/// The limit is exact, and an envelope above it leaves its completion uncalled.
pub fn an_envelope_at_the_limit_is_taken_and_one_above_it_refused(new: New) {
    let entry_bytes_max = 100_000;
    let (_subject, log) = fresh(new, &Needs { entry_bytes_max, ..one_lane() });
    let sized = |len: usize| envelope(u64::try_from(len).unwrap_or(0), &vec![b'x'; len]);
    // How much of the limit goes to the header is the engine's business; its refusal tells.
    let overhead = match send(&*log, sized(entry_bytes_max)) {
        Err(LogError::TooLong { bytes, bytes_max }) => {
            assert_eq!(bytes_max, entry_bytes_max);
            bytes - entry_bytes_max
        }
        Ok(answer) => {
            receive(&answer).expect("the limit itself is taken");
            0
        }
        Err(error) => {
            assert_eq!(error.to_string(), "", "at the limit");
            0
        }
    };
    // Control ids and patients of one length, so that the overhead stays the same.
    let longest = 99_999.min(entry_bytes_max - overhead) - 1;
    assert!(longest > 10_000);
    let sized = |len: usize| envelope(100_000 + 50 * u64::try_from(len % 100).unwrap_or(0), &vec![b'x'; len]);
    let limit = entry_bytes_max - overhead;
    put(&*log, sized(limit - 1));
    put(&*log, sized(limit));
    let (done, answer) = channel();
    let refused = log.append(sized(limit + 1), Box::new(move |result| drop(done.send(result))));
    assert!(matches!(refused, Err(LogError::TooLong { .. })), "{refused:?}");
    assert!(answer.recv_timeout(PATIENCE).is_err(), "dropped uncalled");
    let bodies: Vec<_> = read_all(&*log, LANE).iter().map(|entry| entry.envelope.body.expose().len()).collect();
    assert!(bodies.ends_with(&[limit - 1, limit]), "{bodies:?}");
}

/// A queue that is full says so at once, and whatever it took it finishes.
pub fn a_full_queue_answers_busy_and_loses_nothing(new: New) {
    let (_subject, log) = fresh(new, &Needs { queue_max: 8, ..one_lane() });
    let (blocked, wait_blocked) = channel();
    let (release, wait_release) = channel();
    let block = move |result: Result<_, _>| {
        drop(blocked.send(result));
        assert!(wait_release.recv_timeout(PATIENCE).is_ok(), "released");
    };
    log.append(envelope(0, b"block"), Box::new(block)).expect("room");
    wait_blocked.recv_timeout(PATIENCE).expect("the log's own thread is held up").expect("durable");

    let mut taken = Vec::new();
    let refused = (1..10_000).find_map(|number| match send(&*log, envelope(number, b"more")) {
        Ok(answer) => {
            taken.push(answer);
            None
        }
        Err(error) => Some(error),
    });
    assert!(matches!(refused, Some(LogError::Busy)), "{refused:?}");
    assert!(taken.len() >= 8, "it takes what it has room for: {}", taken.len());
    release.send(()).expect("the log still waits");
    assert!(taken.iter().all(|answer| receive(answer).is_ok()));
    assert_eq!(held(&*log), u64::try_from(taken.len()).unwrap_or(0) + 1);
    put(&*log, envelope(20_000, b"and there is room again"));
}

/// Retention never takes what nobody has processed, however old.
pub fn nothing_is_pruned_before_it_is_processed(new: New) {
    let (_subject, log) = fresh(new, &Needs { partitions: 2, ..Needs::default() });
    put_all(&*log, 0..200);
    let before = log.state().expect("state");
    assert_eq!(log.prune(Timestamp::MAX, &[]).expect("prune"), 0, "no lane is named");
    let zero = |lane: u16| Position { partition: PartitionId(lane), offset: Offset(0) };
    assert_eq!(log.prune(Timestamp::MAX, &[zero(0), zero(1)]).expect("prune"), 0, "nothing is processed");
    assert_eq!(log.state().expect("state"), before);
    let half = Position { partition: PartitionId(1), offset: Offset(50) };
    assert_eq!(log.prune(Timestamp::MAX, &[half]).expect("prune"), 50);
    let firsts: Vec<_> = log.state().expect("state").iter().map(|lane| lane.first.0).collect();
    assert_eq!(firsts, [0, 50]);
    let far = Position { partition: PartitionId(1), offset: Offset(u64::MAX) };
    let rest = before.last().map_or(0, |lane| lane.end.0) - 50;
    assert_eq!(log.prune(Timestamp::MAX, &[far]).expect("prune"), rest, "to the end and no further");
    put_all(&*log, 200..210);
    assert_eq!(log.verify().expect("an emptied lane goes on"), before.first().map_or(0, |lane| lane.end.0) + 10);
}

/// What is younger than the retention stays.
pub fn young_entries_are_not_pruned(new: New) {
    let retention_age = Duration::from_hours(24);
    let (_subject, log) = fresh(new, &Needs { retention_age, ..one_lane() });
    put_all(&*log, 0..10);
    let appended = read_all(&*log, LANE).last().expect("entries").appended_at;
    let age = SignedDuration::from_hours(24);
    assert_eq!(log.prune(appended.saturating_add(age).expect("time"), &[at(10)]).map_err(|e| e.to_string()), Ok(0));
    let older = appended.saturating_add(age + SignedDuration::from_secs(1)).expect("time");
    assert_eq!(log.prune(older, &[at(10)]).map_err(|e| e.to_string()), Ok(10));
}

/// What was given up is out of range, not damage; what is left is whole, also after reopening.
pub fn pruned_offsets_are_out_of_range_and_the_rest_still_verifies(new: New) {
    let subject = new(&one_lane());
    let log = subject.open();
    put_all(&*log, 0..3000);
    assert_eq!(log.prune(Timestamp::MAX, &[at(2500)]).expect("prune"), 2500);
    let check = |log: &dyn crate::port::Log| {
        let limit = ReadLimit { count_max: 10, bytes_max: 1 << 20 };
        for offset in [0, 2499] {
            let read = log.read(LANE, Offset(offset), limit, Duration::ZERO);
            assert!(matches!(read, Err(LogError::OutOfRange { .. })), "{read:?}");
            assert!(matches!(log.entry(at(offset)), Err(LogError::OutOfRange { .. })));
        }
        assert_eq!(read_all(log, LANE).len(), 500);
        assert_eq!(log.verify().map_err(|error| error.to_string()), Ok(500));
    };
    check(&*log);
    drop(log);
    check(&*subject.open());
}
