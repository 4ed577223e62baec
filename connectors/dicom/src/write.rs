//! Writes data sets, element by element, in every coding: for what we send, and for images made up for demonstrations and
//! tests.

use causeway_core::dicom::tag::{ITEM, ITEM_END, SEQUENCE_END, Tag};

use crate::syntax::{Coding, is_long_form};

/// The length that says: until its delimiter comes.
const UNDEFINED: u32 = u32::MAX;

/// A data set under construction. Elements are written in the order they are put: that of their tags is the caller's duty.
#[derive(Debug, Clone)]
pub struct ElementWriter {
    coding: Coding,
    bytes: Vec<u8>,
}

impl ElementWriter {
    /// An empty one.
    pub const fn new(coding: Coding) -> Self {
        Self { coding, bytes: Vec::new() }
    }

    /// Text, padded to an even length as its representation wants it.
    #[must_use]
    pub fn text(self, tag: Tag, vr: [u8; 2], text: &str) -> Self {
        self.raw(tag, vr, text.as_bytes())
    }

    /// Bytes, padded to an even length. A representation with a short length cuts what is longer than it can say.
    #[must_use]
    pub fn raw(mut self, tag: Tag, vr: [u8; 2], value: &[u8]) -> Self {
        let longest = if is_long_form(vr) { usize::MAX } else { 0xFFFE };
        let value = value.get(..longest).unwrap_or(value);
        let padded = value.len().next_multiple_of(2);
        self.head(tag, vr, u32::try_from(padded).unwrap_or(UNDEFINED));
        self.bytes.extend(value);
        if padded > value.len() {
            self.bytes.push(if matches!(&vr, b"UI" | b"OB" | b"OW" | b"UN") { 0 } else { b' ' });
        }
        self
    }

    /// A number of VR US.
    #[must_use]
    pub fn number(mut self, tag: Tag, number: u16) -> Self {
        self.head(tag, *b"US", 2);
        self.short(number);
        self
    }

    /// A sequence of items that are written already, with lengths or with delimiters.
    #[must_use]
    pub fn sequence(mut self, tag: Tag, items: &[&[u8]], defined: bool) -> Self {
        let length = |bytes: usize| if defined { u32::try_from(bytes).unwrap_or(UNDEFINED) } else { UNDEFINED };
        let all = items.iter().map(|item| item.len().saturating_add(8)).sum();
        self.head(tag, *b"SQ", length(all));
        for item in items {
            self.item(length(item.len()));
            self.bytes.extend(*item);
            if !defined {
                self.delimiter(ITEM_END);
            }
        }
        if !defined {
            self.delimiter(SEQUENCE_END);
        }
        self
    }

    /// Compressed pixels: an offset table and a fragment a frame (PS3.5 annex A.4).
    #[must_use]
    pub fn encapsulated(mut self, tag: Tag, frames: &[&[u8]]) -> Self {
        let padded = |frame: &[u8]| u32::try_from(frame.len().next_multiple_of(2)).unwrap_or(UNDEFINED);
        self.head(tag, *b"OB", UNDEFINED);
        self.item(u32::try_from(frames.len().saturating_mul(4)).unwrap_or(UNDEFINED));
        let mut at = 0_u32;
        for frame in frames {
            self.long(at);
            at = at.saturating_add(padded(frame)).saturating_add(8);
        }
        for frame in frames {
            self.item(padded(frame));
            self.bytes.extend(*frame);
            if !frame.len().is_multiple_of(2) {
                self.bytes.push(0);
            }
        }
        self.delimiter(SEQUENCE_END);
        self
    }

    /// The bytes.
    pub fn bytes(self) -> Vec<u8> {
        self.bytes
    }

    fn head(&mut self, tag: Tag, vr: [u8; 2], length: u32) {
        self.short(tag.0);
        self.short(tag.1);
        if !self.coding.explicit {
            return self.long(length);
        }
        self.bytes.extend(vr);
        if is_long_form(vr) {
            self.short(0);
            self.long(length);
        } else {
            self.short(u16::try_from(length).unwrap_or(u16::MAX));
        }
    }

    /// The head of an item: never with a representation.
    fn item(&mut self, length: u32) {
        self.short(ITEM.0);
        self.short(ITEM.1);
        self.long(length);
    }

    fn delimiter(&mut self, tag: Tag) {
        self.short(tag.0);
        self.short(tag.1);
        self.long(0);
    }

    fn short(&mut self, number: u16) {
        self.bytes.extend(if self.coding.big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
    }

    fn long(&mut self, number: u32) {
        self.bytes.extend(if self.coding.big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
    }
}
