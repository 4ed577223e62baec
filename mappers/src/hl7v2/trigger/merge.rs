//! Merges of two patients of one sender (A18, A30, A34, A36, A39, A40) and changes of a patient's number (A47). The IG maps
//! none of them.
//!
//! Both patients become records, linked to each other: the survivor `replaces`, the other is no longer active and
//! `replaced-by`. The other's number is no part of who the message is about, but is told as prior: when the registry
//! has it for another person, the message is held (docs/decisions/0003-identity-matching.md).

use causeway_core::mapped::Prior;

use super::{Output, Says, Segments};
use crate::hl7v2::Trigger;
use crate::hl7v2::context::Context;
use crate::hl7v2::segment::mrg::{self, Replaced};

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    of_patients("A18", "Merge patient information"),
    of_patients("A30", "Merge person information"),
    of_patients("A34", "Merge patient information - patient id only"),
    of_patients("A36", "Merge patient information - patient id and account number"),
    of_patients("A39", "Merge person - patient id"),
    of_patients("A40", "Merge patient - patient identifier list"),
    of_patients("A47", "Change patient identifier list"),
];

const fn of_patients(event: &'static str, title: &'static str) -> Trigger {
    let optional = &["EVN", "PD1"];
    Trigger { code: "ADT", event, title, ig: "", required: &["PID", "MRG"], optional, map: patients }
}

/// Maps a merge. One that does not say whom to replace gives no records at all: the message is held.
fn patients<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let version = super::version(context, Says::Registration);
    let mut complete = true;
    let mut known_by = Prior::default();
    super::patient(context, segments, output, version, |subject, survivor| {
        let mut replaced = Vec::new();
        for mrg in segments.named("MRG") {
            match mrg::replaced(context, mrg, subject, version) {
                Replaced::Patient { record, link, prior } => {
                    survivor.push("link", link);
                    replaced.push(*record);
                    let Prior { documents, local_numbers, merged } = prior;
                    known_by.documents.extend(documents);
                    known_by.local_numbers.extend(local_numbers);
                    known_by.merged = merged;
                }
                Replaced::Survivor => {}
                Replaced::Nobody => complete = false,
            }
        }
        // A number that replaces only itself replaces nobody: somebody has to look at it.
        complete &= !replaced.is_empty();
        replaced
    });
    if let Some(identity) = &mut output.identity {
        identity.prior = known_by;
    }
    if !complete {
        output.records.clear();
    }
}
