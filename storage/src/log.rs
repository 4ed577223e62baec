//! The engines of the log port.

pub mod embedded;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod kafka_settings;
