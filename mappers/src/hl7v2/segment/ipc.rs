//! IPC, imaging procedure control. The IG has no map of it.

use crate::hl7v2::profile::{SegmentUse, kept, used};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "IPC",
    title: "Imaging procedure control",
    ig: "",
    fields: &[
        used(1, "Accession identifier", "DiagnosticReport.identifier ACSN"),
        kept(2, "Requested procedure id", ""),
        used(3, "Study instance UID", "DiagnosticReport.identifier; DiagnosticReport.imagingStudy"),
        kept(4, "Scheduled procedure step id", ""),
        used(5, "Modality", "DiagnosticReport.category, beside OBR-24"),
        kept(6, "Protocol code", ""),
        kept(7, "Scheduled station name", ""),
        kept(8, "Scheduled procedure step location", ""),
        kept(9, "Scheduled station AE title", ""),
    ],
};
