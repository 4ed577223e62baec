//! All that is durable: log, repository, registry

pub mod log;
mod network;
pub mod repository;
