//! PL (§2A.2.53) to a Reference to a location. The IG makes a Location of every level; we refer to the finest by an
//! identifier made of all of them (docs/fhir.md).

use crate::fhir::{Object, concept, identifier, logical};
use crate::hl7v2::reader::Value;

/// A place, read.
#[derive(Debug)]
pub(crate) struct Place {
    /// The Reference; empty when no place is named.
    pub(crate) reference: Object,
    /// Bed or room, as a CodeableConcept.
    pub(crate) physical_type: Object,
    /// PL.4: the facility.
    pub(crate) facility: String,
}

/// Reads PL.1 to PL.9.
pub(crate) fn read(value: &Value<'_, '_>) -> Place {
    // Point of care, room, bed, floor, building, facility: from the smallest group outwards.
    let levels = [1, 2, 3, 8, 7, 4].map(|component| value.text(component));
    let [_, room, bed, _, _, facility] = &levels;
    let kind = if !bed.is_empty() {
        concept("http://terminology.hl7.org/CodeSystem/location-physical-type", "bd", "Bed")
    } else if !room.is_empty() {
        concept("http://terminology.hl7.org/CodeSystem/location-physical-type", "ro", "Room")
    } else {
        Object::new()
    };
    let named: Vec<&str> = levels.iter().map(AsRef::as_ref).filter(|level: &&str| !level.is_empty()).collect();
    let description = if value.has(9) { value.text(9).into_owned() } else { named.join(", ") };
    // What sort of location it is follows from where the reference stands.
    value.ask(6);
    let system = if named.is_empty() { String::new() } else { value.context().urn("location", "") };
    let reference = logical("Location", identifier(&system, &named.join("/")), &description);
    Place { reference, physical_type: kind, facility: facility.clone().into_owned() }
}
