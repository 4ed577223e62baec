//! The contract suites of the ports: every engine runs the same tests.

pub mod blob;
pub mod log;
pub mod registry;
pub mod repository;
