//! The DICOM connector: images in, bit for bit.
//!
//! [`Door`] takes associations, instances (C-STORE, C-ECHO) and requests to keep them (storage commitment), with every bound
//! in [`config`]. An instance streams into the blob store while [`scan`] reads its header and proves that it is whole; its claim goes to the log; only then is the
//! sender told that it is safe. [`negotiate`] decides who is let in, [`pdu`] and [`dimse`] are the words spoken.

#[cfg(test)]
extern crate self as causeway_dicom;

mod association;
pub mod classes;
pub mod client;
mod commitment;
pub mod config;
mod deposit;
pub mod dimse;
mod door;
mod hands;
mod import;
mod intake;
mod listener;
pub mod negotiate;
mod outgoing;
pub mod part10;
pub mod pdu;
pub mod scan;
mod seats;
pub mod status;
pub mod stow;
pub mod survey;
mod tally;
#[cfg(test)]
mod testing;
mod wire;
pub mod write;

pub use causeway_core::dicom::syntax;
pub use commitment::Safekeeping;
pub use deposit::{Deposited, Names, Undeposited};
pub use door::{Distrust, Door, DoorError, Halt, Ports};
pub use import::Importer;
pub use listener::Drained;
