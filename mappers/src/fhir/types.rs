//! The data types of FHIR R4 that the mappers build (<https://hl7.org/fhir/R4/datatypes.html>).

use std::borrow::Cow;

use causeway_core::record::RecordKey;

use super::json::Json;

use super::grammar::code as code_grammar;
use super::object::Object;
use crate::codes::Concept;

/// A Coding. Empty when there is no code.
pub(crate) fn coding(system: impl Into<Cow<'static, str>>, code: &str, display: &str) -> Object {
    let code = code_grammar(code);
    if code.is_empty() {
        return Object::new();
    }
    Object::sized(4).put("system", Json::of_ours(system.into())).text("code", &code).text("display", display)
}

/// A CodeableConcept of one coding.
pub(crate) fn concept(system: impl Into<Cow<'static, str>>, code: &str, display: &str) -> Object {
    Object::sized(1).one("coding", coding(system, code, display))
}

/// A CodeableConcept of a concept of a code table.
pub(crate) fn concept_of(concept: Concept) -> Object {
    let Concept { system, code, display } = concept;
    if code.is_empty() {
        return Object::new();
    }
    let coding = Object::sized(3).fixed("system", system).fixed("code", code).fixed("display", display);
    Object::sized(1).one("coding", coding)
}

/// A CodeableConcept of text alone.
pub(crate) fn text_concept(text: &str) -> Object {
    Object::sized(1).text("text", text)
}

/// An Identifier. Empty when there is no value.
pub(crate) fn identifier(system: &str, value: &str) -> Object {
    if value.trim().is_empty() {
        return Object::new();
    }
    Object::sized(3).text("system", system).text("value", value)
}

/// A type of an Identifier, of HL7 table 0203.
pub(crate) fn typed(code: &str) -> Object {
    concept("http://terminology.hl7.org/CodeSystem/v2-0203", code, "")
}

/// A literal Reference to a resource of ours.
pub(crate) fn reference(resource_type: &str, id: &str) -> Object {
    let mut target = String::with_capacity(resource_type.len() + id.len() + 1);
    target.push_str(resource_type);
    target.push('/');
    target.push_str(id);
    Object::sized(1).put("reference", target)
}

/// A literal Reference to the resource of a record.
pub(crate) fn reference_to(key: &RecordKey) -> Object {
    reference(key.resource_type(), &key.resource_id())
}

/// A logical Reference: by identifier, with something to show. Empty when there is neither.
pub(crate) fn logical(resource_type: &'static str, identifier: Object, display: &str) -> Object {
    if identifier.is_empty() && display.trim().is_empty() {
        return Object::new();
    }
    Object::sized(3).fixed("type", resource_type).put("identifier", identifier).text("display", display)
}

/// A Period.
pub(crate) fn period(start: Option<String>, end: Option<String>) -> Object {
    Object::sized(2).maybe("start", start).maybe("end", end)
}

/// An Annotation. Empty when there is no text.
pub(crate) fn annotation(text: &str) -> Object {
    Object::sized(1).text("text", text)
}
