//! ADT, admission, discharge, transfer: IG message maps ADT_A01, ADT_A02, ADT_A05, ADT_A06, ADT_A09, ADT_A11; and BAR, of which only
//! what is clinical is taken.

use causeway_core::record::{Record, VersionClock};
use causeway_core::scope::{Domain, Level};

use super::{Output, Says, Segments};
use crate::fhir::Object;
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::segment::pv1::{self, Event, Visit};
use crate::hl7v2::segment::{al1, dg1, iam, pr1, pv2, rol};
use crate::hl7v2::{Map, Trigger};

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    of_visit("A01", "Admit / visit notification", "ADT_A01", FINDINGS, |c, s, o| visit(c, s, o, Event::Admit)),
    of_visit("A02", "Transfer a patient", "ADT_A02", BARE, |c, s, o| visit(c, s, o, Event::Move)),
    of_visit("A03", "Discharge / end visit", "", FINDINGS, |c, s, o| visit(c, s, o, Event::Discharge)),
    of_visit("A04", "Register a patient", "ADT_A01", FINDINGS, |c, s, o| visit(c, s, o, Event::Register)),
    of_visit("A05", "Pre-admit a patient", "ADT_A05", FINDINGS, |c, s, o| visit(c, s, o, Event::PreAdmit)),
    of_visit("A06", "Change an outpatient to an inpatient", "ADT_A06", FINDINGS, |c, s, o| visit(c, s, o, Event::Move)),
    of_visit("A07", "Change an inpatient to an outpatient", "ADT_A06", FINDINGS, |c, s, o| visit(c, s, o, Event::Move)),
    Trigger {
        required: &["PID"],
        optional: &["EVN", "PD1", "NK1", "PV1", "PV2", "ROL", "AL1", "IAM", "DG1", "PR1"],
        ..of_visit("A08", "Update patient information", "ADT_A01", FINDINGS, |c, s, o| visit(c, s, o, Event::Update))
    },
    of_visit("A09", "Patient departing - tracking", "ADT_A09", BARE, |c, s, o| visit(c, s, o, Event::Update)),
    of_visit("A10", "Patient arriving - tracking", "ADT_A09", BARE, |c, s, o| visit(c, s, o, Event::Move)),
    of_visit("A11", "Cancel admit / visit notification", "ADT_A11", BARE, |c, s, o| visit(c, s, o, Event::CancelAdmit)),
    of_visit("A12", "Cancel transfer", "ADT_A09", BARE, |c, s, o| visit(c, s, o, Event::Move)),
    of_visit("A13", "Cancel discharge / end visit", "ADT_A01", FINDINGS, |c, s, o| {
        visit(c, s, o, Event::CancelDischarge)
    }),
    of_visit("A14", "Pending admit", "ADT_A05", FINDINGS, |c, s, o| visit(c, s, o, Event::PreAdmit)),
    of_visit("A15", "Pending transfer", "", BARE, |c, s, o| visit(c, s, o, Event::Update)),
    of_visit("A16", "Pending discharge", "", BARE, |c, s, o| visit(c, s, o, Event::Update)),
    of_visit("A21", "Patient goes on a leave of absence", "", BARE, |c, s, o| visit(c, s, o, Event::Leave)),
    of_visit("A22", "Patient returns from a leave of absence", "", BARE, |c, s, o| visit(c, s, o, Event::Return)),
    of_visit("A23", "Delete a patient record (of a visit)", "", BARE, |c, s, o| visit(c, s, o, Event::Delete)),
    of_visit("A25", "Cancel pending discharge", "", BARE, |c, s, o| visit(c, s, o, Event::Update)),
    of_visit("A26", "Cancel pending transfer", "", BARE, |c, s, o| visit(c, s, o, Event::Update)),
    of_visit("A27", "Cancel pending admit", "", BARE, |c, s, o| visit(c, s, o, Event::CancelAdmit)),
    of_visit("A32", "Cancel patient arriving - tracking", "ADT_A09", BARE, |c, s, o| visit(c, s, o, Event::Update)),
    of_visit("A33", "Cancel patient departing - tracking", "ADT_A09", BARE, |c, s, o| visit(c, s, o, Event::Update)),
    of_visit("A38", "Cancel pre-admit", "", FINDINGS, |c, s, o| visit(c, s, o, Event::CancelAdmit)),
    of_visit("A52", "Cancel leave of absence", "", BARE, |c, s, o| visit(c, s, o, Event::Return)),
    of_visit("A53", "Cancel patient returns from a leave of absence", "", BARE, |c, s, o| visit(c, s, o, Event::Leave)),
    of_visit("A54", "Change attending doctor", "", BARE, |c, s, o| visit(c, s, o, Event::Update)),
    of_visit("A55", "Cancel change attending doctor", "", BARE, |c, s, o| visit(c, s, o, Event::Update)),
    of_visit("A61", "Change consulting doctor", "", BARE, |c, s, o| visit(c, s, o, Event::Update)),
    of_visit("A62", "Cancel change consulting doctor", "", BARE, |c, s, o| visit(c, s, o, Event::Update)),
    Trigger { map: added, ..of_person("A28", "Add person information") },
    Trigger { optional: &["EVN", "PD1", "NK1"], map: deleted, ..of_person("A29", "Delete person information") },
    of_person("A31", "Update person information"),
    Trigger {
        required: &["PID", "IAM"],
        optional: &["EVN", "PD1"],
        ig: "",
        ..of_person("A60", "Update allergy information")
    },
    of_account("P01", "Add patient accounts"),
    of_account("P05", "Update account"),
];

/// What a visit can bring with it.
const FINDINGS: &[&str] = &["EVN", "PD1", "NK1", "PV2", "ROL", "AL1", "IAM", "DG1", "PR1"];
/// What a move or a cancellation can bring with it.
const BARE: &[&str] = &["EVN", "PD1", "NK1", "PV2", "ROL"];

const fn of_visit(
    event: &'static str,
    title: &'static str,
    ig: &'static str,
    optional: &'static [&'static str],
    map: Map,
) -> Trigger {
    Trigger { code: "ADT", event, title, ig, required: &["PID", "PV1"], optional, map }
}

const fn of_person(event: &'static str, title: &'static str) -> Trigger {
    let optional = &["EVN", "PD1", "NK1", "AL1", "IAM", "DG1", "PR1"];
    Trigger { code: "ADT", event, title, ig: "ADT_A05", required: &["PID"], optional, map: person }
}

/// Of an account only what is clinical is in scope: the diagnoses and procedures, and the visit they belong to.
const fn of_account(event: &'static str, title: &'static str) -> Trigger {
    let optional = &["EVN", "PD1", "PV1", "PV2", "DG1", "PR1"];
    Trigger { code: "BAR", event, title, ig: "", required: &["PID"], optional, map: account }
}

/// An account: what the billing desk copies from patient and visit counts for less than what registration says.
fn account<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    about_visit(context, segments, output, Event::Update, super::version(context, Says::Copy));
}

/// A visit, told by the registration desk.
fn visit<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output, event: Event) {
    about_visit(context, segments, output, event, super::version(context, Says::Registration));
}

/// A visit: Patient and Encounter, with what else the message brings.
fn about_visit<'m>(
    context: &Context<'m>,
    segments: &Segments<'_, 'm>,
    output: &mut Output,
    event: Event,
    version: Version,
) {
    let Some(subject) = super::patient(context, segments, output, version, |_, _| Vec::new()) else { return };
    let Some(pv1) = segments.first("PV1") else {
        return findings(context, segments, output, &subject, None);
    };
    let Some(visit) = pv1::visit(context, pv1, &subject, event) else { return };
    let mapped = pv1::encounter(context, pv1, &subject, &visit, event);
    let mut encounter = mapped.resource;
    if let Some(pv2) = segments.first("PV2") {
        pv2::add(context, pv2, &mut encounter);
    }
    let day = mapped.date.unwrap_or_else(|| version.at.to_zoned(context.zone().clone()).date());
    let of_visit = Version { date: Some(day), ..version };
    // Behind PID it tells of the patient's own doctors, and behind PR1 of a procedure's.
    let of_the_visit =
        segments.iter().skip_while(|segment| segment.name() != "PV1").take_while(|one| one.name() != "PR1");
    for rol in of_the_visit.filter(|segment| segment.name() == "ROL") {
        rol::participants(context, rol).into_iter().for_each(|participant| encounter.push("participant", participant));
    }
    let conditions = conditions(context, segments, &subject, Some((&visit, &mut encounter)), of_visit);
    // A visit that never was stays so, whatever update of it is still on its way.
    let rank = if event == Event::Delete { VersionClock::RETIRES } else { of_visit.rank };
    let retracted = matches!(event, Event::CancelAdmit | Event::Delete);
    let version = Version { rank, retracted, level: Level::Structured, ..of_visit };
    output.records.push(context.record(Domain::Encounter, visit.key.clone(), version, encounter));
    output.records.extend(conditions);
    rest(context, segments, output, &subject, Some(&visit), of_visit);
}

/// A person who is added.
fn added<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    about_person(context, segments, output, Says::Addition);
}

/// A person about whom something is told.
fn person<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    about_person(context, segments, output, Says::Registration);
}

/// A person: Patient, with what else the message brings. There is no visit, whatever PV1 says.
fn about_person<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output, says: Says) {
    let version = super::version(context, says);
    let Some(subject) = super::patient(context, segments, output, version, |_, _| Vec::new()) else { return };
    findings(context, segments, output, &subject, None);
}

/// A person deleted by the sender: taken back, and taken up again by whatever the desk says later.
fn deleted<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let version = Version { retracted: true, ..super::version(context, Says::Registration) };
    super::patient(context, segments, output, version, |_, patient| {
        patient.set("active", false);
        Vec::new()
    });
}

/// DG1, AL1, IAM and PR1 of a message without a visit.
fn findings<'m>(
    context: &Context<'m>,
    segments: &Segments<'_, 'm>,
    output: &mut Output,
    subject: &Subject,
    visit: Option<&Visit>,
) {
    let version = Version { rank: 0, ..super::version(context, Says::Registration) };
    output.records.extend(conditions(context, segments, subject, None, version));
    rest(context, segments, output, subject, visit, version);
}

/// DG1. Two of one diagnosis, as admitting and as final one, are one Condition; the confirmed one stands.
fn conditions<'m>(
    context: &Context<'m>,
    segments: &Segments<'_, 'm>,
    subject: &Subject,
    mut visit: Option<(&Visit, &mut Object)>,
    version: Version,
) -> Vec<Record> {
    let mut conditions: Vec<Record> = Vec::new();
    let version = Version { rank: 0, ..version };
    for dg1 in segments.named("DG1") {
        let during = visit.as_ref().map(|(visit, _)| *visit);
        let Some(diagnosis) = dg1::diagnosis(context, dg1, subject, during, version) else { continue };
        if let Some((_, encounter)) = &mut visit {
            encounter.push("diagnosis", diagnosis.of_encounter);
        }
        match conditions.iter_mut().find(|record| record.key == diagnosis.record.key) {
            Some(earlier) if diagnosis.is_confirmed => *earlier = diagnosis.record,
            Some(_) => {}
            None => conditions.push(diagnosis.record),
        }
    }
    conditions
}

/// AL1, IAM and PR1.
fn rest<'m>(
    context: &Context<'m>,
    segments: &Segments<'_, 'm>,
    output: &mut Output,
    subject: &Subject,
    visit: Option<&Visit>,
    version: Version,
) {
    let version = Version { rank: 0, ..version };
    // An allergy is not dated by the visit at which it is told, and outlives it.
    let undated = Version { date: None, ..version };
    for segment in segments.iter() {
        let record = match segment.name() {
            "AL1" => al1::allergy(context, segment, subject, None, undated),
            "IAM" => iam::allergy(context, segment, subject, None, undated),
            "PR1" => pr1::procedure(context, segment, subject, visit, version),
            _ => None,
        };
        output.records.extend(record);
    }
}
