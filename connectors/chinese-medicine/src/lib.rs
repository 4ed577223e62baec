//! The Chinese-medicine connector.
//!
//! [`documents`] publishes the format of the records, whose types live in `causeway_core::chinese_medicine`. [`desk`] knows
//! whose record it is and makes it durable; [`lines`] parts a batch of any length, [`csv`] reads the spreadsheets of clinics,
//! and [`mod@file`] takes files from a folder.

mod answer;
pub mod config;
pub mod csv;
pub mod desk;
pub mod documents;
pub mod file;
pub mod lines;

pub use answer::result;
pub use desk::{Desk, Ports, Sender, Taken};
pub use file::CmFileDoor;
