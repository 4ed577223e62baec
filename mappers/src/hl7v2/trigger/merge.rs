//! A18, A34 and A40, merges of two patients of one sender. The IG maps none of them.
//!
//! Both patients become records, linked to each other: the survivor `replaces`, the other is no longer active and
//! `replaced-by`. The other's number is not taken into the identity of the message: whether it belonged to the same
//! person is for the registry to settle.

use super::{Output, Says, Segments};
use crate::hl7v2::context::Context;
use crate::hl7v2::segment::mrg;

/// Maps a merge.
pub(crate) fn patients<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let version = super::version(context, Says::Registration);
    super::patient(context, segments, output, version, |subject, survivor| {
        let mut replaced = Vec::new();
        for mrg in segments.named("MRG") {
            if let Some((record, link)) = mrg::replaced(context, mrg, subject, version) {
                survivor.push("link", link);
                replaced.push(record);
            }
        }
        replaced
    });
}
