//! The reading side: the HTTP door, the page shell and the languages.
//!
//! [`http`] accepts connections with every bound set and puts the same guard before every route; [`page`] is the frame
//! of every page; [`language`] says everything in English and in Traditional Chinese; [`assets`] are the few files the
//! pages need. What the pages show comes from elsewhere: this crate imports `core` and, for TLS, `connectors/tls`.

pub mod assets;
pub mod http;
pub mod language;
pub mod page;
