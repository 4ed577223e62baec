//! All that is durable: log, repository, registry
