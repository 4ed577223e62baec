//! RF1, referral information, to ServiceRequest. The IG has no map of it.

use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::{Domain, Level};

use super::pv1::Visit;
use crate::codes;
use crate::fhir::{Json, concept, period, text_concept};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::ei::{self, Entity};
use crate::hl7v2::datatype::{cwe, ts};
use crate::hl7v2::identity::Subject;
use crate::hl7v2::profile::{SegmentUse, required, used};
use crate::hl7v2::reader::Seg;

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "RF1",
    title: "Referral information",
    ig: "",
    fields: &[
        used(1, "Referral status", "ServiceRequest.status"),
        used(2, "Referral priority", "ServiceRequest.priority"),
        used(3, "Referral type", "ServiceRequest.code; without it the word Referral"),
        used(4, "Referral disposition", "ServiceRequest.orderDetail"),
        used(5, "Referral category", "ServiceRequest.category, beside referral"),
        required(6, "Originating referral identifier", "ServiceRequest.identifier; the key"),
        used(7, "Effective date", "ServiceRequest.occurrenceDateTime or occurrencePeriod.start; the date"),
        used(8, "Expiration date", "ServiceRequest.occurrencePeriod.end"),
        used(9, "Process date", "ServiceRequest.authoredOn"),
        used(10, "Referral reason", "ServiceRequest.reasonCode"),
        used(11, "External referral identifier", "ServiceRequest.identifier"),
    ],
};

/// A referral's own number and key.
#[derive(Debug)]
pub(crate) struct Referral {
    number: Entity,
    /// The key of the ServiceRequest.
    pub(crate) key: RecordKey,
}

/// What belongs to a referral besides RF1.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// Who refers.
    pub(crate) requester: Option<Json>,
    /// To whom.
    pub(crate) performers: Vec<Json>,
    /// References to the diagnoses.
    pub(crate) diagnoses: Vec<Json>,
    /// References to letters.
    pub(crate) letters: Vec<Json>,
    /// References to reports sent along.
    pub(crate) results: Vec<Json>,
    /// As Annotations.
    pub(crate) comments: Vec<Json>,
}

impl Referral {
    /// What its letter is keyed by.
    pub(crate) fn number(&self) -> String {
        self.number.key()
    }
}

/// Reads RF1-6; `None`, with a fault, without it.
pub(crate) fn referral<'m>(context: &Context<'m>, rf1: &Seg<'m>) -> Option<Referral> {
    let Some(number) = ei::field(rf1, context, 6) else {
        context.missing(rf1, 6, "the number of the referral is missing");
        return None;
    };
    let key = context.key("ServiceRequest", &["referral", &number.key()]);
    Some(Referral { number, key })
}

/// The ServiceRequest.
pub(crate) fn record<'m>(
    context: &Context<'m>,
    rf1: &Seg<'m>,
    referral: Referral,
    (subject, visit): (&Subject, Option<&Visit>),
    (cancelled, version): (bool, Version),
    parts: Parts,
) -> Record {
    // RF1-6, RF1-11 → identifier
    let others = rf1.all(context, 11).filter_map(|value| ei::read(&value)).collect::<Vec<_>>();
    let numbers = std::iter::once(&referral.number).chain(&others);
    let identifiers = numbers.map(|number| number.identifier(context, "referral", "").into()).collect();
    let status = status(context, rf1, cancelled);
    // RF1-5 → category
    let mut categories: Vec<Json> = vec![concept("urn:causeway:category", "referral", "Referral").into()];
    categories.extend(cwe::field(rf1, context, 5).map(Json::from));
    // RF1-3 → code
    let code = cwe::field(rf1, context, 3).filter(|code| !code.is_empty());
    // RF1-7, RF1-8 → occurrence[x]
    let [from, to, made] = [7, 8, 9].map(|field| ts::field(rf1, context, field));
    let written = |time| context.written(time);
    // RF1-10 → reasonCode
    let reasons: Vec<cwe::Coded> = rf1.all(context, 10).map(|value| cwe::read(&value)).collect();
    let level = reasons.iter().map(|reason| reason.level).max().unwrap_or(Level::Document);
    let mut resource = context
        .resource("ServiceRequest", &referral.key.resource_id())
        .list("identifier", identifiers)
        .text("status", status)
        .text("intent", "order")
        .list("category", categories)
        .maybe("priority", priority(context, rf1))
        .put("code", code.unwrap_or_else(|| text_concept("Referral")))
        .list("orderDetail", cwe::fields(rf1, context, 4)) // RF1-4
        .put("subject", subject.reference())
        .maybe("encounter", visit.map(Visit::reference));
    match (from, to) {
        (Some(from), None) => resource.set("occurrenceDateTime", written(from)),
        (from, to) => resource.set("occurrencePeriod", period(from.map(written), to.map(written))),
    }
    let resource = resource
        .maybe("authoredOn", made.map(written)) // RF1-9
        .maybe("requester", parts.requester)
        .list("performer", parts.performers)
        .list("reasonCode", reasons.into_iter().map(|reason| reason.concept.into()).collect())
        .list("reasonReference", parts.diagnoses)
        .list("supportingInfo", parts.letters.into_iter().chain(parts.results).collect())
        .list("note", parts.comments);
    let version = Version {
        rank: if cancelled { 3 } else { 1 },
        date: ts::day(from).or_else(|| ts::day(made)),
        level,
        retracted: cancelled,
        ..version
    };
    context.record(Domain::Referral, referral.key, version, resource)
}

/// RF1-1.
fn status<'m>(context: &Context<'m>, rf1: &Seg<'m>, cancelled: bool) -> &'static str {
    let said = rf1.first(context, 1).map(|value| {
        [2, 3].into_iter().for_each(|component| value.ask(component));
        codes::REFERRAL_STATUS.code(&value.text(1)).unwrap_or_else(|| {
            cwe::unmapped(&value);
            "unknown"
        })
    });
    if cancelled { "revoked" } else { said.unwrap_or("active") }
}

/// RF1-2.
fn priority<'m>(context: &Context<'m>, rf1: &Seg<'m>) -> Option<&'static str> {
    let value = rf1.first(context, 2)?;
    [2, 3].into_iter().for_each(|component| value.ask(component));
    let found = codes::ORDER_PRIORITY.code(&value.text(1));
    if found.is_none() {
        cwe::unmapped(&value);
    }
    found
}
