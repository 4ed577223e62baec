//! Reads the extract of a data set: its elements up to the pixels, as they came, without the long values.
//!
//! Extracts are written by the door's scanner, which has proved the data set whole; they are read again from the log, so
//! nothing is believed all the same: no length is trusted, nesting and elements are bounded.

use super::syntax::{Coding, is_long_form};
use super::tag::{DOUBLE_PIXEL_DATA, FLOAT_PIXEL_DATA, ITEM, ITEM_END, PIXEL_DATA, SEQUENCE_END, Tag};

/// The longest value of an extract, in bytes. Longer ones are left out; their place is known.
pub const VALUE_BYTES_MAX: u32 = 1 << 10;
/// The same where elements do not name their representation: it may be a sequence.
const UNNAMED_BYTES_MAX: u32 = 16 << 10;
/// The length that says: until its delimiter comes.
const UNDEFINED: u32 = u32::MAX;
/// Sequences within sequences.
const DEPTH_MAX: usize = 64;

/// Whether a value of such a length stands in an extract.
pub const fn is_extracted(tag: Tag, vr: Option<[u8; 2]>, length: u32) -> bool {
    let unnamed = vr.is_none() && tag.0.is_multiple_of(2) && tag.0 != ITEM.0;
    length <= if unnamed { UNNAMED_BYTES_MAX } else { VALUE_BYTES_MAX }
}

/// An element of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element<'b> {
    /// Its tag.
    pub tag: Tag,
    /// Its value representation, where it names one.
    pub vr: Option<[u8; 2]>,
    /// How it is written, which matters for what is nested in its bytes.
    pub coding: Coding,
    /// Its value.
    pub value: Value<'b>,
}

/// The value of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'b> {
    /// As it came, padding and all.
    Bytes(&'b [u8]),
    /// It is not in the extract: where it begins, counted from the first byte of the data set, and how many bytes it has.
    Elsewhere(u64, u64),
    /// Items of a sequence.
    Items(Vec<Vec<Element<'b>>>),
    /// Compressed pixels, in fragments.
    Fragments,
}

/// An extract that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the extract of the data set does not hold at byte {0}")]
pub struct ElementFault(usize);

/// Reads an extract.
///
/// # Errors
/// It does not hold.
pub fn read(extract: &[u8], coding: Coding) -> Result<Vec<Element<'_>>, ElementFault> {
    Reader { bytes: extract, position: 0, at: 0 }.elements(coding, Some(u64::MAX), DEPTH_MAX)
}

/// Reads the items in the bytes of a sequence whose element did not name its representation. Places of what is not there
/// mean nothing.
///
/// # Errors
/// They are no items.
pub fn read_items(bytes: &[u8], coding: Coding) -> Result<Vec<Vec<Element<'_>>>, ElementFault> {
    let mut reader = Reader { bytes, position: 0, at: 0 };
    let end = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    reader.items(coding, Some(end), DEPTH_MAX / 2)
}

struct Reader<'b> {
    bytes: &'b [u8],
    position: usize,
    /// The place in the data set, which is behind that in the extract where values are left out.
    at: u64,
}

/// Tag, representation, length.
type Head = (Tag, Option<[u8; 2]>, u32);

impl<'b> Reader<'b> {
    /// Elements up to `end`, or to their delimiter.
    fn elements(&mut self, coding: Coding, end: Option<u64>, depth: usize) -> Result<Vec<Element<'b>>, ElementFault> {
        let mut elements = Vec::new();
        while end.is_none_or(|end| self.at < end) {
            if self.position == self.bytes.len() && end == Some(u64::MAX) {
                break;
            }
            let head @ (tag, vr, length) = self.head(coding)?;
            if tag == ITEM_END && end.is_none() {
                break;
            }
            let pixels = [PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_PIXEL_DATA].contains(&tag);
            if pixels && end == Some(u64::MAX) {
                // The extract ends here.
                let value = match length {
                    UNDEFINED => Value::Fragments,
                    bytes => Value::Elsewhere(self.at, bytes.into()),
                };
                elements.push(Element { tag, vr, coding, value });
                break;
            }
            let value = self.value(head, coding, depth)?;
            elements.push(Element { tag, vr, coding, value });
        }
        Ok(elements)
    }

    fn value(&mut self, (tag, vr, length): Head, coding: Coding, depth: usize) -> Result<Value<'b>, ElementFault> {
        let is_sequence = vr == Some(*b"SQ");
        let within = if vr == Some(*b"UN") { Coding::IMPLICIT } else { coding };
        if length == UNDEFINED && tag == PIXEL_DATA && !is_sequence {
            self.fragments(coding)?;
            return Ok(Value::Fragments);
        }
        if length == UNDEFINED || is_sequence {
            let end = (length != UNDEFINED).then(|| self.at.saturating_add(length.into()));
            return Ok(Value::Items(self.items(within, end, depth)?));
        }
        if is_extracted(tag, vr, length) {
            return Ok(Value::Bytes(self.take(length)?));
        }
        let at = self.at;
        self.at = at.saturating_add(length.into());
        Ok(Value::Elsewhere(at, length.into()))
    }

    /// Items up to `end`, or to their delimiter.
    fn items(&mut self, coding: Coding, end: Option<u64>, depth: usize) -> Result<Vec<Vec<Element<'b>>>, ElementFault> {
        let deeper = depth.checked_sub(1).ok_or(ElementFault(self.position))?;
        let mut items = Vec::new();
        while end.is_none_or(|end| self.at < end) {
            match self.head(coding)? {
                (SEQUENCE_END, _, _) if end.is_none() => break,
                (ITEM, _, UNDEFINED) => items.push(self.elements(coding, None, deeper)?),
                (ITEM, _, length) => {
                    let end = self.at.saturating_add(length.into());
                    items.push(self.elements(coding, Some(end), deeper)?);
                }
                _ => return Err(ElementFault(self.position)),
            }
        }
        Ok(items)
    }

    /// Passes compressed pixels of a nested image.
    fn fragments(&mut self, coding: Coding) -> Result<(), ElementFault> {
        loop {
            match self.head(coding)? {
                (SEQUENCE_END, _, _) => return Ok(()),
                (ITEM, _, length) if is_extracted(ITEM, None, length) => drop(self.take(length)?),
                (ITEM, _, length) => self.at = self.at.saturating_add(length.into()),
                _ => return Err(ElementFault(self.position)),
            }
        }
    }

    fn head(&mut self, coding: Coding) -> Result<Head, ElementFault> {
        let short =
            |bytes: [u8; 2]| if coding.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
        let long =
            |bytes: [u8; 4]| if coding.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let [a, b, c, d, e, f, g, h] = self.array()?;
        let tag = Tag(short([a, b]), short([c, d]));
        if !coding.explicit || tag.0 == ITEM.0 {
            return Ok((tag, None, long([e, f, g, h])));
        }
        let length = if is_long_form([e, f]) { long(self.array()?) } else { short([g, h]).into() };
        Ok((tag, Some([e, f]), length))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ElementFault> {
        let bytes = self.take(u32::try_from(N).unwrap_or(0))?;
        bytes.try_into().ok().ok_or(ElementFault(self.position))
    }

    fn take(&mut self, length: u32) -> Result<&'b [u8], ElementFault> {
        let fault = ElementFault(self.position);
        let end = usize::try_from(length).ok().and_then(|length| self.position.checked_add(length)).ok_or(fault)?;
        let bytes = self.bytes.get(self.position..end).ok_or(fault)?;
        self.position = end;
        self.at = self.at.saturating_add(length.into());
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_sequences_and_what_is_left_out_are_read_with_their_places() {
        let mut bytes = vec![0x08, 0, 0x60, 0, b'C', b'S', 2, 0, b'C', b'T'];
        // A long value that is left out, then a sequence of one item without a length.
        bytes.extend([0x28, 0, 0x01, 0x12, b'O', b'W', 0, 0, 0, 8, 0, 0]);
        bytes.extend([0x40, 0, 0x75, 2, b'S', b'Q', 0, 0, 255, 255, 255, 255]);
        bytes.extend([0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255, 0x40, 0, 9, 0, b'S', b'H', 2, 0, b'1', b' ']);
        bytes.extend([0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        bytes.extend([0xE0, 0x7F, 0x10, 0, b'O', b'W', 0, 0, 0, 0, 1, 0]);
        let read = read(&bytes, Coding::EXPLICIT).expect("it holds");
        let tags: Vec<Tag> = read.iter().map(|element| element.tag).collect();
        assert_eq!(tags, [Tag(8, 0x60), Tag(0x28, 0x1201), Tag(0x40, 0x275), PIXEL_DATA]);
        assert_eq!(read[0].value, Value::Bytes(b"CT"));
        assert_eq!(read[1].value, Value::Elsewhere(22, 2048));
        assert!(matches!(&read[2].value, Value::Items(items) if items[0][0].value == Value::Bytes(b"1 ")));
        let at = u64::try_from(bytes.len()).expect("short") + 2048;
        assert_eq!(read[3].value, Value::Elsewhere(at, 65_536));
        for end in 1..bytes.len() {
            let cut = super::read(&bytes[..end], Coding::EXPLICIT);
            assert!(cut.is_err() || cut.is_ok_and(|read| read.len() < 4), "{end}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deep: Vec<u8> =
            [[0x40, 0, 0x75, 2, 255, 255, 255, 255], [0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255]].concat().repeat(1000);
        assert!(read(&deep, Coding::IMPLICIT).is_err());
    }
}
