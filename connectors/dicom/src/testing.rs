//! Data sets made for the tests, in every coding; the tests of the door use the same file.

use causeway_core::dicom::tag::{self, Tag};
use causeway_dicom::syntax::Coding;
use causeway_dicom::write::ElementWriter;

/// The header of a CT slice.
pub(crate) fn header(coding: Coding, instance: &str) -> ElementWriter {
    ElementWriter::new(coding)
        .text(tag::SPECIFIC_CHARACTER_SET, *b"CS", "ISO_IR 192")
        .text(tag::SOP_CLASS_UID, *b"UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(tag::SOP_INSTANCE_UID, *b"UI", instance)
        .text(tag::STUDY_DATE, *b"DA", "20261101")
        .text(tag::ACCESSION_NUMBER, *b"SH", "RAD-1")
        .text(tag::MODALITY, *b"CS", "CT")
        .sequence(Tag(0x0008, 0x1140), &[b""], false)
        .text(tag::PATIENT_NAME, *b"PN", "CHAN^TAI MAN")
        .text(tag::PATIENT_ID, *b"LO", "H2001")
        .text(tag::STUDY_INSTANCE_UID, *b"UI", "1.2.3.100")
        .text(tag::SERIES_INSTANCE_UID, *b"UI", "1.2.3.100.1")
        .number(tag::ROWS, 4)
}

/// A CT slice with so many bytes of pixels; none when 0.
pub(crate) fn ct(coding: Coding, instance: &str, pixels: usize) -> Vec<u8> {
    let header = header(coding, instance);
    if pixels == 0 { header.bytes() } else { header.raw(tag::PIXEL_DATA, *b"OW", &vec![7; pixels]).bytes() }
}

/// The same with compressed pixels.
pub(crate) fn encapsulated(instance: &str, fragments: &[&[u8]]) -> Vec<u8> {
    header(Coding::EXPLICIT, instance).encapsulated(tag::PIXEL_DATA, fragments).bytes()
}

/// The same, deflated.
pub(crate) fn deflated(bytes: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec(bytes, 6)
}

/// A file around a data set.
pub(crate) fn file(transfer_syntax: &str, data_set: &[u8]) -> Vec<u8> {
    file_of("1.2.840.10008.5.1.4.1.1.2", transfer_syntax, data_set)
}

/// The same, with this Media Storage SOP Class UID.
pub(crate) fn file_of(sop_class: &str, transfer_syntax: &str, data_set: &[u8]) -> Vec<u8> {
    let meta = ElementWriter::new(Coding::EXPLICIT)
        .raw(Tag(0x0002, 0x0001), *b"OB", &[0, 1])
        .text(Tag(0x0002, 0x0002), *b"UI", sop_class)
        .text(Tag(0x0002, 0x0003), *b"UI", "1.2.3")
        .text(Tag(0x0002, 0x0010), *b"UI", transfer_syntax)
        .bytes();
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    let length = u32::try_from(meta.len()).expect("short").to_le_bytes();
    bytes.extend(ElementWriter::new(Coding::EXPLICIT).raw(Tag(0x0002, 0x0000), *b"UL", &length).bytes());
    bytes.extend(meta);
    bytes.extend(data_set);
    bytes
}
