//! All that is durable: log, repository, registry

pub mod blob;
mod journal;
pub mod log;
pub mod network;
pub mod repository;
