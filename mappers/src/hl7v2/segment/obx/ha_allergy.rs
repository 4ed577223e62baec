//! The allergy dialect of the public hospitals: ORU^R01 whose OBX are not results but allergies. What the record-type
//! letter of OBX-3.4 means depends on the entity in OBX-3.1: `N` is *no known drug allergy* under 100109 and a
//! *non-drug allergy* under 100111; 100110 are adverse drug reactions. The feed's dialect has the entities and letters.

use std::borrow::Cow;

use causeway_core::feed::dialect::{AllergyCategory, AllergyLetter, AllergyMeaning};
use causeway_core::hl7v2::time::Hl7Time;
use causeway_core::reason::Reason;
use causeway_core::record::RecordKey;
use causeway_core::scope::{Domain, Level};

use super::Within;
use crate::codes::{self, Status};
use crate::fhir::{Json, Object, coding};
use crate::hl7v2::allergy::{self, Allergy};
use crate::hl7v2::context::{Context, Version};
use crate::hl7v2::datatype::{cwe, ts};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;

/// Whether a segment is an allergy: it has one of the entities, and the coding system that goes with them.
pub(crate) fn is_allergy(context: &Context<'_>, obx: &Seg<'_>) -> bool {
    let (dialect, identifier) = (&context.dialect().allergy, obx.field(3));
    dialect.entities.contains_key(identifier.component(1).raw())
        && (dialect.any_coding_system || identifier.component(3).raw() == dialect.coding_system)
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

/// What a segment says, before it is known what it means.
struct Said<'m> {
    entity: Cow<'m, str>,
    letter: Cow<'m, str>,
    /// The code of the allergen; empty where the letter stands in its place.
    code: Cow<'m, str>,
    text: Cow<'m, str>,
}

/// Maps one segment: a new entry at the end of `entries`, or a manifestation of the last one.
pub(crate) fn take<'m>(context: &Context<'m>, obx: &Seg<'m>, within: Within<'_>, entries: &mut Vec<Entry>) {
    obx.ask(2);
    let said = read(context, obx);
    let status = status(context, obx, within.order.status);
    let recorded = ts::field(obx, context, 14).or(within.order.observed).or(within.order.requested);
    let Some(letter) = context.dialect().allergy.letter(&said.entity, &said.letter) else {
        let text = "the record-type letter means nothing for this entity";
        context.fault(Reason::Unmappable, obx.field_place(3), obx.offset(3), text);
        return;
    };
    if letter.meaning != AllergyMeaning::Manifestation {
        entries.push(entry(context, within, &said, letter, status, recorded));
        return;
    }
    let words = allergen(&said.text, &letter.display);
    let words = if words.is_empty() { &*said.code } else { words };
    match entries.last_mut() {
        Some(entry) if !words.is_empty() => entry.allergy.manifestations.push(allergy::manifestation(words)),
        Some(_) | None => {
            let text = "a manifestation without words, or without an allergy before it";
            context.note(NoteCode::UnusedSegment, obx.place(), text);
        }
    }
}

/// OBX-3: .1 entity, .2 its name, .3 `HA`, .4 the record-type letter. OBX-5: .1 the letter again, or the code of the
/// allergen, .2 the words.
fn read<'m>(context: &Context<'m>, obx: &Seg<'m>) -> Said<'m> {
    let none = || Cow::Borrowed("");
    let (entity, letter) = obx.first(context, 3).map_or_else(
        || (none(), none()),
        |value| {
            [2, 3].into_iter().for_each(|component| value.ask(component));
            (value.text(1), value.text(4))
        },
    );
    let (code, text) = obx.first(context, 5).map_or_else(
        || (none(), none()),
        |value| {
            value.ask(3);
            (value.text(1), value.text(2))
        },
    );
    let letter = if letter.is_empty() && code.len() == 1 { code.clone() } else { letter };
    let code = if code == letter { none() } else { code };
    Said { entity, letter, code, text }
}

fn entry(
    context: &Context<'_>,
    within: Within<'_>,
    said: &Said<'_>,
    AllergyLetter { meaning, category, display }: &AllergyLetter,
    status: Status,
    recorded: Option<Hl7Time>,
) -> Entry {
    let Said { entity, letter, code, text } = said;
    let text = allergen(text, display);
    let shown = if text.is_empty() { display } else { text };
    let entity_letter = coding(format!("urn:causeway:ha:entity:{entity}"), letter, display);
    let codings: Vec<Json> = vec![entity_letter.into(), coding("urn:causeway:ha:allergen", code, text).into()];
    let key = |named: &[&str]| {
        let parts: Vec<&str> = [&**entity, &**letter].into_iter().chain(named.iter().copied()).collect();
        allergy::natural_key(context, within.subject, &parts)
    };
    let key = match meaning {
        // However it is worded, there is one such statement a patient.
        AllergyMeaning::NoKnownDrugAllergy => key(&[]),
        _ if code.is_empty() => key(&[&allergy::folded(shown)]),
        _ => key(&[code]),
    };
    let (kind, is_reaction, is_previous) = match meaning {
        // That there is no allergy is neither allergy nor intolerance.
        AllergyMeaning::NoKnownDrugAllergy => ("", false, false),
        AllergyMeaning::Allergy | AllergyMeaning::Manifestation => ("allergy", false, false),
        AllergyMeaning::Previous => ("allergy", false, true),
        AllergyMeaning::Reaction => ("intolerance", true, false),
        AllergyMeaning::PreviousReaction => ("intolerance", true, true),
    };
    let retracted = status.retracted;
    let verification = match (retracted, is_previous) {
        (true, _) => "entered-in-error",
        (false, true) => "unconfirmed",
        (false, false) => "confirmed",
    };
    Entry {
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
            kind,
            category: category.map_or("", AllergyCategory::as_str),
            code: Object::sized(2).list("coding", codings).text("text", shown),
            recorded: recorded.map(|time| context.written(time)),
            ..Allergy::default()
        },
    }
}

/// The allergen: some senders put the kind in front, `Non-drug allergy: peanut`.
fn allergen<'t>(text: &'t str, display: &str) -> &'t str {
    let named = text.split_once(':').filter(|(kind, _)| kind.trim().eq_ignore_ascii_case(display));
    named.map_or(text, |(_, named)| named.trim())
}

/// OBX-11, or else OBR-25.
pub(super) fn status<'m>(context: &Context<'m>, obx: &Seg<'m>, of_order: Option<Status>) -> Status {
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
