//! OBX that belongs to no order of observations: the weight beside a prescription, the reaction beside a dose. An
//! Observation keyed by what it hangs on.

use std::collections::BTreeMap;

use causeway_core::reason::Reason;
use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::Domain;

use super::{Observed, document};
use crate::codes::{self, Status};
use crate::fhir::{Json, Object};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, ei, ts};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::segment::nte;
use crate::hl7v2::segment::pv1::Visit;

/// What an observation hangs on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Of<'a> {
    /// Whom it is about.
    pub(crate) subject: &'a Subject,
    /// During which visit.
    pub(crate) visit: Option<&'a Visit>,
    /// The domain of what it hangs on.
    pub(crate) domain: Domain,
    /// The key of what it hangs on.
    pub(crate) of: &'a RecordKey,
    /// The version of what it hangs on.
    pub(crate) version: Version,
    /// Observation.partOf.
    pub(crate) part_of: Option<&'a Json>,
}

/// Maps them. One without a code is a fault and left out.
pub(crate) fn observations<'a, 'c: 'a, 'm: 'c>(
    context: &Context<'m>,
    observed: impl Iterator<Item = &'a Observed<'c, 'm>>,
    of: Of<'_>,
) -> Vec<Record> {
    let mut numbers: BTreeMap<[String; 2], usize> = BTreeMap::new();
    observed.filter_map(|observed| observation(context, observed, of, &mut numbers)).collect()
}

fn observation<'m>(
    context: &Context<'m>,
    observed: &Observed<'_, 'm>,
    of: Of<'_>,
    numbers: &mut BTreeMap<[String; 2], usize>,
) -> Option<Record> {
    let (obx, further) = observed.lines.split_first()?;
    if document::is_document(obx) {
        refuse(context, observed);
        return None;
    }
    // OBX-3 → code
    let coded = obx.first(context, 3).map(|value| cwe::read(&value));
    let Some(coded) = coded.filter(|coded| !coded.concept.is_empty()) else {
        context.missing(obx, 3, "what was observed is missing");
        return None;
    };
    let status = status(context, obx);
    // OBX-4, OBX-21 → the key
    let sub_id = obx.first(context, 4).map(|value| value.whole().into_owned()).unwrap_or_default();
    let count = numbers.entry([coded.key.clone(), sub_id.clone()]).or_insert(0);
    *count += 1;
    let instance = ei::field(obx, context, 21);
    let key = match &instance {
        Some(instance) => context.key("Observation", &[&instance.key()]),
        None => {
            let whose = of.of.0.rsplit('/').next().unwrap_or_default();
            context.key("Observation", &[of.of.resource_type(), whose, &coded.key, &sub_id, &count.to_string()])
        }
    };
    let number = instance.map_or_else(Object::new, |instance| instance.identifier(context, "observation", ""));
    // OBX-14 → effectiveDateTime
    let at = ts::field(obx, context, 14);
    let mut resource = context
        .resource("Observation", &key.resource_id())
        .one("identifier", number)
        .one("partOf", of.part_of.cloned().unwrap_or_default())
        .text("status", status.code)
        .put("code", coded.concept)
        .put("subject", of.subject.reference())
        .maybe("encounter", of.visit.map(Visit::reference))
        .maybe("effectiveDateTime", at.map(|time| context.written(time)))
        .list("performer", super::performers(context, obx));
    observed.value(context, obx, further, &mut resource);
    let notes = observed.notes.iter().map(|note| nte::note(context, note).into()).collect();
    let resource = super::rest(context, obx, resource, None).list("note", notes);
    let version = Version {
        rank: status.rank,
        date: ts::day(at).or(of.version.date),
        level: coded.level,
        retracted: status.retracted || of.version.retracted,
        ..of.version
    };
    Some(context.record(of.domain, key, version, resource))
}

/// A document beside an order, a dose or a problem: it would be a record of another kind, with an author and a date that the
/// segment does not have.
fn refuse<'m>(context: &Context<'m>, observed: &Observed<'_, 'm>) {
    observed.lines.iter().chain(&observed.notes).for_each(|segment| segment.keep());
    let Some(obx) = observed.lines.first() else { return };
    let text = "a document (OBX-2 ED or RP) belongs to no order, dose or problem: send it in an MDM or an ORU";
    context.fault(Reason::Unmappable, obx.field_place(2), obx.offset(2), text);
}

/// OBX-11. Beside an order or a dose it is often left out: then what is said is final.
fn status<'m>(context: &Context<'m>, obx: &super::Seg<'m>) -> Status {
    let Some(value) = obx.first(context, 11) else { return Status { code: "final", rank: 2, retracted: false } };
    let found = codes::status(&codes::OBSERVATION_STATUS, &value.text(1));
    if found.is_none() {
        cwe::unmapped(&value);
    }
    found.unwrap_or(Status { code: "unknown", rank: 0, retracted: false })
}
