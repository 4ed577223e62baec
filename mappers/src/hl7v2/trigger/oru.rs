//! ORU^R01, unsolicited results: IG message map ORU_R01.

use std::collections::BTreeMap;

use crate::fhir::Json;
use causeway_core::record::Record;

use super::{Output, Says, Segments};
use crate::codes::Status;
use crate::fhir::reference_to;
use crate::hl7v2::Trigger;
use crate::hl7v2::context::Context;
use crate::hl7v2::identity::Subject;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::obx::{Observed, Within, document, ha_allergy};
use crate::hl7v2::segment::orc::Common;
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::segment::{nte, obr, orc, spm};

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[Trigger {
    code: "ORU",
    event: "R01",
    title: "Unsolicited transmission of an observation",
    ig: "ORU_R01",
    required: &["PID", "OBR"],
    optional: &["PD1", "NK1", "PV1", "PV2", "ORC", "OBX", "NTE", "SPM"],
    map: results,
}];

/// Maps results: the Patient, the visit when it has a number, and each order with what was found.
fn results<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output) {
    let version = super::version(context, Says::Copy);
    let Some(subject) = super::patient(context, segments, output, version, |_, _| Vec::new()) else { return };
    let visit = super::visit(context, segments, output, &subject, version);
    let mut seen = BTreeMap::new();
    for group in groups(context, segments) {
        order(context, group, (&subject, visit.as_ref()), &mut seen, output);
    }
}

/// One order with what was found: ORC, OBR, NTE, { OBX, NTE }, SPM.
#[derive(Debug)]
struct Group<'c, 'm> {
    orc: Option<&'c Seg<'m>>,
    obr: &'c Seg<'m>,
    comments: Vec<&'c Seg<'m>>,
    observed: Vec<Observed<'c, 'm>>,
    specimens: Vec<&'c Seg<'m>>,
}

/// Puts the segments behind PID into groups.
fn groups<'c, 'm>(context: &Context<'m>, segments: &Segments<'c, 'm>) -> Vec<Group<'c, 'm>> {
    let mut groups: Vec<Group<'c, 'm>> = Vec::new();
    let mut waiting = None;
    for segment in segments.iter() {
        let name = segment.name();
        match (name, groups.last_mut()) {
            ("ORC", _) => waiting = Some(segment),
            ("OBR", _) => groups.push(Group {
                orc: waiting.take(),
                obr: segment,
                comments: Vec::new(),
                observed: Vec::new(),
                specimens: Vec::new(),
            }),
            ("OBX" | "NTE" | "SPM", Some(group)) => group.take(segment),
            ("OBX" | "NTE" | "SPM", None) => {
                context.note(NoteCode::UnusedSegment, segment.place(), "it stands before the first order");
                segment.keep();
            }
            _ => {}
        }
    }
    groups
}

impl<'c, 'm> Group<'c, 'm> {
    fn take(&mut self, segment: &'c Seg<'m>) {
        match (segment.name(), self.observed.last_mut()) {
            ("OBX", Some(last)) if last.goes_on_with(segment) => last.lines.push(segment),
            ("OBX", _) => self.observed.push(Observed { lines: vec![segment], notes: Vec::new() }),
            ("NTE", Some(last)) => last.notes.push(segment),
            ("NTE", None) => self.comments.push(segment),
            _ => self.specimens.push(segment),
        }
    }
}

/// Maps one order.
fn order<'m>(
    context: &Context<'m>,
    group: Group<'_, 'm>,
    (subject, visit): (&Subject, Option<&Visit>),
    seen: &mut BTreeMap<[String; 2], usize>,
    output: &mut Output,
) {
    let common = group.orc.map_or_else(Common::default, |orc| orc::read(context, orc));
    let Some(mut order) = obr::order(context, group.obr, common, subject) else {
        group.pass_over();
        return;
    };
    tell_apart(context, group.obr, &mut order.key, seen);
    let specimens = specimens(context, &group, &order, subject);
    let references: Vec<Json> = specimens.iter().map(|record| reference_to(&record.key).into()).collect();
    let specimen = if references.len() == 1 { references.first() } else { None };
    let within = Within { subject, visit, order: &order, specimen };
    let found = Found::of(context, &group, within, output);
    let allergies: Vec<Record> = found.allergies.into_iter().map(|entry| entry.into_record(context, within)).collect();
    let comments: Vec<String> = group.comments.iter().map(|comment| nte::text(context, comment)).collect();
    let has_report = !found.results.is_empty() || group.observed.is_empty();
    if has_report || !found.others.is_empty() {
        order.note_derived(context, group.obr);
    }
    if has_report {
        let results = found.results.iter().map(|record| reference_to(&record.key).into());
        let parts = obr::Parts {
            results: results.collect(),
            specimens: references,
            conclusion: comments.join("\n"),
            status_of_results: found.status,
            is_text: found.is_text && !found.results.is_empty(),
        };
        output.records.push(obr::report(context, order, subject, visit, parts));
    } else if comments.iter().any(|text| !text.is_empty()) {
        let text = "a comment on an order without a report has no place";
        context.note(NoteCode::UnusedSegment, "NTE".to_owned(), text);
    }
    for records in [specimens, found.results, found.others, allergies] {
        output.records.extend(records);
    }
}

impl Group<'_, '_> {
    /// The order itself is at fault: what hangs on it is not reported field by field.
    fn pass_over(&self) {
        self.observed.iter().flat_map(|observed| observed.lines.iter().chain(&observed.notes)).for_each(|s| s.keep());
        self.comments.iter().chain(&self.specimens).for_each(|segment| segment.keep());
        self.obr.keep();
    }
}

/// What was found in an order.
#[derive(Debug, Default)]
struct Found {
    results: Vec<Record>,
    others: Vec<Record>,
    allergies: Vec<ha_allergy::Entry>,
    /// Whether all results are texts.
    is_text: bool,
    status: Option<Status>,
}

impl Found {
    /// Maps every OBX of an order: as an allergy of the dialect, as a document, or as an observation.
    fn of<'m>(context: &Context<'m>, group: &Group<'_, 'm>, within: Within<'_>, output: &mut Output) -> Self {
        let mut found = Self { is_text: true, ..Self::default() };
        let mut numbers: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut number = |code: &str, sub_id: &str| {
            let count = numbers.entry((code.to_owned(), sub_id.to_owned())).or_insert(0);
            *count += 1;
            *count
        };
        for observed in &group.observed {
            let Some(obx) = observed.lines.first() else { continue };
            if ha_allergy::is_allergy(context, obx) {
                ha_allergy::take(context, obx, within, &mut found.allergies);
            } else if document::is_document(obx) {
                found.others.extend(document::document(context, &observed.lines, within, output, &mut number));
            } else if let Some(result) = observed.result(context, within, &mut number) {
                found.is_text &= result.is_text;
                found.status = Some(lower(found.status, result.status));
                found.results.push(result.record);
            }
        }
        found
    }
}

/// Two orders of one number and one service in one message: the second is told apart by a count.
fn tell_apart(context: &Context<'_>, obr: &Seg<'_>, key: &mut [String; 2], seen: &mut BTreeMap<[String; 2], usize>) {
    let count = seen.entry(key.clone()).or_insert(0);
    *count += 1;
    if *count > 1 {
        context.note(
            NoteCode::DerivedId,
            obr.place(),
            "the same order and service a second time: told apart by a count",
        );
        let [_, service] = key;
        *service = format!("{service}#{count}");
    }
}

/// SPM, or OBR-15 where there is no SPM.
fn specimens<'m>(context: &Context<'m>, group: &Group<'_, 'm>, order: &obr::Order, subject: &Subject) -> Vec<Record> {
    let of_order = spm::of_order(context, group.obr, order, subject);
    if group.specimens.is_empty() {
        if of_order.is_none() && group.obr.has(14) {
            context.note(NoteCode::UnusedField, group.obr.field_place(14), "there is no specimen that was received");
        }
        return of_order.into_iter().collect();
    }
    if of_order.is_some() {
        context.note(NoteCode::UnusedField, group.obr.field_place(15), "SPM says it better");
    }
    let numbered = group.specimens.iter().zip(1..);
    numbered.map(|(spm, number)| spm::specimen(context, spm, order, subject, number)).collect()
}

/// What all results have reached at least, as the status of their report.
fn lower(so_far: Option<Status>, next: Status) -> Status {
    let next = match next.code {
        // DiagnosticReport has `partial` and `cancelled`, too, but a single result gone does not make the report so.
        "cancelled" | "entered-in-error" => Status { code: "final", rank: 2, retracted: false },
        _ => next,
    };
    so_far.filter(|status| status.rank <= next.rank).unwrap_or(next)
}
