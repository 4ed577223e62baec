//! Gives up what was processed and is old: the brokers are asked to delete the beginning of each partition.
//!
//! The topic itself keeps everything, so that what nobody has processed is never lost, however long that takes. Only
//! this is asked to go: what lies before the first unprocessed message and before the first one that is young enough.

use causeway_core::envelope::{Offset, Position};
use causeway_core::port::LogError;
use jiff::{SignedDuration, Timestamp};
use rdkafka::{Offset as KafkaOffset, TopicPartitionList};

use super::reader::Reader;
use super::topic::{admin, answer, options};
use super::{KafkaLogSettings, fault};

/// What goes of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// Where it began.
    pub(super) first: Offset,
    /// Where it begins after.
    pub(super) to: Position,
}

/// Where a partition may be cut; `None` when all of it stays.
pub(super) fn cut(
    reader: &Reader,
    settings: &KafkaLogSettings,
    now: Timestamp,
    processed: Position,
) -> Result<Option<Cut>, LogError> {
    let Some(youngest_old) = oldest_kept(now, settings) else { return Ok(None) };
    let state = reader.bounds(processed.partition)?;
    let young = reader.first_since(processed.partition, youngest_old)?.unwrap_or(state.end);
    let offset = processed.offset.min(young).min(state.end);
    let to = Position { partition: processed.partition, offset };
    Ok((offset > state.first).then_some(Cut { first: state.first, to }))
}

/// The time, in milliseconds since 1970, from which on messages stay; `None` when all do.
fn oldest_kept(now: Timestamp, settings: &KafkaLogSettings) -> Option<i64> {
    let age = SignedDuration::try_from(settings.retention_age).ok()?;
    let oldest = now.checked_sub(age).ok()?.as_millisecond();
    // Kafka reads times before 1970 as words of its own.
    (oldest > 0).then_some(oldest)
}

/// Asks the brokers to cut. Answers how many messages went.
pub(super) fn delete(settings: &KafkaLogSettings, cuts: &[Cut]) -> Result<u64, LogError> {
    if cuts.is_empty() {
        return Ok(0);
    }
    let mut list = TopicPartitionList::new();
    for Cut { to, .. } in cuts {
        let offset = i64::try_from(to.offset.0).map_err(|_beyond| LogError::OutOfRange { position: *to })?;
        let added = list.add_partition_offset(&settings.topic, i32::from(to.partition.0), KafkaOffset::Offset(offset));
        added.map_err(fault::unavailable)?;
    }
    let admin = admin(settings)?;
    let deleted = answer(settings, admin.delete_records(&list, &options(settings)))?;
    let mut gone = 0_u64;
    for element in deleted.elements() {
        element.error().map_err(fault::unavailable)?;
        let lane = element.partition();
        let before = cuts.iter().find(|cut| i32::from(cut.to.partition.0) == lane).map(|cut| cut.first);
        if let (KafkaOffset::Offset(first), Some(before)) = (element.offset(), before) {
            gone = gone.saturating_add(u64::try_from(first).unwrap_or(0).saturating_sub(before.0));
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_kept_follows_from_the_clock_and_nothing_is_old_before_1970() {
        let settings = KafkaLogSettings { retention_age: Duration::from_hours(1), ..KafkaLogSettings::default() };
        let kept = |seconds| oldest_kept(Timestamp::from_second(seconds).expect("time"), &settings);
        assert_eq!(kept(3601), Some(1000));
        assert_eq!(kept(3600), None);
        assert_eq!(kept(0), None);
        let forever = KafkaLogSettings { retention_age: Duration::MAX, ..settings };
        assert_eq!(oldest_kept(Timestamp::MAX, &forever), None);
    }
}
