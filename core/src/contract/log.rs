//! The contract of the log port.
