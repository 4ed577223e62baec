//! What stands in OBX behind a vaccine: its place in a series, who pays, which statement was handed out, what followed.
//! What R4's Immunization has an element for goes there; the rest stays Observations.

use std::collections::BTreeMap;

use crate::codes;
use crate::fhir::{Json, Object};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::{cwe, ts};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;
use crate::hl7v2::segment::obx::Observed;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Immunization.programEligibility.
    pub(crate) eligibility: Vec<Json>,
    /// Immunization.fundingSource.
    pub(crate) funding: Option<Object>,
    /// Immunization.protocolApplied; empty without the number of the dose, which R4 wants.
    pub(crate) protocol: Object,
    /// Immunization.education.
    pub(crate) education: Vec<Json>,
    /// How many of the observations left are reactions: they come first.
    pub(crate) reactions: usize,
}

/// Takes the facts out of the observations; gives those that stay, reactions first.
pub(crate) fn take<'a, 'c, 'm>(
    context: &Context<'m>,
    observed: &'a [Observed<'c, 'm>],
) -> (Facts, Vec<&'a Observed<'c, 'm>>) {
    let (mut facts, mut reactions, mut others) = (Facts::default(), Vec::new(), Vec::new());
    let mut series = Object::sized(4);
    let mut series_from = None;
    let mut statements: BTreeMap<String, Object> = BTreeMap::new();
    for observation in observed {
        let Some(obx) = observation.lines.first().copied() else { continue };
        let fact = fact(context, obx);
        if matches!(fact, "" | "reaction") || is_taken_back(obx) {
            if fact == "reaction" {
                reactions.push(observation)
            } else {
                others.push(observation)
            }
            continue;
        }
        [1, 2, 3, 4, 11].into_iter().for_each(|field| obx.ask(field));
        observation.notes.iter().for_each(|note| {
            context.note(NoteCode::UnusedSegment, note.place(), "a comment on this has no place");
            note.keep();
        });
        match fact {
            "eligibility" => facts.eligibility.extend(concept(context, obx).map(Json::from)),
            "funding" => facts.funding = concept(context, obx),
            "dose" => put_number(context, obx, &mut series, ["doseNumberPositiveInt", "doseNumberString"]),
            "doses" => {
                series_from = Some(obx);
                put_number(context, obx, &mut series, ["seriesDosesPositiveInt", "seriesDosesString"]);
            }
            "series" => {
                series_from = Some(obx);
                series.set("series", shown(context, obx));
            }
            "forecast" => {
                context.note(NoteCode::UnusedSegment, obx.place(), "what is due next is no record of what was given");
                obx.keep();
            }
            statement => statement_part(context, obx, statement, &mut statements),
        }
    }
    let has_number = series.has("doseNumberPositiveInt") || series.has("doseNumberString");
    if let (false, Some(obx)) = (has_number, series_from) {
        context.note(
            NoteCode::UnusedSegment,
            obx.place(),
            "a series without the number of the dose has no place in R4",
        );
    } else {
        facts.protocol = series;
    }
    // imm-1: a statement needs its type; its dates alone say nothing.
    facts.education = statements.into_values().filter(|one| one.has("documentType")).map(Json::from).collect();
    facts.reactions = reactions.len();
    reactions.extend(others);
    (facts, reactions)
}

/// What OBX-3 asks; empty for what Immunization has no element for.
fn fact<'m>(context: &Context<'m>, obx: &Seg<'m>) -> &'static str {
    let Some(value) = obx.first(context, 3) else { return "" };
    value.keep();
    [1, 4].into_iter().find_map(|component| codes::IMMUNIZATION_FACT.code(&value.text(component))).unwrap_or_default()
}

/// Whether OBX-11 takes it back: then it is no fact, but an Observation that says so.
fn is_taken_back(obx: &Seg<'_>) -> bool {
    matches!(obx.field(11).raw(), "D" | "W" | "X")
}

/// OBX-5 as a CodeableConcept.
fn concept<'m>(context: &Context<'m>, obx: &Seg<'m>) -> Option<Object> {
    obx.first(context, 5).map(|value| cwe::read(&value).concept).filter(|concept| !concept.is_empty())
}

/// OBX-5 as words.
fn shown<'m>(context: &Context<'m>, obx: &Seg<'m>) -> String {
    let Some(value) = obx.first(context, 5) else { return String::new() };
    let (code, text) = (value.text(1), value.text(2));
    value.ask(3);
    if text.is_empty() { code.into_owned() } else { text.into_owned() }
}

/// OBX-5 as a positiveInt, or as text where it is none. 999 says that it is not known.
fn put_number<'m>(context: &Context<'m>, obx: &Seg<'m>, series: &mut Object, [number, text]: [&'static str; 2]) {
    let sent = shown(context, obx);
    match sent.parse::<u32>() {
        Ok(999) => {}
        Ok(count) if count > 0 => series.set(number, count),
        Ok(_) | Err(_) => series.set(text, sent),
    }
}

/// A part of a vaccine information statement; OBX-4 says which parts belong together.
fn statement_part<'m>(
    context: &Context<'m>,
    obx: &Seg<'m>,
    part: &'static str,
    statements: &mut BTreeMap<String, Object>,
) {
    let statement = statements.entry(obx.text(context, 4).into_owned()).or_default();
    match part {
        "publication" => statement.set("publicationDate", ts::date_time(obx, context, 5).unwrap_or_default()),
        "presentation" => statement.set("presentationDate", ts::date_time(obx, context, 5).unwrap_or_default()),
        _ => statement.set("documentType", shown(context, obx)),
    }
}
