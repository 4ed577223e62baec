//! MSH, message header: read by the codec before the rest. Its fields choose the feed, the mapper and the clock.

use crate::hl7v2::profile::{SegmentUse, kept, required, used};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "MSH",
    title: "Message header",
    ig: "",
    fields: &[
        kept(1, "Field separator", ""),
        kept(2, "Encoding characters", ""),
        used(3, "Sending application", "meta.source of every resource")
            .but("The IG makes a MessageHeader and Provenance; here the repository keeps provenance beside the record"),
        used(4, "Sending facility", "meta.source of every resource").but("As MSH-3"),
        kept(5, "Receiving application", ""),
        kept(6, "Receiving facility", ""),
        used(7, "Date/time of message", "The version clock, where EVN-2 or OBR-22 is not sent"),
        kept(8, "Security", ""),
        required(9, "Message type", "The mapper; Encounter.status"),
        kept(10, "Message control id", "The `control_id` of the result; never part of a resource"),
        kept(11, "Processing id", ""),
        kept(12, "Version id", ""),
        kept(13, "Sequence number", ""),
        kept(14, "Continuation pointer", ""),
        kept(15, "Accept acknowledgement type", ""),
        kept(16, "Application acknowledgement type", ""),
        kept(17, "Country code", ""),
        kept(18, "Character set", "How the text is decoded"),
        kept(19, "Principal language of message", ""),
        kept(20, "Alternate character set handling scheme", ""),
        kept(21, "Message profile identifier", ""),
        kept(22, "Sending responsible organisation", ""),
        kept(23, "Receiving responsible organisation", ""),
        kept(24, "Sending network address", ""),
        kept(25, "Receiving network address", ""),
    ],
};
