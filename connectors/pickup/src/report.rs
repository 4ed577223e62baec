//! What is told about a file, beside it: written as it comes, and seen by others only when it is whole.

use std::fs::File;
use std::io::{BufWriter, Write};

use crate::PickupError;

/// A report being written.
#[derive(Debug)]
pub struct Report {
    pub(crate) file: BufWriter<File>,
    /// Its name in `work`.
    pub(crate) name: String,
    /// What it adds to the name of the file.
    pub(crate) ending: &'static str,
}

impl Report {
    /// Writes more of it.
    ///
    /// # Errors
    /// The disk is full or away.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), PickupError> {
        self.file.write_all(bytes).map_err(PickupError::of("a report cannot be written"))
    }

    /// Makes it durable.
    pub(crate) fn end(mut self) -> Result<(String, &'static str), PickupError> {
        self.file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all())
            .map_err(PickupError::of("a report cannot be written"))?;
        Ok((self.name, self.ending))
    }
}
