//! OBX-5 by the type in OBX-2 to the members `value[x]` of an Observation.

use crate::codes;
use crate::fhir::{Json, Object, period};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::quantity::{self, Numeric, Unit};
use crate::hl7v2::datatype::{cwe, ts};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::{Seg, Value};

mod words;

/// A member and its value.
pub(super) type Member = (&'static str, Json);

/// The values of TX and FT: repetitions, and the segments that go on, are lines of one text.
pub(super) fn text<'m>(context: &Context<'m>, obx: &Seg<'m>, further: &[&Seg<'m>]) -> Vec<Member> {
    let mut lines = Vec::new();
    for segment in std::iter::once(&obx).chain(further) {
        let before = lines.len();
        lines.extend(segment.all(context, 5).map(|value| value.whole().into_owned()));
        if lines.len() == before && !lines.is_empty() {
            // A blank line within the text; one before all text says nothing.
            lines.push(String::new());
        }
    }
    for segment in further {
        // The same code, status and times as the first line; only the text is its own.
        segment.keep();
    }
    let text = lines.join("\n");
    let text = text.trim_matches('\n');
    if text.trim().is_empty() { Vec::new() } else { vec![("valueString", Json::from(text))] }
}

/// The values of every other type, one a repetition.
pub(super) fn read<'m>(context: &Context<'m>, obx: &Seg<'m>, kind: &str, unit: &Unit) -> Vec<Member> {
    let mut members: Vec<Member> = obx.all(context, 5).filter_map(|value| member(&value, kind, unit)).collect();
    let is_measured = members.iter().any(|(name, _)| matches!(*name, "valueQuantity" | "valueRange" | "valueRatio"));
    let mut has_unit = is_measured && !matches!(kind, "MO" | "CP");
    if !has_unit && matches!(kind, "ST" | "SN" | "ID" | "VR") {
        for (_, value) in &mut members {
            if let Some(whole) = value.as_str().and_then(|text| unit.behind(text)) {
                (*value, has_unit) = (whole.into(), true);
            }
        }
    }
    if !unit.is_empty() && !members.is_empty() && !has_unit {
        context.note(NoteCode::UnusedField, obx.field_place(6), "the value is no quantity: its unit has no place");
    }
    members
}

fn member(value: &Value<'_, '_>, kind: &str, unit: &Unit) -> Option<Member> {
    match kind {
        "NM" => Some(number(value, unit)),
        "ST" | "TX" | "FT" | "ID" | "VR" => text_of(value),
        "CE" | "CWE" | "CNE" | "CF" | "IS" => Some(("valueCodeableConcept", cwe::read(value).concept.into())),
        "DT" | "DTM" | "TS" => Some(date_time(value)),
        "TM" => Some(time_of_day(value)),
        "SN" => Some(match quantity::structured(value, unit) {
            Numeric::Quantity(quantity) => ("valueQuantity", quantity.into()),
            Numeric::Range(range) => ("valueRange", range.into()),
            Numeric::Ratio(ratio) => ("valueRatio", ratio.into()),
            Numeric::Text(text) => ("valueString", text.into()),
        }),
        "NR" => match quantity::numeric_range(value, unit) {
            Some(range) => Some(("valueRange", range.into())),
            None => {
                value.note(NoteCode::NotANumber, "a range is no pair of numbers: kept as text");
                text_of(value)
            }
        },
        "DR" => {
            let period = period(ts::component(value, 1), ts::component(value, 2));
            if period.is_empty() { text_of(value) } else { Some(("valuePeriod", period.into())) }
        }
        "CQ" => amount(value, quantity::composite_in(value, unit)),
        "MO" => amount(value, quantity::money(&value.text(1), &value.text(2))),
        "CP" => amount(value, quantity::money(&value.sub(1, 1), &value.sub(1, 2))),
        "SI" => sequence(value),
        "" => untyped(value, unit),
        _ => without_place(value, kind),
    }
}

/// A type R4 has no `value[x]` for: kept as a person would write it, or as it was sent.
fn without_place(value: &Value<'_, '_>, kind: &str) -> Option<Member> {
    let text = match codes::VALUE_TYPE.row(kind) {
        Some(_) => "a value of this type is kept as text",
        None => "OBX-2 names no type of HL7 table 0125: the value is kept as text",
    };
    value.note(NoteCode::UnmappedType, text);
    match words::of(value, kind) {
        Some(words) => Some(("valueString", words.into())),
        None => text_of(value),
    }
}

/// A quantity that has its unit within it.
fn amount(value: &Value<'_, '_>, quantity: Option<Object>) -> Option<Member> {
    match quantity {
        Some(quantity) => Some(("valueQuantity", quantity.into())),
        None => not_a_number(value),
    }
}

/// SI: a whole number, for which FHIR has 31 bits.
fn sequence(value: &Value<'_, '_>) -> Option<Member> {
    match value.text(1).parse::<u32>().ok().filter(|number| *number <= i32::MAX.unsigned_abs()) {
        Some(number) => Some(("valueInteger", number.into())),
        None => not_a_number(value),
    }
}

fn not_a_number(value: &Value<'_, '_>) -> Option<Member> {
    value.note(NoteCode::NotANumber, "the value is no number: kept as text");
    text_of(value)
}

/// NM; a comparator in front is a common dialect. What is no number is kept as text.
fn number(value: &Value<'_, '_>, unit: &Unit) -> Member {
    let text = value.text(1);
    let (comparator, digits) = quantity::comparator(&text);
    match unit.quantity(digits, comparator) {
        Some(quantity) => ("valueQuantity", quantity.into()),
        None => {
            value.note(NoteCode::NotANumber, "the value is no number: kept as text");
            ("valueString", value.whole().into())
        }
    }
}

fn text_of(value: &Value<'_, '_>) -> Option<Member> {
    let text = value.whole();
    (!text.is_empty()).then(|| ("valueString", text.into()))
}

fn date_time(value: &Value<'_, '_>) -> Member {
    value.ask(2);
    match ts::read(value, 1) {
        Some(time) => ("valueDateTime", value.context().written(time).into()),
        None => ("valueString", value.whole().into()),
    }
}

fn time_of_day(value: &Value<'_, '_>) -> Member {
    match ts::time_of_day(&value.text(1)) {
        Some(time) => ("valueTime", time.into()),
        None => {
            value.note(NoteCode::BadDate, "no time of day: kept as text");
            ("valueString", value.whole().into())
        }
    }
}

/// Without OBX-2: a number with a unit is a quantity, the rest text.
fn untyped(value: &Value<'_, '_>, unit: &Unit) -> Option<Member> {
    value.note(NoteCode::NoValueType, "OBX-2 is empty: a number with a unit is taken for NM, the rest for ST");
    let text = value.text(1);
    let (comparator, digits) = quantity::comparator(&text);
    let quantity = if unit.is_empty() { None } else { unit.quantity(digits, comparator) };
    quantity.map(|quantity| ("valueQuantity", quantity.into())).or_else(|| text_of(value))
}
