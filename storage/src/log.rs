//! The engines of the log port.

pub mod embedded;
