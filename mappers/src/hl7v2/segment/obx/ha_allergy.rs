//! The allergy dialect of the public hospitals: ORU^R01 whose OBX are not results but allergies. What the record-type
//! letter of OBX-3.4 means depends on the entity in OBX-3.1: `N` is *no known drug allergy* under 100109 and a
//! *non-drug allergy* under 100111; 100110 are adverse drug reactions (codes/ha_allergy.csv).

use std::borrow::Cow;

use causeway_core::record::RecordKey;
use causeway_core::scope::{Domain, Level};
use serde_json::Value as Json;

use super::{Observed, Within};
use crate::codes::{self, Status};
use crate::fhir::{Object, coding};
use crate::hl7v2::allergy::{self, Allergy};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, ts};
use crate::hl7v2::reader::Seg;

/// The entities of the dialect.
const ENTITIES: [&str; 3] = ["100109", "100110", "100111"];

/// Whether a segment speaks the dialect: one of its entities, and the feed is a public hospital's or OBX-3.3 is `HA`.
pub(crate) fn is_allergy(context: &Context<'_>, obx: &Seg<'_>) -> bool {
    let identifier = obx.field(3);
    ENTITIES.contains(&identifier.component(1).raw())
        && (context.is_public_hospital() || identifier.component(3).raw() == "HA")
}

/// An entry, to which manifestations that follow are added before it becomes a record.
#[derive(Debug)]
pub(crate) struct Entry {
    domain: Domain,
    key: RecordKey,
    version: Version,
    allergy: Allergy,
}

impl Entry {
    /// The record.
    pub(crate) fn into_record(self, context: &Context<'_>, within: Within<'_>) -> causeway_core::record::Record {
        let about = (within.subject, within.visit);
        allergy::record(context, about, (self.domain, self.key), self.version, self.allergy)
    }
}

/// Maps one segment: a new entry at the end of `entries`, or a manifestation of the last one.
pub(crate) fn take<'m>(
    context: &Context<'m>,
    observed: &Observed<'_, 'm>,
    within: Within<'_>,
    entries: &mut Vec<Entry>,
) {
    let Some(obx) = observed.lines.first() else { return };
    // OBX-3.1 entity, .2 its name, .3 HA, .4 the record-type letter
    let Some(identifier) = obx.first(context, 3) else { return };
    let (entity, letter) = (identifier.text(1), identifier.text(4));
    [2, 3].into_iter().for_each(|component| identifier.ask(component));
    obx.field(2);
    // OBX-5: the letter again, or the code of the allergen; then the words
    let value = obx.first(context, 5);
    let (code, text) = value.as_ref().map_or((Cow::Borrowed(""), Cow::Borrowed("")), |v| {
        v.ask(3);
        (v.text(1), v.text(2))
    });
    let letter = if letter.is_empty() && code.len() == 1 { code.clone() } else { letter };
    let status = status(context, obx, within.order.status);
    let observed_at = ts::field(obx, context, 14);
    let Some([_, meaning, category, display]) = codes::HA_ALLERGY.row(&format!("{entity} {letter}")) else {
        cwe::unmapped(&identifier);
        let reason = causeway_core::reason::Reason::Unmappable;
        context.fault(
            reason,
            obx.field_place(3),
            obx.offset(3),
            "the record-type letter means nothing for this entity",
        );
        return;
    };
    let own_code = if code == letter { "" } else { &*code };
    let text = allergen(&text, display);
    if *meaning == "manifestation" {
        let words = if text.is_empty() { own_code } else { &text };
        match entries.last_mut() {
            Some(entry) if !words.is_empty() => entry.allergy.manifestations.push(allergy::manifestation(words)),
            Some(_) | None => {
                context.note("unused-segment", obx.place(), "a manifestation without an allergy before it")
            }
        }
        return;
    }
    let shown = if text.is_empty() { *display } else { &*text };
    let local = coding(&format!("urn:causeway:ha:entity:{entity}"), &letter, display);
    let mut codings: Vec<Json> = vec![local.into()];
    if !own_code.is_empty() {
        codings.push(coding("urn:causeway:ha:allergen", own_code, &text).into());
    }
    let concept = Object::sized(2).list("coding", codings).text("text", shown);
    let recorded = observed_at.or(within.order.observed).or(within.order.requested);
    let key = match *meaning {
        // However it is worded, there is one such statement a patient.
        "no-known-drug-allergy" => allergy::natural_key(context, within.subject, &[&entity, &letter]),
        _ if own_code.is_empty() => {
            allergy::natural_key(context, within.subject, &[&entity, &letter, &allergy::folded(shown)])
        }
        _ => allergy::natural_key(context, within.subject, &[&entity, &letter, own_code]),
    };
    let is_reaction = meaning.ends_with("reaction");
    let retracted = status.retracted;
    let verification = match (retracted, *meaning) {
        (true, _) => "entered-in-error",
        (false, "previous" | "previous-reaction") => "unconfirmed",
        (false, _) => "confirmed",
    };
    entries.push(Entry {
        domain: if is_reaction { Domain::AdverseReaction } else { Domain::Allergy },
        key,
        version: Version {
            rank: status.rank,
            at: within.order.made_at(context),
            date: ts::day(recorded),
            level: Level::Structured,
            retracted,
        },
        allergy: Allergy {
            clinical: if retracted { "" } else { "active" },
            verification,
            kind: if is_reaction { "intolerance" } else { kind(meaning) },
            category,
            code: concept,
            recorded: recorded.map(|time| context.written(time)),
            ..Allergy::default()
        },
    });
}

/// That there is no allergy is neither allergy nor intolerance.
fn kind(meaning: &str) -> &'static str {
    if meaning == "no-known-drug-allergy" { "" } else { "allergy" }
}

/// The allergen: some senders put the kind in front, `Non-drug allergy: peanut`.
fn allergen<'t>(text: &'t str, display: &str) -> Cow<'t, str> {
    let named = text.split_once(':').filter(|(kind, _)| kind.trim().eq_ignore_ascii_case(display));
    Cow::Borrowed(named.map_or(text, |(_, named)| named.trim()))
}

/// OBX-11, or else OBR-25.
fn status<'m>(context: &Context<'m>, obx: &Seg<'m>, of_order: Option<Status>) -> Status {
    let unknown = Status { code: "unknown", rank: 0, retracted: false };
    let Some(value) = obx.first(context, 11) else { return of_order.unwrap_or(unknown) };
    codes::status(&codes::OBSERVATION_STATUS, &value.text(1)).unwrap_or_else(|| {
        cwe::unmapped(&value);
        unknown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_in_front_of_an_allergen_is_left_out() {
        assert_eq!(allergen("Non-drug allergy: peanut", "Non-drug allergy"), "peanut");
        assert_eq!(allergen("peanut", "Non-drug allergy"), "peanut");
        assert_eq!(allergen("Note: peanut", "Non-drug allergy"), "Note: peanut");
    }
}
