//! What holds for any bytes whatever as a DICOM data set or file: shared by the fuzz target and by the tests on stable that
//! replay its corpus.

use causeway_core::dicom::element;
use causeway_core::dicom::uid::Uid;
use causeway_dicom::scan::{Layout, Scan, ScanFault, ScanLimits, Scanner};

/// Small limits, so that a short input can reach each of them.
const LIMITS: ScanLimits = ScanLimits {
    bytes_max: 1 << 20,
    elements_max: 4096,
    depth_max: 16,
    value_bytes_max: 256,
    header_bytes_max: 1024,
    extract_bytes_max: 2048,
    fragments_max: 8,
    inflated_bytes_max: 1 << 20,
    inflate_ratio_max: 50,
};

/// Scans `bytes` in every coding, whole and in pieces; panics when a promise is broken.
pub fn bytes(bytes: &[u8]) {
    for syntax in
        ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99", "1.3.6.1.4.1.0"]
    {
        let Ok(uid) = Uid::parse(syntax) else { continue };
        let scanner = || Scanner::data_set(&uid, LIMITS);
        judge(bytes, syntax.ends_with(".99"), scanner);
    }
    judge(bytes, true, || Scanner::file(LIMITS));
}

fn judge(bytes: &[u8], may_inflate: bool, scanner: impl Fn() -> Scanner) {
    let whole = scanned(scanner(), bytes, bytes.len());
    for piece in [1, 3, 13] {
        let in_pieces = scanned(scanner(), bytes, piece);
        assert_eq!(whole.is_ok(), in_pieces.is_ok(), "the pieces decide: {whole:?} {in_pieces:?}");
    }
    let Ok(scan) = whole else { return };
    assert!(scan.elements > 0 && scan.elements <= LIMITS.elements_max);
    let kept: usize = scan.header.values().map(|(_, value)| value.len()).sum();
    assert!(kept <= LIMITS.header_bytes_max);
    if let Some(extract) = &scan.extract {
        assert!(extract.len() <= LIMITS.extract_bytes_max);
        let read = element::read(extract, scan.syntax.coding);
        assert!(read.is_ok(), "the extract of a good data set cannot be read: {read:?}");
    }
    let Some(pixels) = scan.pixels else { return };
    let spans = match pixels.layout {
        Layout::Native(span) => vec![span],
        Layout::Encapsulated { fragments, .. } => fragments,
    };
    assert!(spans.len() <= LIMITS.fragments_max.max(1));
    let end = if may_inflate { LIMITS.inflated_bytes_max } else { scan.bytes };
    assert!(spans.iter().all(|span| span.at + span.bytes <= end), "pixels stand beyond the data set");
}

fn scanned(mut scanner: Scanner, bytes: &[u8], piece: usize) -> Result<Scan, ScanFault> {
    bytes.chunks(piece.max(1)).try_for_each(|piece| scanner.feed(piece))?;
    scanner.finish()
}
