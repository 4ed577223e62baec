//! RGS, resource group: it opens a group of services and resources and says nothing of its own.

use crate::hl7v2::profile::{SegmentUse, kept};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "RGS",
    title: "Resource group",
    ig: "none",
    fields: &[kept(1, "Set id", ""), kept(2, "Segment action code", ""), kept(3, "Resource group id", "")],
};
