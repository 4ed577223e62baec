//! Images: those that were withheld have no right to be kept once the log gives their claims up; until then they stay, so that
//! they can be taken up when their person joins. Each is judged by the messages with its SOP Instance UID.

use causeway_core::dicom::claim::Claim;
use causeway_core::envelope::{Digest, Format, Position};
use causeway_core::outcome::State;
use causeway_core::port::{BlobError, BlobRow, LogError, SharedBlobs};
use causeway_dicom::scan::{ScanLimits, Scanner};
use jiff::Timestamp;

use super::Orphans;
use crate::diagnostic::Diagnostic;

/// Of a file, its File Meta Information stands within so many bytes.
const HEAD: usize = 1024;
/// What a file begins with, and where (DICOM PS3.10, section 7.1).
const PREFIX: &[u8] = b"DICM";
/// The place of it.
const PREAMBLE: std::ops::Range<usize> = 128..132;

impl Orphans {
    /// Whether a blob is an image that a message claims which is accepted or may become so.
    pub(super) fn has_a_right(
        &self,
        blobs: &SharedBlobs,
        row: &BlobRow,
        retention: Timestamp,
    ) -> Result<bool, Diagnostic> {
        let head = match blobs.read(&row.blob.digest, 0, HEAD) {
            Ok(head) => head,
            // Of one that is damaged nobody knows what it was; of one that is gone there is nothing to judge.
            Err(BlobError::Damaged { .. } | BlobError::Missing { .. }) => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        if head.get(PREAMBLE) != Some(PREFIX) {
            return Ok(false);
        }
        let mut scanner = Scanner::file(ScanLimits::default());
        let scanned = scanner.feed(&head).is_ok();
        let instance = scanner.meta().and_then(|meta| meta.sop_instance.clone()).filter(|_| scanned);
        // An image that cannot be judged stays.
        let Some(instance) = instance else { return Ok(true) };
        let messages = self.repository.trace(instance.as_str())?;
        for message in messages.iter().map(|detail| &detail.row).filter(|row| row.facts.format == Format::Dicom) {
            let may = match message.state {
                State::Accepted | State::Held => true,
                State::Withheld | State::Rejected | State::Discarded => message.facts.received_at >= retention,
            };
            if may && self.claims(message.facts.position, &row.blob.digest)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the message at a place claims this blob. One that the log gave up is believed to.
    fn claims(&self, position: Position, blob: &Digest) -> Result<bool, Diagnostic> {
        match self.log.entry(position) {
            Ok(entry) => Ok(Claim::read(entry.envelope.body.expose()).is_ok_and(|claim| claim.blob == *blob)),
            Err(LogError::OutOfRange { .. }) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}
