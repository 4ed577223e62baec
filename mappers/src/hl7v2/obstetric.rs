//! The five kinds of obstetric record, which are clinical notes of the sharable scope.

use crate::codes;
use crate::fhir::{Json, Object, concept};
use crate::hl7v2::allergy::folded;

/// The kind of record a CodeableConcept speaks of, as a category: by one of its codes, or by its words.
pub(crate) fn kind(of: &Object) -> Option<Object> {
    words(of).find_map(named)
}

/// The codes and displays of a CodeableConcept, then its text.
pub(crate) fn words(of: &Object) -> impl Iterator<Item = &str> {
    let codings = of.get("coding").items().iter();
    let words = codings.flat_map(|coding| ["code", "display"].map(|name| coding.get(name).and_then(Json::as_str)));
    words.chain(std::iter::once(of.get("text").as_str())).map(Option::unwrap_or_default)
}

/// The kind a name or a code stands for.
fn named(word: &str) -> Option<Object> {
    if word.is_empty() {
        return None;
    }
    let [_, code, display] = codes::OBSTETRIC_RECORD.row(&folded(word))?;
    Some(concept("urn:causeway:obstetric-record", code, display))
}
