//! Messages with the faults that real feeds have, so that operators see what the hub does about each.

use jiff::Timestamp;

use super::super::dice::Dice;
use super::super::person::Synthetic;
use super::super::segment::{Segment, message};
use super::{Outgoing, Pen, Source, patient, stamp};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The check digit of the identity card number: a mistyped digit.
    CheckDigit,
    /// The text is in another character set than MSH-18 says.
    Charset,
    /// A message type nobody agreed on.
    Type,
    /// A line break inside a field, so that a segment begins with no name.
    BrokenSegment,
    /// Test data sent to the production door.
    ProcessingId,
    /// The right number with somebody else's name and birth date.
    SomebodyElse,
}

const FAULTS: &[(u32, Fault)] = &[
    (4, Fault::CheckDigit),
    (3, Fault::Charset),
    (2, Fault::Type),
    (2, Fault::BrokenSegment),
    (1, Fault::ProcessingId),
    (3, Fault::SomebodyElse),
];

/// One message with something wrong. `other` is anybody but `person`.
pub(crate) fn write(pen: &mut Pen, dice: &mut Dice, person: &Synthetic, other: &Synthetic, at: Timestamp) -> Outgoing {
    let fault = dice.weighted(FAULTS).copied().unwrap_or(Fault::CheckDigit);
    let source = Source::HospitalAdmissions;
    let kind = if fault == Fault::Type { "ZZZ^Z99" } else { "ADT^A08^ADT_A01" };
    let (header, control_id) = pen.header(source, kind, at);
    let header = if fault == Fault::ProcessingId { header.set(11, "T") } else { header };
    let pid = match fault {
        Fault::CheckDigit => patient(source, &mistyped(person)),
        Fault::SomebodyElse => patient(source, &Synthetic { hkid: person.hkid.clone(), ..other.clone() }),
        Fault::Charset | Fault::Type | Fault::BrokenSegment | Fault::ProcessingId => patient(source, person),
    };
    let evn = Segment::new("EVN").set(1, "A08").set(2, stamp(at));
    let pv1 = Segment::new("PV1").set(1, "1").set(2, "O");
    let mut text = message(&[header, evn, pid, pv1]);
    if fault == Fault::BrokenSegment {
        text.push_str("NTE|1||patient seen at home\rand given a leaflet\r");
    }
    Outgoing { source, control_id, text, mislabelled: fault == Fault::Charset }
}

/// The same person with another check digit.
fn mistyped(person: &Synthetic) -> Synthetic {
    let mut hkid = person.hkid.clone();
    let wrong = match hkid.pop() {
        Some('A') | None => '0',
        Some(digit) => digit.to_digit(10).and_then(|d| char::from_digit((d + 1) % 10, 10)).unwrap_or('0'),
    };
    hkid.push(wrong);
    Synthetic { hkid, ..person.clone() }
}

#[cfg(test)]
mod tests {
    use causeway_core::hkid::{Hkid, HkidError};

    use super::super::super::person::roll;
    use super::*;

    #[test]
    fn a_mistyped_number_never_happens_to_be_right() {
        for person in roll(9, 200) {
            assert_eq!(Hkid::parse(&mistyped(&person).hkid), Err(HkidError::CheckDigit));
        }
    }
}
