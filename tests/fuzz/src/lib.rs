//! What the fuzz targets check. The files here are also compiled into the tests of the crates they check, which replay
//! the corpora on a stable compiler.

pub mod data_set;
pub mod walk;
