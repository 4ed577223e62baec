//! The contract of the repository port.
