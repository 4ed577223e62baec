//! The Chinese-medicine record: its types, how it is read, and the acupuncture points.
//!
//! Door and mapper both need it, as they need the HL7 v2 codec. One record is one visit; `docs/chinese-medicine.md`
//! tells a clinic how to write it, and its JSON Schema is made from these types.

mod bounded;
mod check;
pub mod fault;
pub mod point;
mod read;
pub mod record;
mod words;

pub use bounded::{Amount, Count, List, Moment, Text};
pub use fault::{Fault, FaultCode};
pub use read::{FAULTS_MAX, RECORD_BYTES_MAX, read};
pub use record::Record;
