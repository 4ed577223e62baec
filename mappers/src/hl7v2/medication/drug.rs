//! A drug: its codes, with the numbers of products registered in Hong Kong among them; form, strength, ingredients and
//! batch, which R4 keeps in a Medication contained in what refers to it.

use causeway_core::scope::{Domain, Level};
use jiff::civil;

use crate::codes;
use crate::fhir::{Json, Object, coding, decimal, identifier, logical};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::cwe;
use crate::hl7v2::datatype::quantity::Unit;
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::reader::{Seg, Value};

/// The codes of a drug.
#[derive(Debug)]
pub(crate) struct Code {
    /// As a CodeableConcept.
    pub(crate) concept: Object,
    /// How coded it is.
    pub(crate) level: Level,
    /// What it is keyed by.
    pub(crate) key: String,
    /// Whether it is a Chinese medicine: a coding system or the form of a number says so.
    pub(crate) is_chinese: bool,
    /// The last day on which the product's registration stood, where it has ended.
    pub(crate) registered_until: Option<civil::Date>,
}

/// A strength: so much in so much.
#[derive(Debug, Clone)]
pub(crate) struct Strength {
    amount: Object,
    within: Option<Object>,
}

/// What a Medication holds besides its code.
#[derive(Debug, Default)]
pub(crate) struct Make {
    /// Its form.
    pub(crate) form: Option<Object>,
    /// Its strength.
    pub(crate) strength: Option<Strength>,
    /// Its ingredients.
    pub(crate) ingredients: Vec<Json>,
    /// What its ingredients refer to.
    pub(crate) contained: Vec<Json>,
    /// Who made it.
    pub(crate) manufacturer: Option<Object>,
    /// Batch.lotNumber.
    pub(crate) lot: String,
    /// Batch.expirationDate.
    pub(crate) expires: Option<String>,
}

/// Reads the codes of a drug.
pub(crate) fn code(value: &Value<'_, '_>) -> Code {
    let mut coded = cwe::read(value);
    let (mut is_chinese, mut registered_until) = (false, None);
    for (first, system) in [(1, 3), (4, 6), (10, 12)] {
        if !value.has(first) && !value.has(first + 1) {
            continue;
        }
        is_chinese |= codes::CHINESE_MEDICINE_SYSTEM.row(&value.text(system)).is_some();
        let number = value.text(first);
        let Some([_, system, domain, until]) = registered(&number) else { continue };
        is_chinese |= Domain::parse(domain) == Some(Domain::ChineseMedicinePrescription);
        registered_until = until.parse().ok().or(registered_until);
        coded.level = Level::Coded;
        if !has_coding(&coded.concept, system, &number) {
            coded.concept.push("coding", coding(*system, &number, ""));
        }
    }
    Code { concept: coded.concept, level: coded.level, key: coded.key, is_chinese, registered_until }
}

/// The number of a registered product: letters, a hyphen, five digits.
fn registered(number: &str) -> Option<&'static [&'static str; 4]> {
    let at = number.find('-')?.checked_add(1)?;
    let (letters, digits) = number.split_at_checked(at)?;
    let good = digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit());
    if good { codes::REGISTERED_PRODUCT.row(letters) } else { None }
}

fn has_coding(concept: &Object, system: &str, code: &str) -> bool {
    let Json::Array(codings) = concept.get("coding") else { return false };
    let says = |coding: &Json, name: &str, text: &str| coding.get(name).and_then(Json::as_str) == Some(text);
    codings.iter().any(|coding| says(coding, "system", system) && says(coding, "code", code))
}

impl Code {
    /// Takes the codes of another name of the same drug in.
    pub(crate) fn add(&mut self, other: Self) {
        if let Json::Array(codings) = other.concept.get("coding") {
            for coding in codings {
                self.concept.push("coding", coding.clone());
            }
        }
        self.level = self.level.max(other.level);
        self.is_chinese |= other.is_chinese;
        self.registered_until = self.registered_until.or(other.registered_until);
    }

    /// A drug of which nothing is said, for an order that is only taken back.
    pub(crate) fn unknown() -> Self {
        let system = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
        Self {
            concept: crate::fhir::concept(system, "unknown", "Unknown"),
            level: Level::Structured,
            key: String::new(),
            is_chinese: false,
            registered_until: None,
        }
    }

    /// Notes that the registration of the product had ended on a day.
    pub(crate) fn note_registration(
        &self,
        day: Option<civil::Date>,
        place: impl FnOnce() -> String,
        context: &Context<'_>,
    ) {
        if let (Some(until), Some(day)) = (self.registered_until, day)
            && day > until
        {
            let text = "the product's transitional registration had ended by that day: kept as sent";
            context.note(NoteCode::RegistrationEnded, place(), text);
        }
    }
}

/// Strength, unit, volume, unit, in four fields.
pub(crate) fn strength<'m>(context: &Context<'m>, segment: &Seg<'m>, fields: [usize; 4]) -> Option<Strength> {
    let [number, unit, volume, volume_unit] = fields;
    let amount = super::ordered::amount(context, segment, [number, unit]);
    let within = super::ordered::amount(context, segment, [volume, volume_unit]);
    if amount.is_none() && within.is_some() {
        let text = "a volume without the strength in it has no place";
        context.note(NoteCode::UnusedField, segment.field_place(volume), text);
    }
    amount.map(|amount| Strength { amount, within })
}

impl Strength {
    /// As a Ratio: in one of what it is, where no volume is sent.
    pub(crate) fn ratio(&self) -> Object {
        let one = || Object::sized(1).put("value", 1_u32);
        let within = self.within.clone().unwrap_or_else(one);
        Object::sized(2).put("numerator", self.amount.clone()).put("denominator", within)
    }
}

/// The member of a resource that says which drug it is, with what it contains for that.
pub(crate) fn member(code: &Code, make: Make) -> (&'static str, Object, Vec<Json>) {
    let batch = Object::sized(2).text("lotNumber", &make.lot).maybe("expirationDate", make.expires);
    let is_plain = make.form.is_none()
        && make.strength.is_none()
        && make.ingredients.is_empty()
        && make.manufacturer.as_ref().is_none_or(Object::is_empty)
        && batch.is_empty();
    if is_plain {
        return ("medicationCodeableConcept", code.concept.clone(), Vec::new());
    }
    let mut ingredients = make.ingredients;
    if let Some(strength) = make.strength
        && ingredients.is_empty()
    {
        let own = Object::sized(2).put("itemCodeableConcept", code.concept.clone()).put("strength", strength.ratio());
        ingredients.push(own.into());
    }
    let medication = Object::sized(8)
        .text("resourceType", "Medication")
        .text("id", "medication")
        .put("code", code.concept.clone())
        .maybe("manufacturer", make.manufacturer)
        .maybe("form", make.form)
        .list("ingredient", ingredients)
        .put("batch", batch);
    let contained = std::iter::once(Json::from(medication)).chain(make.contained).collect();
    ("medicationReference", Object::sized(1).text("reference", "#medication"), contained)
}

/// An organisation in a coded field, as a logical Reference.
pub(crate) fn organisation(value: &Value<'_, '_>, kind: &str) -> Object {
    let (code, name, system) = (value.text(1), value.text(2), value.text(3));
    let context = value.context();
    let system = match codes::CODE_SYSTEM.row(&system) {
        Some([_, uri, _]) => (*uri).to_owned(),
        None => context.urn(kind, &system),
    };
    logical("Organization", identifier(&system, &code), if name.is_empty() { &code } else { &name })
}

/// Whether a field holds a number above zero.
pub(crate) fn is_positive(value: &Value<'_, '_>) -> bool {
    decimal(&value.text(1)).is_some_and(|number| number.is_positive())
}

/// The unit of a field.
pub(crate) fn unit<'m>(context: &Context<'m>, segment: &Seg<'m>, number: usize) -> Unit {
    segment.first(context, number).map(|value| Unit::read(&value)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_registered_products_are_told_by_their_form() {
        assert_eq!(registered("HK-12345").map(|row| row[1]), Some("urn:causeway:code:HKPR"));
        assert_eq!(registered("HKC-00001").map(|row| row[2]), Some("CMRX"));
        assert_eq!(registered("HKP-00001").map(|row| row[3]), Some("2025-06-30"));
        for other in ["HK-1234", "HK-123456", "HK12345", "HK-1234a", "XK-12345", "", "-", "hk-12345", "香-12345"] {
            assert_eq!(registered(other), None, "{other}");
        }
    }
}
