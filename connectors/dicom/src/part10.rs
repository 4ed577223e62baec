//! The file an instance is kept as (DICOM PS3.10 section 7.1): a preamble of zeros, File Meta Information of ours, and the
//! data set as it came.
//!
//! What we write depends on the instance alone, so that the same instance, by whatever association, is the same file.

use causeway_core::dicom::uid::Uid;

use crate::pdu::{IMPLEMENTATION, IMPLEMENTATION_NAME};

/// Everything before the data set.
pub fn head(sop_class: &Uid, sop_instance: &Uid, transfer_syntax: &Uid) -> Vec<u8> {
    let mut meta = Vec::with_capacity(256);
    meta.extend([2, 0, 1, 0, b'O', b'B', 0, 0, 2, 0, 0, 0, 0, 1]);
    uid(&mut meta, 0x02, sop_class.as_str());
    uid(&mut meta, 0x03, sop_instance.as_str());
    uid(&mut meta, 0x10, transfer_syntax.as_str());
    uid(&mut meta, 0x12, IMPLEMENTATION);
    text(&mut meta, 0x13, *b"SH", IMPLEMENTATION_NAME, b' ');
    let mut head = vec![0; 128];
    head.extend(b"DICM");
    head.extend([2, 0, 0, 0, b'U', b'L', 4, 0]);
    head.extend(u32::try_from(meta.len()).unwrap_or(u32::MAX).to_le_bytes());
    head.extend(meta);
    head
}

fn uid(meta: &mut Vec<u8>, element: u8, uid: &str) {
    text(meta, element, *b"UI", uid, 0);
}

fn text(meta: &mut Vec<u8>, element: u8, vr: [u8; 2], text: &str, padding: u8) {
    let padded = text.len().next_multiple_of(2);
    meta.extend([2, 0, element, 0]);
    meta.extend(vr);
    meta.extend(u16::try_from(padded).unwrap_or(u16::MAX).to_le_bytes());
    meta.extend(text.bytes());
    if padded > text.len() {
        meta.push(padding);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{ScanLimits, Scanner};
    use crate::syntax::{Coding, EXPLICIT_LITTLE};
    use crate::testing::ct;

    #[test]
    fn the_file_reads_back_and_the_data_set_is_what_came() {
        let of = |text: &str| Uid::parse(text).expect("a uid");
        let data_set = ct(Coding::EXPLICIT, "1.2.3", 64);
        let mut file = head(&of("1.2.840.10008.5.1.4.1.1.2"), &of("1.2.3"), &of(EXPLICIT_LITTLE));
        let before = file.len();
        file.extend(&data_set);
        let mut scanner = Scanner::file(ScanLimits::default());
        scanner.feed(&file).expect("well formed");
        let scan = scanner.finish().expect("whole");
        let meta = scan.meta.expect("meta");
        assert_eq!(meta.bytes, u64::try_from(before).expect("short"));
        assert_eq!(meta.sop_instance.map(|uid| uid.to_string()).as_deref(), Some("1.2.3"));
        assert_eq!(scan.bytes, u64::try_from(data_set.len()).expect("short"));
    }
}
