//! A18, A34 and A40, merges of two patients of one sender. The IG maps none of them.
//!
//! Both patients become records, linked to each other: the survivor `replaces`, the other is no longer active and
//! `replaced-by`. The other's number is not taken into the identity of the message: whether it belonged to the same
//! person is for the registry to settle.

use super::{Output, Says, Segments};
use crate::hl7v2::context::Context;
use crate::hl7v2::segment::mrg::{self, Replaced};

/// Maps a merge. One that does not say whom to replace gives no records at all: the message is held.
pub(crate) fn patients<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
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
