//! MDM, medical documents: IG message map MDM_T02. Those with an odd event only tell of a document, those with an even one
//! bring it along.

use crate::fhir::Json;
use crate::hl7v2::Trigger;
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::cwe;
use crate::hl7v2::identity::Subject;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::obr;
use crate::hl7v2::segment::obx::content::{self, Label};
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::segment::txa::{self, Act, Parts};

use super::{Output, Says, Segments};

/// The events of this family.
pub(crate) const TRIGGERS: &[Trigger] = &[
    told("T01", "Original document notification", |c, s, o| documents(c, s, o, Act::Made)),
    brought("T02", "Original document notification and content", |c, s, o| documents(c, s, o, Act::Made)),
    told("T03", "Document status change notification", |c, s, o| documents(c, s, o, Act::Made)),
    brought("T04", "Document status change notification and content", |c, s, o| documents(c, s, o, Act::Made)),
    told("T05", "Document addendum notification", |c, s, o| documents(c, s, o, Act::Added)),
    brought("T06", "Document addendum notification and content", |c, s, o| documents(c, s, o, Act::Added)),
    told("T07", "Document edit notification", |c, s, o| documents(c, s, o, Act::Edited)),
    brought("T08", "Document edit notification and content", |c, s, o| documents(c, s, o, Act::Edited)),
    told("T09", "Document replacement notification", |c, s, o| documents(c, s, o, Act::Replaced)),
    brought("T10", "Document replacement notification and content", |c, s, o| documents(c, s, o, Act::Replaced)),
    told("T11", "Document cancel notification", |c, s, o| documents(c, s, o, Act::Cancelled)),
];

type Map = for<'a, 'c, 'm> fn(&'a Context<'m>, &'a Segments<'c, 'm>, &'a mut Output);

const fn told(event: &'static str, title: &'static str, map: Map) -> Trigger {
    let optional = &["EVN", "PD1", "PV1", "PV2", "ORC", "OBR", "OBX", "NTE"];
    Trigger { code: "MDM", event, title, ig: "MDM_T02", required: &["PID", "TXA"], optional, map }
}

const fn brought(event: &'static str, title: &'static str, map: Map) -> Trigger {
    let optional = &["EVN", "PD1", "PV1", "PV2", "ORC", "OBR", "NTE"];
    Trigger { required: &["PID", "TXA", "OBX"], optional, ..told(event, title, map) }
}

/// Maps the documents of a message: the Patient, the visit when it has a number, and a DocumentReference for each TXA.
fn documents<'m>(context: &Context<'m>, segments: &Segments<'_, 'm>, output: &mut Output, act: Act) {
    let version = super::version(context, Says::Copy);
    let Some(subject) = super::patient(context, segments, output, version, |_, _| Vec::new()) else { return };
    let visit = super::visit(context, segments, output, &subject, version);
    let mut order = Parts::default();
    let mut open: Option<(&Seg<'m>, Vec<&Seg<'m>>)> = None;
    for segment in segments.iter() {
        match (segment.name(), &mut open) {
            ("ORC", _) => {
                // What is done with the order is no matter of the document that answers it.
                segment.ask(1);
                order.related.extend(new(&order.related, txa::orders(context, segment, &[2, 3])));
            }
            ("OBR", _) => of_order(context, segment, &mut order),
            ("TXA", _) => {
                let before = open.replace((segment, Vec::new()));
                document(context, before, act, (&subject, visit.as_ref()), &mut order, output);
            }
            ("OBX", Some((_, lines))) => lines.push(segment),
            ("NTE", Some((_, lines))) if !lines.is_empty() => lines.push(segment),
            ("NTE", _) => {
                context.note(NoteCode::UnusedSegment, segment.place(), "it is a comment on no part of the document");
                segment.keep();
            }
            ("OBX", None) => {
                context.note(NoteCode::UnusedSegment, segment.place(), "it stands before the document's header");
                segment.keep();
            }
            _ => {}
        }
    }
    document(context, open, act, (&subject, visit.as_ref()), &mut order, output);
}

/// OBR-2 and OBR-3, the order; OBR-4, what it is; OBR-24, its domain.
fn of_order<'m>(context: &Context<'m>, obr: &Seg<'m>, order: &mut Parts) {
    order.related.extend(new(&order.related, txa::orders(context, obr, &[2, 3])));
    let Some(service) = obr.first(context, 4) else {
        return context.missing(obr, 4, "the service that was asked for is missing");
    };
    order.kind = cwe::read(&service).concept;
    let (_, domain, _, has_section) = obr::section(context, obr);
    order.domain = has_section.then_some(domain);
}

/// What is not known yet.
fn new(known: &[Json], more: Vec<Json>) -> Vec<Json> {
    more.into_iter().filter(|item| !known.contains(item)).collect()
}

/// Maps one document, with the orders that stood before it.
fn document<'m>(
    context: &Context<'m>,
    open: Option<(&Seg<'m>, Vec<&Seg<'m>>)>,
    act: Act,
    (subject, visit): (&Subject, Option<&Visit>),
    order: &mut Parts,
    output: &mut Output,
) {
    let Some((txa, lines)) = open else { return };
    let Some(head) = txa::read(context, txa, act) else {
        lines.iter().for_each(|line| line.keep());
        return;
    };
    let label = Label { title: &head.title, created: head.created.clone() };
    let Some(content) = content::read(context, &lines, &label, head.status.retracted, output) else {
        return;
    };
    let parts = Parts { content, ..std::mem::take(order) };
    output.records.push(head.record(context, subject, visit, parts));
}
