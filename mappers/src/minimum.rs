//! The least elements of a structured record (level 2), by domain and FHIR type: the rows of `minimum_elements.csv`, read once.
//! A record that lacks one counts as level 1.

use std::sync::LazyLock;

use causeway_core::record::Lack;
use causeway_core::scope::Domain;

use crate::fhir::Object;

/// Domain, type, element, the members that carry it, whether it must be there, of which status, why.
const TEXT: &str = include_str!("minimum_elements.csv");

/// The rows that must be fulfilled.
static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| rows().filter(|row| row.must).collect());

/// A row.
#[derive(Debug)]
struct Row {
    domain: Domain,
    kind: &'static str,
    /// Named in reports: `Patient.birthDate`.
    element: &'static str,
    /// Any of these members of the resource will do.
    members: Vec<&'static str>,
    must: bool,
    /// The row is for resources of this status alone; empty: of any.
    status: &'static str,
}

/// What a resource lacks first; `None` when it is as complete as its domain asks of a structured record.
pub(crate) fn lack(domain: Domain, resource: &Object) -> Option<Lack> {
    let kind = resource.get("resourceType").as_str().unwrap_or_default();
    let status = resource.get("status").as_str().unwrap_or_default();
    let applies =
        |row: &&Row| row.domain == domain && row.kind == kind && (row.status.is_empty() || row.status == status);
    ROWS.iter()
        .filter(applies)
        .find(|row| !row.members.iter().any(|member| resource.has(member)))
        .map(|row| Lack::Element(row.element))
}

/// Every row, those that may be left out too.
fn rows() -> impl Iterator<Item = Row> {
    TEXT.lines().skip(2).filter_map(|line| {
        let mut columns = line.splitn(7, ',');
        let mut column = || columns.next();
        let (domain, kind, element, members) = (column()?, column()?, column()?, column()?);
        let (need, status) = (column()?, column()?);
        let members = members.split(' ').collect();
        Some(Row { domain: Domain::parse(domain)?, kind, element, members, must: need == "must", status })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A resource with these members, which is complete.
    fn resource(kind: &str, members: impl IntoIterator<Item = &'static str>) -> Object {
        let object = Object::new().text("resourceType", kind).text("status", "completed");
        members.into_iter().fold(object, |object, member| object.text(member, "X"))
    }

    #[test]
    fn every_line_is_a_row_with_a_known_domain_a_need_and_a_reason() {
        let lines: Vec<&str> = TEXT.lines().skip(2).collect();
        assert_eq!(rows().count(), lines.len());
        for line in lines {
            let columns: Vec<&str> = line.splitn(7, ',').collect();
            let [_, kind, element, members, need, _, why] = *columns else { panic!("{line}") };
            assert!(element.starts_with(&format!("{kind}.")) && !members.is_empty() && !why.is_empty(), "{line}");
            assert!(matches!(need, "must" | "may"), "{line}");
        }
    }

    #[test]
    fn every_row_that_must_be_fulfilled_is_missed_and_any_of_its_members_will_do() {
        assert!(!ROWS.is_empty());
        for row in ROWS.iter() {
            let of_kind = ROWS.iter().filter(|other| (other.domain, other.kind) == (row.domain, row.kind));
            let others: Vec<_> = of_kind
                .flat_map(|other| other.members.clone())
                .filter(|member| !row.members.contains(member))
                .collect();
            let found = lack(row.domain, &resource(row.kind, others.clone()));
            assert_eq!(found, Some(Lack::Element(row.element)), "{row:?}");
            for member in &row.members {
                let whole = others.iter().copied().chain([*member]);
                assert_eq!(lack(row.domain, &resource(row.kind, whole)), None, "{row:?} by {member}");
            }
        }
    }

    #[test]
    fn a_dispensing_that_is_not_done_needs_no_quantity() {
        let of = |status: &str| {
            let drug = Object::new().text("resourceType", "MedicationDispense").text("medicationReference", "X");
            lack(Domain::MedicationDispensed, &drug.text("status", status))
        };
        assert_eq!(of("completed"), Some(Lack::Element("MedicationDispense.quantity")));
        assert_eq!([of("in-progress"), of("on-hold"), of("stopped")], [None; 3]);
    }

    #[test]
    fn what_may_be_left_out_is_not_missed() {
        for row in rows().filter(|row| !row.must) {
            let of_kind = ROWS.iter().filter(|other| (other.domain, other.kind) == (row.domain, row.kind));
            let members = of_kind.flat_map(|other| other.members.clone());
            assert_eq!(lack(row.domain, &resource(row.kind, members)), None, "{row:?}");
        }
    }
}
