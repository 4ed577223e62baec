//! Input that has brought other receivers down, by its number in the catalogue of bad input.

use causeway_core::dicom::tag;

use super::tests::{scan, uid};
use super::*;
use crate::syntax::{DEFLATED, EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use crate::testing::{ct, deflated};
use crate::write::ElementWriter;

const ITEM_OPEN: [u8; 8] = [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF];
const SEQUENCE_OPEN: [u8; 12] = [0x40, 0x00, 0x30, 0xA7, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];

#[test]
fn catalogue_128_a_declared_length_allocates_nothing_and_is_missed_at_the_end() {
    let mut bytes = ct(Coding::EXPLICIT, "1.2.3", 0);
    bytes.extend([0xE0, 0x7F, 0x11, 0x00, b'O', b'B', 0, 0]);
    bytes.extend(0x7FFF_FFF0_u32.to_le_bytes());
    bytes.extend([0; 40]);
    assert!(matches!(scan(EXPLICIT_LITTLE, &bytes, 64), Err(ScanFault::Truncated { .. })));
    // The same in a value that is kept: it is too long to keep, so nothing is made ready for it.
    let mut kept = ElementWriter::new(Coding::IMPLICIT).bytes();
    kept.extend([0x08, 0x00, 0x05, 0x00]);
    kept.extend(0xFFFF_FFF0_u32.to_le_bytes());
    kept.extend([b'A'; 270]);
    assert!(matches!(scan(IMPLICIT_LITTLE, &kept, 64), Err(ScanFault::Truncated { .. } | ScanFault::Overrun { .. })));
}

#[test]
fn catalogue_129_nesting_is_bounded_and_needs_no_stack() {
    let mut bytes = Vec::new();
    for _ in 0..100_000 {
        bytes.extend(SEQUENCE_OPEN);
        bytes.extend(ITEM_OPEN);
    }
    assert!(matches!(scan(EXPLICIT_LITTLE, &bytes, 4096), Err(ScanFault::TooDeep { depth_max: 64, .. })));
    // As deep as may be, and closed again, it is taken.
    let mut deep = Vec::new();
    (0..64).for_each(|_| deep.extend(SEQUENCE_OPEN.iter().chain(&ITEM_OPEN)));
    for _ in 0..64 {
        deep.extend([0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    }
    assert!(scan(EXPLICIT_LITTLE, &deep, 13).is_ok());
    // Implicit sequences nest too.
    let mut implicit = Vec::new();
    for _ in 0..2000 {
        implicit.extend([0x40, 0x00, 0x30, 0xA7, 0xFF, 0xFF, 0xFF, 0xFF]);
        implicit.extend(ITEM_OPEN);
    }
    assert!(matches!(scan(IMPLICIT_LITTLE, &implicit, 64), Err(ScanFault::TooDeep { .. })));
}

#[test]
fn catalogue_130_a_deflate_bomb_is_stopped_by_ratio_and_by_budget() {
    let mut plain = ElementWriter::new(Coding::EXPLICIT).text(tag::SOP_INSTANCE_UID, *b"UI", "1.2").bytes();
    let zeros = 16 << 20;
    plain.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'W', 0, 0]);
    plain.extend(u32::try_from(zeros).expect("short").to_le_bytes());
    plain.resize(plain.len() + zeros, 0);
    let bomb = deflated(&plain);
    assert!(bomb.len() < 100_000);
    assert_eq!(scan(DEFLATED, &bomb, 1000), Err(ScanFault::InflatesTooLong));
    let limits = ScanLimits { inflate_ratio_max: u64::MAX, inflated_bytes_max: 1 << 20, ..ScanLimits::default() };
    let mut scanner = Scanner::data_set(&uid(DEFLATED), limits);
    assert_eq!(scanner.feed(&bomb), Err(ScanFault::InflatesTooLong));
    let limits = ScanLimits { inflate_ratio_max: u64::MAX, ..ScanLimits::default() };
    let mut scanner = Scanner::data_set(&uid(DEFLATED), limits);
    assert_eq!(scanner.feed(&bomb), Ok(()));
    assert!(scanner.finish().is_ok(), "within its limits it is a data set as any other");
}

#[test]
fn catalogue_131_elements_are_counted_and_stray_delimiters_refused() {
    let limits = ScanLimits { elements_max: 1000, ..ScanLimits::default() };
    let mut scanner = Scanner::data_set(&uid(EXPLICIT_LITTLE), limits);
    let tiny: Vec<u8> = (0..1001).flat_map(|_| [0x09, 0x00, 0x10, 0x10, b'L', b'O', 0, 0]).collect();
    assert_eq!(scanner.feed(&tiny), Err(ScanFault::TooManyElements { elements_max: 1000 }));
    for stray in [
        &[0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0][..],
        &[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
        &ITEM_OPEN,
        &[0xFE, 0xFF, 0x01, 0xE0, 0, 0, 0, 0],
        &[0x00, 0x00, 0x00, 0x01, b'U', b'S', 2, 0, 1, 0],
        &[0x02, 0x00, 0x10, 0x00, b'U', b'I', 2, 0, b'1', 0],
    ] {
        assert!(matches!(scan(EXPLICIT_LITTLE, stray, 3), Err(ScanFault::Misplaced { .. })), "{stray:?}");
    }
    let in_sequence: Vec<u8> = SEQUENCE_OPEN.iter().chain(b"\x10\x00\x20\x00LO\x00\x00").copied().collect();
    assert!(matches!(scan(EXPLICIT_LITTLE, &in_sequence, 3), Err(ScanFault::Misplaced { .. })));
}

#[test]
fn an_item_may_not_reach_beyond_its_sequence_nor_an_element_beyond_its_item() {
    let mut bytes = vec![0x40, 0x00, 0x30, 0xA7, b'S', b'Q', 0, 0, 16, 0, 0, 0];
    bytes.extend([0xFE, 0xFF, 0x00, 0xE0, 9, 0, 0, 0]);
    bytes.extend([0x10, 0x00, 0x20, 0x00, b'L', b'O', 0, 0]);
    assert!(matches!(scan(EXPLICIT_LITTLE, &bytes, 8), Err(ScanFault::Overrun { .. })));
    let mut bytes = vec![0x40, 0x00, 0x30, 0xA7, b'S', b'Q', 0, 0, 16, 0, 0, 0];
    bytes.extend([0xFE, 0xFF, 0x00, 0xE0, 8, 0, 0, 0]);
    bytes.extend([0x10, 0x00, 0x20, 0x00, b'L', b'O', 1, 0, b'x']);
    assert!(matches!(scan(EXPLICIT_LITTLE, &bytes, 8), Err(ScanFault::Overrun { .. })));
}

#[test]
fn a_second_patient_in_one_header_is_refused() {
    let bytes = ElementWriter::new(Coding::EXPLICIT)
        .text(tag::PATIENT_ID, *b"LO", "H1")
        .text(tag::PATIENT_ID, *b"LO", "H2")
        .bytes();
    assert!(matches!(scan(EXPLICIT_LITTLE, &bytes, 8), Err(ScanFault::Twice { tag: tag::PATIENT_ID, .. })));
}

#[test]
fn values_too_long_to_keep_are_counted_and_the_data_set_is_taken() {
    let long = "x".repeat(20_000);
    let bytes = ElementWriter::new(Coding::IMPLICIT)
        .text(tag::STUDY_DESCRIPTION, *b"LO", &long)
        .text(tag::PATIENT_ID, *b"LO", "H1")
        .bytes();
    let scan = scan(IMPLICIT_LITTLE, &bytes, 100).expect("whole");
    assert_eq!((scan.dropped, scan.header.get(tag::STUDY_DESCRIPTION)), (1, None));
    assert_eq!(scan.header.get(tag::PATIENT_ID), Some(&b"H1"[..]));
}

#[test]
fn a_data_set_of_more_bytes_than_may_be_is_stopped_while_it_comes() {
    let limits = ScanLimits { bytes_max: 1000, ..ScanLimits::default() };
    let mut scanner = Scanner::data_set(&uid(EXPLICIT_LITTLE), limits);
    let bytes = ct(Coding::EXPLICIT, "1.2.3", 400);
    assert_eq!(scanner.feed(&bytes), Ok(()));
    assert_eq!(scanner.feed(&bytes), Err(ScanFault::TooLong { bytes_max: 1000 }));
}

#[test]
fn text_that_names_no_representation_points_to_the_transfer_syntax() {
    let implicit = ct(Coding::IMPLICIT, "1.2.3", 10);
    let fault = scan(EXPLICIT_LITTLE, &implicit, 10).expect_err("not explicit");
    assert!(fault.to_string().contains("transfer syntax"), "{fault}");
}
