//! The trigger events, one file a family.

pub(crate) mod adt;
pub(crate) mod link;
pub(crate) mod mdm;
pub(crate) mod merge;
pub(crate) mod moved;
pub(crate) mod oml;
pub(crate) mod orm;
pub(crate) mod oru;
pub(crate) mod oul;
pub(crate) mod pharmacy;
pub(crate) mod ppr;
pub(crate) mod referral;
pub(crate) mod refused;
mod results;
pub(crate) mod siu;
pub(crate) mod vxu;

use causeway_core::mapped::{Attachment, Identity, Pending};
use causeway_core::record::{Record, VersionClock};
use causeway_core::scope::{Domain, Level};

use super::birth;
use super::context::{Context, Version};
use super::identity::Subject;
use super::reader::Seg;
use super::segment::pv1::{self, Event, Visit};
use super::segment::{nk1, pd1, pid, pv2};
use crate::fhir::Object;

/// What mapping has given so far.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Whom the message is about.
    pub(crate) identity: Option<Identity>,
    /// The records, in the order of the message.
    pub(crate) records: Vec<Record>,
    /// What is still to come.
    pub(crate) pending: Vec<Pending>,
    /// The documents that came inside it.
    pub(crate) attachments: Vec<Attachment>,
}

/// The segments of a message that its trigger event takes, in their order.
#[derive(Debug)]
pub(crate) struct Segments<'c, 'm> {
    all: Vec<&'c Seg<'m>>,
}

impl<'c, 'm> Segments<'c, 'm> {
    pub(crate) fn new(all: Vec<&'c Seg<'m>>) -> Self {
        Self { all }
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &'c Seg<'m>> {
        self.all.iter().copied()
    }

    /// The first of a name.
    pub(crate) fn first(&self, name: &str) -> Option<&'c Seg<'m>> {
        self.iter().find(|segment| segment.name() == name)
    }

    /// All of a name.
    pub(crate) fn named(&self, name: &'static str) -> impl Iterator<Item = &'c Seg<'m>> {
        self.iter().filter(move |segment| segment.name() == name)
    }
}

/// How much a statement about a patient or a visit is worth: what the registration desk says outranks the copy that a
/// result carries along, so that a laboratory's thinner PID never hides the hospital's (docs/fhir.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// ADT.
    Registration,
    /// ADT^A28: there is such a number, also where it had been merged into another.
    Addition,
    /// Any other message.
    Copy,
}

/// The version of a statement.
pub(crate) fn version(context: &Context<'_>, says: Says) -> Version {
    let rank = match says {
        Says::Registration => 1,
        Says::Addition => VersionClock::LIFTS,
        Says::Copy => 0,
    };
    Version { rank, at: context.header().at, date: None, level: Level::Structured, retracted: false }
}

/// Maps PID with PD1, NK1 and what `more` adds to the Patient, and keeps whom the message is about. `None`, with a
/// fault, when nobody can be told from it.
pub(crate) fn patient<'m>(
    context: &Context<'m>,
    segments: &Segments<'_, 'm>,
    output: &mut Output,
    version: Version,
    more: impl FnOnce(&Subject, &mut Object) -> Vec<Record>,
) -> Option<Subject> {
    let pid::Patient { subject, identity, mut resource } = whole_patient(context, segments)?;
    let born = identity.demographics.birth.as_ref().map(|birth| birth.expose().date);
    output.identity = Some(identity);
    let others = more(&subject, &mut resource);
    let pid = segments.first("PID");
    let mother = pid.and_then(|pid| birth::mother(context, pid, &resource, (&subject, born), version));
    output.records.push(patient_record(context, &subject, version, resource));
    output.records.extend(mother);
    output.records.extend(others);
    Some(subject)
}

/// The visit during which something was found, ordered or given: a copy of what the registration desk says of it.
pub(crate) fn visit<'m>(
    context: &Context<'m>,
    segments: &Segments<'_, 'm>,
    output: &mut Output,
    subject: &Subject,
    version: Version,
) -> Option<Visit> {
    let pv1 = segments.first("PV1")?;
    let pv2 = segments.first("PV2");
    let Some(visit) = pv1::visit(context, pv1, subject, Event::Result) else {
        pv2.into_iter().for_each(Seg::keep);
        return None;
    };
    let mut mapped = pv1::encounter(context, pv1, subject, &visit, Event::Result);
    if let Some(pv2) = pv2 {
        pv2::add(context, pv2, &mut mapped.resource);
    }
    let version = Version { date: mapped.date, ..version };
    output.records.push(context.record(Domain::Encounter, visit.key.clone(), version, mapped.resource));
    Some(visit)
}

/// Reads PID with PD1 and NK1.
fn whole_patient<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>) -> Option<pid::Patient> {
    let mut patient = pid::patient(context, segments.first("PID")?)?;
    if let Some(pd1) = segments.first("PD1") {
        pd1::add(context, pd1, &mut patient.resource);
    }
    for nk1 in segments.named("NK1") {
        patient.resource.push("contact", nk1::contact(context, nk1));
    }
    Some(patient)
}

/// The record of a Patient.
pub(crate) fn patient_record(context: &Context<'_>, subject: &Subject, version: Version, resource: Object) -> Record {
    let [authority, number] = &subject.parts;
    context.record(Domain::Identification, context.key("Patient", &[authority, number]), version, resource)
}

/// A link from one patient to another (R4's `link-type`).
pub(crate) fn link(other: &Subject, kind: &str) -> Object {
    Object::sized(2).put("other", other.reference()).text("type", kind)
}
