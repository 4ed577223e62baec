//! The engines of the log port.

pub mod claims;
pub mod embedded;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod kafka_settings;
