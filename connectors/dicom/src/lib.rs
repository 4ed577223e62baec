//! The DICOM connector: images in, bit for bit.
//!
//! [`scan`] reads a data set as it streams by, bounded in everything, and proves that it is whole.

pub mod scan;
pub mod syntax;
#[cfg(test)]
mod testing;
