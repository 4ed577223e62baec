//! ZDS, the study of an order, which IHE Radiology added before there was IPC (RAD TF-2 §4.4).

use crate::hl7v2::profile::{SegmentUse, used};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "ZDS",
    title: "Study instance UID (IHE Radiology)",
    ig: "",
    fields: &[used(1, "Study instance UID", "DiagnosticReport.identifier; DiagnosticReport.imagingStudy")],
};
