//! Messages on their way out: commands and data sets in fragments no longer than the peer takes (DICOM PS3.8 annex E).

use crate::pdu::kind;

/// The longest P-DATA-TF we send, whatever the peer takes.
const PDU_BYTES_MAX: u32 = 128 << 10;

/// Bytes of a fragment for a peer that takes a P-DATA-TF of so many bytes, 0 for any.
pub(crate) fn piece(peer_bytes_max: u32) -> usize {
    let longest = if peer_bytes_max == 0 { PDU_BYTES_MAX } else { peer_bytes_max.min(PDU_BYTES_MAX) };
    // Length, context and control stand before the data, which is of even length.
    usize::try_from(longest.saturating_sub(6) & !1).unwrap_or(0).max(2)
}

/// One P-DATA-TF with one fragment. Of `control`, 1 says that it is of a command, 2 that it is the last.
pub(crate) fn value(unit: &mut Vec<u8>, context: u8, control: u8, bytes: &[u8]) {
    let length = u32::try_from(bytes.len().saturating_add(2)).unwrap_or(u32::MAX);
    unit.extend([kind::DATA, 0]);
    unit.extend(length.saturating_add(4).to_be_bytes());
    unit.extend(length.to_be_bytes());
    unit.extend([context, control]);
    unit.extend(bytes);
}

/// A whole command.
pub(crate) fn command(unit: &mut Vec<u8>, context: u8, bytes: &[u8], piece: usize) {
    fragments(unit, context, 1, bytes, piece);
}

/// A whole data set.
pub(crate) fn data_set(unit: &mut Vec<u8>, context: u8, bytes: &[u8], piece: usize) {
    fragments(unit, context, 0, bytes, piece);
}

fn fragments(unit: &mut Vec<u8>, context: u8, control: u8, bytes: &[u8], piece: usize) {
    let last = bytes.len().div_ceil(piece.max(1)).saturating_sub(1);
    for (place, fragment) in bytes.chunks(piece.max(1)).enumerate() {
        value(unit, context, control | u8::from(place == last) << 1, fragment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_cut_to_what_the_peer_takes_and_its_last_fragment_says_so() {
        let mut unit = Vec::new();
        command(&mut unit, 3, &[1, 2, 3, 4, 5, 6], piece(10));
        let heads: Vec<(u8, u8, usize)> = unit.chunks(16).map(|pdu| (pdu[10], pdu[11], pdu.len() - 12)).collect();
        assert_eq!(heads, [(3, 1, 4), (3, 3, 2)]);
        let mut unit = Vec::new();
        data_set(&mut unit, 5, &[1, 2], piece(0));
        assert_eq!(unit, [4, 0, 0, 0, 0, 8, 0, 0, 0, 4, 5, 2, 1, 2]);
        assert_eq!((piece(0), piece(1), piece(u32::MAX)), ((128 << 10) - 6, 2, (128 << 10) - 6));
    }
}
