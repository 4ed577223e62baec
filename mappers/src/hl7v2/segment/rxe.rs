//! RXE, pharmacy/treatment encoded order. The IG has no map of it; its fields go where those of RXO go.

use crate::hl7v2::medication::ordered::Fields;
use crate::hl7v2::profile::{SegmentUse, required, used};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "RXE",
    title: "Pharmacy/treatment encoded order",
    ig: "",
    fields: &[
        used(1, "Quantity/timing", "Dosage.timing, as TQ1; MedicationRequest.priority"),
        required(2, "Give code", "MedicationRequest.medication[x]; the domain, where it is a Chinese medicine"),
        used(3, "Give amount - minimum", "Dosage.doseAndRate.doseQuantity, or doseRange.low"),
        used(4, "Give amount - maximum", "Dosage.doseAndRate.doseRange.high"),
        used(5, "Give units", "The unit of RXE-3 and RXE-4"),
        used(6, "Give dosage form", "Medication.form"),
        used(7, "Provider's administration instructions", "Dosage.additionalInstruction"),
        used(9, "Substitution status", "MedicationRequest.substitution.allowed[x]; 1 and 7: false"),
        used(10, "Dispense amount", "MedicationRequest.dispenseRequest.quantity; packs of a Chinese prescription"),
        used(11, "Dispense units", "The unit of RXE-10"),
        used(12, "Number of refills", "MedicationRequest.dispenseRequest.numberOfRepeatsAllowed"),
        used(14, "Pharmacist/treatment supplier's verifier id", "MedicationRequest.note.authorReference"),
        used(15, "Prescription number", "MedicationRequest.identifier; the key where ORC-2 and ORC-3 are not sent"),
        used(19, "Total daily dose", "Dosage.maxDosePerPeriod"),
        used(21, "Pharmacy/treatment supplier's special dispensing instructions", "MedicationRequest.note"),
        used(22, "Give per (time unit)", "Dosage.doseAndRate.rateRatio, with RXE-3"),
        used(23, "Give rate amount", "Dosage.doseAndRate.rateQuantity"),
        used(24, "Give rate units", "The unit of RXE-23"),
        used(25, "Give strength", "Medication.ingredient.strength.numerator"),
        used(26, "Give strength units", "The unit of RXE-25"),
        used(27, "Give indication", "MedicationRequest.reasonCode"),
        used(31, "Supplementary code", "Further codings of the drug"),
        used(32, "Original order date/time", "MedicationRequest.authoredOn"),
        used(33, "Give drug strength volume", "Medication.ingredient.strength.denominator; without it 1"),
        used(34, "Give drug strength volume units", "The unit of RXE-33"),
        used(40, "Dispensing pharmacy", "MedicationRequest.dispenseRequest.performer"),
    ],
};

/// Where its fields stand.
pub(crate) const FIELDS: Fields = Fields {
    code: 2,
    amount: [3, 4, 5],
    form: 6,
    to_pharmacy: 21,
    to_taker: 7,
    substitution: (9, "S"),
    dispense: [10, 11],
    refills: 12,
    per: 22,
    rate: [23, 24],
    strength: [25, 26, 33, 34],
    indication: 27,
    daily: 19,
    supplementary: 31,
    pharmacy: 40,
    verifier: 14,
    prescription: 15,
    authored: 32,
    interval: 0,
};
