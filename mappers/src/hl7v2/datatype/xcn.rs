//! XCN (§2A.2.87) and CNN to a Reference to a practitioner. The IG makes a Practitioner of each; we refer by identifier and
//! show the name, for a feed is no authority on who works where (docs/fhir.md).

use std::borrow::Cow;

use crate::fhir::{Object, identifier, logical};
use crate::hl7v2::reader::Value;

/// Reads one; empty when it names nobody.
pub(crate) fn read(value: &Value<'_, '_>) -> Object {
    let part = |component: usize| if value.has(component) { value.text(component) } else { Cow::Borrowed("") };
    let (number, family, given, further) = (value.text(1), value.text(2), part(3), part(4));
    let (suffix, prefix) = (part(5), part(6));
    let namespace = if value.has(9) { value.text(9) } else { Cow::Borrowed("") };
    // Degree, name type, check digit and kind of number describe what the reference does not carry.
    [7, 8, 10, 13].into_iter().for_each(|component| value.ask(component));
    practitioner(value, &number, &namespace, &[&prefix, &family, &given, &further, &suffix])
}

/// Reads the first component of an NDL (§2A.2.48): a CNN, whose parts are sub-components.
pub(crate) fn read_ndl(value: &Value<'_, '_>) -> Object {
    let part = |number: usize| value.sub(1, number);
    practitioner(value, &part(1), "", &[&part(6), &part(2), &part(3), &part(4), &part(5)])
}

fn practitioner(value: &Value<'_, '_>, number: &str, namespace: &str, names: &[&str]) -> Object {
    let mut display = String::with_capacity(names.iter().map(|name| name.len() + 1).sum());
    for name in names.iter().filter(|name| !name.is_empty()) {
        if !display.is_empty() {
            display.push(' ');
        }
        display.push_str(name);
    }
    let system = if number.is_empty() { String::new() } else { value.context().urn("staff", namespace) };
    logical("Practitioner", identifier(&system, number), &display)
}
