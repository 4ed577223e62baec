//! Writing the Hong Kong Supplementary Character Set: `encoding_rs` reads it, but writes only what Big5 has from lead
//! byte A1 on (the WHATWG encoder leaves the rest out), and a numeric reference for 鰂, 埗, 邨 or 鱲.
//!
//! The table is made from the decoder itself, so the two cannot differ.

use std::sync::OnceLock;

/// The bytes of the character `c` that begins `text`, and how many bytes of `text` they cover: HKSCS has four letters
/// made of two characters (Ê or ê with a macron or a caron).
pub(super) fn bytes_of(c: char, text: &str) -> Option<([u8; 2], usize)> {
    let table = TABLE.get_or_init(table);
    let longer = table.pairs.iter().find(|(pair, _)| text.starts_with(pair.as_str()));
    if let Some((pair, bytes)) = longer {
        return Some((*bytes, pair.len()));
    }
    let at = table.singles.binary_search_by_key(&c, |(single, _)| *single).ok()?;
    table.singles.get(at).map(|(_, bytes)| (*bytes, c.len_utf8()))
}

/// Made once, 4,000 entries.
static TABLE: OnceLock<Table> = OnceLock::new();

/// The characters of the lead bytes below A1.
struct Table {
    /// Sorted by character.
    singles: Vec<(char, [u8; 2])>,
    pairs: Vec<(String, [u8; 2])>,
}

fn table() -> Table {
    let mut table = Table { singles: Vec::new(), pairs: Vec::new() };
    for bytes in (0x81..=0xA0).flat_map(|lead| (0x40..=0xFE).map(move |trail| [lead, trail])) {
        let decoded = encoding_rs::BIG5.decode_without_bom_handling_and_without_replacement(&bytes);
        let Some(text) = decoded else { continue };
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (Some(single), None) => table.singles.push((single, bytes)),
            (Some(_), Some(_)) => table.pairs.push((text.into_owned(), bytes)),
            (None, _) => {}
        }
    }
    // Stable, so that of two places for one character the first one is kept.
    table.singles.sort_by_key(|(single, _)| *single);
    table.singles.dedup_by_key(|(single, _)| *single);
    table
}
