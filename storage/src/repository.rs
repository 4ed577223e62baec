//! The repository and the registry: records with history, decisions, audit, persons, providers, consents, offsets.

pub mod bench;
mod ehr_number;
pub mod sqlite;

pub use ehr_number::{ehr_number, is_ehr_number};
