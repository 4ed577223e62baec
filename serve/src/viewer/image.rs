//! What the page knows of a frame: enough to show it without asking again.

use causeway_core::dicom::instance::InstanceRow;
use causeway_core::dicom::picture::Packing;
use causeway_core::dicom::tag::{self, Tag};
use serde_json::{Map, Value, json};

use super::marks;
use crate::dicomweb::{BITS_STORED, CENTRE, INTERCEPT, SIGNED, SLOPE, WIDTH, first_value, of_frame, order_as_sent};

const PIXEL_SPACING: Tag = Tag(0x0028, 0x0030);
const IMAGER_SPACING: Tag = Tag(0x0018, 0x1164);
const IMAGE_LATERALITY: Tag = Tag(0x0020, 0x0062);

/// A frame of the page.
pub(super) struct Picture {
    /// Instance Number; those without come last.
    pub(super) number: u64,
    /// The frame, from 1.
    pub(super) frame: u32,
    /// Its instance.
    pub(super) instance: String,
    /// Where its instance is.
    pub(super) address: String,
    /// Its series.
    pub(super) series: String,
    /// What the script needs, as JSON.
    pub(super) look: String,
    /// Which side of the body it shows.
    pub(super) laterality: String,
    /// What lies at the left, the right, the top and the bottom.
    pub(super) sides: [String; 4],
    /// The same in one text.
    pub(super) all_sides: String,
    /// No picture of it can be made here.
    pub(super) unshown: bool,
}

impl Picture {
    /// The file it is of.
    pub(super) fn original(&self) -> String {
        format!("{}?accept=application/dicom", self.address)
    }

    /// Where its picture is, in a window.
    pub(super) fn rendered(&self, window: Option<(f64, f64)>) -> String {
        let window = window.map(|(centre, width)| format!("?window={centre},{width},linear")).unwrap_or_default();
        format!("{}/frames/{}/rendered{window}", self.address, self.frame)
    }
}

/// The frames of an instance.
pub(super) fn pictures(row: &InstanceRow, header: &Map<String, Value>) -> Vec<Picture> {
    let facts = &row.instance;
    let address = format!("/dicomweb/studies/{}/series/{}/instances/{}", facts.study, facts.series, facts.instance);
    let packing = order_as_sent(row, header, 1).packing();
    let (unshown, native) = (packing.is_err(), packing == Ok(Packing::Native));
    let one = |frame: u32| {
        let place = usize::try_from(frame).unwrap_or(usize::MAX);
        let sides = marks::sides(header, place);
        Picture {
            number: facts.search.number.map_or(u64::MAX, u64::from),
            frame,
            instance: facts.instance.to_string(),
            address: address.clone(),
            series: facts.series.to_string(),
            look: look(header, place, native, unshown).to_string(),
            laterality: laterality(header),
            all_sides: sides.join("|"),
            sides,
            unshown,
        }
    };
    (1..=facts.search.frames).take(super::FRAMES_MAX.saturating_add(1)).map(one).collect()
}

/// Pixels that the script can shade itself are read as they are (`raw`); of others it shows the pictures.
fn look(header: &Map<String, Value>, frame: usize, native: bool, unshown: bool) -> Value {
    let real = |tag: Tag| first_value(of_frame(header, frame, tag)?, tag).and_then(Value::as_f64);
    let whole = |tag: Tag| first_value(header, tag).and_then(Value::as_u64);
    let text = |tag: Tag| first_value(header, tag).and_then(Value::as_str).unwrap_or_default();
    let photometric = text(tag::PHOTOMETRIC_INTERPRETATION);
    let bits = whole(tag::BITS_ALLOCATED).unwrap_or(0);
    let grey = matches!(photometric, "MONOCHROME1" | "MONOCHROME2") && whole(tag::SAMPLES_PER_PIXEL).unwrap_or(1) == 1;
    // Of the detector's own plane only when nothing better is said: it is larger than what is behind it.
    let spacing = [PIXEL_SPACING, IMAGER_SPACING].into_iter().find_map(|tag| {
        let values = of_frame(header, frame, tag)?.get(&tag.hex())?.get("Value")?.as_array()?;
        Some((values.first()?.as_f64()?, values.get(1)?.as_f64()?, tag == IMAGER_SPACING))
    });
    json!({
        "rows": whole(tag::ROWS),
        "columns": whole(tag::COLUMNS),
        "unshown": unshown,
        "raw": native && grey && matches!(bits, 8 | 16),
        "bits": bits,
        "stored": whole(BITS_STORED).unwrap_or(bits),
        "signed": whole(SIGNED) == Some(1),
        "inverse": photometric == "MONOCHROME1",
        "slope": real(SLOPE).unwrap_or(1.0),
        "intercept": real(INTERCEPT).unwrap_or(0.0),
        "centre": real(CENTRE),
        "width": real(WIDTH),
        "spacing": spacing.map(|(row, column, _)| [row, column]),
        "projected": spacing.is_some_and(|(_, _, projected)| projected),
    })
}

fn laterality(header: &Map<String, Value>) -> String {
    let side = [IMAGE_LATERALITY, tag::LATERALITY].into_iter().find_map(|tag| first_value(header, tag)?.as_str());
    side.filter(|side| matches!(*side, "L" | "R" | "B")).unwrap_or_default().to_owned()
}
