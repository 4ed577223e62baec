//! A18, A34 and A40, merges of two patients of one sender. The IG maps none of them.
//!
//! Both patients become records, linked to each other: the survivor `replaces`, the other is no longer active and
//! `replaced-by`. The other's number is not taken into the identity of the message: whether it belonged to the same
//! person is for the registry to settle.

use super::{Output, Says, Segments};
use crate::hl7v2::Trigger;
use crate::hl7v2::context::Context;
use crate::hl7v2::segment::mrg::{self, Replaced};

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    of_patients("A18", "Merge patient information"),
    of_patients("A34", "Merge patient information - patient id only"),
    of_patients("A40", "Merge patient - patient identifier list"),
];

const fn of_patients(event: &'static str, title: &'static str) -> Trigger {
    let optional = &["EVN", "PD1"];
    Trigger { code: "ADT", event, title, ig: "", required: &["PID", "MRG"], optional, map: patients }
}

/// Maps a merge. One that does not say whom to replace gives no records at all: the message is held.
fn patients<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let version = super::version(context, Says::Registration);
    let mut complete = true;
    super::patient(context, segments, output, version, |subject, survivor| {
        let mut replaced = Vec::new();
        for mrg in segments.named("MRG") {
            match mrg::replaced(context, mrg, subject, version) {
                Replaced::Patient(record, link) => {
                    survivor.push("link", link);
                    replaced.push(*record);
                }
                Replaced::Survivor => {}
                Replaced::Nobody => complete = false,
            }
        }
        replaced
    });
    if !complete {
        output.records.clear();
    }
}
