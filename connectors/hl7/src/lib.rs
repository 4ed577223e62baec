//! The HL7 v2 connector: MLLP door and client.

pub mod ack;
pub mod config;
pub mod frame;
