//! Observations that belong together: by the numbering of OBX-4 within an order (1, 1.1, 1.1.1; A, A1), an organism and
//! what was tested on it under one sub-id, and by OBR-26 and OBR-29 across orders.

use std::collections::BTreeMap;

use super::Answered;
use crate::fhir::Object;
use crate::hl7v2::segment::obr::{Numbers, ParentResult};
use crate::hl7v2::segment::obx;

/// Sets `hasMember` within orders and `derivedFrom` across them.
pub(super) fn link(orders: &mut [Answered]) {
    let tops: Vec<Vec<bool>> = orders.iter_mut().map(|order| within(&mut order.found.results)).collect();
    if orders.iter().any(|order| order.parent.result.is_some()) {
        across(orders, &tops);
    }
}

/// Links the observations of one order; tells which of them are a member of no other.
fn within(results: &mut [obx::Result]) -> Vec<bool> {
    let mut tops = vec![true; results.len()];
    if results.iter().all(|result| result.sub_id.is_empty()) {
        return tops;
    }
    let mut firsts: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, result) in results.iter().enumerate().filter(|(_, result)| !result.sub_id.is_empty()) {
        firsts.entry(&result.sub_id).or_insert(at);
    }
    let mut members: Vec<(usize, Object)> = Vec::new();
    for (at, result) in results.iter().enumerate() {
        let above = std::iter::successors(parent(&result.sub_id), |sub_id| parent(sub_id));
        let above = above.filter_map(|sub_id| firsts.get(sub_id)).next().copied();
        let group = || {
            let first = firsts.get(result.sub_id.as_str()).copied().filter(|first| *first < at)?;
            let is_tested = !results.get(first)?.is_susceptibility;
            (result.is_susceptibility && is_tested).then_some(first)
        };
        let Some(parent) = above.or_else(group).filter(|_| !result.status.retracted) else { continue };
        members.push((parent, result.reference()));
        tops.iter_mut().skip(at).take(1).for_each(|top| *top = false);
    }
    for (parent, member) in members {
        if let Some(result) = results.get_mut(parent) {
            result.link("hasMember", member);
        }
    }
    tops
}

/// Links what an order found to the result it was asked for by (a susceptibility to its organism).
fn across(orders: &mut [Answered], tops: &[Vec<bool>]) {
    let found = index(orders);
    let derived: Vec<Option<Object>> = orders.iter().map(|order| derived_from(order, &found)).collect();
    for ((order, derived), tops) in orders.iter_mut().zip(derived).zip(tops) {
        let Some(derived) = derived else { continue };
        for (result, _) in order.found.results.iter_mut().zip(tops).filter(|(_, top)| **top) {
            result.link("derivedFrom", derived.clone());
        }
    }
}

/// The first observation of each number of an order (and of any, as no number), code and sub-id (and any).
type Index = BTreeMap<(String, String, String), Object>;

fn index(orders: &[Answered]) -> Index {
    let mut found = Index::new();
    for order in orders {
        let own =
            [&order.numbers.placer, &order.numbers.filler].into_iter().flatten().map(|entity| entity.number.clone());
        let numbers: Vec<String> = own.chain([String::new()]).collect();
        for result in &order.found.results {
            for number in &numbers {
                for sub_id in [result.sub_id.clone(), String::new()] {
                    let key = (number.clone(), result.code.clone(), sub_id);
                    found.entry(key).or_insert_with(|| result.reference());
                }
            }
        }
    }
    found
}

/// The parent's observation when it is in the message, or else its words.
fn derived_from(order: &Answered, found: &Index) -> Option<Object> {
    let ParentResult { code, sub_id, shown } = order.parent.result.as_ref()?;
    let Numbers { placer, filler } = &order.parent.order;
    let numbers: Vec<&str> = [filler, placer].into_iter().flatten().map(|entity| entity.number.as_str()).collect();
    let numbers = if numbers.is_empty() { vec![""] } else { numbers };
    let mut keys = numbers.iter().map(|number| ((*number).to_owned(), code.clone(), sub_id.clone()));
    let known = keys.find_map(|key| found.get(&key)).cloned();
    Some(known.unwrap_or_else(|| Object::sized(2).text("type", "Observation").text("display", shown)))
}

/// The sub-id above: `1.1` of `1.1.2`, `1` of `1a`, `A` of `A.1`; none of `12`.
fn parent(sub_id: &str) -> Option<&str> {
    let last = sub_id.chars().next_back()?;
    let same = |c: char| c.is_ascii_digit() == last.is_ascii_digit() && c.is_ascii_alphanumeric();
    if !last.is_ascii_alphanumeric() {
        return None;
    }
    let above = sub_id.trim_end_matches(same).trim_end_matches(['.', '-']);
    let is_sub_id = above.ends_with(|c: char| c.is_ascii_alphanumeric());
    is_sub_id.then_some(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sub_id_stands_under_the_one_it_begins_with() {
        for (sub_id, above) in [
            ("1.1.2", Some("1.1")),
            ("1.10", Some("1")),
            ("1a", Some("1")),
            ("1a2", Some("1a")),
            ("A.1", Some("A")),
            ("A-1", Some("A")),
            ("2.B.1", Some("2.B")),
            ("12", None),
            ("A", None),
            ("", None),
            (".1", None),
            ("1.", None),
            ("1^1", None),
            ("第1", None),
        ] {
            assert_eq!(parent(sub_id), above, "{sub_id}");
        }
    }
}
