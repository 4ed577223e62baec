//! Where a record stands among all, and when two contents are the same.

use causeway_core::record::RecordKey;

use super::codec::hash_key;
use super::seal::{Half, Sealer};

/// The digest by which two contents are the same: domain, whether it was taken back, and the resource as mapped, which
/// is deterministic.
pub(in crate::repository) fn content(domain: &str, retracted: bool, text: &str) -> Half {
    Sealer::default().text(domain).number(i64::from(retracted)).text(text).finish()
}

/// Where a record stands among all: eight bytes that put it next to what came with it, then eight of its own.
///
/// A commit changes one page for each place it touches, so what one message brings should stand together, and what comes
/// next beside it. Order, visit and message numbers grow ([`ordered_key`]); the patient stands last, beside the
/// newest.
pub(in crate::repository) fn place(key: &RecordKey) -> Half {
    let near = if key.0.starts_with("Patient/") { i64::MAX } else { record_key(key) };
    let mut place = Sealer::default().text(&key.0).finish();
    place.iter_mut().zip(near.to_be_bytes()).for_each(|(byte, near)| *byte = near);
    place
}

/// A key that grows with the numbers in a text, since control ids, orders and visits are numbered: what comes one after
/// the other stands one beside the other. The last eleven digits, then 24 bits of a hash that tell texts with the same
/// digits apart.
pub(in crate::repository) fn ordered_key(text: &str) -> i64 {
    let digits = text.bytes().rev().filter(u8::is_ascii_digit).take(11);
    let (number, _) = digits.fold((0_i64, 1_i64), |(number, worth), digit| {
        let digit = i64::from(digit.saturating_sub(b'0'));
        (number.saturating_add(digit.saturating_mul(worth)), worth.saturating_mul(10))
    });
    (number << 24) | (hash_key(text.as_bytes()) & 0x00ff_ffff)
}

/// A key shared by the records of one order, visit or message, that grows with their numbers.
pub(in crate::repository) fn record_key(key: &RecordKey) -> i64 {
    ordered_key(telling_part(key))
}

/// The part of a record key that tells one message's records from another's. A key reads `Type/provider/part|part|…`: the
/// first part with a digit, since an assigning authority often comes before the number. A visit without a number of its
/// own is told by patient and message, in that order: its last part counts.
pub(in crate::repository) fn telling_part(key: &RecordKey) -> &str {
    let business = key.0.splitn(3, '/').nth(2).unwrap_or_default();
    let mut numbered = business.split('|').filter(|part| part.bytes().any(|byte| byte.is_ascii_digit()));
    let telling = if key.0.starts_with("Encounter/") { numbered.next_back() } else { numbered.next() };
    telling.unwrap_or(business)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: &str, parts: &[&str]) -> RecordKey {
        RecordKey::new(kind, "9265486345", parts)
    }

    #[test]
    fn records_of_one_order_stand_together_and_no_two_at_one_place() {
        let report = place(&key("DiagnosticReport", &["LAB77"]));
        let result = place(&key("Observation", &["LAB77", "718-7"]));
        assert_eq!(report[..8], result[..8]);
        assert_ne!(report, result);
    }

    #[test]
    fn what_comes_later_stands_later_and_the_patient_last() {
        let in_order = [
            place(&key("Observation", &["LAB2026-9", "718-7"])),
            place(&key("Observation", &["LAB2026-10", "718-7"])),
            place(&key("Encounter", &["QMH", "H2001", "MSH-10", "1766400-11"])),
            place(&key("Observation", &["LAB99999999999", "718-7"])),
            place(&key("Patient", &["QMH", "H2001"])),
        ];
        assert!(in_order.is_sorted(), "{in_order:?}");
    }

    #[test]
    fn any_key_has_a_place() {
        for text in ["", "Observation", "Observation/", "Observation//", "Observation/p/陳|１２", "Patient/p/"] {
            assert_eq!(place(&RecordKey(text.to_owned())), place(&RecordKey(text.to_owned())), "{text}");
        }
        assert_ne!(place(&key("Observation", &["a"])), place(&key("Observation", &["b"])));
    }

    #[test]
    fn numbered_texts_have_growing_keys_and_others_differ() {
        let keys = ["M-9", "M-10", "M-0000123", "20261101093000-1", "20261101093001-1"].map(ordered_key);
        assert!(keys.is_sorted(), "{keys:?}");
        assert_ne!(ordered_key("alpha"), ordered_key("beta"));
        assert_ne!(ordered_key("A7"), ordered_key("B7"));
        assert!(ordered_key(&"9".repeat(1000)) > 0);
    }

    #[test]
    fn records_of_one_order_have_one_key() {
        let key = |kind: &str, parts: &[&str]| RecordKey::new(kind, "9265486345", parts);
        let order = record_key(&key("DiagnosticReport", &["LAB77"]));
        assert_eq!(record_key(&key("Observation", &["LAB77", "718-7", "1"])), order);
        assert_ne!(record_key(&key("Observation", &["LAB78", "718-7", "1"])), order);
        let patients = [key("Patient", &["QMH", "H1"]), key("Patient", &["QMH", "H2"])];
        assert_ne!(record_key(&patients[0]), record_key(&patients[1]), "an authority tells nobody apart");
        assert_eq!(telling_part(&key("Encounter", &["QMH", "H1", "MSH-10", "M55"])), "M55");
    }
}
