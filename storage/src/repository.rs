//! The repository and the registry: records with history, decisions, audit, persons, providers, consents, offsets.

pub mod bench;
mod chain;
mod codec;
mod commitment;
mod consent;
mod derived;
mod ehr_number;
mod error;
mod growing;
mod imaging;
mod merging;
mod person;
mod place;
mod plan;
mod pointers;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod postgres_settings;
mod seal;
mod snapshot;
pub mod sqlite;
mod unmapped;
mod wanted;

pub use ehr_number::{ehr_number, is_ehr_number};
