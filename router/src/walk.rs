//! The router on the real log, repository and registry: what it promises of a walk.

mod corrections;
mod documents;
mod fetching;
mod fixtures;
mod hub;
mod merges;
mod order;
mod redo;
mod step;
