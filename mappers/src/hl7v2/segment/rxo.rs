//! RXO, pharmacy/treatment order: IG map `RXO[MedicationRequest]`.

use crate::hl7v2::medication::ordered::Fields;
use crate::hl7v2::profile::{SegmentUse, required, used};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "RXO",
    title: "Pharmacy/treatment order",
    ig: "RXO[MedicationRequest]",
    fields: &[
        required(1, "Requested give code", "MedicationRequest.medication[x]; the domain, where it is a Chinese medicine")
            .but("A contained Medication only where there is more to say than the code; an order that is taken back needs none"),
        used(2, "Requested give amount - minimum", "Dosage.doseAndRate.doseQuantity, or doseRange.low")
            .but("The IG has a range even of one amount"),
        used(3, "Requested give amount - maximum", "Dosage.doseAndRate.doseRange.high"),
        used(4, "Requested give units", "The unit of RXO-2 and RXO-3"),
        used(5, "Requested dosage form", "Medication.form"),
        used(6, "Provider's pharmacy/treatment instructions", "MedicationRequest.note").but("The IG does not map it"),
        used(7, "Provider's administration instructions", "Dosage.additionalInstruction").but("The IG does not map it"),
        used(9, "Allow substitutions", "MedicationRequest.substitution.allowed[x]; N: false"),
        used(11, "Requested dispense amount", "MedicationRequest.dispenseRequest.quantity"),
        used(12, "Requested dispense units", "The unit of RXO-11"),
        used(13, "Number of refills", "MedicationRequest.dispenseRequest.numberOfRepeatsAllowed"),
        used(15, "Pharmacist/treatment supplier's verifier id", "MedicationRequest.note.authorReference")
            .but("The IG does not map it"),
        used(17, "Requested give per (time unit)", "Dosage.doseAndRate.rateRatio, with RXO-2").but("The IG does not map it"),
        used(18, "Requested give strength", "Medication.ingredient.strength.numerator"),
        used(19, "Requested give strength units", "The unit of RXO-18"),
        used(20, "Indication", "MedicationRequest.reasonCode").but("The IG does not map it"),
        used(21, "Requested give rate amount", "Dosage.doseAndRate.rateQuantity").but("The IG does not map it"),
        used(22, "Requested give rate units", "The unit of RXO-21").but("The IG does not map it"),
        used(23, "Total daily dose", "Dosage.maxDosePerPeriod"),
        used(24, "Supplementary code", "Further codings of the drug").but("The IG does not map it"),
        used(25, "Requested drug strength volume", "Medication.ingredient.strength.denominator; without it 1"),
        used(26, "Requested drug strength volume units", "The unit of RXO-25"),
        used(28, "Dispensing interval", "MedicationRequest.dispenseRequest.dispenseInterval").but("The IG does not map it"),
        used(32, "Dispensing pharmacy", "MedicationRequest.dispenseRequest.performer")
            .but("The IG does not map it; a reference by identifier and name"),
    ],
};

/// Where its fields stand.
pub(crate) const FIELDS: Fields = Fields {
    code: 1,
    amount: [2, 3, 4],
    form: 5,
    to_pharmacy: 6,
    to_taker: 7,
    substitution: (9, "O"),
    dispense: [11, 12],
    refills: 13,
    per: 17,
    rate: [21, 22],
    strength: [18, 19, 25, 26],
    indication: 20,
    daily: 23,
    supplementary: 24,
    pharmacy: 32,
    verifier: 15,
    prescription: 0,
    authored: 0,
    interval: 28,
};
