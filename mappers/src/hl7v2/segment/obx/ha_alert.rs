//! Clinical alerts in the dialect of the public hospitals: ORU^R01 whose OBX are alert codes. The feed's dialect says by which
//! entity or name they are told.

use causeway_core::record::Record;
use causeway_core::scope::{Domain, Level};

use super::{Within, ha_allergy};
use crate::fhir::{Object, coding, concept, period};
use crate::hl7v2::allergy::folded;
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::ts;
use crate::hl7v2::reader::Seg;

/// Whether a segment is an alert.
pub(crate) fn is_alert(context: &Context<'_>, obx: &Seg<'_>) -> bool {
    let (dialect, identifier) = (&context.dialect().alert, obx.field(3));
    if !dialect.any_coding_system && identifier.component(3).raw() != dialect.coding_system {
        return false;
    }
    let entity = identifier.component(1).raw();
    let is_named = || dialect.names.contains(&folded(identifier.component(2).raw()));
    dialect.entities.iter().any(|own| own == entity) || (!dialect.names.is_empty() && is_named())
}

/// Maps one: OBX-5.1 the code of the alert, or OBX-3.4 where it stands alone; OBX-5.2 the words. `None`, with a fault,
/// without either.
pub(crate) fn flag<'m>(context: &Context<'m>, obx: &Seg<'m>, within: Within<'_>) -> Option<Record> {
    obx.ask(2);
    let (entity, item) = obx.first(context, 3).map_or_else(Default::default, |value| {
        [2, 3].into_iter().for_each(|component| value.ask(component));
        (value.text(1), value.text(4))
    });
    let (code, words) = obx.first(context, 5).map_or_else(Default::default, |value| {
        value.ask(3);
        (value.text(1), value.text(2))
    });
    let code = if code.is_empty() { item } else { code };
    if code.is_empty() && words.is_empty() {
        context.missing(obx, 5, "the alert is missing");
        return None;
    }
    let status = ha_allergy::status(context, obx, within.order.status);
    // OBX-14, or else OBR-7 → period.start
    let from = ts::field(obx, context, 14).or(within.order.observed);
    let what = if code.is_empty() { folded(&words) } else { code.to_string() };
    let [authority, number] = &within.subject.parts;
    let key = context.key("Flag", &[authority, number, &entity, &what]);
    let code = Object::sized(2).one("coding", coding("urn:causeway:ha:alert", &code, &words)).text("text", &words);
    let category = concept("http://terminology.hl7.org/CodeSystem/flag-category", "clinical", "Clinical");
    let resource = context
        .resource("Flag", &key.resource_id())
        .text("status", if status.retracted { "entered-in-error" } else { "active" })
        .one("category", category)
        .put("code", code)
        .put("subject", within.subject.reference())
        .put(
            "period",
            if from.is_some() { period(from.map(|time| context.written(time)), None) } else { Object::new() },
        );
    let version = Version {
        rank: status.rank,
        at: within.order.made_at(context),
        date: ts::day(from),
        level: if what == folded(&words) { Level::Document } else { Level::Structured },
        retracted: status.retracted,
    };
    Some(context.record(Domain::Alert, key, version, resource))
}
