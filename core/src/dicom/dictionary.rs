//! The dictionary of data elements (DICOM PS3.6): of each tag its representation and its keyword.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::tag::Tag;

/// An entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The tag; of a repeating group the first.
    pub tag: Tag,
    /// The value representation. `XS` is US or SS, as Pixel Representation says; `LU` is US or OW.
    pub vr: [u8; 2],
    /// The keyword, as `PatientName`.
    pub keyword: &'static str,
}

/// The entry of a tag, if DICOM knows it.
pub fn entry(tag: Tag) -> Option<Entry> {
    // Curves and overlays repeat in even groups (PS3.5 section 7.6).
    let first = match tag.0 {
        0x5000..=0x50FF | 0x6000..=0x60FF if tag.0.is_multiple_of(2) => Tag(tag.0 & 0xFF00, tag.1),
        _ => tag,
    };
    let table = &DICTIONARY.entries;
    let place = table.binary_search_by_key(&first, |entry| entry.tag).ok()?;
    table.get(place).copied()
}

/// The tag of a keyword, or of eight hexadecimal digits: as queries name it.
pub fn tag_of(name: &str) -> Option<Tag> {
    Tag::parse(name).or_else(|| DICTIONARY.by_keyword.get(name).copied())
}

struct Dictionary {
    /// In the order of the tags.
    entries: Vec<Entry>,
    by_keyword: HashMap<&'static str, Tag>,
}

static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    let entries: Vec<Entry> = include_str!("dictionary.csv").lines().skip(2).filter_map(row).collect();
    let by_keyword = entries.iter().map(|entry| (entry.keyword, entry.tag)).collect();
    Dictionary { entries, by_keyword }
});

fn row(line: &'static str) -> Option<Entry> {
    let mut columns = line.split(',');
    let tag = Tag::parse(columns.next()?)?;
    let vr = columns.next()?.as_bytes().try_into().ok()?;
    Some(Entry { tag, vr, keyword: columns.next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_tag_and_by_keyword() {
        let lines = include_str!("dictionary.csv").lines().count() - 2;
        assert_eq!((DICTIONARY.entries.len(), DICTIONARY.by_keyword.len()), (lines, lines), "every row is read");
        assert!(DICTIONARY.entries.is_sorted_by(|a, b| a.tag < b.tag));
        assert_eq!(entry(Tag(0x0010, 0x0010)).map(|entry| (entry.vr, entry.keyword)), Some((*b"PN", "PatientName")));
        assert_eq!(entry(Tag(0x6002, 0x3000)).map(|entry| entry.keyword), Some("OverlayData"));
        assert_eq!(entry(Tag(0x0009, 0x0010)), None);
        assert_eq!(tag_of("StudyInstanceUID"), Some(Tag(0x0020, 0x000D)));
        assert_eq!(tag_of("0020000d"), Some(Tag(0x0020, 0x000D)));
        assert_eq!(tag_of("PatientNames"), None);
    }
}
