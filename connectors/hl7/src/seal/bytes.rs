//! What the bytes of a frame tell before they are decoded.

use causeway_core::reason::Reason;
use memchr::memchr2_iter;

/// Why a frame without a readable MSH is refused.
pub(super) fn faceless_reason(payload: &[u8]) -> Reason {
    let batch = [b"FHS".as_slice(), b"BHS"].iter().any(|name| payload.starts_with(name));
    if batch {
        return Reason::NotOneMessage;
    }
    // UTF-16 and UTF-32 begin with a byte order mark or have a zero byte beside the M.
    let wide = matches!(payload, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [b'M', 0, ..] | [0, b'M', ..] | [0, 0, ..]);
    if wide { Reason::CharsetUnknown } else { Reason::Unreadable }
}

/// A segment MSA: the message is itself an answer. Looked for in the bytes as they came, because it must be found in a
/// message that cannot be decoded too; CR and LF are no part of a character in any set taken here.
pub(crate) fn has_msa(payload: &[u8]) -> bool {
    memchr2_iter(b'\r', b'\n', payload).any(|end| {
        let line = payload.get(end + 1..).unwrap_or_default();
        matches!(line, [b'M', b'S', b'A', separator, ..] if separator.is_ascii_punctuation())
    })
}

/// The name of the segment in which the byte at `offset` stands.
pub(super) fn segment_at(payload: &[u8], offset: usize) -> &str {
    let before = payload.get(..offset).unwrap_or(payload);
    let start = before.iter().rposition(|byte| matches!(byte, b'\r' | b'\n')).map_or(0, |end| end + 1);
    let name = payload.get(start..start + 3).unwrap_or_default();
    let good = name.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    std::str::from_utf8(name).ok().filter(|_| good).unwrap_or_default()
}
