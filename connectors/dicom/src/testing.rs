//! Data sets made for the tests, byte by byte, in every coding.

use causeway_core::dicom::tag::{self, Tag};

use crate::syntax::Coding;

/// Writes elements.
pub(crate) struct Writer {
    coding: Coding,
    bytes: Vec<u8>,
}

impl Writer {
    pub(crate) fn new(coding: Coding) -> Self {
        Self { coding, bytes: Vec::new() }
    }

    fn short(&mut self, number: u16) {
        self.bytes.extend(if self.coding.big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
    }

    fn long(&mut self, number: u32) {
        self.bytes.extend(if self.coding.big_endian { number.to_be_bytes() } else { number.to_le_bytes() });
    }

    fn head(&mut self, tag: Tag, vr: &[u8; 2], length: u32) {
        self.short(tag.0);
        self.short(tag.1);
        if !self.coding.explicit || tag.0 == 0xFFFE {
            return self.long(length);
        }
        self.bytes.extend(vr);
        if [b"OB", b"OW", b"SQ", b"UN", b"UT"].contains(&vr) {
            self.short(0);
            self.long(length);
        } else {
            self.short(u16::try_from(length).expect("a short value"));
        }
    }

    /// An element with text, padded to an even length.
    pub(crate) fn text(self, tag: Tag, vr: &[u8; 2], text: &str) -> Self {
        self.raw(tag, vr, text.as_bytes())
    }

    /// An element with bytes, padded to an even length.
    pub(crate) fn raw(mut self, tag: Tag, vr: &[u8; 2], value: &[u8]) -> Self {
        let padding = value.len() % 2;
        self.head(tag, vr, u32::try_from(value.len() + padding).expect("short"));
        self.bytes.extend(value);
        if padding == 1 {
            self.bytes.push(if vr == b"UI" { 0 } else { b' ' });
        }
        self
    }

    /// A number of VR US.
    pub(crate) fn number(mut self, tag: Tag, number: u16) -> Self {
        self.head(tag, b"US", 2);
        self.short(number);
        self
    }

    /// A sequence of items that are written already.
    pub(crate) fn sequence(mut self, tag: Tag, items: &[&[u8]], defined: bool) -> Self {
        let length = items.iter().map(|item| item.len() + 8).sum::<usize>();
        self.head(tag, b"SQ", if defined { u32::try_from(length).expect("short") } else { u32::MAX });
        for item in items {
            self.head(tag::ITEM, b"  ", if defined { u32::try_from(item.len()).expect("short") } else { u32::MAX });
            self.bytes.extend(*item);
            if !defined {
                self.head(tag::ITEM_END, b"  ", 0);
            }
        }
        if !defined {
            self.head(tag::SEQUENCE_END, b"  ", 0);
        }
        self
    }

    pub(crate) fn bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// The header of a CT slice.
pub(crate) fn header(coding: Coding, instance: &str) -> Writer {
    Writer::new(coding)
        .text(tag::SPECIFIC_CHARACTER_SET, b"CS", "ISO_IR 192")
        .text(tag::SOP_CLASS_UID, b"UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(tag::SOP_INSTANCE_UID, b"UI", instance)
        .text(tag::STUDY_DATE, b"DA", "20261101")
        .text(tag::ACCESSION_NUMBER, b"SH", "RAD-1")
        .text(tag::MODALITY, b"CS", "CT")
        .sequence(Tag(0x0008, 0x1140), &[b""], false)
        .text(tag::PATIENT_NAME, b"PN", "CHAN^TAI MAN")
        .text(tag::PATIENT_ID, b"LO", "H2001")
        .text(tag::STUDY_INSTANCE_UID, b"UI", "1.2.3.100")
        .text(tag::SERIES_INSTANCE_UID, b"UI", "1.2.3.100.1")
        .number(tag::ROWS, 4)
}

/// A CT slice with so many bytes of pixels; none when 0.
pub(crate) fn ct(coding: Coding, instance: &str, pixels: usize) -> Vec<u8> {
    let header = header(coding, instance);
    if pixels == 0 { header.bytes() } else { header.raw(tag::PIXEL_DATA, b"OW", &vec![7; pixels]).bytes() }
}

/// The same with compressed pixels.
pub(crate) fn encapsulated(instance: &str, fragments: &[&[u8]]) -> Vec<u8> {
    let mut writer = header(Coding::EXPLICIT, instance);
    writer.head(tag::PIXEL_DATA, b"OB", u32::MAX);
    writer.head(tag::ITEM, b"  ", u32::try_from(4 * fragments.len()).expect("short"));
    let mut at = 0;
    for fragment in fragments {
        writer.long(at);
        at += u32::try_from(fragment.len() + 8).expect("short");
    }
    for fragment in fragments {
        writer.head(tag::ITEM, b"  ", u32::try_from(fragment.len()).expect("short"));
        writer.bytes.extend(*fragment);
    }
    writer.head(tag::SEQUENCE_END, b"  ", 0);
    writer.bytes()
}

/// The same, deflated.
pub(crate) fn deflated(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec(bytes, 6)
}

/// A file around a data set.
pub(crate) fn file(transfer_syntax: &str, data_set: &[u8]) -> Vec<u8> {
    let meta = Writer::new(Coding::EXPLICIT)
        .raw(Tag(0x0002, 0x0001), b"OB", &[0, 1])
        .text(Tag(0x0002, 0x0002), b"UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(Tag(0x0002, 0x0003), b"UI", "1.2.3")
        .text(Tag(0x0002, 0x0010), b"UI", transfer_syntax)
        .bytes();
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    let length = u32::try_from(meta.len()).expect("short").to_le_bytes();
    bytes.extend(Writer::new(Coding::EXPLICIT).raw(Tag(0x0002, 0x0000), b"UL", &length).bytes());
    bytes.extend(meta);
    bytes.extend(data_set);
    bytes
}
