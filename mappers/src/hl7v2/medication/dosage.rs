//! FHIR's Dosage: one for each timing, each with the whole of how much and by which way.

use super::timing::Timing;
use crate::fhir::{Json, Object, concept, text_concept};
use crate::hl7v2::context::Context;
use crate::hl7v2::segment::rxr::Route;

/// What all dosages of an order share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// `doseQuantity` or `doseRange`.
    pub(crate) dose: Option<(&'static str, Json)>,
    /// `rateQuantity` or `rateRatio`.
    pub(crate) rate: Option<(&'static str, Json)>,
    /// additionalInstruction.
    pub(crate) instructions: Vec<Json>,
    /// maxDosePerPeriod.
    pub(crate) daily: Option<Json>,
    /// By which way.
    pub(crate) route: Route,
}

/// The dosages of an order; none when nothing is said. `kind` is the code of doseAndRate.type; empty for none.
pub(crate) fn dosages(context: &Context<'_>, timings: &[Timing], shared: &Shared, kind: &str) -> Vec<Json> {
    if timings.is_empty() {
        let alone = dosage(context, &Timing::default(), shared, kind);
        return if alone.is_empty() { Vec::new() } else { vec![alone.into()] };
    }
    let mut sequence = 1_u32;
    let mut dosages = Vec::with_capacity(timings.len());
    for timing in timings {
        let dosage = dosage(context, timing, shared, kind);
        // Which comes after which is said only where there are several.
        let numbered =
            if timings.len() > 1 { Object::sized(12).put("sequence", sequence).merge(dosage) } else { dosage };
        if timing.is_followed {
            sequence = sequence.saturating_add(1);
        }
        if !numbered.is_empty() {
            dosages.push(numbered.into());
        }
    }
    dosages
}

fn dosage(context: &Context<'_>, timing: &Timing, shared: &Shared, kind: &str) -> Object {
    let mut instructions = shared.instructions.clone();
    instructions.extend(shared.route.instructions.iter().cloned());
    let needed = match (timing.as_needed(), &*timing.condition) {
        (false, "") => Object::new(),
        (true, "") => Object::sized(1).put("asNeededBoolean", true),
        (true, condition) => Object::sized(1).put("asNeededCodeableConcept", text_concept(condition)),
        (false, condition) => {
            instructions.push(text_concept(condition).into());
            Object::new()
        }
    };
    Object::sized(12)
        .text("text", &timing.text)
        .list("additionalInstruction", instructions)
        .put("timing", timing.resource(context))
        .merge(needed)
        .maybe("site", shared.route.site.clone())
        .maybe("route", shared.route.route.clone())
        .maybe("method", shared.route.method.clone())
        .one("doseAndRate", dose_and_rate(timing, shared, kind))
        .maybe("maxDosePerPeriod", shared.daily.clone())
}

fn dose_and_rate(timing: &Timing, shared: &Shared, kind: &str) -> Object {
    let of_timing = timing.quantity.clone().map(|quantity| ("doseQuantity", quantity.into()));
    let mut amounts = Object::sized(3);
    for (name, value) in [shared.dose.clone().or(of_timing), shared.rate.clone()].into_iter().flatten() {
        amounts.set(name, value);
    }
    if amounts.is_empty() || kind.is_empty() {
        return amounts;
    }
    let kind = concept("http://terminology.hl7.org/CodeSystem/dose-rate-type", kind, "");
    Object::sized(3).put("type", kind).merge(amounts)
}
