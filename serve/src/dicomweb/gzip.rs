//! DICOM JSON repeats itself, so it is packed for those who take it so. Files and frames are sent as they are kept.

use std::io::Write as _;

use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::answer::Fault;

/// Less than this is not worth it.
const BYTES_MIN: usize = 1024;

/// Whether an answer goes out packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// What a reader takes (RFC 9110 section 12.5.3).
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let (mut named, mut any) = (None, false);
        for one in lines.flat_map(|line| line.split(',')) {
            let mut pieces = one.split(';').map(str::trim);
            let name = pieces.next().unwrap_or_default().to_ascii_lowercase();
            let quality = pieces.find_map(|piece| piece.split_once('=').filter(|(name, _)| name.trim() == "q"));
            let taken = quality.is_none_or(|(_, value)| value.trim().parse::<f32>().is_ok_and(|value| value > 0.0));
            match name.as_str() {
                "gzip" | "x-gzip" => named = Some(taken),
                "*" => any = taken,
                _ => {}
            }
        }
        if named.unwrap_or(any) { Self::Gzip } else { Self::Identity }
    }

    /// The same for an answer of so many bytes.
    pub(super) const fn for_bytes(self, bytes: usize) -> Self {
        if bytes < BYTES_MIN { Self::Identity } else { self }
    }

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
        }
    }

    /// Says it in an answer.
    pub(super) fn tell(self, answer: &mut Response) {
        match self {
            Self::Identity => {}
            Self::Gzip => {
                answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
        }
    }

    /// Packs an answer.
    pub(super) fn all(self, bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let mut packer = self.packer();
        let mut packed = packer.put(bytes)?;
        packed.extend(packer.end()?);
        Ok(packed)
    }

    /// Packs piece by piece.
    pub(super) fn packer(self) -> Packer {
        Packer(match self {
            Self::Identity => None,
            Self::Gzip => Some(GzEncoder::new(Vec::new(), Compression::fast())),
        })
    }
}

/// Packs one answer; holds no more than the window of the format.
pub(super) struct Packer(Option<GzEncoder<Vec<u8>>>);

impl Packer {
    /// The next piece; what is ready to be sent, maybe nothing yet.
    pub(super) fn put(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>, Fault> {
        let Some(encoder) = &mut self.0 else { return Ok(bytes) };
        encoder.write_all(&bytes).map_err(internal)?;
        Ok(std::mem::take(encoder.get_mut()))
    }

    /// The rest.
    pub(super) fn end(self) -> Result<Vec<u8>, Fault> {
        self.0.map_or_else(|| Ok(Vec::new()), |encoder| encoder.finish().map_err(internal))
    }
}

fn internal(error: std::io::Error) -> Fault {
    tracing::error!(%error, "an answer could not be packed");
    Fault::Internal
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn packed_in_pieces_or_whole_it_is_what_it_was() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(|number| (number % 997).to_string().into_bytes()).collect();
        let mut packer = Coding::Gzip.packer();
        let mut packed = Vec::new();
        for piece in text.chunks(7001) {
            packed.extend(packer.put(piece.to_vec()).expect("packed"));
        }
        packed.extend(packer.end().expect("packed"));
        for packed in [packed, Coding::Gzip.all(text.clone()).expect("packed")] {
            assert!(packed.len() < text.len() / 2, "{}", packed.len());
            let mut read = Vec::new();
            flate2::read::GzDecoder::new(&*packed).read_to_end(&mut read).expect("gzip");
            assert_eq!(read, text);
        }
        assert_eq!(Coding::Identity.all(text.clone()).expect("as it is"), text);
    }

    #[test]
    fn only_a_reader_that_takes_gzip_gets_it() {
        let of =
            |text: &'static str| Coding::of(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(text))]));
        for text in ["gzip, deflate, br", "br;q=1.0, GZIP;q=0.1", "*", "deflate, *;q=0.5"] {
            assert_eq!(of(text), Coding::Gzip, "{text}");
        }
        for text in ["", "identity", "gzip;q=0", "gzip; q=0.000, *", "br", "*;q=0", "gzip;q=much"] {
            assert_eq!(of(text), Coding::Identity, "{text}");
        }
        assert_eq!(Coding::of(&HeaderMap::new()), Coding::Identity);
        assert_eq!(Coding::Gzip.for_bytes(12), Coding::Identity);
    }
}
