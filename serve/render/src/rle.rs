//! RLE Lossless (DICOM PS3.5 annex G): a header of 64 bytes, then a segment for each byte of each sample, packed.

use super::Fault;

/// Segments that may be.
const SEGMENTS_MAX: usize = 15;

/// The bytes of a frame, as an uncompressed one has them: plane by plane, each sample in little endian.
pub(super) fn unpack(frame: &[u8], samples: usize, bytes_a_sample: usize, pixels: usize) -> Result<Vec<u8>, Fault> {
    let segments = samples.saturating_mul(bytes_a_sample);
    let long = |at: usize| {
        let four: Option<[u8; 4]> = frame.get(at..at.saturating_add(4)).and_then(|bytes| bytes.try_into().ok());
        four.map(u32::from_le_bytes).and_then(|number| usize::try_from(number).ok())
    };
    let header = || Fault::Broken("the header of the packed pixels does not hold".to_owned());
    if long(0) != Some(segments) || segments > SEGMENTS_MAX {
        return Err(header());
    }
    let mut bytes = vec![0; pixels.saturating_mul(segments)];
    for segment in 0..segments {
        let begin = long(4 + 4 * segment).ok_or_else(header)?;
        let end = long(8 + 4 * segment).filter(|end| segment + 1 < segments && *end > begin).unwrap_or(frame.len());
        let packed = frame.get(begin..end).ok_or_else(header)?;
        // The first segment of a sample is its highest byte.
        let (sample, byte) = (segment / bytes_a_sample, bytes_a_sample - 1 - segment % bytes_a_sample);
        let first = sample * pixels * bytes_a_sample + byte;
        let places = bytes.iter_mut().skip(first).step_by(bytes_a_sample).take(pixels);
        if !fill(packed, places) {
            return Err(Fault::Broken("the packed pixels end too early".to_owned()));
        }
    }
    Ok(bytes)
}

/// Unpacks one segment. Whether it was enough.
fn fill<'b>(packed: &[u8], mut places: impl Iterator<Item = &'b mut u8>) -> bool {
    let mut packed = packed.iter().copied();
    let Some(mut place) = places.next() else { return true };
    while let Some(control) = packed.next() {
        let (count, repeated) = match control {
            0..=127 => (usize::from(control) + 1, None),
            128 => continue,
            129..=255 => (257 - usize::from(control), packed.next()),
        };
        for _ in 0..count {
            let Some(byte) = repeated.or_else(|| if control < 128 { packed.next() } else { None }) else {
                return false;
            };
            *place = byte;
            match places.next() {
                Some(next) => place = next,
                None => return true,
            }
        }
    }
    false
}
