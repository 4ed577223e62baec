//! Bytes of a frame to samples, pixel by pixel.

use causeway_core::dicom::picture::{Packing, PictureOrder, Unshown};
use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
use jpeg_decoder::{Decoder, PixelFormat, UnsupportedFeature};
use openreadout_codecs::{CodecError, Raster, jpeg_decode_limited};

use super::{Fault, jpeg_ls, rle};

/// The samples of a frame: all of the first pixel, then all of the second.
pub(super) struct Samples {
    pub(super) values: Vec<i32>,
    pub(super) a_pixel: usize,
    /// They are red, green and blue already, whatever the header says.
    pub(super) is_rgb: bool,
}

/// Decodes a frame.
pub(super) fn samples(order: &PictureOrder, frame: &[u8]) -> Result<Samples, Fault> {
    let (a_pixel, bytes) = (size(order.samples), size(order.bits_allocated.div_ceil(8)));
    let pixels = size(order.rows).saturating_mul(size(order.columns));
    match order.packing()? {
        Packing::Native => native(order, frame, order.planar),
        Packing::Rle => native(order, &rle::unpack(frame, a_pixel, bytes, pixels)?, true),
        Packing::Jpeg => jpeg(order, frame),
        Packing::Jpeg2000 => jpeg2000(order, frame),
        Packing::JpegLs => raster(order, jpeg_ls::decode(frame, bytes_max(pixels)), "JPEG-LS"),
    }
}

/// Uncompressed samples in little endian.
fn native(order: &PictureOrder, frame: &[u8], planar: bool) -> Result<Samples, Fault> {
    let a_pixel = size(order.samples);
    let pixels = size(order.rows).saturating_mul(size(order.columns));
    let wanted = pixels.saturating_mul(a_pixel);
    let stored: Vec<i32> = match order.bits_allocated {
        1 => frame.iter().flat_map(|byte| (0..8).map(move |bit| i32::from(byte >> bit & 1))).take(wanted).collect(),
        8 => frame.iter().take(wanted).map(|byte| i32::from(*byte)).collect(),
        16 => {
            let pairs = frame.chunks_exact(2).take(wanted).filter_map(|pair| pair.try_into().ok());
            pairs.map(|pair| i32::from(u16::from_le_bytes(pair))).collect()
        }
        bits => return Err(Unshown::Bits(bits).into()),
    };
    if stored.len() < wanted {
        return Err(Fault::Broken("the frame ends too early".to_owned()));
    }
    let values: Vec<i32> = stored.into_iter().map(|value| used(order, value)).collect();
    if !(planar && a_pixel > 1) {
        return Ok(Samples { values, a_pixel, is_rgb: false });
    }
    let woven = (0..pixels).flat_map(|pixel| (0..a_pixel).map(move |plane| plane * pixels + pixel));
    let values = woven.map(|place| values.get(place).copied().unwrap_or_default()).collect();
    Ok(Samples { values, a_pixel, is_rgb: false })
}

/// The bits of a sample that are used, with its sign.
fn used(order: &PictureOrder, value: i32) -> i32 {
    let bits = order.bits_stored.clamp(1, 16);
    let mask = (1_i32 << bits) - 1;
    let value = value & mask;
    if order.signed && value >> (bits - 1) == 1 { value - mask - 1 } else { value }
}

fn jpeg(order: &PictureOrder, frame: &[u8]) -> Result<Samples, Fault> {
    let mut decoder = Decoder::new(frame);
    let unsupported = |error: jpeg_decoder::Error| match error {
        jpeg_decoder::Error::Unsupported(what) => Fault::Unsupported(format!("JPEG with {what:?} is not shown here")),
        other => Fault::broken(other),
    };
    let bytes = match decoder.decode() {
        Err(jpeg_decoder::Error::Unsupported(UnsupportedFeature::SamplePrecision(12))) => {
            let pixels = size(order.rows).saturating_mul(size(order.columns));
            return raster(order, jpeg_decode_limited(frame, bytes_max(pixels)), "JPEG of 12 bits");
        }
        other => other.map_err(unsupported)?,
    };
    let info = decoder.info().ok_or_else(|| Fault::broken("a JPEG without a header"))?;
    if u32::from(info.width) != order.columns || u32::from(info.height) != order.rows {
        return Err(Fault::broken("the JPEG has another size than its header tells"));
    }
    let values = |bytes: Vec<u8>| bytes.into_iter().map(i32::from).collect();
    match info.pixel_format {
        PixelFormat::L8 => Ok(Samples { values: values(bytes), a_pixel: 1, is_rgb: false }),
        PixelFormat::L16 => {
            let pairs = bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok());
            let values = pairs.map(|pair| used(order, u16::from_ne_bytes(pair).into())).collect();
            Ok(Samples { values, a_pixel: 1, is_rgb: false })
        }
        PixelFormat::RGB24 => Ok(Samples { values: values(bytes), a_pixel: 3, is_rgb: true }),
        PixelFormat::CMYK32 => Err(Fault::Unsupported("JPEG in four colours is not shown here".to_owned())),
    }
}

/// The most bytes of a decoded frame of these pixels: a stream that tells of more is refused before it is decoded.
const fn bytes_max(pixels: usize) -> usize {
    pixels.saturating_mul(6)
}

/// What is of one sample a pixel; in colour these formats are rare, and not decoded.
fn raster(order: &PictureOrder, decoded: Result<Raster, CodecError>, what: &str) -> Result<Samples, Fault> {
    let raster = decoded.map_err(|error| match error {
        CodecError::Unsupported { detail, .. } => {
            Fault::Unsupported(format!("{what} of this kind is not shown here: {detail}"))
        }
        other => Fault::broken(other),
    })?;
    if raster.width != order.columns || raster.height != order.rows {
        return Err(Fault::Broken(format!("the {what} has another size than its header tells")));
    }
    if raster.channels != 1 || order.samples != 1 {
        return Err(Fault::Unsupported(format!("{what} in colour is not shown here")));
    }
    let values: Vec<i32> = match raster.bits_per_sample {
        8 => raster.data.iter().map(|byte| used(order, i32::from(*byte))).collect(),
        _ => {
            let pairs = raster.data.chunks_exact(2).filter_map(|pair| pair.try_into().ok());
            pairs.map(|pair| used(order, u16::from_le_bytes(pair).into())).collect()
        }
    };
    Ok(Samples { values, a_pixel: 1, is_rgb: false })
}

fn jpeg2000(order: &PictureOrder, frame: &[u8]) -> Result<Samples, Fault> {
    let image = Image::new(frame, &DecodeSettings::default()).map_err(Fault::broken)?;
    if image.width() != order.columns || image.height() != order.rows {
        return Err(Fault::broken("the JPEG 2000 has another size than its header tells"));
    }
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(Fault::broken)?;
    let planes: Vec<&[f32]> = decoded.components().iter().map(|component| component.samples()).collect();
    let pixels = size(order.rows).saturating_mul(size(order.columns));
    if planes.len() != size(order.samples) || planes.iter().any(|plane| plane.len() < pixels) {
        return Err(Fault::broken("the JPEG 2000 has other samples than its header tells"));
    }
    let at = |plane: &&[f32], pixel: usize| whole(plane.get(pixel).copied().unwrap_or_default());
    let values = (0..pixels).flat_map(|pixel| planes.iter().map(move |plane| at(plane, pixel))).collect();
    Ok(Samples { values, a_pixel: planes.len(), is_rgb: planes.len() == 3 })
}

#[expect(clippy::cast_possible_truncation, reason = "a cast from float saturates, and a sample has at most 16 bits")]
fn whole(sample: f32) -> i32 {
    sample.round() as i32
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
