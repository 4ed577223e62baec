//! What the log brings, and brings again: a rebuilt repository begins without it.

/// The tables of either engine that are neither registry, audit nor setting. Words and lists of notes are shared, and kept. A
/// table that is forgotten here is noticed by the rebuilt content, which is then not the same.
pub(super) const DERIVED: &[&str] = &[
    "message",
    "message_step",
    "waiting",
    "feed_count",
    "record_version",
    "record",
    "record_count",
    "partition_offset",
    "ticket",
    "unmapped_code",
    "imaging_instance",
    "imaging_study",
    "imaging_mark",
    "imaging_open",
    "document",
];
