//! An ImagingStudy grows as its instances come: two of one study are joined into one that says what both say.
//!
//! The join is commutative, associative and idempotent: whatever the order in which instances come, come again or are run
//! again, the study is the same. Lists are united and kept in one order; of two single values that differ the lesser one
//! holds, so that neither arrival nor chance decides.

use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::scope::Level;

/// What two records of one study say together. Numbers of series and instances are counted anew.
pub fn join(one: &Value, other: &Value) -> Value {
    let mut study = members(one, other, |name| match name {
        "series" => Some(series),
        "identifier" | "modality" | "basedOn" | "extension" => Some(plain),
        _ => None,
    });
    let of_series = |series: &Value| list(series, "instance").len();
    let all = study.get("series").map(|series| items(series).to_vec()).unwrap_or_default();
    count(&mut study, "numberOfSeries", all.len());
    count(&mut study, "numberOfInstances", all.iter().map(of_series).sum());
    Value::Object(study)
}

/// Whether records of a FHIR type are joined with the current one rather than put in its place.
pub fn grows(resource_type: &str) -> bool {
    resource_type == "ImagingStudy"
}

/// What the record of a study says beside its resource: when the study was made, by its least Study Date (`YYYYMMDD`, empty
/// when there is none), and how structured it is, which depends on whether a modality is known.
pub fn dated(date: &str, has_modality: bool) -> (Option<Date>, Level) {
    let level = if has_modality { Level::Coded } else { Level::Structured };
    (Date::strptime("%Y%m%d", date).ok(), level)
}

/// How two lists are united: by what tells their items apart, and by what two of one kind become.
type Union = fn(&[Value], &[Value]) -> Vec<Value>;

/// The members of both, each joined.
fn members(one: &Value, other: &Value, union: impl Fn(&str) -> Option<Union>) -> Map<String, Value> {
    let empty = Map::new();
    let (one, other) = (one.as_object().unwrap_or(&empty), other.as_object().unwrap_or(&empty));
    let mut joined = Map::new();
    // In the order of the one that has more: both are written by one mapper.
    let (first, second) = if one.len() < other.len() { (other, one) } else { (one, other) };
    for name in first.keys().chain(second.keys().filter(|name| !first.contains_key(*name))) {
        let value = match (one.get(name), other.get(name), union(name)) {
            (Some(a), Some(b), Some(union)) => Value::Array(union(items(a), items(b))),
            (Some(a), None, Some(union)) | (None, Some(a), Some(union)) => Value::Array(union(items(a), &[])),
            (Some(a), Some(b), None) => lesser(a, b).clone(),
            (Some(a), None, None) | (None, Some(a), None) => a.clone(),
            (None, None, _) => continue,
        };
        joined.insert(name.clone(), value);
    }
    joined
}

fn series(one: &[Value], other: &[Value]) -> Vec<Value> {
    united(one, other, |a, b| {
        let mut series = members(a, b, |name| match name {
            "instance" => Some(instances),
            "performer" | "extension" => Some(plain),
            _ => None,
        });
        let instances = series.get("instance").map(items).unwrap_or_default().len();
        count(&mut series, "numberOfInstances", instances);
        Value::Object(series)
    })
}

fn instances(one: &[Value], other: &[Value]) -> Vec<Value> {
    united(one, other, |a, b| Value::Object(members(a, b, |name| (name == "extension").then_some(plain as Union))))
}

/// Items with a `uid`, in the order of their numbers; two of one become one.
fn united(one: &[Value], other: &[Value], merge: fn(&Value, &Value) -> Value) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::with_capacity(one.len().saturating_add(other.len()));
    let mut sorted: Vec<&Value> = one.iter().chain(other).collect();
    sorted.sort_by(|a, b| uid(a).cmp(uid(b)));
    for item in sorted {
        match all.last_mut() {
            Some(last) if uid(last) == uid(item) => *last = merge(last, item),
            // Alone, it is brought into the form that joined ones have.
            Some(_) | None => all.push(merge(item, item)),
        }
    }
    all.sort_by(|a, b| (number(a), uid(a)).cmp(&(number(b), uid(b))));
    all
}

/// Items that are told apart by all they say.
fn plain(one: &[Value], other: &[Value]) -> Vec<Value> {
    let mut all: Vec<Value> = one.iter().chain(other).cloned().collect();
    all.sort_by_cached_key(Value::to_string);
    all.dedup();
    all
}

fn lesser<'v>(one: &'v Value, other: &'v Value) -> &'v Value {
    // Mostly they say the same, and writing them out to compare would take most of a join.
    if one == other {
        return one;
    }
    let [first, second] = [one, other].map(Value::to_string);
    if first <= second { one } else { other }
}

fn uid(item: &Value) -> &str {
    item.get("uid").and_then(Value::as_str).unwrap_or_default()
}

/// Those without a number come last.
fn number(item: &Value) -> u64 {
    item.get("number").and_then(Value::as_u64).unwrap_or(u64::MAX)
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).map(items).unwrap_or_default()
}

fn count(object: &mut Map<String, Value>, name: &str, number: usize) {
    if let Some(place) = object.get_mut(name) {
        *place = Value::from(number);
    } else {
        object.insert(name.to_owned(), Value::from(number));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn instance(series: u64, instance: u64, started: &str) -> Value {
        json!({
            "resourceType": "ImagingStudy",
            "identifier": [{ "system": "urn:dicom:uid", "value": "urn:oid:1.2" }],
            "modality": [{ "code": if series == 1 { "CT" } else { "SR" } }],
            "started": started,
            "numberOfSeries": 1,
            "numberOfInstances": 1,
            "series": [{
                "uid": format!("1.2.{series}"), "number": series, "numberOfInstances": 1,
                "instance": [{ "uid": format!("1.2.{series}.{instance}"), "number": instance }],
            }],
        })
    }

    fn all(order: &[usize]) -> Value {
        let parts = [instance(1, 1, "2026-11-01"), instance(1, 2, "2026-11-02"), instance(2, 1, "2026-11-01")];
        let mut joined = join(&parts[order[0]], &parts[order[0]]);
        order[1..].iter().for_each(|place| joined = join(&joined, &parts[*place]));
        joined
    }

    #[test]
    fn the_order_of_arrival_and_resends_make_no_difference() {
        let expected = all(&[0, 1, 2]);
        assert_eq!((&expected["numberOfSeries"], &expected["numberOfInstances"]), (&json!(2), &json!(3)));
        assert_eq!(expected["series"][0]["instance"][1]["uid"], "1.2.1.2");
        assert_eq!(expected["series"][0]["numberOfInstances"], 2);
        assert_eq!((&expected["started"], &expected["modality"][1]["code"]), (&json!("2026-11-01"), &json!("SR")));
        for order in [&[0, 2, 1][..], &[1, 0, 2], &[1, 2, 0], &[2, 0, 1], &[2, 1, 0], &[2, 2, 1, 0, 1, 2, 0]] {
            assert_eq!(all(order).to_string(), expected.to_string(), "{order:?}");
        }
        assert_eq!(join(&all(&[0, 1]), &all(&[2, 1])).to_string(), expected.to_string());
    }

    #[test]
    fn one_instance_under_one_uid_with_two_contents_stays_one_and_tells_both() {
        let with = |digest: &str| {
            let mut study = instance(1, 1, "2026");
            study["series"][0]["instance"][0]["extension"] = json!([{ "url": "blob", "valueString": digest }]);
            study
        };
        let joined = join(&with("b"), &with("a"));
        assert_eq!(joined.to_string(), join(&with("a"), &with("b")).to_string());
        assert_eq!(joined["series"][0]["instance"][0]["extension"].as_array().map(Vec::len), Some(2));
        assert_eq!(joined["numberOfInstances"], 1);
    }
}
