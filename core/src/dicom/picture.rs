//! What a picture of a frame is made of: the order to the process that decodes pixels.

use serde::{Deserialize, Serialize};

use super::syntax::{EXPLICIT_LITTLE, IMPLICIT_LITTLE};

/// How the pixels are packed of which pictures are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Packing {
    /// Not at all.
    Native,
    /// RLE Lossless (PS3.5 annex G).
    Rle,
    /// JPEG: baseline, extended, lossless.
    Jpeg,
    /// JPEG-LS.
    JpegLs,
    /// JPEG 2000.
    Jpeg2000,
}

impl Packing {
    /// The packing of a transfer syntax; `None` where no picture is made of it. Uncompressed pixels are in little endian by
    /// then, and out of a deflated data set.
    pub fn of(transfer_syntax: &str) -> Option<Self> {
        match transfer_syntax {
            IMPLICIT_LITTLE | EXPLICIT_LITTLE => Some(Self::Native),
            "1.2.840.10008.1.2.5" => Some(Self::Rle),
            "1.2.840.10008.1.2.4.50"
            | "1.2.840.10008.1.2.4.51"
            | "1.2.840.10008.1.2.4.57"
            | "1.2.840.10008.1.2.4.70" => Some(Self::Jpeg),
            "1.2.840.10008.1.2.4.80" | "1.2.840.10008.1.2.4.81" => Some(Self::JpegLs),
            "1.2.840.10008.1.2.4.90" | "1.2.840.10008.1.2.4.91" => Some(Self::Jpeg2000),
            _ => None,
        }
    }
}

/// Why no picture is made of pixels of a kind, however good they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unshown {
    /// The transfer syntax is not decoded.
    #[error("pixels in transfer syntax {0} are not shown here")]
    Syntax(String),
    /// Neither grey nor of three colours.
    #[error("pixels with {0} samples are not shown here")]
    Samples(u32),
    /// Samples of a size that is not read.
    #[error("samples of {0} bits are not shown here")]
    Bits(u32),
    /// Their colours are in a table.
    #[error("pixels with a palette are not shown here")]
    Palette,
    /// Signed samples in JPEG 2000.
    #[error("signed pixels in JPEG 2000 are not shown here")]
    Signed,
    /// Colour in JPEG-LS.
    #[error("JPEG-LS in colour is not shown here")]
    Colour,
}

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

impl PictureOrder {
    /// How the pixels are packed, where a picture can be made of pixels of this kind. Whether they are whole shows when they
    /// are decoded.
    ///
    /// # Errors
    /// There is no picture of such pixels; see [`Unshown`].
    pub fn packing(&self) -> Result<Packing, Unshown> {
        let packing =
            Packing::of(&self.transfer_syntax).ok_or_else(|| Unshown::Syntax(self.transfer_syntax.clone()))?;
        if !matches!(self.samples, 1 | 3) {
            return Err(Unshown::Samples(self.samples));
        }
        if self.photometric == "PALETTE COLOR" {
            return Err(Unshown::Palette);
        }
        match packing {
            Packing::Native | Packing::Rle if !matches!(self.bits_allocated, 1 | 8 | 16) => {
                Err(Unshown::Bits(self.bits_allocated))
            }
            Packing::JpegLs if self.samples > 1 => Err(Unshown::Colour),
            Packing::Jpeg2000 if self.signed => Err(Unshown::Signed),
            Packing::Native | Packing::Rle | Packing::Jpeg | Packing::JpegLs | Packing::Jpeg2000 => Ok(packing),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn of(transfer_syntax: &str) -> PictureOrder {
        PictureOrder {
            transfer_syntax: transfer_syntax.to_owned(),
            rows: 4,
            columns: 4,
            samples: 1,
            planar: false,
            bits_allocated: 16,
            bits_stored: 12,
            signed: false,
            photometric: "MONOCHROME2".to_owned(),
            slope: 1.0,
            intercept: 0.0,
            window: None,
            within: None,
            jpeg: false,
        }
    }

    #[test]
    fn pixels_of_which_no_picture_is_made_are_known_by_their_header() {
        const JPEG: &str = "1.2.840.10008.1.2.4.50";
        const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
        const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
        let colour = |syntax| PictureOrder { samples: 3, ..of(syntax) };
        assert_eq!(colour(EXPLICIT_LITTLE).packing(), Ok(Packing::Native));
        assert_eq!(colour(JPEG).packing(), Ok(Packing::Jpeg));
        assert_eq!(colour(JPEG_LS).packing(), Err(Unshown::Colour));
        assert_eq!(of(JPEG_LS).packing(), Ok(Packing::JpegLs));
        assert_eq!(PictureOrder { signed: true, ..of(JPEG_2000) }.packing(), Err(Unshown::Signed));
        assert_eq!(PictureOrder { signed: true, ..of(JPEG_LS) }.packing(), Ok(Packing::JpegLs));
        assert_eq!(PictureOrder { bits_allocated: 32, ..of(IMPLICIT_LITTLE) }.packing(), Err(Unshown::Bits(32)));
        assert_eq!(PictureOrder { samples: 4, ..of(JPEG) }.packing(), Err(Unshown::Samples(4)));
        let palette = PictureOrder { photometric: "PALETTE COLOR".to_owned(), ..of(JPEG) };
        assert_eq!(palette.packing(), Err(Unshown::Palette));
        // Deflated, High-Throughput JPEG 2000, video, and one of nobody's.
        for syntax in
            ["1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.102", "1.3.6.1.4.1.5962.1"]
        {
            assert_eq!(of(syntax).packing(), Err(Unshown::Syntax(syntax.to_owned())));
        }
    }
}
