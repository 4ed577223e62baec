//! Batches of messages (HL7 v2.9.1, §2.10.3), in files and in frames: cut into messages, counted, and answered by a batch.

mod answers;
mod count;
mod split;

pub(crate) use answers::Answers;
pub(crate) use count::{Count, field};
pub(crate) use split::{Level, MARK, Piece, Splitter};
