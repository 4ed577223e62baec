//! What only the SQLite engine promises: damage and tampering are noticed, copies are whole, files are kept apart.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails loudly")]

#[path = "repository/keeping.rs"]
mod keeping;
#[path = "repository/support.rs"]
mod support;
#[path = "repository/tampering.rs"]
mod tampering;
