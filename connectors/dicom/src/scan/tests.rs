//! Whole data sets of every coding, in pieces of every size, and what is left of them when a byte is missing.

use causeway_core::dicom::tag;
use proptest::prelude::*;

use super::*;
use crate::syntax::{DEFLATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE};
use crate::testing::{ct, deflated, encapsulated, file};
use crate::write::ElementWriter;

pub(super) fn uid(text: &str) -> Uid {
    Uid::parse(text).expect("a uid")
}

pub(super) fn scan(syntax: &str, bytes: &[u8], piece: usize) -> Result<Scan, ScanFault> {
    let mut scanner = Scanner::data_set(&uid(syntax), ScanLimits::default());
    bytes.chunks(piece.max(1)).try_for_each(|piece| scanner.feed(piece))?;
    scanner.finish()
}

fn value(scan: &Scan, tag: Tag) -> String {
    String::from_utf8_lossy(scan.header.get(tag).unwrap_or_default()).into_owned()
}

#[test]
fn every_coding_is_read_whatever_the_pieces() {
    for (syntax, coding) in
        [(IMPLICIT_LITTLE, Coding::IMPLICIT), (EXPLICIT_LITTLE, Coding::EXPLICIT), (EXPLICIT_BIG, Coding::BIG)]
    {
        let bytes = ct(coding, "1.2.3", 64);
        for piece in [1, 2, 3, 7, 8, 11, 12, 13, 64, 1 << 20] {
            let scan = scan(syntax, &bytes, piece).expect("whole");
            assert_eq!(value(&scan, tag::SOP_INSTANCE_UID).trim_end_matches('\0'), "1.2.3", "{syntax} {piece}");
            assert_eq!(value(&scan, tag::PATIENT_NAME), "CHAN^TAI MAN");
            let Some(Pixels { layout: Layout::Native(span), .. }) = &scan.pixels else { panic!("pixels") };
            assert_eq!((span.bytes, span.at + span.bytes), (64, u64::try_from(bytes.len()).expect("short")));
        }
    }
}

#[test]
fn every_missing_byte_is_missed() {
    for (syntax, bytes) in [
        (IMPLICIT_LITTLE, ct(Coding::IMPLICIT, "1.2.3", 16)),
        (EXPLICIT_LITTLE, ct(Coding::EXPLICIT, "1.2.3", 16)),
        (EXPLICIT_BIG, ct(Coding::BIG, "1.2.3", 16)),
        (EXPLICIT_LITTLE, encapsulated("1.2.3", &[b"one.", b"two2"])),
    ] {
        let mut boundaries = 0;
        for end in 0..bytes.len() {
            match scan(syntax, &bytes[..end], 64) {
                Err(ScanFault::Truncated { at }) => assert!(at <= end.try_into().expect("short")),
                // Cut between two elements of the top level, it is a whole data set, though a shorter one.
                Ok(_) => boundaries += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(boundaries, 12, "one between each two of thirteen elements");
    }
    let bytes = deflated(&ct(Coding::EXPLICIT, "1.2.3", 600));
    for end in 0..bytes.len() {
        assert!(scan(DEFLATED, &bytes[..end], 64).is_err(), "cut at {end} of {}", bytes.len());
    }
}

#[test]
fn deflated_data_sets_are_walked_and_may_have_a_short_trailer() {
    let plain = ct(Coding::EXPLICIT, "1.2.3", 600);
    let mut bytes = deflated(&plain);
    for piece in [1, 5, 4096] {
        let scan = scan(DEFLATED, &bytes, piece).expect("whole");
        assert_eq!(value(&scan, tag::PATIENT_NAME), "CHAN^TAI MAN");
        assert_eq!(scan.bytes, u64::try_from(bytes.len()).expect("short"));
    }
    bytes.push(0);
    assert!(scan(DEFLATED, &bytes, 7).is_ok());
    bytes.extend(*b"crc.size");
    assert!(scan(DEFLATED, &bytes, 7).is_ok(), "as some writers leave it");
    bytes.push(0);
    assert_eq!(scan(DEFLATED, &bytes, 7), Err(ScanFault::BadDeflate));
}

#[test]
fn fragments_and_their_table_are_found_where_they_stand() {
    let bytes = encapsulated("1.2.3", &[b"frame one!", b"frame 2 "]);
    let scan = scan("1.2.840.10008.1.2.4.70", &bytes, 5).expect("whole");
    let Some(Pixels { layout: Layout::Encapsulated { table, fragments, count }, .. }) = scan.pixels else {
        panic!("pixels")
    };
    let at = |span: &Span| {
        let from = usize::try_from(span.at).expect("short");
        &bytes[from..from + usize::try_from(span.bytes).expect("short")]
    };
    assert_eq!((count, at(&table)), (2, &[0_u8, 0, 0, 0, 18, 0, 0, 0][..]));
    assert_eq!((at(&fragments[0]), at(&fragments[1])), (&b"frame one!"[..], &b"frame 2 "[..]));
}

#[test]
fn sequences_of_either_length_are_walked_and_only_the_top_level_is_kept() {
    for coding in [Coding::EXPLICIT, Coding::BIG, Coding::IMPLICIT] {
        for defined in [true, false] {
            let inner = ElementWriter::new(coding).text(tag::PATIENT_ID, *b"LO", "inner").bytes();
            let bytes = ElementWriter::new(coding)
                .text(tag::SOP_INSTANCE_UID, *b"UI", "1.2")
                .sequence(Tag(0x0008, 0x1140), &[&inner, &[]], defined)
                .text(tag::PATIENT_ID, *b"LO", "outer ")
                .bytes();
            let syntax = match coding {
                Coding::IMPLICIT => IMPLICIT_LITTLE,
                Coding::BIG => EXPLICIT_BIG,
                _ => EXPLICIT_LITTLE,
            };
            let scan = scan(syntax, &bytes, 3).expect("whole");
            assert_eq!(value(&scan, tag::PATIENT_ID), "outer ", "{coding:?} {defined}");
        }
    }
}

#[test]
fn what_had_no_representation_is_read_as_implicit_inside() {
    let inner = ElementWriter::new(Coding::IMPLICIT).text(tag::PATIENT_ID, *b"LO", "inner ").bytes();
    let mut bytes = ElementWriter::new(Coding::EXPLICIT).text(tag::SOP_INSTANCE_UID, *b"UI", "1.2").bytes();
    bytes.extend([0x09, 0x00, 0x10, 0x10, b'U', b'N', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
    bytes.extend([0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF]);
    bytes.extend(inner);
    bytes.extend([0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    bytes.extend(ElementWriter::new(Coding::EXPLICIT).text(tag::PATIENT_ID, *b"LO", "outer ").bytes());
    let scan = scan(EXPLICIT_LITTLE, &bytes, 1).expect("whole");
    assert_eq!(value(&scan, tag::PATIENT_ID), "outer ");
}

#[test]
fn files_with_and_without_meta_information_are_read() {
    let data_set = ct(Coding::EXPLICIT, "1.2.3", 200);
    let with_meta = file(EXPLICIT_LITTLE, &data_set);
    let before = with_meta.len() - data_set.len();
    for piece in [1, 130, 131, 132, 133, 5000] {
        let mut scanner = Scanner::file(ScanLimits::default());
        with_meta.chunks(piece).for_each(|piece| scanner.feed(piece).expect("well formed"));
        let scan = scanner.finish().expect("whole");
        let meta = scan.meta.expect("meta");
        assert_eq!(meta.transfer_syntax.as_str(), EXPLICIT_LITTLE);
        assert_eq!(meta.bytes, u64::try_from(before).expect("short"), "{piece}");
        assert_eq!(scan.bytes, u64::try_from(data_set.len()).expect("short"));
    }
    for coding in [Coding::EXPLICIT, Coding::IMPLICIT, Coding::BIG] {
        for (pixels, piece) in [(0, 3), (400, 7)] {
            let bytes = ct(coding, "1.2.3", pixels);
            let mut scanner = Scanner::file(ScanLimits::default());
            bytes.chunks(piece).for_each(|piece| scanner.feed(piece).expect("well formed"));
            let scan = scanner.finish().expect("whole");
            assert_eq!((scan.meta, scan.syntax.coding), (None, coding));
            assert_eq!(scan.bytes, u64::try_from(bytes.len()).expect("short"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_judged_alike_in_one_piece_and_in_many(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1_usize..40) {
        for syntax in [IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED] {
            let whole = scan(syntax, &bytes, usize::MAX);
            prop_assert_eq!(whole.is_ok(), scan(syntax, &bytes, piece).is_ok());
        }
    }

    #[test]
    fn a_changed_byte_never_breaks_the_scanner(at in 0_usize..600, byte in any::<u8>(), piece in 1_usize..50) {
        for mut bytes in [ct(Coding::EXPLICIT, "1.2.3", 40), encapsulated("1.2", &[b"ab", b"cdef"]), file(EXPLICIT_LITTLE, &ct(Coding::EXPLICIT, "1.2", 8))] {
            let place = at % bytes.len();
            bytes[place] = byte;
            let in_pieces = scan(EXPLICIT_LITTLE, &bytes, piece);
            prop_assert_eq!(scan(EXPLICIT_LITTLE, &bytes, usize::MAX), in_pieces);
            let mut scanner = Scanner::file(ScanLimits::default());
            let fed = scanner.feed(&bytes);
            prop_assert!(fed.is_err() || scanner.finish().map_or(true, |scan| scan.elements > 0));
        }
    }
}
