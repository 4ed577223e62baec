//! Character sets: from the bytes of a message to text and back, strictly (§2.14.9.18, table 0211).
//!
//! Nothing is ever replaced: bytes that are no text in the set are a [`DecodeFault`], characters the set does not have
//! an [`EncodeFault`]. NUL is no text in any of them. Every set taken keeps ASCII where it is, so that a header can be
//! read before its set is known; UTF-16 and UTF-32 do not, and cannot pass MLLP.

use std::borrow::Cow;

use crate::disposition::Disposition;
use crate::feed::CharsetRule;
use crate::reason::Reason;

mod big5;
mod name;
pub mod private_use;
mod single;

/// A character set in which a message can be read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Charset(Set);

/// The sets behind the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Set {
    Ascii,
    Utf8,
    /// ISO 8859-1 as it is, not windows-1252.
    Latin1,
    /// ISO 8859-9: Latin-1 with six Turkish letters; not windows-1254.
    Latin5,
    /// A set of one byte a character that `encoding_rs` knows exactly.
    Single(&'static encoding_rs::Encoding, &'static str),
    /// Big5 with HKSCS.
    Big5,
    /// GBK, and GB 2312 within it.
    Gbk,
    Gb18030,
}

/// Why no character set could be chosen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CharsetError {
    /// The message names a set that is not known here.
    #[error("the character set `{0}` of MSH-18 is not known")]
    Unknown(String),
    /// The message names UTF-16 or UTF-32, whose bytes collide with those of the frame.
    #[error("the character set `{0}` of MSH-18 cannot pass MLLP")]
    Unsafe(String),
    /// The configuration of the feed names a set that is not known here, or cannot pass MLLP.
    #[error("the character set `{0}` configured for the feed is not known or cannot pass MLLP")]
    Configured(String),
}

impl CharsetError {
    /// The reason code.
    pub const fn reason(&self) -> Reason {
        Reason::CharsetUnknown
    }

    /// A sender's fault is answered with a refusal; one of the configuration waits for the operator.
    pub const fn disposition(&self) -> Disposition {
        match self {
            Self::Unknown(_) | Self::Unsafe(_) => Disposition::Reject,
            Self::Configured(_) => Disposition::Hold,
        }
    }
}

/// Bytes that are no text in the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes at {offset} are no text in the character set")]
pub struct DecodeFault {
    /// Where the malformed sequence begins, in bytes as they came.
    pub offset: usize,
}

impl DecodeFault {
    /// The reason code.
    pub const fn reason(&self) -> Reason {
        Reason::Undecodable
    }

    /// Kept for a person: with the right set configured it can be replayed.
    pub const fn disposition(&self) -> Disposition {
        Disposition::Hold
    }
}

/// A character the set does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the character at byte {offset} cannot be written in the character set")]
pub struct EncodeFault {
    /// Where the character begins, in bytes of the text.
    pub offset: usize,
}

impl EncodeFault {
    /// Kept for a person: the receiver needs another set.
    pub const fn disposition(&self) -> Disposition {
        Disposition::Hold
    }
}

/// The UTF-8 byte order mark, which some senders put before MSH.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// `bytes` without a UTF-8 byte order mark at their beginning.
pub fn strip_byte_order_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

impl Charset {
    /// US-ASCII; bytes from 0x80 are faults.
    pub const ASCII: Self = Self(Set::Ascii);
    /// UTF-8.
    pub const UTF_8: Self = Self(Set::Utf8);
    /// ISO 8859-1: every byte is the character of its number.
    pub const LATIN_1: Self = Self(Set::Latin1);
    /// Big5 with the Hong Kong Supplementary Character Set.
    pub const BIG5: Self = Self(Set::Big5);
    /// GBK.
    pub const GBK: Self = Self(Set::Gbk);
    /// GB 18030.
    pub const GB_18030: Self = Self(Set::Gb18030);

    /// The set of a message by the feed's rule and the first repetition of MSH-18.
    ///
    /// A name that is sent but not known is an error unless the rule is `Force`: a guess could turn a name into
    /// another's. Without a name the rule's default holds, and without that UTF-8.
    pub fn resolve(rule: &CharsetRule, msh18: &str) -> Result<Self, CharsetError> {
        let sent = msh18.trim_matches(' ');
        let sent = if sent == "\"\"" { "" } else { sent };
        match rule {
            CharsetRule::Force(name) => Self::configured(name),
            CharsetRule::Default(name) if sent.is_empty() => Self::configured(name),
            CharsetRule::Auto if sent.is_empty() => Ok(Self::UTF_8),
            CharsetRule::Auto | CharsetRule::Default(_) => match name::find(sent) {
                name::Found::Set(set) => Ok(Self(set)),
                name::Found::Unsafe => Err(CharsetError::Unsafe(name::shown(sent))),
                name::Found::Unknown => Err(CharsetError::Unknown(name::shown(sent))),
            },
        }
    }

    /// The set of a name of table 0211, or one seen in the wild: case, blanks, `-`, `_`, `/` and `.` do not matter.
    pub fn named(name: &str) -> Option<Self> {
        match name::find(name) {
            name::Found::Set(set) => Some(Self(set)),
            name::Found::Unsafe | name::Found::Unknown => None,
        }
    }

    /// Its name in table 0211, or the common one where the table has none.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Set::Ascii => "ASCII",
            Set::Utf8 => "UNICODE UTF-8",
            Set::Latin1 => "8859/1",
            Set::Latin5 => "8859/9",
            Set::Single(_, name) => name,
            Set::Big5 => "BIG-5",
            Set::Gbk => "GBK",
            Set::Gb18030 => "GB 18030-2000",
        }
    }

    /// The text of a whole message. A UTF-8 byte order mark at the beginning is left out; in the sets where its three
    /// bytes are text (`嚜` and half a character in Big5), only when a header segment follows.
    ///
    /// Borrows when the bytes are UTF-8 already. The offset of a fault counts the byte order mark.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, DecodeFault> {
        let content = match self.0 {
            Set::Ascii | Set::Utf8 => strip_byte_order_mark(bytes),
            Set::Latin1 | Set::Latin5 | Set::Single(..) | Set::Big5 | Set::Gbk | Set::Gb18030 => {
                Some(strip_byte_order_mark(bytes)).filter(|content| begins_with_a_header(content)).unwrap_or(bytes)
            }
        };
        let skipped = bytes.len() - content.len();
        self.decode_exact(content).map_err(|fault| DecodeFault { offset: fault.offset + skipped })
    }

    /// Whether its texts may hold characters of the private use area that HKSCS put there. GB 18030 has others at the same places.
    pub fn may_be_private(self) -> bool {
        self.0 == Set::Utf8
    }

    /// The text of part of a message: a byte order mark is a character as any other.
    pub(super) fn decode_exact(self, bytes: &[u8]) -> Result<Cow<'_, str>, DecodeFault> {
        if bytes.contains(&0) {
            return Err(DecodeFault { offset: bytes.iter().take_while(|b| **b != 0).count() });
        }
        match std::str::from_utf8(bytes) {
            Ok(text) if self.0 == Set::Utf8 || text.is_ascii() => return Ok(Cow::Borrowed(text)),
            Err(error) if self.0 == Set::Utf8 => return Err(DecodeFault { offset: error.valid_up_to() }),
            Ok(_) | Err(_) => {}
        }
        match self.0 {
            Set::Ascii | Set::Utf8 => Err(DecodeFault { offset: bytes.iter().take_while(|b| b.is_ascii()).count() }),
            Set::Latin1 => Ok(Cow::Owned(single::decode_latin_1(bytes))),
            Set::Latin5 => Ok(Cow::Owned(single::decode_latin_5(bytes))),
            Set::Single(encoding, _) => decode_by(encoding, bytes),
            Set::Big5 => decode_by(encoding_rs::BIG5, bytes),
            Set::Gbk | Set::Gb18030 => decode_by(encoding_rs::GB18030, bytes),
        }
    }

    /// The bytes of `text`. A character that is not in the set, and NUL, are faults; nothing is replaced.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, EncodeFault> {
        if let Some(offset) = text.find('\0') {
            return Err(EncodeFault { offset });
        }
        if self.0 == Set::Utf8 || text.is_ascii() {
            return Ok(text.as_bytes().to_vec());
        }
        match self.0 {
            Set::Ascii | Set::Utf8 => Err(EncodeFault { offset: text.find(|c: char| !c.is_ascii()).unwrap_or(0) }),
            Set::Latin1 => single::encode(text, single::byte_of_latin_1),
            Set::Latin5 => single::encode(text, single::byte_of_latin_5),
            Set::Single(encoding, _) => encode_by(encoding, text, |_, _| None),
            Set::Big5 => encode_by(encoding_rs::BIG5, text, big5::bytes_of),
            Set::Gbk => self.faithfully(text, encode_by(encoding_rs::GBK, text, |_, _| None)?),
            Set::Gb18030 => self.faithfully(text, encode_by(encoding_rs::GB18030, text, |_, _| None)?),
        }
    }

    /// The bytes, if they are read back as the text. Since its edition of 2005, GB 18030 gives bytes that once stood for
    /// characters of the private use area to others; for the former there are none any more.
    fn faithfully(self, text: &str, bytes: Vec<u8>) -> Result<Vec<u8>, EncodeFault> {
        let read = self.decode(&bytes).unwrap_or_default();
        if read == text {
            return Ok(bytes);
        }
        let mut both = text.char_indices().zip(read.chars());
        let offset = both.find(|((_, written), read)| written != read).map_or(text.len(), |((offset, _), _)| offset);
        Err(EncodeFault { offset })
    }

    fn configured(name: &str) -> Result<Self, CharsetError> {
        Self::named(name).ok_or_else(|| CharsetError::Configured(name::shown(name)))
    }
}

/// Whether a header segment begins `bytes`, behind line ends at most.
fn begins_with_a_header(bytes: &[u8]) -> bool {
    let blank = bytes.iter().take_while(|b| matches!(b, b'\r' | b'\n')).count();
    matches!(bytes.get(blank..).and_then(|rest| rest.get(..3)), Some(b"MSH" | b"FHS" | b"BHS"))
}

/// Decodes with `encoding_rs`, without its replacement character.
fn decode_by(encoding: &'static encoding_rs::Encoding, bytes: &[u8]) -> Result<Cow<'static, str>, DecodeFault> {
    use encoding_rs::DecoderResult::{InputEmpty, Malformed, OutputFull};
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len()).unwrap_or(0);
    let mut text = String::with_capacity(room);
    match decoder.decode_to_string_without_replacement(bytes, &mut text, true) {
        (InputEmpty, _) => Ok(Cow::Owned(text)),
        (Malformed(bad, after), read) => {
            let behind = usize::from(bad) + usize::from(after);
            Err(DecodeFault { offset: read.saturating_sub(behind) })
        }
        // The buffer has the size the decoder asked for, so it is never full.
        (OutputFull, read) => Err(DecodeFault { offset: read }),
    }
}

/// What else can write the character at the beginning of a text: its bytes, and how many bytes of the text they cover.
type Supplement = fn(char, &str) -> Option<([u8; 2], usize)>;

/// Encodes with `encoding_rs`, which never gets to write its numeric references: what it cannot write goes to
/// `supplement`, and is a fault when that cannot either.
fn encode_by(
    encoding: &'static encoding_rs::Encoding,
    text: &str,
    supplement: Supplement,
) -> Result<Vec<u8>, EncodeFault> {
    use encoding_rs::EncoderResult::{InputEmpty, OutputFull, Unmappable};
    let mut encoder = encoding.new_encoder();
    let mut bytes = Vec::with_capacity(text.len() + 16);
    let mut rest = text;
    loop {
        let room = encoder.max_buffer_length_from_utf8_without_replacement(rest.len()).unwrap_or(rest.len());
        bytes.reserve(room);
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut bytes, true);
        let (done, left) = rest.split_at_checked(read).unwrap_or((rest, ""));
        match result {
            InputEmpty => return Ok(bytes),
            OutputFull => rest = left,
            Unmappable(c) => {
                let offset = text.len() - left.len() - c.len_utf8();
                let from = done.len().saturating_sub(c.len_utf8());
                let here = rest.get(from..).unwrap_or_default();
                let Some((pair, covered)) = supplement(c, here) else { return Err(EncodeFault { offset }) };
                bytes.extend_from_slice(&pair);
                rest = here.get(covered..).unwrap_or_default();
            }
        }
    }
}
