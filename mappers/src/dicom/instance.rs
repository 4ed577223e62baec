//! The instance of a claim as readers find it.

use causeway_core::dicom::change::Change;
use causeway_core::dicom::instance::{Instance, Search};
use causeway_core::dicom::tag;
use causeway_core::feed::FeedSettings;
use causeway_core::phi::Phi;

use super::header::Header;
use super::model;

/// More frames than any instance has: what says more says nonsense.
const FRAMES_MAX: u32 = 1_000_000;

/// The entry of the index.
pub(super) fn instance(header: &Header<'_>, feed: &FeedSettings, change: Change) -> Instance {
    let claim = header.claim;
    let (metadata, cut) = model::metadata(claim, &feed.charset);
    if cut {
        header.note(
            "header-cut",
            tag::SOP_INSTANCE_UID,
            "the header was too long to be kept: metadata have its main values",
        );
    }
    let frames = match claim.plain(tag::NUMBER_OF_FRAMES).parse() {
        _ if claim.pixels.is_none() && claim.value(tag::ROWS).is_none() => 0,
        Ok(frames @ 1..=FRAMES_MAX) => frames,
        Ok(_) | Err(_) => 1,
    };
    let date = claim.plain(tag::STUDY_DATE).replace('.', "");
    let code = |text: String| if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) { text } else { String::new() };
    // What cannot be read was noted when the study was made.
    let shown = |tag| Phi::new(header.needed(tag).unwrap_or_default().replace('\0', ""));
    Instance {
        study: claim.study.clone(),
        series: claim.series.clone(),
        instance: claim.sop_instance.clone(),
        class: claim.sop_class.clone(),
        transfer_syntax: claim.transfer_syntax.clone(),
        blob: claim.blob,
        bytes: claim.bytes,
        data_set_at: claim.data_set_at,
        pixels: claim.pixels.clone(),
        search: Search {
            study_date: if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) {
                date
            } else {
                String::new()
            },
            modality: code(claim.plain(tag::MODALITY)),
            accession: shown(tag::ACCESSION_NUMBER),
            patient_id: shown(tag::PATIENT_ID),
            number: claim.plain(tag::INSTANCE_NUMBER).parse().ok(),
            frames,
        },
        change,
        cut,
        metadata: Phi::new(metadata),
    }
}
