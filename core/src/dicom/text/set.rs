//! The single character sets: by the terms that name them, and by the escapes that call them.

use encoding_rs::Encoding;

/// A character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// ISO 646, and what is like it.
    Ascii,
    /// ISO 8859-1, whose control characters are not what Windows puts there.
    Latin1,
    /// One that `encoding_rs` knows, ASCII within.
    Known(&'static Encoding),
    /// Half-width katakana of JIS X 0201.
    Katakana,
    /// JIS X 0208 in two bytes of seven bits.
    Jis208,
    /// JIS X 0212 in two bytes of seven bits.
    Jis212,
}

impl Set {
    /// ISO 8859-1.
    pub(super) const LATIN_1: Self = Self::Latin1;

    /// The set of a defined term (PS3.3 tables C.12-2 to C.12-5). `ISO 2022 IR 165`, which Chinese devices send though it is
    /// not DICOM's, is GB 2312 with more.
    pub(super) fn of_term(term: &str) -> Option<Self> {
        let bare = term.strip_prefix("ISO_IR ").or_else(|| term.strip_prefix("ISO 2022 IR ")).unwrap_or(term);
        Some(match bare {
            "" | "6" | "ISO_IR_6" => Self::Ascii,
            "100" => Self::Latin1,
            "101" => Self::Known(encoding_rs::ISO_8859_2),
            "109" => Self::Known(encoding_rs::ISO_8859_3),
            "110" => Self::Known(encoding_rs::ISO_8859_4),
            "144" => Self::Known(encoding_rs::ISO_8859_5),
            "127" => Self::Known(encoding_rs::ISO_8859_6),
            "126" => Self::Known(encoding_rs::ISO_8859_7),
            "138" => Self::Known(encoding_rs::ISO_8859_8),
            "148" => Self::Known(encoding_rs::WINDOWS_1254),
            "203" => Self::Known(encoding_rs::ISO_8859_15),
            "166" => Self::Known(encoding_rs::WINDOWS_874),
            "13" => Self::Katakana,
            "87" => Self::Jis208,
            "159" => Self::Jis212,
            "149" => Self::Known(encoding_rs::EUC_KR),
            "58" | "165" | "GBK" => Self::Known(encoding_rs::GBK),
            "192" => Self::Known(encoding_rs::UTF_8),
            "GB18030" => Self::Known(encoding_rs::GB18030),
            _ => return None,
        })
    }

    /// Whether it takes the bytes below 0x80.
    pub(super) const fn is_low(self) -> bool {
        matches!(self, Self::Ascii | Self::Jis208 | Self::Jis212)
    }

    /// Decodes; false when a byte is none of its.
    pub(super) fn decode(self, bytes: &[u8], text: &mut String) -> bool {
        match self {
            Self::Ascii => {
                text.extend(bytes.iter().map(|byte| char::from(*byte)));
                bytes.is_ascii()
            }
            // The upper control characters are no text: what has them is not Latin-1.
            Self::Latin1 => {
                text.extend(bytes.iter().map(|byte| char::from(*byte)));
                !bytes.iter().any(|byte| (0x80..0xA0).contains(byte))
            }
            Self::Known(encoding) => with(encoding, bytes, text),
            Self::Katakana => {
                let one = |byte: &u8| byte.is_ascii() || (0xA1..=0xDF).contains(byte);
                bytes.iter().all(one) && with(encoding_rs::SHIFT_JIS, bytes, text)
            }
            Self::Jis208 => {
                let raised: Vec<u8> = bytes.iter().map(|byte| byte | 0x80).collect();
                bytes.is_ascii() && bytes.len().is_multiple_of(2) && with(encoding_rs::EUC_JP, &raised, text)
            }
            Self::Jis212 => {
                let raised: Vec<u8> = bytes
                    .chunks(2)
                    .flat_map(|pair| std::iter::once(0x8F).chain(pair.iter().map(|byte| byte | 0x80)))
                    .collect();
                bytes.is_ascii() && bytes.len().is_multiple_of(2) && with(encoding_rs::EUC_JP, &raised, text)
            }
        }
    }
}

fn with(encoding: &'static Encoding, bytes: &[u8], text: &mut String) -> bool {
    let decoded = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    if let Some(decoded) = &decoded {
        text.push_str(decoded);
    }
    decoded.is_some()
}

/// The set an escape calls, and the length of the escape (PS3.3 tables C.12-3 and C.12-4).
pub(super) fn escape(bytes: &[u8]) -> Option<(Set, usize)> {
    let term = |set: &str, length: usize| Set::of_term(set).map(|set| (set, length));
    match bytes {
        [_, b'(', b'B' | b'J', ..] => Some((Set::Ascii, 3)),
        [_, b'$', b'B', ..] => term("87", 3),
        [_, b'$', b'(', b'D', ..] => term("159", 4),
        [_, b'$', b')', b'C', ..] => term("149", 4),
        [_, b'$', b')', b'A', ..] => term("58", 4),
        [_, b'$', b')', b'E', ..] => term("165", 4),
        [_, b')', b'I', ..] => term("13", 3),
        [_, b'-', last, ..] => {
            let set = match last {
                b'A' => "100",
                b'B' => "101",
                b'C' => "109",
                b'D' => "110",
                b'F' => "126",
                b'G' => "127",
                b'H' => "138",
                b'L' => "144",
                b'M' => "148",
                b'T' => "166",
                b'b' => "203",
                _ => return None,
            };
            term(set, 3)
        }
        _ => None,
    }
}
