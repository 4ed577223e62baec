//! The reading side: the HTTP door, the page shell and the languages.
//!
//! [`http`] accepts connections with every bound set and puts the same guard before every route; [`page`] is the frame
//! of every page; [`language`] says everything in English and in Traditional Chinese; [`assets`] are the few files the
//! pages need; [`dicomweb`] and [`viewer`] give images to those who may see them. What other pages show comes from elsewhere: this crate imports `core` and, for TLS, `connectors/tls`.

pub mod assets;
pub mod dicomweb;
pub mod http;
pub mod language;
pub mod page;
pub mod viewer;
