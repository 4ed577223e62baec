//! What a picture of a frame is made of: the order to the process that decodes pixels.

use serde::{Deserialize, Serialize};

/// How one frame is to be shown. It names no patient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureOrder {
    /// The transfer syntax of the pixels; little endian where they are uncompressed.
    pub transfer_syntax: String,
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub columns: u32,
    /// Samples a pixel: 1 or 3.
    pub samples: u32,
    /// Whether samples stand plane by plane.
    pub planar: bool,
    /// Bits a sample takes.
    pub bits_allocated: u32,
    /// Bits of it that are used.
    pub bits_stored: u32,
    /// Whether samples are signed.
    pub signed: bool,
    /// Photometric Interpretation.
    pub photometric: String,
    /// Rescale Slope.
    pub slope: f64,
    /// Rescale Intercept.
    pub intercept: f64,
    /// Centre and width of the window; from the least to the greatest value where there is none.
    pub window: Option<(f64, f64)>,
    /// The size it has to fit in, in pixels; its own where there is none. It is never made larger.
    pub within: Option<(u32, u32)>,
    /// JPEG rather than PNG.
    pub jpeg: bool,
}

/// The answer of the process begins with one of these bytes; a picture or words follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureAnswer {
    /// The picture follows.
    Made,
    /// There is none for pixels of this kind; words follow.
    Unsupported,
    /// The pixels are broken; words follow.
    Broken,
}

impl PictureAnswer {
    /// The byte.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Made => b'P',
            Self::Unsupported => b'U',
            Self::Broken => b'B',
        }
    }

    /// The answer of a byte.
    pub const fn of(byte: u8) -> Option<Self> {
        match byte {
            b'P' => Some(Self::Made),
            b'U' => Some(Self::Unsupported),
            b'B' => Some(Self::Broken),
            _ => None,
        }
    }
}
