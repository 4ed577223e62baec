//! JPEG-LS as encoders end it.

use openreadout_codecs::{CodecError, Raster, jpegls_decode_limited};

/// End of image (ITU-T T.81 section B.1.1.3, which T.87 keeps).
const END: [u8; 2] = [0xFF, 0xD9];

/// Decodes a frame, refusing one of more than `bytes_max` bytes of samples. A frame that is broken as it stands is tried once more
/// without what some encoders put before its end; an end that was data is missed by the decoder, so nothing false comes of it.
pub(super) fn decode(frame: &[u8], bytes_max: usize) -> Result<Raster, CodecError> {
    let told = match jpegls_decode_limited(frame, bytes_max) {
        Err(told @ CodecError::Decode { .. }) => told,
        other => return other,
    };
    let Some(data) = unpadded(frame) else { return Err(told) };
    jpegls_decode_limited(&[data, &END].concat(), bytes_max).map_err(|_also| told)
}

/// What stands before the end of the image and its padding: fill bytes, of which any number may precede a marker (T.81 section
/// B.1.1.2; DCMTK writes one where its last byte was full), or a byte of zeros. `None` where there is no padding.
fn unpadded(frame: &[u8]) -> Option<&[u8]> {
    let end = frame.windows(END.len()).rposition(|pair| pair == END)?;
    let (whole, _) = frame.split_at_checked(end)?;
    let mut data = whole;
    while let Some(shorter) = data.strip_suffix(&[0xFF]) {
        data = shorter;
    }
    let data = if data.len() == whole.len() { data.strip_suffix(&[0])? } else { data };
    Some(data)
}
