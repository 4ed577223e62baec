//! The synthetic world: persons, providers, consents and the messages of plausible days. Deterministic by seed; every
//! number is valid in form and belongs to nobody.

pub(crate) mod clinic;
pub(crate) mod dice;
pub(crate) mod encode;
pub(crate) mod message;
pub(crate) mod names;
pub(crate) mod person;
pub(crate) mod provider;
pub(crate) mod segment;
pub(crate) mod story;
pub(crate) mod write;
