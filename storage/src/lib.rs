//! All that is durable: log, repository, registry

pub mod blob;
pub mod log;
pub mod network;
pub mod repository;
