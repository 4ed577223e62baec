//! Allergies in the public hospitals' dialect: an ORU whose letters mean different things under different codes.

use jiff::Timestamp;

use super::super::dice::Dice;
use super::super::person::Synthetic;
use super::super::segment::{Segment, message};
use super::{Outgoing, Pen, Source, patient, stamp};

/// Entity, letter and text of the entries. `N` under 100109 says that nothing is known; `N` under 100111 is an allergy to something that is no drug.
const ENTRIES: &[(&str, &str, &str)] = &[
    ("100109", "N", "No known drug allergy"),
    ("100111", "D", "Drug allergy: penicillin"),
    ("100111", "D", "Drug allergy: co-trimoxazole"),
    ("100111", "N", "Non-drug allergy: peanut"),
    ("100111", "N", "Non-drug allergy: latex"),
];

/// One allergy message.
pub(crate) fn write(pen: &mut Pen, dice: &mut Dice, person: &Synthetic, at: Timestamp) -> Outgoing {
    let source = Source::HospitalAllergies;
    let (header, control_id) = pen.header(source, "ORU^R01", at);
    let (entity, letter, text) = dice.pick(ENTRIES).copied().unwrap_or(("100109", "N", "No known drug allergy"));
    let obr = Segment::new("OBR").set(1, "1").set(4, "ZALG^^^ALLERGY").set(6, stamp(at));
    let obx = Segment::new("OBX")
        .set(1, "1")
        .set(2, "CE")
        .set(3, format!("{entity}^Allergy^HA^{letter}"))
        .set(5, format!("{letter}^{text}"))
        .set(11, "F");
    let pv1 = Segment::new("PV1").set(1, "1").set(2, "O").set(3, "^^^CBH");
    let text = message(&[header, patient(source, person), pv1, obr, obx]);
    Outgoing { source, control_id, text, mislabelled: false }
}
