//! The engines of the blob port.

pub mod folder;
pub mod folder_settings;
mod seal;
