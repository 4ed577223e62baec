//! Orders with what was found, as ORU and OUL carry them: IG message maps `ORU_R01` and `OUL_R22` to `OUL_R24`.

mod group;
mod link;
pub(crate) mod request;

use std::collections::BTreeMap;

use causeway_core::record::{Lack, Record};
use causeway_core::scope::Domain;

use super::{Output, Says, Segments};
use crate::codes::Status;
use crate::fhir::{Json, reference_to};
use crate::hl7v2::context::Context;
use crate::hl7v2::identity::Subject;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::obx::{self, Within, document, ha_alert, ha_allergy};
use crate::hl7v2::segment::orc::{self, Common};
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::segment::{nte, obr, spm};
use crate::hl7v2::{birth, imaging, obstetric};

pub(crate) use group::{Group, Layout, groups};

/// Whom the message is about, and the visit when it has a number. `None`, with a fault, when nobody can be told.
pub(crate) fn about<'m>(
    context: &Context<'m>,
    segments: &Segments<'_, 'm>,
    output: &mut Output,
) -> Option<(Subject, Option<Visit>)> {
    let version = super::version(context, Says::Copy);
    let subject = super::patient(context, segments, output, version, |_, _| Vec::new())?;
    let visit = super::visit(context, segments, output, &subject, version);
    Some((subject, visit))
}

/// Maps orders with what was found, and links what belongs together across them.
pub(crate) fn map<'m>(
    context: &Context<'m>,
    groups: Vec<Group<'_, 'm>>,
    (subject, visit): (&Subject, Option<&Visit>),
    output: &mut Output,
) {
    let mut known = Known::default();
    let orders = groups.into_iter().filter_map(|group| order(context, group, (subject, visit), &mut known, output));
    let orders: Vec<Answered> = orders.collect();
    finish(context, orders, output);
}

/// Links what belongs together, and gives the records in the order of the message.
fn finish(context: &Context<'_>, mut orders: Vec<Answered>, output: &mut Output) {
    link::link(&mut orders);
    for order in orders {
        output.records.extend(order.report);
        output.records.extend(order.specimens);
        output.records.extend(order.found.results.into_iter().map(|result| result.into_record(context)));
        output.records.extend(order.found.others);
        output.records.extend(order.allergies);
    }
}

/// What earlier orders of the message have used.
#[derive(Debug, Default)]
struct Known {
    /// How often each number with its service stood.
    orders: BTreeMap<[String; 2], usize>,
    /// The specimens that are mapped, by their place: several orders may be about one.
    specimens: BTreeMap<String, Json>,
}

/// An order, mapped, whose observations are not linked yet.
#[derive(Debug)]
struct Answered {
    numbers: obr::Numbers,
    parent: obr::Parent,
    report: Option<Record>,
    specimens: Vec<Record>,
    found: Found,
    allergies: Vec<Record>,
}

/// Maps one order.
fn order<'m>(
    context: &Context<'m>,
    group: Group<'_, 'm>,
    (subject, visit): (&Subject, Option<&Visit>),
    known: &mut Known,
    output: &mut Output,
) -> Option<Answered> {
    let common = group.orc.map_or_else(Common::default, |orc| orc::read(context, orc));
    let Some(mut order) = obr::order(context, group.obr, common, subject) else {
        group.pass_over();
        return None;
    };
    let observed: Vec<&Seg<'m>> =
        group.observed.iter().filter_map(|observed| observed.lines.first().copied()).collect();
    let imaging = imaging::read(context, group.obr, &group.imaging, &observed, order.domain);
    order.imagine(&imaging);
    if !birth::file(context, &mut order, (group.obr, &observed), (subject, visit)) && !order.has_section {
        obstetric::kind(&order.service.concept).into_iter().for_each(|kind| order.file(Domain::ClinicalNote, kind));
    }
    tell_apart(context, group.obr, &mut order, &mut known.orders);
    let (specimens, references) = specimens(context, &group, &order, subject, &mut known.specimens);
    let specimen = if references.len() == 1 { references.first() } else { None };
    let within = Within { subject, visit, order: &order, specimen };
    let mut found = Found::of(context, &group, within, output);
    if found.results.iter().all(|result| result.is_text) && is_of_numbers(group.obr) {
        found.lack_numbers();
    }
    let allergies =
        std::mem::take(&mut found.allergies).into_iter().map(|entry| entry.into_record(context, within)).collect();
    let (numbers, parent) = (std::mem::take(&mut order.numbers), std::mem::take(&mut order.parent));
    let mut report = None;
    let comments: Vec<String> = group.comments.iter().map(|comment| nte::text(context, comment)).collect();
    let has_report = !found.results.is_empty() || group.observed.is_empty() || !imaging.identifiers.is_empty();
    if has_report || !found.others.is_empty() {
        order.note_derived(context, group.obr);
    }
    if has_report {
        let results = found.results.iter().map(|result| result.reference().into());
        let parts = obr::Parts {
            results: results.collect(),
            specimens: references,
            conclusion: found.conclusion(&comments),
            imaging,
            status_of_results: found.status,
            is_text: found.is_text && !found.results.is_empty(),
        };
        report = Some(obr::report(context, order, subject, visit, parts));
    } else if comments.iter().any(|text| !text.is_empty()) {
        let text = "a comment on an order without a report has no place";
        context.note(NoteCode::UnusedSegment, "NTE".to_owned(), text);
    }
    Some(Answered { numbers, parent, report, specimens, found, allergies })
}

/// What was found in an order.
#[derive(Debug, Default)]
struct Found {
    results: Vec<obx::Result>,
    others: Vec<Record>,
    allergies: Vec<ha_allergy::Entry>,
    /// The texts of the sections that are the report's conclusion.
    conclusions: Vec<String>,
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
            if imaging::is_study(obx) {
                continue;
            }
            if ha_alert::is_alert(context, obx) {
                found.others.extend(ha_alert::flag(context, obx, within));
                continue;
            }
            if ha_allergy::is_allergy(context, obx) {
                ha_allergy::take(context, obx, within, &mut found.allergies);
            } else if document::is_document(obx) {
                found.others.extend(document::document(context, &observed.lines, within, output, &mut number));
            } else if let Some(result) = observed.result(context, within, &mut number) {
                found.is_text &= result.is_text;
                let is_told = within.order.domain != Domain::Laboratory && obx::is_conclusion(obx);
                found.conclusions.extend(result.words().filter(|_| is_told));
                found.status = Some(lower(found.status, result.status));
                found.results.push(result);
            }
        }
        found
    }

    /// Documents of the laboratory stand for numbers that could have been sent.
    fn lack_numbers(&mut self) {
        let of_laboratory = |record: &&mut Record| record.domain == Domain::Laboratory && !record.retracted;
        self.others.iter_mut().filter(of_laboratory).for_each(|record| record.lacks = Some(Lack::Numbers));
    }

    /// What the report comes to: its conclusions, and the comments behind its order.
    fn conclusion(&self, comments: &[String]) -> String {
        let all = self.conclusions.iter().chain(comments).map(String::as_str);
        all.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
    }
}

/// Whether OBR-24 names a section of the laboratory whose results are numbers: blood gases, chemistry, haematology. Of
/// every other section (microbiology, pathology, and where none is named) a message does not show it.
fn is_of_numbers(obr: &Seg<'_>) -> bool {
    matches!(obr.field(24).rep(1).component(1).raw(), "BG" | "CH" | "HM")
}

/// Two orders of one number and one service in one message: the second is told apart by a count.
fn tell_apart(context: &Context<'_>, obr: &Seg<'_>, order: &mut obr::Order, seen: &mut BTreeMap<[String; 2], usize>) {
    let count = seen.entry(order.key_parts().map(str::to_owned)).or_insert(0);
    *count += 1;
    if *count > 1 {
        context.note(
            NoteCode::DerivedId,
            obr.place(),
            "the same order and service a second time: told apart by a count",
        );
        let [_, service] = &mut order.key;
        *service = format!("{service}#{count}");
    }
}

/// SPM, or OBR-15 where there is no SPM: those that are mapped here, and references to all of the order.
fn specimens<'m>(
    context: &Context<'m>,
    group: &Group<'_, 'm>,
    order: &obr::Order,
    subject: &Subject,
    known: &mut BTreeMap<String, Json>,
) -> (Vec<Record>, Vec<Json>) {
    let of_order = if order.domain == Domain::RadiologyReport {
        // Where such a report has OBR-15, it says which part of the body was looked at.
        if group.obr.has(15) {
            context.note(NoteCode::UnusedField, group.obr.field_place(15), "an image is made of no specimen");
            group.obr.ask(15);
        }
        None
    } else {
        spm::of_order(context, group.obr, order, subject)
    };
    if group.specimens.is_empty() {
        if of_order.is_none() && group.obr.has(14) {
            context.note(NoteCode::UnusedField, group.obr.field_place(14), "there is no specimen that was received");
        }
        let references = of_order.iter().map(|record| reference_to(&record.key).into()).collect();
        return (of_order.into_iter().collect(), references);
    }
    if of_order.is_some() {
        context.note(NoteCode::UnusedField, group.obr.field_place(15), "SPM says it better");
    }
    let (mut records, mut references) = (Vec::new(), Vec::new());
    for (spm, number) in group.specimens.iter().zip(1..) {
        let reference = known.entry(spm.place()).or_insert_with(|| {
            let record = spm::specimen(context, spm, order, subject, number);
            let reference = reference_to(&record.key).into();
            records.push(record);
            reference
        });
        references.push(reference.clone());
    }
    (records, references)
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
