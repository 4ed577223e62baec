//! All that is durable: log, repository, registry

pub mod log;
