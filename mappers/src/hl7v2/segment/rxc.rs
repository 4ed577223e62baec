//! RXC, pharmacy/treatment component order. The IG has no map of it.

use crate::hl7v2::profile::{SegmentUse, required, used};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "RXC",
    title: "Pharmacy/treatment component order",
    ig: "",
    fields: &[
        used(1, "RX component type", "Medication.ingredient.isActive: true for an additive (A)"),
        required(2, "Component code", "Medication.ingredient.item[x]: a drug, or a herb of a Chinese prescription"),
        used(3, "Component amount", "Medication.ingredient.strength.numerator"),
        used(4, "Component units", "The unit of RXC-3"),
        used(5, "Component strength", "The strength of the ingredient itself, in a contained Medication"),
        used(6, "Component strength units", "The unit of RXC-5"),
        used(7, "Supplementary code", "A herb's special decoction: Dosage.additionalInstruction; else further codings"),
        used(8, "Component drug strength volume", "The denominator of RXC-5"),
        used(9, "Component drug strength volume units", "The unit of RXC-8"),
    ],
};
