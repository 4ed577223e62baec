//! Samples to a picture: the window (DICOM PS3.3 section C.11.2.1.2), colours (section C.7.6.3.1.2), size, PNG or JPEG.

use std::io::Cursor;

use causeway_core::dicom::picture::PictureOrder;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};

use super::Fault;
use super::decode::Samples;

/// The quality of JPEG: what is shown is no diagnosis, but fine lines must not smear.
const QUALITY: u8 = 90;

/// The picture.
pub(super) fn paint(order: &PictureOrder, samples: &Samples) -> Result<Vec<u8>, Fault> {
    let image = match samples.a_pixel {
        1 => GrayImage::from_raw(order.columns, order.rows, grey(order, samples)).map(DynamicImage::ImageLuma8),
        _ => RgbImage::from_raw(order.columns, order.rows, colour(order, samples)).map(DynamicImage::ImageRgb8),
    };
    let image = image.ok_or_else(|| Fault::broken("there are fewer pixels than rows and columns tell"))?;
    let image = match order.within {
        Some((width, height)) if width < order.columns || height < order.rows => {
            image.resize(width.max(1), height.max(1), FilterType::Triangle)
        }
        Some(_) | None => image,
    };
    let mut bytes = Cursor::new(Vec::new());
    let written = if order.jpeg {
        image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
    } else {
        image.write_to(&mut bytes, ImageFormat::Png)
    };
    written.map_err(Fault::broken)?;
    Ok(bytes.into_inner())
}

fn grey(order: &PictureOrder, samples: &Samples) -> Vec<u8> {
    let real = |value: i32| f64::from(value).mul_add(order.slope, order.intercept);
    let (centre, width) = order.window.unwrap_or_else(|| whole_range(samples.values.iter().map(|value| real(*value))));
    let inverse = order.photometric == "MONOCHROME1";
    let shade = |value: &i32| {
        let shade = byte(windowed(real(*value), centre, width) * 255.0);
        if inverse { u8::MAX - shade } else { shade }
    };
    samples.values.iter().map(shade).collect()
}

/// The linear function of the standard, from 0 to 1.
fn windowed(value: f64, centre: f64, width: f64) -> f64 {
    if width <= 1.0 {
        return if value <= centre - 0.5 { 0.0 } else { 1.0 };
    }
    (((value - (centre - 0.5)) / (width - 1.0)) + 0.5).clamp(0.0, 1.0)
}

/// Centre and width that show everything.
fn whole_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = values.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
    let width = (most - least + 1.0).max(1.0);
    (least + width / 2.0, width)
}

fn colour(order: &PictureOrder, samples: &Samples) -> Vec<u8> {
    let shift = order.bits_stored.saturating_sub(8).min(8);
    let down = |value: &i32| u8::try_from((value >> shift).clamp(0, 255)).unwrap_or(u8::MAX);
    let bytes: Vec<u8> = samples.values.iter().map(down).collect();
    if samples.is_rgb || !order.photometric.starts_with("YBR_FULL") {
        return bytes;
    }
    bytes.chunks_exact(3).flat_map(|pixel| if let [y, b, r] = pixel { from_ybr(*y, *b, *r) } else { [0; 3] }).collect()
}

fn from_ybr(y: u8, b: u8, r: u8) -> [u8; 3] {
    let (y, b, r) = (f64::from(y), f64::from(b) - 128.0, f64::from(r) - 128.0);
    [
        byte(1.402_f64.mul_add(r, y)),
        byte(0.714_136_f64.mul_add(-r, 0.344_136_f64.mul_add(-b, y))),
        byte(1.772_f64.mul_add(b, y)),
    ]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what a byte holds")]
fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}
