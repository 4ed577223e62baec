//! REF and RRI, referrals and their answers. The IG maps none of them.

use causeway_core::record::Record;
use causeway_core::scope::{Domain, Level};

use super::results::{self, Layout};
use super::{Output, Says, Segments};
use crate::fhir::{Json, Object, concept, reference_to};
use crate::hl7v2::Trigger;
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::obx::content::{self, Label};
use crate::hl7v2::segment::prd::{self, Role};
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::segment::rf1::{self, Parts, Referral};
use crate::hl7v2::segment::{al1, dg1, nte};

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    of_referral("REF", "I12", "Patient referral", MADE),
    of_referral("REF", "I13", "Modify patient referral", MADE),
    of_referral("REF", "I14", "Cancel patient referral", CANCELLED),
    of_referral("REF", "I15", "Request patient referral status", MADE),
    of_referral("RRI", "I12", "Patient referral, answered", MADE),
    of_referral("RRI", "I13", "Modify patient referral, answered", MADE),
    of_referral("RRI", "I14", "Cancel patient referral, answered", CANCELLED),
    of_referral("RRI", "I15", "Request patient referral status, answered", MADE),
];

type Map = for<'a, 'c, 'm> fn(&'a Context<'m>, &'a Segments<'c, 'm>, &'a mut Output);

const MADE: Map = |context, segments, output| referral(context, segments, output, false);
const CANCELLED: Map = |context, segments, output| referral(context, segments, output, true);

const fn of_referral(code: &'static str, event: &'static str, title: &'static str, map: Map) -> Trigger {
    let optional = &["PD1", "NK1", "PV1", "PV2", "PRD", "DG1", "AL1", "OBR", "OBX", "NTE"];
    Trigger { code, event, title, ig: "", required: &["RF1", "PID"], optional, map }
}

/// Maps a referral: the Patient, the visit when it has a number, the ServiceRequest, its diagnoses, allergies and letter.
fn referral<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output, cancelled: bool) {
    let version = super::version(context, Says::Copy);
    let Some(subject) = super::patient(context, segments, output, version, |_, _| Vec::new()) else { return };
    let visit = super::visit(context, segments, output, &subject, version);
    let Some(rf1) = segments.first("RF1") else { return };
    for further in segments.named("RF1").skip(1) {
        context.note(NoteCode::UnusedSegment, further.place(), "one message is about one referral: the first");
        further.keep();
    }
    let Some(referral) = rf1::referral(context, rf1) else {
        segments.iter().filter(|segment| segment.name() != "PID").for_each(Seg::keep);
        return;
    };
    let mut parts = Parts::default();
    for prd in segments.named("PRD") {
        match prd::provider(context, prd) {
            // One refers; who else is named beside, as the institution, is told by the provider of the feed.
            Some((Role::Refers, people)) => parts.requester = parts.requester.or_else(|| people.into_iter().next()),
            Some((Role::ReferredTo, people)) => parts.performers.extend(people),
            None => {}
        }
    }
    let found = findings(context, segments, &subject, version);
    parts.diagnoses = references(&found, "Condition");
    let Written { letter: lines, comments, results } = written(segments);
    parts.comments = comments.into_iter().map(|comment| nte::note(context, comment).into()).collect();
    let letter = letter(context, &lines, (&subject, visit.as_ref()), (&referral, cancelled), version, output);
    parts.letters = letter.iter().map(|letter| reference_to(&letter.key).into()).collect();
    let about = (&subject, visit.as_ref());
    let before = output.records.len();
    let groups = results::groups(context, &Segments::new(results), Layout::OrderFirst);
    results::map(context, groups, about, output);
    let results = output.records.split_off(before);
    parts.results = references(&results, "DiagnosticReport");
    output.records.push(rf1::record(context, rf1, referral, about, (cancelled, version), parts));
    output.records.extend(letter);
    output.records.extend(found);
    output.records.extend(results);
}

/// DG1 and AL1.
fn findings<'m>(
    context: &Context<'m>,
    segments: &Segments<'_, 'm>,
    subject: &Subject,
    version: Version,
) -> Vec<Record> {
    let undated = Version { date: None, ..version };
    let mut found: Vec<Record> = Vec::new();
    for segment in segments.iter() {
        let record = match segment.name() {
            "DG1" => dg1::diagnosis(context, segment, subject, None, undated).map(|diagnosis| diagnosis.record),
            "AL1" => al1::allergy(context, segment, subject, None, undated),
            _ => None,
        };
        found.extend(record.filter(|record| found.iter().all(|known| known.key != record.key)));
    }
    found
}

/// References to the records of a type.
fn references(records: &[Record], resource_type: &str) -> Vec<Json> {
    let of_type = records.iter().filter(|record| record.key.resource_type() == resource_type);
    of_type.map(|record| reference_to(&record.key).into()).collect()
}

/// What is written in a referral beside its facts.
#[derive(Default)]
struct Written<'c, 'm> {
    /// OBX that stand under no order, with the NTE behind them.
    letter: Vec<&'c Seg<'m>>,
    /// The other NTE.
    comments: Vec<&'c Seg<'m>>,
    /// OBR with the NTE and OBX behind it: results that are sent along.
    results: Vec<&'c Seg<'m>>,
}

fn written<'c, 'm>(segments: &Segments<'c, 'm>) -> Written<'c, 'm> {
    let mut written = Written::default();
    let mut last = "";
    for segment in segments.iter() {
        let place = match (segment.name(), last) {
            ("OBR", _) | ("OBX" | "NTE", "OBR") => "OBR",
            ("OBX", _) | ("NTE", "OBX") => "OBX",
            ("NTE", _) => "NTE",
            _ => "",
        };
        match place {
            "OBR" => written.results.push(segment),
            "OBX" => written.letter.push(segment),
            "NTE" => written.comments.push(segment),
            _ => {}
        }
        last = place;
    }
    written
}

/// The texts, files and pointers in OBX, as one letter.
fn letter<'m>(
    context: &Context<'m>,
    lines: &[&Seg<'m>],
    (subject, visit): (&Subject, Option<&Visit>),
    (referral, cancelled): (&Referral, bool),
    version: Version,
    output: &mut Output,
) -> Option<Record> {
    if lines.is_empty() {
        return None;
    }
    let label = Label { title: "Referral letter", created: None };
    // Lines without a value say nothing: there is no letter then.
    let content = content::read(context, lines, &label, cancelled, output).filter(|content| !content.is_empty())?;
    let key = context.key("DocumentReference", &["referral", &referral.number()]);
    let content = content.into_iter().map(|attachment| Object::sized(1).put("attachment", attachment));
    let in_context = Object::sized(2)
        .one("encounter", visit.map(Visit::reference).unwrap_or_default())
        .one("related", reference_to(&referral.key));
    let resource = context
        .resource("DocumentReference", &key.resource_id())
        .text("status", if cancelled { "entered-in-error" } else { "current" })
        .put("type", concept("http://loinc.org", "57133-1", "Referral note"))
        .put("subject", subject.reference())
        .put("custodian", context.provider())
        .list("content", content.map(Json::from).collect())
        .put("context", in_context);
    let rank = if cancelled { 3 } else { 1 };
    let date = Some(version.at.to_zoned(context.zone().clone()).date());
    let version = Version { rank, date, level: Level::Document, retracted: cancelled, ..version };
    Some(context.record(Domain::Referral, key, version, resource))
}
