//! The names of character sets: table 0211, and those seen in the wild.

use super::Set;

/// What a name stands for.
pub(super) enum Found {
    /// A set taken here.
    Set(Set),
    /// UTF-16 or UTF-32.
    Unsafe,
    /// Nothing known.
    Unknown,
}

/// Looks a name up. Case, blanks, `-`, `_`, `/` and `.` do not matter: no two sets differ in these alone.
pub(super) fn find(name: &str) -> Found {
    let mut buffer = [0_u8; NAME_BYTES_MAX];
    let Some(plain) = plain(name, &mut buffer) else { return Found::Unknown };
    let set = match plain {
        b"ASCII" | b"USASCII" | b"ISOIR6" => Set::Ascii,
        // By table 0211 `UNICODE` is ISO 10646 without a form; a header that could be read at all is UTF-8.
        b"UNICODEUTF8" | b"UTF8" | b"UNICODE" | b"ISOIR192" => Set::Utf8,
        b"UNICODEUTF16" | b"UNICODEUTF32" | b"UTF16" | b"UTF16LE" | b"UTF16BE" | b"UTF32" | b"UTF32LE" | b"UTF32BE"
        | b"UCS2" | b"UCS4" => return Found::Unsafe,
        b"BIG5" | b"BIG5HKSCS" | b"HKSCS" | b"CP950" | b"MS950" | b"WINDOWS950" | b"XBIG5" | b"BIG5HKSCS2008" => {
            Set::Big5
        }
        b"GB180302000" | b"GB18030" | b"GB180302005" | b"GB180302022" => Set::Gb18030,
        b"GBK" | b"GB2312" | b"GB231280" | b"CP936" | b"MS936" | b"WINDOWS936" | b"EUCCN" => Set::Gbk,
        b"WINDOWS1252" | b"CP1252" => Set::Single(encoding_rs::WINDOWS_1252, "WINDOWS-1252"),
        b"LATIN1" | b"ISOIR100" => Set::Latin1,
        b"ISOIR148" => Set::Latin5,
        other => return iso_8859(other),
    };
    Found::Set(set)
}

/// A name as it may be shown in an error: printable ASCII, bounded, for it comes from the sender.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(NAME_BYTES_MAX).map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect()
}

/// No name is longer.
const NAME_BYTES_MAX: usize = 32;

/// `name` in capitals, without the characters that do not matter; `None` when it is too long to be one.
fn plain<'b>(name: &str, buffer: &'b mut [u8; NAME_BYTES_MAX]) -> Option<&'b [u8]> {
    let matter = |b: &u8| !matches!(b, b' ' | b'-' | b'_' | b'/' | b'.');
    let mut length = 0;
    for byte in name.bytes().filter(matter) {
        *buffer.get_mut(length)? = byte.to_ascii_uppercase();
        length += 1;
    }
    buffer.get(..length)
}

/// `8859/1`, `ISO 8859-1`, `ISO IR 101` …
fn iso_8859(plain: &[u8]) -> Found {
    let part = plain.strip_prefix(b"ISO").unwrap_or(plain).strip_prefix(b"8859");
    let set = match (part, plain) {
        (Some(b"1"), _) => Set::Latin1,
        (Some(b"2"), _) | (_, b"ISOIR101") => Set::Single(encoding_rs::ISO_8859_2, "8859/2"),
        (Some(b"3"), _) | (_, b"ISOIR109") => Set::Single(encoding_rs::ISO_8859_3, "8859/3"),
        (Some(b"4"), _) | (_, b"ISOIR110") => Set::Single(encoding_rs::ISO_8859_4, "8859/4"),
        (Some(b"5"), _) | (_, b"ISOIR144") => Set::Single(encoding_rs::ISO_8859_5, "8859/5"),
        (Some(b"6"), _) | (_, b"ISOIR127") => Set::Single(encoding_rs::ISO_8859_6, "8859/6"),
        (Some(b"7"), _) | (_, b"ISOIR126") => Set::Single(encoding_rs::ISO_8859_7, "8859/7"),
        (Some(b"8"), _) | (_, b"ISOIR138") => Set::Single(encoding_rs::ISO_8859_8, "8859/8"),
        (Some(b"9"), _) => Set::Latin5,
        (Some(b"15"), _) | (_, b"ISOIR203") => Set::Single(encoding_rs::ISO_8859_15, "8859/15"),
        _ => return Found::Unknown,
    };
    Found::Set(set)
}
