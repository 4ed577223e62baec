//! XAD (§2A.2.86) to Address: IG map `XAD[Address]`.

use super::{cwe, ts};
use crate::codes;
use crate::fhir::{Json, Object, period, string};
use crate::hl7v2::reader::Value;

/// Reads an address. Empty when it says nothing but its type.
pub(crate) fn read(value: &Value<'_, '_>) -> Object {
    // XAD.1 (SAD.1 street, .2 its name, .3 the house number), XAD.2 and XAD.19 → line.
    let street = value.sub(1, 1);
    let (road, house) = (value.sub(1, 2), value.sub(1, 3));
    let rest = [2, 19].into_iter().filter(|c| value.has(*c)).map(|c| value.text(c));
    let lines: Vec<Json> = [street, road, house].into_iter().chain(rest).map(|line| string(&line)).collect();
    let part = |component: usize| if value.has(component) { value.text(component).into_owned() } else { String::new() };
    let body = Object::sized(10)
        .list("line", lines)
        .text("city", &part(3)) // XAD.3 → city
        .text("district", &part(9)) // XAD.9 → district
        .text("state", &part(4)) // XAD.4 → state
        .text("postalCode", &part(5)) // XAD.5 → postalCode
        .text("country", &part(6)); // XAD.6 → country
    let kind = value.text(7);
    if body.is_empty() {
        return body;
    }
    let period = period(ts::component(value, 13), ts::component(value, 14));
    // XAD.7 → use, or type
    match codes::ADDRESS_TYPE.row(&kind) {
        Some([_, usage, kind]) => Object::sized(10).text("use", usage).text("type", kind).merge(body),
        None => {
            if !is_without_use(&kind) {
                cwe::unmapped(value);
            }
            body
        }
    }
    .put("period", period)
}

/// Address types of table 0190 that say nothing FHIR has a use or type for.
fn is_without_use(kind: &str) -> bool {
    matches!(kind, "" | "N" | "BDL" | "F" | "L" | "P" | "RH" | "BR" | "S" | "TM" | "V" | "HV")
}
