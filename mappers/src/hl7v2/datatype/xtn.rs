//! XTN (§2A.2.89) to ContactPoint: IG map `XTN[ContactPoint]`. R4 wants a system beside every value (cpt-2): where none is
//! sent, an address with `@` is electronic mail and the rest telephone.

use super::{cwe, ts};
use crate::codes;
use crate::fhir::{Object, period};
use crate::hl7v2::reader::Value;

/// Reads one. `use_of_field` is the use that the field itself implies.
pub(crate) fn read(value: &Value<'_, '_>, use_of_field: &str) -> Object {
    let number = number(value);
    if number.is_empty() {
        return Object::new();
    }
    // XTN.3 → system, and use where the equipment says it
    let equipment = value.text(3);
    let (system, use_of_equipment) = match codes::TELECOM_EQUIPMENT.row(&equipment) {
        Some([_, system, usage]) => (*system, *usage),
        None => {
            if !equipment.is_empty() {
                cwe::unmapped(value);
            }
            (if number.contains('@') { "email" } else { "phone" }, "")
        }
    };
    // XTN.2 → use
    let sent = value.text(2);
    let usage = match codes::TELECOM_USE.code(&sent) {
        Some(_) if !use_of_equipment.is_empty() => use_of_equipment,
        Some(usage) => usage,
        None if !use_of_equipment.is_empty() => use_of_equipment,
        None => {
            if !matches!(&*sent, "" | "ORN" | "VHN" | "ASN" | "EMR" | "NET" | "BPN") {
                cwe::unmapped(value);
            }
            use_of_field
        }
    };
    let period = period(ts::component(value, 13), ts::component(value, 14));
    Object::sized(4).text("system", system).text("value", &number).text("use", usage).put("period", period)
}

/// The number or address: XTN.4 for electronic mail, XTN.12, XTN.5 to .8 put together, or XTN.1.
fn number(value: &Value<'_, '_>) -> String {
    let part = |component: usize| if value.has(component) { value.text(component).into_owned() } else { String::new() };
    let (formatted, address, unformatted) = (part(1), part(4), part(12));
    let (country, area, local, extension) = (part(5), part(6), part(7), part(8));
    if !address.is_empty() {
        return address;
    }
    if local.is_empty() {
        return if formatted.is_empty() { unformatted } else { formatted };
    }
    let mut number = String::new();
    for (before, part) in [("+", country), ("", area), ("", local), ("X", extension)] {
        if part.is_empty() {
            continue;
        }
        if !number.is_empty() {
            number.push(' ');
        }
        number.push_str(before);
        number.push_str(&part);
    }
    number
}
