//! Rejection notes: Key Object Selection Documents whose title says that what they name is rejected (IHE Radiology, Imaging
//! Object Change Management; DICOM PS3.3 section A.35.4, PS3.16 CID 7011).

use std::collections::BTreeSet;

use causeway_core::dicom::change::{KEY_OBJECT_SELECTION, REJECTIONS, Rejection};
use causeway_core::dicom::element::{self, Element, Value};
use causeway_core::dicom::syntax::Syntax;
use causeway_core::dicom::tag::{SERIES_INSTANCE_UID, STUDY_INSTANCE_UID, Tag};
use causeway_core::dicom::uid::Uid;

use super::header::Header;

/// Current Requested Procedure Evidence Sequence: what a document names, study by study.
pub(super) const EVIDENCE: Tag = Tag(0x0040, 0xA375);
/// Concept Name Code Sequence: at the top, the title.
const TITLE: Tag = Tag(0x0040, 0xA043);
const CODE_VALUE: Tag = Tag(0x0008, 0x0100);
const CODING_SCHEME: Tag = Tag(0x0008, 0x0102);
const REFERENCED_SERIES: Tag = Tag(0x0008, 0x1115);
const REFERENCED_SOP: Tag = Tag(0x0008, 0x1199);
const REFERENCED_INSTANCE: Tag = Tag(0x0008, 0x1155);

/// The document is not in the claim as far as would be needed.
pub(super) struct Unreadable;

/// What an instance rejects, if it is a rejection note.
pub(super) fn read(header: &Header<'_>) -> Result<Option<Rejection>, Unreadable> {
    let claim = header.claim;
    if claim.sop_class.as_str() != KEY_OBJECT_SELECTION {
        return Ok(None);
    }
    let extract = claim.extracted().ok_or(Unreadable)?;
    let elements = element::read(&extract, Syntax::of(&claim.transfer_syntax).coding).map_err(|_fault| Unreadable)?;
    let mut code = None;
    for title in items(&elements, TITLE)? {
        if text(&title, CODING_SCHEME).as_deref() == Some("DCM") {
            code = text(&title, CODE_VALUE).filter(|code| REJECTIONS.iter().any(|(known, _)| known == code));
        }
    }
    let Some(code) = code else { return Ok(None) };
    let mut instances = BTreeSet::new();
    for study in items(&elements, EVIDENCE)? {
        if uid(&study, STUDY_INSTANCE_UID).as_ref() != Some(&claim.study) {
            header.note("rejection-elsewhere", EVIDENCE, "a note rejects instances of its own study only: others stay");
            continue;
        }
        for series in items(&study, REFERENCED_SERIES)? {
            let Some(of) = uid(&series, SERIES_INSTANCE_UID) else { continue };
            let named = items(&series, REFERENCED_SOP)?;
            instances.extend(named.iter().filter_map(|one| Some((of.clone(), uid(one, REFERENCED_INSTANCE)?))));
        }
    }
    if instances.is_empty() {
        header.note("rejection-empty", EVIDENCE, "the rejection note names no instance of its study: it hides nothing");
    }
    Ok(Some(Rejection { code, instances }))
}

/// The items of a sequence; none when it is not there.
fn items<'b>(elements: &[Element<'b>], tag: Tag) -> Result<Vec<Vec<Element<'b>>>, Unreadable> {
    let Some(found) = elements.iter().find(|element| element.tag == tag) else { return Ok(Vec::new()) };
    match &found.value {
        Value::Items(items) => Ok(items.clone()),
        Value::Bytes(bytes) => element::read_items(bytes, found.coding).map_err(|_fault| Unreadable),
        Value::Elsewhere(..) | Value::Fragments => Err(Unreadable),
    }
}

fn text(elements: &[Element<'_>], tag: Tag) -> Option<String> {
    let found = elements.iter().find(|element| element.tag == tag)?;
    let Value::Bytes(bytes) = found.value else { return None };
    Some(std::str::from_utf8(bytes).ok()?.trim_matches([' ', '\0']).to_owned())
}

fn uid(elements: &[Element<'_>], tag: Tag) -> Option<Uid> {
    Uid::parse(&text(elements, tag)?).ok()
}
