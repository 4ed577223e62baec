//! NTE, notes and comments: IG map `NTE[Observation]`.

use crate::codes;
use crate::fhir::{Object, annotation};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::{cwe, ts, xcn};
use crate::hl7v2::profile::{SegmentUse, kept, used};
use crate::hl7v2::reader::Seg;

/// The extension of an Annotation that says what sort of comment it is, as a CodeableConcept (docs/fhir.md).
const COMMENT_TYPE: &str = "urn:causeway:fhir:comment-type";

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "NTE",
    title: "Notes and comments",
    ig: "NTE[Observation]",
    fields: &[
        kept(1, "Set id", ""),
        kept(2, "Source of comment", ""),
        used(
            3,
            "Comment",
            "Behind OBX: Observation.note.text, in a document a line of its text; behind OBR: DiagnosticReport.conclusion; \
             behind PRB: Condition.note; of a referral: ServiceRequest.note",
        )
        .but("R4's DiagnosticReport has no note. Elsewhere the segment is ignored"),
        used(4, "Comment type", "Extension of the note: urn:causeway:fhir:comment-type").but(
            "The IG names an extension without an address, and R4's Annotation has no place; not where the comment becomes a text",
        ),
        used(5, "Entered by", "Observation.note.authorReference"),
        used(6, "Entered date/time", "Observation.note.time"),
    ],
};

/// The text: repetitions of NTE-3 are its lines. Empty without one, which is common and no fault.
pub(crate) fn text<'m>(context: &Context<'m>, nte: &Seg<'m>) -> String {
    let lines: Vec<_> = nte.all(context, 3).map(|line| line.whole()).collect();
    lines.join("\n")
}

/// An Annotation; empty without a text.
pub(crate) fn note<'m>(context: &Context<'m>, nte: &Seg<'m>) -> Object {
    // NTE-3 → note.text
    let text = text(context, nte);
    // NTE-4 → note.extension
    let of_type = |code: &str| codes::COMMENT_TYPE.concept(code);
    let kind = nte.first(context, 4).map(|value| cwe::of_suggested(&value, "HL70364", of_type));
    // NTE-5 → note.authorReference
    let author = nte.first(context, 5).map(|value| xcn::read(&value));
    // NTE-6 → note.time
    let time = ts::date_time(nte, context, 6);
    if text.is_empty() {
        return Object::new();
    }
    let kind = kind.map(|kind| Object::sized(2).fixed("url", COMMENT_TYPE).put("valueCodeableConcept", kind));
    let note = Object::sized(4).one("extension", kind.unwrap_or_default());
    note.maybe("authorReference", author).maybe("time", time).merge(annotation(&text))
}
