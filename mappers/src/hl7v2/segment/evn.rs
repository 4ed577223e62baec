//! EVN, event type: when the sender recorded the event. Read before the rest, for it dates every version.

use crate::hl7v2::profile::{SegmentUse, kept, used};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "EVN",
    title: "Event type",
    ig: "EVN[Provenance]",
    fields: &[
        kept(1, "Event type code", "The trigger event, where MSH-9.2 is not sent (before v2.3)"),
        used(2, "Recorded date/time", "The version clock of what the event is about")
            .but("The IG makes a Provenance; here the repository keeps provenance beside the record"),
        kept(5, "Operator id", "").but("Staff are not part of the sharable scope of an event"),
        kept(6, "Event occurred", "").but("As EVN-2; the times of a visit are those of PV1-44 and PV1-45"),
    ],
};
