//! How the log is read.

use std::time::{Duration, Instant};

use super::{LANE, Needs, New, PATIENCE, at, envelope, fresh, one_lane, put, put_all};
use crate::envelope::{Offset, PartitionId, Position};
use crate::port::{LogError, ReadLimit};

/// More than any test writes.
const PLENTY: ReadLimit = ReadLimit { count_max: 1000, bytes_max: 1 << 20 };

/// A reader at the end gets the next entry as soon as it is durable.
pub fn a_reader_that_waits_is_woken_by_an_append(new: New) {
    let (_subject, log) = fresh(new, &one_lane());
    put(&*log, envelope(0, b"zero"));
    let started = Instant::now();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| log.read(LANE, Offset(1), PLENTY, PATIENCE));
        put(&*log, envelope(1, b"one"));
        let batch = reader.join().expect("the reader lives").expect("read");
        assert_eq!(batch.iter().map(|entry| entry.position).collect::<Vec<_>>(), [at(1)]);
    });
    assert!(started.elapsed() < PATIENCE / 2, "it was woken, it did not wait to the end");
}

/// A reader whose time is up gets nothing, and no error.
pub fn a_reader_that_waits_in_vain_gets_nothing(new: New) {
    let (_subject, log) = fresh(new, &one_lane());
    let wait = Duration::from_millis(50);
    for wait in [Duration::ZERO, wait] {
        let started = Instant::now();
        assert_eq!(log.read(LANE, Offset(0), PLENTY, wait).expect("nothing is no fault"), []);
        assert!(started.elapsed() >= wait);
    }
}

/// A read ends at its limits. One entry is always given, or a large one would stop everything behind it.
pub fn a_read_stops_at_its_limits_but_gives_at_least_one_entry(new: New) {
    let (_subject, log) = fresh(new, &one_lane());
    for number in 0..10 {
        put(&*log, envelope(number, &[7; 100]));
    }
    let count = |count_max, bytes_max| {
        let limit = ReadLimit { count_max, bytes_max };
        log.read(LANE, Offset(2), limit, PATIENCE).expect("read").len()
    };
    assert_eq!([count(1, 1000), count(3, 1000), count(4, 1000), count(100, 10_000)], [1, 3, 4, 8]);
    assert_eq!([count(100, 0), count(100, 99), count(100, 100)], [1, 1, 1]);
    assert_eq!([count(100, 199), count(100, 200), count(100, 201)], [1, 2, 2]);
    assert_eq!(count(0, 1000), 0);
}

/// An entry is found by its place.
pub fn one_entry_is_read_by_its_position(new: New) {
    let (_subject, log) = fresh(new, &Needs::default());
    let appended = put_all(&*log, 0..200);
    for (number, answer) in (0_u64..).zip(appended) {
        let entry = log.entry(answer.position).expect("entry");
        assert_eq!(entry.position, answer.position);
        assert_eq!(entry.envelope, envelope(number, number.to_string().as_bytes()));
    }
}

/// Beyond the end, and in partitions there are none of, nothing is held. At the end there is nothing yet.
pub fn places_that_are_not_held_are_out_of_range(new: New) {
    let (_subject, log) = fresh(new, &one_lane());
    put_all(&*log, 0..3);
    let read = |partition, offset| log.read(PartitionId(partition), Offset(offset), PLENTY, Duration::ZERO);
    assert_eq!(read(0, 3).expect("the end is a good place to wait"), []);
    for (partition, offset) in [(0, 4), (0, u64::MAX), (1, 0)] {
        let position = Position { partition: PartitionId(partition), offset: Offset(offset) };
        let refused = read(partition, offset);
        assert!(matches!(refused, Err(LogError::OutOfRange { position: at }) if at == position), "{refused:?}");
    }
    for position in [at(3), at(4), at(u64::MAX), Position { partition: PartitionId(1), offset: Offset(0) }] {
        let refused = log.entry(position);
        assert!(matches!(refused, Err(LogError::OutOfRange { position: at }) if at == position), "{refused:?}");
    }
}
