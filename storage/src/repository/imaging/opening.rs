//! Studies that may still grow: noted when something of them comes, and when a report says that they are complete.

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::dicom::instance::OpenStudy;
use causeway_core::outcome::Outcome;
use causeway_core::record::Record;
use causeway_core::scope::Domain;
use serde_json::Value;

use super::index::Index;
use super::of;
use crate::repository::error::Result;

/// The states of a report that is written (FHIR R4, DiagnosticReport.status).
const WRITTEN: [&str; 4] = ["final", "amended", "corrected", "appended"];
/// Ends the system of accession numbers of a provider.
const ACCESSION: &str = ":accession";

/// Notes what a batch brings of studies, and which it tells complete.
pub(in crate::repository) fn note(outcomes: &[Outcome], index: &mut impl Index) -> Result<()> {
    let mut studies: BTreeMap<_, OpenStudy> = BTreeMap::new();
    for outcome in outcomes {
        let Some((person, instance)) = of(outcome) else { continue };
        let facts = &outcome.facts;
        let came = OpenStudy {
            study: instance.study.clone(),
            person,
            provider: facts.provider.clone(),
            position: facts.position,
            at: facts.received_at,
        };
        let last = studies.entry((came.study.clone(), person, came.provider.clone())).or_insert_with(|| came.clone());
        if last.at <= came.at {
            *last = came;
        }
    }
    for study in studies.values() {
        index.open(study)?;
    }
    for outcome in outcomes {
        let Some(person) = outcome.person else { continue };
        for accession in outcome.records.iter().flat_map(reported) {
            index.tell(person, &outcome.facts.provider, &accession)?;
        }
    }
    Ok(())
}

/// The accession numbers of a report on images that is written.
fn reported(record: &Record) -> BTreeSet<String> {
    let of_images = record.domain == Domain::RadiologyReport && record.key.resource_type() == "DiagnosticReport";
    if !of_images || record.retracted {
        return BTreeSet::new();
    }
    let report = record.resource.value();
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if !WRITTEN.contains(&text(&report, "status").as_str()) {
        return BTreeSet::new();
    }
    let identifiers = report.get("identifier").and_then(Value::as_array).into_iter().flatten();
    let accessions = identifiers.filter(|identifier| text(identifier, "system").ends_with(ACCESSION));
    accessions.map(|identifier| text(identifier, "value")).filter(|number| !number.is_empty()).collect()
}
