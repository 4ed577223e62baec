//! Files that come by no door: an operator has them on a disk. What an association is told of an instance, the operator is.

use std::io::{self, Read};
use std::sync::Arc;

use causeway_core::envelope::FeedName;

use crate::config::{DicomDoorConfig, DicomFeedConfig, DicomLimits};
use crate::deposit::{Bringer, Deposit, Deposited, PIECE, Undeposited};
use crate::door::{Ports, Shared};

/// The kind of the envelopes of imports.
const KIND: &str = "IMPORT";

/// Takes files for one feed, as if it had sent them.
#[derive(Debug, Clone)]
pub struct Importer {
    shared: Arc<Shared>,
    sender: FeedName,
}

impl Importer {
    /// For a feed of a door with these limits.
    pub fn new(feed: DicomFeedConfig, limits: DicomLimits, ports: Ports) -> Self {
        let sender = feed.name.clone();
        let nowhere = DicomDoorConfig::new(([127, 0, 0, 1], 0).into(), vec![feed]);
        let shared = Shared::new(DicomDoorConfig { limits, ..nowhere }, None, ports);
        Self { shared: Arc::new(shared), sender }
    }

    /// Takes one file: with preamble and File Meta Information, or a bare data set. When it is told to be safe, it is durable
    /// in the store and in the log. Reads on the thread it is called on, which may block; call it inside a tokio runtime.
    ///
    /// # Errors
    /// The file cannot be read. What is wrong with the instance is no error, but the answer.
    pub async fn take(&self, source: &mut (dyn Read + Send)) -> io::Result<Result<Deposited, Undeposited>> {
        let Some(order) = self.shared.file_order(0) else { return Ok(Err(Undeposited::not_now())) };
        let by = Bringer { feed: 0, sender: self.sender.as_str(), kind: KIND };
        let mut deposit = Deposit::of_file(&self.shared, by, order);
        let mut piece = vec![0; PIECE];
        loop {
            let read = match source.read(&mut piece) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if read == 0 || !deposit.pour(piece.get(..read).unwrap_or_default()).await {
                break;
            }
        }
        Ok(self.shared.complete(deposit).await)
    }
}
