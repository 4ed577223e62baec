//! The engines of the blob port.

pub mod folder;
pub mod folder_settings;
pub mod measured;
mod seal;
