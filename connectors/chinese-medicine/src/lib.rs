//! The Chinese-medicine connector.
//!
//! [`documents`] publishes the format of the records, whose types live in `causeway_core::chinese_medicine`. [`desk`] knows
//! whose record it is and makes it durable; [`lines`] parts a batch of any length.

pub mod config;
pub mod desk;
pub mod documents;
pub mod lines;

pub use desk::{Desk, Ports, Sender, Taken};
