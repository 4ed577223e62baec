//! The five kinds of obstetric record, which are clinical notes of the sharable scope.

use crate::codes;
use crate::fhir::{Json, Object, concept};
use crate::hl7v2::allergy::folded;

/// The kind of record a CodeableConcept speaks of, as a category: by one of its codes, or by its words.
pub(crate) fn kind(of: &Object) -> Option<Object> {
    words(of).find_map(|word| named(&word))
}

/// The codes and displays of a CodeableConcept, then its text.
pub(crate) fn words(of: &Object) -> impl Iterator<Item = String> {
    let member = |from: &Json, name: &str| from.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let codings = of.get("coding").items().iter();
    let words = codings.flat_map(move |coding| [member(coding, "code"), member(coding, "display")]);
    words.chain(std::iter::once(of.get("text").as_str().unwrap_or_default().to_owned()))
}

/// The kind a name or a code stands for.
fn named(word: &str) -> Option<Object> {
    if word.is_empty() {
        return None;
    }
    let [_, code, display] = codes::OBSTETRIC_RECORD.row(&folded(word))?;
    Some(concept("urn:causeway:obstetric-record", code, display))
}
