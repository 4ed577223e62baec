//! The words and the ports of Causeway.
//!
//! Everything here is pure: no socket, file, clock, randomness, thread or SQL. Each module is one word of the
//! domain; [`port`] holds the traits through which the outside world is reached. The other crates import this
//! one and never each other (ARCHITECTURE.md, "a star").

pub mod ack;
pub mod chinese_medicine;
pub mod code_table;
pub mod consent;
#[cfg(feature = "contract")]
pub mod contract;
pub mod decision;
pub mod dicom;
pub mod disposition;
pub mod envelope;
pub mod feed;
pub mod fetch;
pub mod hkid;
pub mod hl7v2;
pub mod human;
pub mod identity;
pub mod mapped;
pub mod marks;
pub mod metric;
mod object;
pub mod outcome;
pub mod person;
pub mod phi;
pub mod policy;
pub mod port;
pub mod provider;
pub mod reason;
pub mod record;
pub mod scope;
