//! The load generator and the checker: they drive the real binary and name what went wrong.
//!
//! A run is: [`hub::Hub`] starts the binary, [`load::drive`] sends numbered messages over MLLP and keeps a synced
//! [`journal::Journal`] of what was sent and what was acknowledged, and [`check::check`] compares the journal with the
//! repository and names every [`check::Anomaly`].

pub mod check;
pub mod fill;
pub mod hub;
pub mod journal;
pub mod load;
pub mod patient;
pub mod ports;
pub mod proxy;
pub mod servers;
pub mod switch;
pub mod tap;
pub mod tier;
