//! OBX-5 of a type that R4's Observation has no `value[x]` for, as a person would write it: names, numbers, addresses.

use crate::fhir::{Json, Object};
use crate::hl7v2::datatype::{cx, ei, pl, xad, xcn, xon, xpn, xtn};
use crate::hl7v2::reader::Value;

/// The words of a value; `None` for a type that is written as it was sent, and for a value that says nothing else.
pub(super) fn of(value: &Value<'_, '_>, kind: &str) -> Option<String> {
    let words = match kind {
        "XPN" | "PN" => xpn::display(value),
        "XCN" | "CN" | "CNN" | "PPN" => referred(&xcn::read(value)),
        "XON" => referred(&xon::read(value)),
        "PL" => pl::read(value).reference.get("display").as_str().unwrap_or_default().to_owned(),
        "XAD" | "AD" => address(&xad::read(value)),
        "XTN" | "TN" => xtn::read(value, "").get("value").as_str().unwrap_or_default().to_owned(),
        "CX" | "CK" => number(value),
        "EI" => ei::read(value).map(|id| with(id.number, &[&id.namespace])).unwrap_or_default(),
        _ => String::new(),
    };
    (!words.is_empty()).then_some(words)
}

/// The name, and the number behind it.
fn referred(reference: &Object) -> String {
    let number = reference.get("identifier").get("value").and_then(Json::as_str).unwrap_or_default();
    match reference.get("display").as_str() {
        Some(name) if name != number => with(name.to_owned(), &[number]),
        Some(_) | None => number.to_owned(),
    }
}

/// The lines of an address.
fn address(address: &Object) -> String {
    let lines = address.get("line").items().iter();
    let others = ["district", "city", "state", "postalCode", "country"].into_iter().map(|name| address.get(name));
    let parts: Vec<&str> = lines.chain(others).filter_map(Json::as_str).collect();
    parts.join(", ")
}

/// A number, with its check digit, and whose it is.
fn number(value: &Value<'_, '_>) -> String {
    let Some(read) = cx::read(value) else { return String::new() };
    let number = match &*read.check_digit {
        "" => read.number.into_owned(),
        digit => format!("{}({digit})", read.number),
    };
    with(number, &[&*read.kind, &*read.authority])
}

/// `12345 (MR, QMH)`; nothing in brackets where there is nothing to say.
fn with(text: String, more: &[&str]) -> String {
    let more: Vec<&str> = more.iter().copied().filter(|part| !part.is_empty()).collect();
    if more.is_empty() || text.is_empty() { text } else { format!("{text} ({})", more.join(", ")) }
}
