//! The engines of the blob port.

pub mod folder;
pub mod folder_settings;
pub mod measured;
#[cfg(feature = "s3")]
pub mod s3;
pub mod s3_settings;
mod seal;
