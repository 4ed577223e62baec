//! What of the patient lies at the edges of an image (DICOM PS3.3 sections C.7.6.2.1.1 and C.7.6.1.1.1).

use causeway_core::dicom::tag::Tag;
use serde_json::{Map, Value};

use crate::dicomweb::{first_value, of_frame};

const IMAGE_ORIENTATION: Tag = Tag(0x0020, 0x0037);
const PATIENT_ORIENTATION: Tag = Tag(0x0020, 0x0020);
/// Less of a direction than this is not told.
const TOLD_FROM: f64 = 0.3;

/// Left, right, top and bottom; empty where nothing is said.
pub(super) fn sides(header: &Map<String, Value>, frame: usize) -> [String; 4] {
    let cosines = of_frame(header, frame, IMAGE_ORIENTATION).and_then(|place| numbers(place, IMAGE_ORIENTATION));
    match cosines.as_deref() {
        Some([a, b, c, d, e, f]) => {
            [letters([-a, -b, -c]), letters([*a, *b, *c]), letters([-d, -e, -f]), letters([*d, *e, *f])]
        }
        _ => by_words(header),
    }
}

/// The directions of rows and columns, in words of the header.
fn by_words(header: &Map<String, Value>) -> [String; 4] {
    let word = |place: usize| {
        let value =
            header.get(&PATIENT_ORIENTATION.hex()).and_then(|element| element.get("Value")?.get(place)?.as_str());
        value.filter(|word| word.chars().all(|letter| "APRLHF".contains(letter))).unwrap_or_default().to_owned()
    };
    if first_value(header, PATIENT_ORIENTATION).is_none() {
        return [const { String::new() }; 4];
    }
    let (row, column) = (word(0), word(1));
    [opposite(&row), row, opposite(&column), column]
}

/// Letters of a direction, the strongest first. Coordinates grow to the left, to the back and to the head.
fn letters(direction: [f64; 3]) -> String {
    let mut parts: Vec<(f64, char)> = direction
        .into_iter()
        .zip([('L', 'R'), ('P', 'A'), ('H', 'F')])
        .map(|(part, (more, less))| (part.abs(), if part > 0.0 { more } else { less }))
        .filter(|(part, _)| *part >= TOLD_FROM)
        .collect();
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    parts.into_iter().map(|(_, letter)| letter).collect()
}

fn opposite(word: &str) -> String {
    let turned = |letter: char| match letter {
        'A' => 'P',
        'P' => 'A',
        'R' => 'L',
        'L' => 'R',
        'H' => 'F',
        'F' => 'H',
        other => other,
    };
    word.chars().map(turned).collect()
}

fn numbers(header: &Map<String, Value>, tag: Tag) -> Option<Vec<f64>> {
    header.get(&tag.hex())?.get("Value")?.as_array()?.iter().map(Value::as_f64).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sides_of(header: &Value) -> String {
        sides(header.as_object().expect("an object"), 1).join(" ")
    }

    #[test]
    fn an_axial_slice_shows_the_patients_right_at_the_left() {
        assert_eq!(sides_of(&json!({"00200037": {"vr": "DS", "Value": [1, 0, 0, 0, 1, 0]}})), "R L A P");
        assert_eq!(sides_of(&json!({"00200037": {"vr": "DS", "Value": [0, 1, 0, 0, 0, -1]}})), "A P H F");
        assert_eq!(sides_of(&json!({"00200037": {"vr": "DS", "Value": [0.8, 0.6, 0, 0, 0, -1]}})), "RA LP H F");
    }

    #[test]
    fn a_projection_says_it_in_words_or_not_at_all() {
        assert_eq!(sides_of(&json!({"00200020": {"vr": "CS", "Value": ["L", "FP"]}})), "R L HA FP");
        assert_eq!(sides_of(&json!({"00200020": {"vr": "CS", "Value": ["<b>", "F"]}})), "  H F");
        assert_eq!(sides_of(&json!({})), "   ");
    }
}
