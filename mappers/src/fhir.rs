//! Small builders of FHIR R4 JSON. They cannot make an empty string, array or object, which R4 forbids
//! (<https://hl7.org/fhir/R4/json.html>, "objects are never empty").

mod grammar;
mod json;
mod object;
mod scan;
mod text;
mod types;
mod write;

pub(crate) use grammar::{code, decimal, uri, urn_part};
pub(crate) use json::Json;
pub(crate) use object::Object;
pub(crate) use text::string;
pub(crate) use types::{
    annotation, coding, concept, concept_of, identifier, logical, period, reference, reference_to, text_concept, typed,
};
