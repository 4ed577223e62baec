//! Orders as OML, OMG and ORM bring them: a ServiceRequest each, its specimens, what is observed along with it, and the
//! earlier results it refers to.

use causeway_core::scope::Domain;

use super::{Answered, Found, Group, Known, finish, order, specimens, tell_apart};
use crate::fhir::{Json, reference_to};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::cwe;
use crate::hl7v2::identity::Subject;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::obr::request::{self, Parts};
use crate::hl7v2::segment::obx::Within;
use crate::hl7v2::segment::orc::request::Control;
use crate::hl7v2::segment::pv1::Visit;
use crate::hl7v2::segment::{nte, obr, orc};
use crate::hl7v2::trigger::Output;

/// Maps orders. `otherwise` tells the domain of one whose OBR-24 says none.
pub(crate) fn map<'m>(
    context: &Context<'m>,
    groups: Vec<Group<'_, 'm>>,
    about: (&Subject, Option<&Visit>),
    otherwise: impl Fn(&Group<'_, 'm>) -> Domain,
    output: &mut Output,
) {
    let mut known = Known::default();
    let mut orders = Vec::new();
    for group in groups {
        if group.is_prior {
            orders.extend(order(context, group, about, &mut known, output));
        } else {
            let otherwise = otherwise(&group);
            orders.extend(requested(context, group, about, otherwise, &mut known, output));
        }
    }
    finish(context, orders, output);
}

/// Maps one order.
fn requested<'m>(
    context: &Context<'m>,
    group: Group<'_, 'm>,
    about: (&Subject, Option<&Visit>),
    otherwise: Domain,
    known: &mut Known,
    output: &mut Output,
) -> Option<Answered> {
    let (subject, visit) = about;
    let common = group.orc.map(|orc| orc::read(context, orc)).unwrap_or_default();
    let control = group.orc.map_or_else(Control::default, |orc| orc::request::read(context, orc));
    let Some(mut order) = obr::order(context, group.obr, common, subject) else {
        group.pass_over();
        return None;
    };
    if !order.has_section {
        order.domain = otherwise;
    }
    tell_apart(context, group.obr, &mut order, &mut known.orders);
    let (specimens, references) = specimens(context, &group, &order, subject, &mut known.specimens);
    let specimen = if references.len() == 1 { references.first() } else { None };
    let within = Within { subject, visit, order: &order, specimen };
    let mut found = Found::of(context, &group, within, output);
    let allergies = std::mem::take(&mut found.allergies).into_iter().map(|entry| entry.into_record(context, within));
    let allergies = allergies.collect();
    let observed = found.results.iter().map(|result| &result.key).chain(found.others.iter().map(|record| &record.key));
    let parts = Parts {
        specimens: references,
        supporting: observed.map(|key| reference_to(key).into()).collect(),
        notes: group.comments.iter().map(|comment| nte::note(context, comment).into()).collect(),
        reasons: group.reasons.iter().filter_map(|dg1| reason(context, dg1)).collect(),
    };
    let (numbers, parent) = (order.numbers.clone(), std::mem::take(&mut order.parent));
    let report = Some(request::request(context, group.obr, order, control, about, parts));
    Some(Answered { numbers, parent, report, specimens, found, allergies })
}

/// DG1-3 → reasonCode. The diagnosis itself is told by whoever made it.
fn reason<'m>(context: &Context<'m>, dg1: &Seg<'m>) -> Option<Json> {
    let reason = dg1.first(context, 3).map(|value| cwe::read(&value).concept.into());
    if reason.is_none() {
        context.missing(dg1, 3, "the diagnosis is missing");
    }
    reason
}
