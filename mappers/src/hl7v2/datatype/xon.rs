//! XON (§2A.2.87) to a Reference to an organisation, by identifier and name (docs/fhir.md).

use crate::fhir::{Object, identifier, logical};
use crate::hl7v2::reader::Value;

/// Reads one; empty when it names none.
pub(crate) fn read(value: &Value<'_, '_>) -> Object {
    let name = value.text(1);
    // XON.10 → identifier, or XON.3 before v2.7
    let number = if value.has(10) { value.text(10) } else { value.text(3) };
    let namespace = value.text(6);
    // What kind of name and of number it is has no place in a reference.
    [2, 7].into_iter().for_each(|component| value.ask(component));
    let system = if number.is_empty() { String::new() } else { value.context().urn("organisation", &namespace) };
    logical("Organization", identifier(&system, &number), &name)
}
