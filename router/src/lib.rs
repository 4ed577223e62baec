//! The consent-checked router: what is in the log becomes records, decisions and reasons in the repository.
//!
//! [`Router::step`] is the walk of one batch on one screen; [`plan()`] is the pure function that says what becomes of one
//! message. [`Router::take_up`] and [`Router::replay`] run known messages through the same two once more.
//! [`complete_studies`] tells which studies grow no more.

mod complete;
mod error;
mod fetch;
mod keep;
mod message;
mod plan;
mod redo;
mod report;
mod resent;
mod router;
mod settings;
#[cfg(test)]
mod walk;

pub use complete::{Round, complete_studies};
pub use error::RouterError;
pub use fetch::Fetched;
pub use message::{Content, Message};
pub use plan::{Known, plan};
pub use redo::{ReplayReport, Selection, TakenUp};
pub use report::Lag;
pub use router::{Pause, Router, Step};
pub use settings::Settings;
