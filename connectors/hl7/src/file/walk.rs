//! What the round of a folder asks of HL7: to read a file of messages.

use std::sync::Arc;

use causeway_pickup::{Bell, Kept, PickupError, Read, Reader, Report, Taken};
use tokio::runtime::Handle;
use tracing::warn;

use super::read::{Reading, Summary, Trouble};
use crate::door::Shared;

/// Reads files of messages for a feed.
pub(super) struct Messages {
    pub(super) shared: Arc<Shared>,
    pub(super) runtime: Handle,
}

impl Reader for Messages {
    type Summary = Summary;

    fn ending(&self, _name: &str) -> &'static str {
        ".ack"
    }

    fn read(&self, taken: &Taken, report: &mut Report, bell: &Bell) -> Result<Read<Summary>, PickupError> {
        let file = taken.reader()?;
        let reading = Reading::new(Arc::clone(&self.shared), &self.runtime, bell);
        Ok(match reading.run(file, &mut |bytes| report.write(bytes))? {
            Ok(summary) if is_empty(&summary) => Read::Unusable("NO_MESSAGE: The file holds no HL7 message"),
            Ok(summary) => Read::Whole(summary),
            Err(Trouble::Stopped(stopped)) => Read::Stopped(stopped),
            Err(Trouble::Unreadable) => Read::Unusable("FILE_UNREADABLE: The file could not be read to its end"),
        })
    }

    fn kept(&self, summary: &Summary) -> Kept {
        Kept { items: summary.messages, unkept: summary.unkept }
    }

    fn put_away(&self, summary: &Summary) {
        if let Some(reason) = summary.fault {
            let feed = self.shared.feed_name(0);
            self.shared.tally.batch_fault(Some(0), reason);
            warn!(feed, %reason, "a file does not hold what its trailers say; its report tells");
        }
    }

    fn is_paused(&self) -> bool {
        self.shared.feeds.first().is_some_and(|feed| (self.shared.ports.is_paused)(&feed.config.name))
    }
}

/// Neither a message nor anything of a batch around one.
fn is_empty(summary: &Summary) -> bool {
    summary.messages == 0 && summary.fault.is_none() && !summary.has_envelope
}
