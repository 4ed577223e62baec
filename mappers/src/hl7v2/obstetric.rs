//! The five kinds of obstetric record, which are clinical notes of the sharable scope.

use crate::codes;
use crate::fhir::{Json, Object, concept};
use crate::hl7v2::allergy::folded;

/// The kind of record a CodeableConcept speaks of, as a category: by one of its codes, or by its words.
pub(crate) fn kind(of: &Object) -> Option<Object> {
    let codings = match of.get("coding") {
        Json::Array(list) => list.as_slice(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Object(_) => &[],
    };
    let member = |coding: &Json, name: &str| coding.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut words = codings.iter().flat_map(|coding| [member(coding, "code"), member(coding, "display")]);
    let text = of.get("text").as_str().unwrap_or_default().to_owned();
    words.find_map(|word| named(&word)).or_else(|| named(&text))
}

/// The kind a name or a code stands for.
fn named(word: &str) -> Option<Object> {
    if word.is_empty() {
        return None;
    }
    let [_, code, display] = codes::OBSTETRIC_RECORD.row(&folded(word))?;
    Some(concept("urn:causeway:obstetric-record", code, display))
}
