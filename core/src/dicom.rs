//! DICOM's words that doors and mappers share: tags, unique identifiers, text in its character sets, and the claim that
//! stands in the log for an instance whose bytes are in the blob store.

pub mod change;
pub mod claim;
pub mod dictionary;
pub mod element;
pub mod instance;
pub mod picture;
pub mod ruling;
pub mod study;
pub mod syntax;
pub mod tag;
pub mod text;
pub mod uid;
