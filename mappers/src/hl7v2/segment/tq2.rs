//! TQ2, timing/quantity relationship. The IG has no map of it.

use crate::fhir::{Json, logical};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::ei;
use crate::hl7v2::profile::{SegmentUse, kept, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "TQ2",
    title: "Timing/quantity relationship",
    ig: "",
    fields: &[
        kept(1, "Set id", ""),
        used(3, "Related placer number", "MedicationRequest.supportingInformation").but("The IG does not map it"),
        used(4, "Related filler number", "MedicationRequest.supportingInformation").but("As TQ2-3"),
    ],
};

/// The orders it relates to, as logical References.
pub(crate) fn related<'m>(context: &Context<'m>, tq2: &Seg<'m>) -> Vec<Json> {
    let of = |number: usize, kind: &str, type_code: &str| -> Vec<Json> {
        let entities = tq2.all(context, number).filter_map(|value| ei::read(&value));
        entities.map(|id| logical("MedicationRequest", id.identifier(context, kind, type_code), "").into()).collect()
    };
    let mut related = of(3, "placer", "PLAC");
    related.extend(of(4, "filler", "FILL"));
    related
}
