//! Pictures of frames, made in a process of its own.
//!
//! Decoders read the words of strangers. So they run in a process that holds nothing but one frame, bounds its own memory,
//! time and files before it reads a byte, and ends after one picture ([`work`]); whoever started it ends it when it is late.
//! The order comes on standard input ([`causeway_core::dicom::picture`]): its length in four bytes, itself as JSON, and the
//! frame. The answer goes to standard output: one byte that says what it is, and the picture or words.

mod decode;
mod jpeg_ls;
mod limits;
mod paint;
mod rle;

use std::io::{self, Read, Write};

use causeway_core::dicom::picture::{PictureAnswer, PictureOrder, Unshown};

pub use limits::Limits;

/// The longest order, in bytes.
const ORDER_BYTES_MAX: u64 = 64 << 10;
/// The most pixels of a frame.
const PIXELS_MAX: u64 = 100_000_000;

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Pixels of this kind are not shown here.
    #[error("{0}")]
    Unsupported(String),
    /// The pixels or the order are broken.
    #[error("{0}")]
    Broken(String),
}

impl From<Unshown> for Fault {
    fn from(unshown: Unshown) -> Self {
        Self::Unsupported(unshown.to_string())
    }
}

impl Fault {
    fn broken(what: impl std::fmt::Display) -> Self {
        Self::Broken(what.to_string())
    }

    const fn answer(&self) -> PictureAnswer {
        match self {
            Self::Unsupported(_) => PictureAnswer::Unsupported,
            Self::Broken(_) => PictureAnswer::Broken,
        }
    }
}

/// Makes the one picture of this process.
///
/// # Errors
/// The limits cannot be set, or nobody reads the answer.
pub fn work(limits: Limits, input: &mut dyn Read, output: &mut dyn Write) -> io::Result<()> {
    limits.set()?;
    let (answer, bytes) = match read(limits, input).and_then(|(order, frame)| picture(&order, &frame)) {
        Ok(picture) => (PictureAnswer::Made, picture),
        Err(fault) => (fault.answer(), fault.to_string().into_bytes()),
    };
    output.write_all(&[answer.byte()])?;
    output.write_all(&bytes)?;
    output.flush()
}

fn read(limits: Limits, input: &mut dyn Read) -> Result<(PictureOrder, Vec<u8>), Fault> {
    let mut length = [0; 4];
    input.read_exact(&mut length).map_err(Fault::broken)?;
    let length = u64::from(u32::from_le_bytes(length));
    if length > ORDER_BYTES_MAX {
        return Err(Fault::broken("the order is too long"));
    }
    let (mut order, mut frame) = (Vec::new(), Vec::new());
    (&mut *input).take(length).read_to_end(&mut order).map_err(Fault::broken)?;
    input.take(limits.memory_bytes).read_to_end(&mut frame).map_err(Fault::broken)?;
    Ok((serde_json::from_slice(&order).map_err(Fault::broken)?, frame))
}

/// The picture of a frame, as PNG or JPEG.
///
/// # Errors
/// See [`Fault`].
pub fn picture(order: &PictureOrder, frame: &[u8]) -> Result<Vec<u8>, Fault> {
    let pixels = u64::from(order.rows).saturating_mul(order.columns.into());
    if pixels == 0 || pixels > PIXELS_MAX {
        return Err(Fault::Broken("the frame has no pixels, or more than can be shown".to_owned()));
    }
    paint::paint(order, &decode::samples(order, frame)?)
}

#[cfg(test)]
mod tests;
