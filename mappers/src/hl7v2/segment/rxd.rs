//! RXD, pharmacy/treatment dispense. The IG has no map of it.

use crate::hl7v2::profile::{SegmentUse, required, used};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "RXD",
    title: "Pharmacy/treatment dispense",
    ig: "",
    fields: &[
        used(1, "Dispense sub-id counter", "With the number of the order the key: which dispensing of it this is"),
        required(
            2,
            "Dispense/give code",
            "MedicationDispense.medication[x]; the domain, where it is a Chinese medicine",
        ),
        used(3, "Date/time dispensed", "MedicationDispense.whenHandedOver; with it an order in force is completed"),
        used(4, "Actual dispense amount", "MedicationDispense.quantity"),
        used(5, "Actual dispense units", "The unit of RXD-4"),
        used(6, "Actual dosage form", "Medication.form"),
        used(7, "Prescription number", "MedicationDispense.identifier; the key where ORC-3 is not sent"),
        used(9, "Dispense notes", "MedicationDispense.note"),
        used(10, "Dispensing provider", "MedicationDispense.performer"),
        used(11, "Substitution status", "MedicationDispense.substitution"),
        used(12, "Total daily dose", "Dosage.maxDosePerPeriod"),
        used(13, "Dispense-to location", "MedicationDispense.destination"),
        used(15, "Pharmacy/treatment supplier's special dispensing instructions", "Dosage.additionalInstruction"),
        used(16, "Actual strength", "Medication.ingredient.strength.numerator"),
        used(17, "Actual strength unit", "The unit of RXD-16"),
        used(18, "Substance lot number", "Medication.batch.lotNumber"),
        used(19, "Substance expiration date", "Medication.batch.expirationDate"),
        used(20, "Substance manufacturer name", "Medication.manufacturer"),
        used(25, "Supplementary code", "Further codings of the drug"),
        used(28, "Actual drug strength volume", "Medication.ingredient.strength.denominator; without it 1"),
        used(29, "Actual drug strength volume units", "The unit of RXD-28"),
        used(33, "Dispense type", "MedicationDispense.type"),
    ],
};
