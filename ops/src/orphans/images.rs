//! Images that are not in the index: those that were withheld have no right to be kept once the log gives their claims up;
//! until then they stay, so that they can be taken up when their person joins. Each is judged by all messages with its SOP
//! Instance UID that are not accepted: what an accepted one brought is in the index, and is not asked about here.

use causeway_core::dicom::claim::Claim;
use causeway_core::envelope::{Digest, Format, Position};
use causeway_core::outcome::State;
use causeway_core::port::{BlobError, BlobRow, LogError, MessageQuery, SharedBlobs};
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
/// Messages read at once.
const PAGE: u32 = 200;

impl Orphans {
    /// Whether a blob is an image that a message claims which may become accepted.
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
        // What was accepted is in the index.
        let states = [State::Held, State::Withheld, State::Rejected, State::Discarded];
        for state in states {
            let since = match state {
                State::Accepted | State::Held => None,
                State::Withheld | State::Rejected | State::Discarded => Some(retention),
            };
            let query = MessageQuery {
                control_id: Some(instance.to_string()),
                state: Some(state),
                since,
                limit: PAGE,
                ..MessageQuery::default()
            };
            if self.one_claims(query, &row.blob.digest)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether one of all messages of a query claims this blob.
    fn one_claims(&self, mut query: MessageQuery, blob: &Digest) -> Result<bool, Diagnostic> {
        loop {
            let messages = self.repository.messages(&query)?;
            for facts in messages.iter().map(|row| &row.facts).filter(|facts| facts.format == Format::Dicom) {
                if self.claims(facts.position, blob)? {
                    return Ok(true);
                }
            }
            let Some(last) = messages.last() else { return Ok(false) };
            query.before_row = Some(last.row);
        }
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
