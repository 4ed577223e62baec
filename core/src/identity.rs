//! Whom a message is about: matching its identity block against the registry.
