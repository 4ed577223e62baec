//! Visits that get another number (A50, A51), are merged into another (A42) or are moved to another patient (A45). The IG
//! maps none of them.
//!
//! The visit of PV1 is told anew, with its old number beside the new one. The visit under the old number is entered in
//! error: whatever still comes for it stays in the history.

use causeway_core::reason::Reason;
use causeway_core::record::{Record, VersionClock};
use causeway_core::scope::{Domain, Level};

use super::{Output, Says, Segments};
use crate::fhir::Object;
use crate::hl7v2::Trigger;
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::cx::{self, Cx};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::mrg;
use crate::hl7v2::segment::pv1::{self, Event, Visit};

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    of_visit("A42", "Merge visit - visit number"),
    Trigger {
        map: |c, s, o| visits(c, s, o, Old::Optional),
        ..of_visit("A45", "Move visit information - visit number")
    },
    of_visit("A50", "Change visit number"),
    Trigger { map: |c, s, o| visits(c, s, o, Old::Alternate), ..of_visit("A51", "Change alternate visit id") },
];

const fn of_visit(event: &'static str, title: &'static str) -> Trigger {
    let (required, optional): (&[&str], &[&str]) = (&["PID", "MRG", "PV1"], &["EVN", "PD1"]);
    Trigger { code: "ADT", event, title, ig: "", required, optional, map: renumbered }
}

fn renumbered<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    visits(context, segments, output, Old::Required);
}

/// Where the old number stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Old {
    /// MRG-5, which must be there.
    Required,
    /// MRG-5: a visit may be moved with its number.
    Optional,
    /// MRG-6, which must be there.
    Alternate,
}

/// Maps the Patient, and every MRG with the PV1 behind it. A part that cannot be told is told by nobody: no records.
fn visits<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output, old: Old) {
    let version = super::version(context, Says::Registration);
    let Some(subject) = super::patient(context, segments, output, version, |_, _| Vec::new()) else { return };
    let mut from = None;
    let mut complete = true;
    for segment in segments.iter() {
        match (segment.name(), from.take()) {
            ("MRG", _) => from = Some(segment),
            ("PV1", Some(mrg)) => complete &= one(context, (mrg, segment), &subject, version, old, output),
            ("PV1", None) => {
                let text = "a visit without the MRG before it that says where it comes from";
                segment.keep();
                context.fault(Reason::MissingSegment, "MRG".to_owned(), segment.offset(0), text);
                complete = false;
            }
            (_, waiting) => from = waiting,
        }
    }
    if !complete {
        output.records.clear();
    }
}

/// Maps one visit; `false`, with a fault, when it cannot be told where it comes from.
fn one<'m>(
    context: &Context<'m>,
    (mrg, pv1): (&Seg<'m>, &Seg<'m>),
    subject: &Subject,
    version: Version,
    old: Old,
    output: &mut Output,
) -> bool {
    // MRG-1, MRG-4, MRG-2 → whom the visit was of
    let numbers = mrg::numbers(context, mrg);
    let former = numbers.subject(context).filter(|_| mrg.has(1));
    // MRG-5 → identifier of the superseded Encounter; MRG-6 → the same
    let [number, alternate] = [5, 6].map(|field| mrg.first(context, field).and_then(|value| cx::read(&value)));
    // The name says nothing of a visit.
    mrg.ask(7);
    let Some(former) = former else {
        pv1.keep();
        context.missing(mrg, 1, "the number of the patient the visit was of is missing");
        return false;
    };
    let number = match (old, number, alternate) {
        (Old::Required, None, _) => {
            pv1.keep();
            context.missing(mrg, 5, "the number the visit had is missing");
            return false;
        }
        (Old::Alternate, _, None) => {
            pv1.keep();
            context.missing(mrg, 6, "the alternate number the visit had is missing");
            return false;
        }
        (Old::Required | Old::Optional, number, _) => number,
        (Old::Alternate, _, alternate) => alternate,
    };
    if former != *subject
        && let Some(identity) = &mut output.identity
    {
        identity.prior = numbers.prior(false);
    }
    let Some(visit) = pv1::visit(context, pv1, subject, Event::Update) else { return false };
    let mapped = pv1::encounter(context, pv1, subject, &visit, Event::Update);
    let mut encounter = mapped.resource;
    let day = mapped.date.unwrap_or_else(|| version.at.to_zoned(context.zone().clone()).date());
    let version = Version { date: Some(day), level: Level::Structured, ..version };
    let gone = number.and_then(|number| {
        let type_code = if old == Old::Alternate { "" } else { "VN" };
        superseded(context, (&number, type_code), &visit, subject, &mut encounter, version)
    });
    output.records.push(context.record(Domain::Encounter, visit.key, version, encounter));
    output.records.extend(gone);
    true
}

/// The visit under its old number, which stands beside the new one from now on; nothing when that is the one it has.
fn superseded(
    context: &Context<'_>,
    (number, type_code): (&Cx<'_>, &'static str),
    visit: &Visit,
    subject: &Subject,
    encounter: &mut Object,
    version: Version,
) -> Option<Record> {
    let key = pv1::key_of(context, &number.authority, &number.number);
    if key == visit.key {
        return None;
    }
    let identifier = number.identifier(&context.urn("visit", &number.authority), type_code);
    encounter.push("identifier", Object::sized(6).text("use", "old").merge(identifier.clone()));
    let resource = context
        .resource("Encounter", &key.resource_id())
        .one("identifier", identifier)
        .text("status", "entered-in-error")
        .put("class", encounter.get("class").clone())
        .put("subject", subject.reference());
    Some(context.record(
        Domain::Encounter,
        key,
        Version { rank: VersionClock::RETIRES, retracted: true, ..version },
        resource,
    ))
}
