//! The Chinese-medicine connector.
//!
//! [`documents`] publishes the format of the records, whose types live in `causeway_core::chinese_medicine`.

pub mod documents;
