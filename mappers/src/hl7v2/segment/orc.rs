//! ORC, common order: IG maps `ORC[DiagnosticReport]` and `ORC[ServiceRequest]`. What OBR says too is taken from OBR first.

use crate::codes;
use crate::fhir::Object;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::ei::{self, Entity};
use crate::hl7v2::datatype::{cwe, xcn};
use crate::hl7v2::profile::{SegmentUse, used};
use crate::hl7v2::reader::Seg;

pub(crate) mod pharmacy;
pub(crate) mod request;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "ORC",
    title: "Common order",
    ig: "ORC[DiagnosticReport], ORC[ServiceRequest], ORC[Immunization], ORC[MedicationAdministration]",
    fields: &[
        used(
            1,
            "Order control",
            "Of an order: ServiceRequest.status, MedicationRequest.status, MedicationDispense.status; the rank of the version",
        )
        .but("The IG maps it for ServiceRequest alone; R4 tells a medicine cancelled and stopped apart"),
        used(
            2,
            "Placer order number",
            "DiagnosticReport.identifier PLAC, where OBR-2 is not sent; the key of a MedicationRequest; Immunization.identifier",
        ),
        used(
            3,
            "Filler order number",
            "DiagnosticReport.identifier FILL; the key, where OBR-3 is not sent; the key of a MedicationDispense and of an Immunization",
        ),
        used(4, "Placer group number", "Of an order: ServiceRequest.requisition, MedicationRequest.groupIdentifier"),
        used(5, "Order status", "ServiceRequest.status (of a result: contained in the report); MedicationRequest.status"),
        used(
            7,
            "Quantity/timing",
            "Of an order: ServiceRequest.occurrence[x] and priority; Dosage.timing, MedicationRequest.priority",
        ),
        used(8, "Parent order", "MedicationRequest.priorPrescription of a replacement (RO)"),
        used(
            9,
            "Date/time of transaction",
            "Of an order: the version clock; of a new one authoredOn; Immunization.recorded",
        ),
        used(10, "Entered by", "MedicationRequest.recorder"),
        used(
            12,
            "Ordering provider",
            "ServiceRequest.requester, where OBR-16 is not sent; MedicationRequest.requester; Immunization.performer (OP)",
        ),
        used(15, "Order effective date/time", "The clinical date of a MedicationRequest, where no other is sent"),
        used(
            16,
            "Order control code reason",
            "Of an order: ServiceRequest.reasonCode, or the extension for the reason of its status; MedicationRequest.statusReason",
        ),
    ],
};

/// A common order, read.
#[derive(Debug, Default)]
pub(crate) struct Common {
    /// ORC-2.
    pub(crate) placer: Option<Entity>,
    /// ORC-3.
    pub(crate) filler: Option<Entity>,
    /// ORC-5 as status of a request; empty when not sent or not known.
    pub(crate) status: &'static str,
    /// ORC-12.
    pub(crate) requester: Option<Object>,
}

/// Reads ORC.
pub(crate) fn read<'m>(context: &Context<'m>, orc: &Seg<'m>) -> Common {
    let status = orc.first(context, 5).and_then(|value| {
        let found = codes::ORDER_STATUS.code(&value.text(1));
        if found.is_none() {
            cwe::unmapped(&value);
        }
        found
    });
    // What a result's ORC says of its own sending is no matter of the result.
    [1, 9].into_iter().for_each(|field| orc.ask(field));
    Common {
        placer: ei::field(orc, context, 2),
        filler: ei::field(orc, context, 3),
        status: status.unwrap_or(""),
        requester: orc.first(context, 12).map(|value| xcn::read(&value)),
    }
}
