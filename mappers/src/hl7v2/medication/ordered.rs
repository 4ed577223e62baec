//! What RXO asks for and RXE spells out: the same things under other field numbers.

use causeway_core::hl7v2::time::Hl7Time;

use super::drug::{self, Code, Strength};
use crate::codes;
use crate::fhir::{Json, Object, annotation, coding};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::quantity::{self, Unit};
use crate::hl7v2::datatype::{cwe, ts, xcn};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::Seg;

/// The numbers of the fields in a segment; 0 where it has no such field.
#[derive(Debug)]
pub(crate) struct Fields {
    /// The drug.
    pub(crate) code: usize,
    /// The least amount, the greatest, their unit.
    pub(crate) amount: [usize; 3],
    /// The dosage form.
    pub(crate) form: usize,
    /// For the pharmacy.
    pub(crate) to_pharmacy: usize,
    /// For who takes or gives it.
    pub(crate) to_taker: usize,
    /// Whether something else may be given, and whose table says so: `O` for 0161, `S` for 0167.
    pub(crate) substitution: (usize, &'static str),
    /// How much to dispense, and its unit.
    pub(crate) dispense: [usize; 2],
    /// How often it may be dispensed again.
    pub(crate) refills: usize,
    /// The unit of time in which the amount is given.
    pub(crate) per: usize,
    /// The rate, and its unit.
    pub(crate) rate: [usize; 2],
    /// Strength, unit, volume, unit.
    pub(crate) strength: [usize; 4],
    /// What it is given for.
    pub(crate) indication: usize,
    /// The most in a day.
    pub(crate) daily: usize,
    /// Further codes of the drug.
    pub(crate) supplementary: usize,
    /// The pharmacy.
    pub(crate) pharmacy: usize,
    /// Who verified it in the pharmacy.
    pub(crate) verifier: usize,
    /// The number of the prescription in the pharmacy.
    pub(crate) prescription: usize,
    /// When it was ordered first.
    pub(crate) authored: usize,
    /// The days between two dispensings.
    pub(crate) interval: usize,
}

/// An order for a medicine, read. What was not sent is empty.
#[derive(Debug, Default)]
pub(crate) struct Ordered {
    /// The drug.
    pub(crate) drug: Option<Code>,
    /// Its form.
    pub(crate) form: Option<Object>,
    /// Its strength.
    pub(crate) strength: Option<Strength>,
    /// How much each time: `doseQuantity` or `doseRange`.
    pub(crate) dose: Option<(&'static str, Json)>,
    /// How fast: `rateQuantity` or `rateRatio`.
    pub(crate) rate: Option<(&'static str, Json)>,
    /// Dosage.additionalInstruction.
    pub(crate) instructions: Vec<Json>,
    /// For the pharmacy, as notes.
    pub(crate) notes: Vec<Json>,
    /// MedicationRequest.substitution.
    pub(crate) substitution: Object,
    /// How much to dispense.
    pub(crate) quantity: Option<Object>,
    /// How often again.
    pub(crate) refills: Option<u32>,
    /// Dosage.maxDosePerPeriod.
    pub(crate) daily: Option<Json>,
    /// MedicationRequest.reasonCode.
    pub(crate) reasons: Vec<Json>,
    /// The pharmacy.
    pub(crate) pharmacy: Option<Object>,
    /// The number of the prescription in the pharmacy.
    pub(crate) prescription: String,
    /// When it was ordered first.
    pub(crate) authored: Option<Hl7Time>,
    /// The days between two dispensings.
    pub(crate) interval: Option<Object>,
}

/// Reads the segment.
pub(crate) fn read<'m>(context: &Context<'m>, segment: &Seg<'m>, fields: &Fields) -> Ordered {
    let there = |number: usize| (number > 0).then_some(number);
    let coded = |number: usize| there(number).and_then(|number| cwe::field(segment, context, number));
    let coded_all =
        |number: usize| there(number).map(|number| cwe::fields(segment, context, number)).unwrap_or_default();
    let mut drug = segment.first(context, fields.code).map(|value| drug::code(&value));
    if let Some(number) = there(fields.supplementary) {
        for value in segment.all(context, number) {
            let further = drug::code(&value);
            if let Some(drug) = &mut drug {
                drug.add(further);
            }
        }
    }
    let dose = dose(context, segment, fields.amount);
    let per = there(fields.per).and_then(|number| per(context, segment, number, dose.as_ref()));
    Ordered {
        drug: drug.filter(|drug| !drug.concept.is_empty()),
        form: coded(fields.form),
        strength: drug::strength(context, segment, fields.strength),
        rate: rate(context, segment, fields.rate).or(per),
        dose,
        instructions: coded_all(fields.to_taker),
        notes: pharmacy_notes(context, segment, fields),
        substitution: substitution(context, segment, fields.substitution),
        quantity: amount(context, segment, fields.dispense),
        refills: there(fields.refills).and_then(|number| whole_number(context, segment, number)),
        daily: there(fields.daily).and_then(|number| daily(context, segment, number)),
        reasons: coded_all(fields.indication),
        pharmacy: there(fields.pharmacy)
            .and_then(|number| segment.first(context, number).map(|value| drug::organisation(&value, "pharmacy"))),
        prescription: there(fields.prescription).map(|n| segment.text(context, n).into_owned()).unwrap_or_default(),
        authored: there(fields.authored).and_then(|number| ts::field(segment, context, number)),
        interval: there(fields.interval).and_then(|number| interval(context, segment, number)),
    }
}

impl Ordered {
    /// What RXE says, and where it says nothing what RXO says.
    pub(crate) fn or(self, other: Self) -> Self {
        let list = |one: Vec<Json>, other: Vec<Json>| if one.is_empty() { other } else { one };
        Self {
            drug: self.drug.or(other.drug),
            form: self.form.or(other.form),
            strength: self.strength.or(other.strength),
            dose: self.dose.or(other.dose),
            rate: self.rate.or(other.rate),
            instructions: list(self.instructions, other.instructions),
            notes: self.notes.into_iter().chain(other.notes).collect(),
            substitution: if self.substitution.is_empty() { other.substitution } else { self.substitution },
            quantity: self.quantity.or(other.quantity),
            refills: self.refills.or(other.refills),
            daily: self.daily.or(other.daily),
            reasons: list(self.reasons, other.reasons),
            pharmacy: self.pharmacy.or(other.pharmacy),
            prescription: if self.prescription.is_empty() { other.prescription } else { self.prescription },
            authored: self.authored.or(other.authored),
            interval: self.interval.or(other.interval),
        }
    }
}

/// A number and its unit in two fields. All fields are asked, whatever they hold.
pub(crate) fn amount<'m>(context: &Context<'m>, segment: &Seg<'m>, [number, unit]: [usize; 2]) -> Option<Object> {
    let unit = segment.first(context, unit).map(|value| Unit::read(&value)).unwrap_or_default();
    let value = segment.first(context, number)?;
    let quantity = unit.quantity(&value.text(1), "");
    if quantity.is_none() {
        value.note(NoteCode::NotANumber, "an amount is no number: left out");
    }
    quantity
}

/// The dose: one amount, or from the least to the greatest.
fn dose<'m>(
    context: &Context<'m>,
    segment: &Seg<'m>,
    [least, greatest, unit]: [usize; 3],
) -> Option<(&'static str, Json)> {
    let (low, high) = (amount(context, segment, [least, unit]), amount(context, segment, [greatest, unit]));
    match (low, high) {
        (Some(low), Some(high)) if low != high => {
            Some(("doseRange", Json::shared(Object::sized(2).put("low", low).put("high", high))))
        }
        (Some(one), _) => Some(("doseQuantity", Json::shared(one))),
        (None, Some(high)) => Some(("doseRange", Json::shared(Object::sized(1).put("high", high)))),
        (None, None) => None,
    }
}

/// The rate: an amount and a unit that holds the time.
fn rate<'m>(context: &Context<'m>, segment: &Seg<'m>, fields: [usize; 2]) -> Option<(&'static str, Json)> {
    if fields == [0, 0] {
        return None;
    }
    amount(context, segment, fields).map(|rate| ("rateQuantity", Json::shared(rate)))
}

/// The dose in a unit of time, `H1`: only an amount that is one can be given in a time.
fn per<'m>(
    context: &Context<'m>,
    segment: &Seg<'m>,
    number: usize,
    dose: Option<&(&'static str, Json)>,
) -> Option<(&'static str, Json)> {
    let value = segment.first(context, number)?;
    let text = value.text(1);
    let time = crate::hl7v2::datatype::repeat::old_duration(&text).and_then(|(length, _)| length);
    match (dose, time) {
        (Some(("doseQuantity", dose)), Some(time)) => {
            let ratio = Object::sized(2).put("numerator", dose.clone()).put("denominator", time);
            Some(("rateRatio", Json::shared(ratio)))
        }
        (Some(_) | None, Some(_) | None) => {
            value.note(NoteCode::UnmappedCode, "the unit of time, or the amount given in it, cannot be read: left out");
            None
        }
    }
}

/// What is said to the pharmacy, and who verified it there.
fn pharmacy_notes<'m>(context: &Context<'m>, segment: &Seg<'m>, fields: &Fields) -> Vec<Json> {
    let mut notes: Vec<Json> = Vec::new();
    for value in segment.all(context, fields.to_pharmacy) {
        // R4 has no place for a code here: its words are kept.
        let (code, text) = (value.text(1), value.text(2));
        value.ask(3);
        notes.push(annotation(if text.is_empty() { &code } else { &text }).into());
    }
    if fields.verifier > 0 {
        for value in segment.all(context, fields.verifier) {
            let verifier = Object::sized(2).put("authorReference", xcn::read(&value));
            notes.push(verifier.text("text", "Verified in the pharmacy").into());
        }
    }
    notes
}

/// MedicationRequest.substitution.
fn substitution<'m>(context: &Context<'m>, segment: &Seg<'m>, (number, table): (usize, &str)) -> Object {
    let Some(value) = segment.first(context, number) else { return Object::new() };
    let sent = value.text(1);
    match codes::SUBSTITUTION.row(&format!("{table}-{sent}")) {
        Some([_, _, _, "n"]) => Object::sized(1).put("allowedBoolean", false),
        Some([_, system, _, _]) => {
            let allowed = Object::sized(1).one("coding", coding(*system, &sent, ""));
            Object::sized(1).put("allowedCodeableConcept", allowed)
        }
        None => {
            cwe::unmapped(&value);
            Object::new()
        }
    }
}

/// An unsignedInt.
fn whole_number<'m>(context: &Context<'m>, segment: &Seg<'m>, number: usize) -> Option<u32> {
    let value = segment.first(context, number)?;
    let count = value.text(1).parse::<u32>().ok().filter(|count| *count <= i32::MAX.unsigned_abs());
    if count.is_none() {
        value.note(NoteCode::NotANumber, "the number of refills is no whole number: left out");
    }
    count
}

/// The most in a day: a Ratio.
fn daily<'m>(context: &Context<'m>, segment: &Seg<'m>, number: usize) -> Option<Json> {
    quantity::composite(&segment.first(context, number)?).map(|most| Json::shared(a_day(most)))
}

/// An amount in a day: a Ratio.
pub(crate) fn a_day(most: Object) -> Object {
    let day = Object::sized(4).put("value", 1_u32).text("unit", "d");
    let day = day.text("system", "http://unitsofmeasure.org").text("code", "d");
    Object::sized(2).put("numerator", most).put("denominator", day)
}

/// The days between two dispensings: a Duration.
fn interval<'m>(context: &Context<'m>, segment: &Seg<'m>, number: usize) -> Option<Object> {
    let value = segment.first(context, number)?;
    let found = crate::hl7v2::datatype::repeat::duration(&value.text(1), "d");
    if found.is_none() {
        value.note(NoteCode::NotANumber, "the days between two dispensings are no number: left out");
    }
    found
}
