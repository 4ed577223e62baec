//! Reading a log from end to end.

use std::time::Duration;

use causeway_core::port::{Entry, Log, LogError, ReadLimit};

/// Reads all that is held, as a reader does who goes on from batch to batch.
pub(crate) fn read_everything(log: &dyn Log) -> Result<Vec<Entry>, LogError> {
    let limit = ReadLimit { count_max: 64, bytes_max: 1 << 20 };
    let mut entries = Vec::new();
    for lane in log.state()? {
        let mut at = lane.first;
        while at < lane.end {
            let batch = log.read(lane.partition, at, limit, Duration::from_secs(60))?;
            at = batch.last().expect("what is held is given").position.offset.next();
            entries.extend(batch);
        }
    }
    Ok(entries)
}
