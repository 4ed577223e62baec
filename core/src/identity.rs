//! Whom a message is about: matching its identity block against the registry (docs/decisions/0003-identity-matching.md).

mod keys;
mod matching;
mod names;

pub use keys::{document_key, local_number_key, look_alike_key, subject_keys};
pub use matching::{Identification, Matched, Remark, identify};
