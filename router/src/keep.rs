//! The documents of a permitted message: stored before its records, which point to them.
//!
//! Nothing withheld or held is kept outside the log, so a document is stored only once the decision about its message is
//! there, and only when a record that is permitted points to it. This happens inside the transaction: a store that is down
//! aborts it, and the batch waits.

use causeway_core::mapped::{Attachment, Mapped};
use causeway_core::outcome::{Outcome, State};
use causeway_core::port::{BlobError, BlobStore};
use causeway_core::reason::Reason;

use crate::message::{Content, Message};
use crate::plan::held;

/// Stores what the records of an outcome point to, and gives the outcome: another one when the store will never take a
/// document of it, so that one message with a document too large stops nobody else.
///
/// # Errors
/// The store's; nothing may be stored of the batch then.
pub(crate) fn keep(blobs: &dyn BlobStore, message: &Message, outcome: Outcome) -> Result<Outcome, BlobError> {
    let Content::Mapped(mapped) = &message.content else { return Ok(outcome) };
    for attachment in wanted(mapped, &outcome) {
        match blobs.put(attachment.bytes.expose()) {
            Ok(_) => {}
            Err(BlobError::TooLong { .. }) => return Ok(held(message, mapped, Reason::DocumentTooLarge)),
            Err(error) => return Err(error),
        }
    }
    Ok(outcome)
}

/// The documents that permitted records point to.
fn wanted<'a>(mapped: &'a Mapped, outcome: &'a Outcome) -> impl Iterator<Item = &'a Attachment> {
    let accepted = outcome.state == State::Accepted;
    mapped.attachments.iter().filter(move |attachment| {
        let pointer = format!("Binary/{}", attachment.digest);
        accepted && outcome.records.iter().any(|record| record.resource.text().contains(&pointer))
    })
}
