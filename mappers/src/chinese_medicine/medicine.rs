//! Prescriptions (MedicationRequest with one contained Medication, whose ingredients are the herbs) and what was dispensed
//! (MedicationDispense). Each proprietary medicine of a prescription is a request of its own.

use causeway_core::chinese_medicine::record::{Dispensing, Form, Herb, Prescription, Product, Status, Unit};
use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::{Domain, Level};

use super::context::{Context, Of, noted, ucum};
use super::narrative::narrative;
use super::safety;
use crate::fhir::{Json, Object, coding, concept, identifier, logical, reference_to, text_concept};

const DOMAIN: Domain = Domain::ChineseMedicinePrescription;
/// The register of proprietary Chinese medicines.
const REGISTER: &str = "urn:causeway:code:HKPCM";

/// Everything of the prescriptions.
pub(super) fn records(context: &Context<'_>) -> Vec<Record> {
    let record = context.record;
    let mut records = Vec::new();
    for (at, prescription) in record.prescriptions.iter().enumerate() {
        let findings = safety::check(context, prescription, &format!("/prescriptions/{at}"));
        if !prescription.herbs.is_empty() {
            records.push(herbal(context, prescription, &findings));
        }
        for (number, product) in prescription.products.iter().enumerate() {
            records.push(proprietary(context, prescription, number, product, &findings));
        }
    }
    for (at, dispensing) in record.dispensings.iter().enumerate() {
        let of = |one: &&Prescription| one.number == dispensing.prescription;
        if let Some(prescription) = record.prescriptions.iter().find(of) {
            safety::dispensed(context, prescription, dispensing, &format!("/dispensings/{at}"));
            records.push(dispensed(context, prescription, dispensing));
        }
    }
    records
}

fn key_of_herbs(context: &Context<'_>, prescription: &Prescription) -> RecordKey {
    context.key("MedicationRequest", &[prescription.number.expose()])
}

fn key_of_product(context: &Context<'_>, prescription: &Prescription, at: usize) -> RecordKey {
    context.key("MedicationRequest", &[prescription.number.expose(), &format!("product {}", at.saturating_add(1))])
}

fn herbal(context: &Context<'_>, prescription: &Prescription, findings: &[String]) -> Record {
    let key = key_of_herbs(context, prescription);
    let (medication, level) = compound(context, prescription);
    let packs = prescription.packs.map(|packs| quantity(packs.get(), "劑"));
    let resource = request(context, &key, prescription, &words(prescription))
        .one("contained", medication)
        .put("medicationReference", Object::sized(1).text("reference", "#medication"))
        .list("note", notes(prescription, findings))
        .one("dosageInstruction", dosage(prescription))
        .put("dispenseRequest", supply(packs, prescription.days.map(|days| days.get())));
    context.made(Of { domain: DOMAIN, level, withdrawn: prescription.withdrawn }, key, &resource)
}

fn proprietary(
    context: &Context<'_>,
    prescription: &Prescription,
    at: usize,
    product: &Product,
    findings: &[String],
) -> Record {
    let key = key_of_product(context, prescription, at);
    let code = product.registration.as_ref().map(|number| coding(REGISTER, number.expose(), product.name.expose()));
    let level = if code.is_some() { Level::Coded } else { Level::Structured };
    let medicine = Object::sized(2).list("coding", code.into_iter().map(Json::from).collect());
    let days = product.days.or(prescription.days).map(|days| days.get());
    let times = product.times_per_day.or(prescription.times_per_day).map(|times| times.get());
    let dose = product.dose.as_ref().map(|dose| {
        let unit = product.unit.as_ref().map(|unit| unit.expose()).unwrap_or_default();
        let amount = Object::sized(2).put("value", dose.number().clone()).text("unit", unit);
        Object::sized(1).put("doseQuantity", amount).into()
    });
    let taking = prescription.taking.as_ref().map(|text| text.expose()).unwrap_or_default();
    let dosage = Object::sized(4)
        .text("text", taking)
        .put("timing", timing(times, days))
        .put("route", oral(prescription.form))
        .list("doseAndRate", dose.into_iter().collect());
    let resource = request(context, &key, prescription, &[format!("中成藥：{}", product.name.expose())])
        .put("medicationCodeableConcept", medicine.text("text", product.name.expose()))
        .list("note", notes(prescription, findings))
        .one("dosageInstruction", dosage)
        .put("dispenseRequest", supply(None, days));
    context.made(Of { domain: DOMAIN, level, withdrawn: prescription.withdrawn }, key, &resource)
}

fn dispensed(context: &Context<'_>, prescription: &Prescription, dispensing: &Dispensing) -> Record {
    let key = context.key("MedicationDispense", &[dispensing.number.expose()]);
    let gone = dispensing.withdrawn || context.is_withdrawn();
    let (medication, level) = compound(context, prescription);
    let herbs = (!prescription.herbs.is_empty()).then(|| key_of_herbs(context, prescription));
    let products = prescription.products.iter().enumerate().map(|(at, _)| key_of_product(context, prescription, at));
    let authorising = herbs.into_iter().chain(products).map(|key| reference_to(&key).into()).collect();
    let who = dispensing
        .by
        .as_ref()
        .map(|name| Object::sized(1).put("actor", logical("Practitioner", Object::new(), name.expose())).into());
    let days = dispensing.days.map(|days| ucum(days.get(), "日", "d"));
    let mut lines = vec![format!("配藥：{}", context.written(dispensing.at))];
    lines.extend(words(prescription));
    let resource = context
        .resource(&key)
        .put("text", narrative(&lines))
        .one("contained", medication)
        .one("identifier", identifier(&context.urn("dispensing"), dispensing.number.expose()))
        .text("status", if gone { "entered-in-error" } else { "completed" })
        .put("medicationReference", Object::sized(1).text("reference", "#medication"))
        .put("subject", context.subject())
        .put("context", context.visit())
        .list("performer", who.into_iter().collect())
        .list("authorizingPrescription", authorising)
        .maybe("quantity", dispensing.packs.map(|packs| quantity(packs.get(), "劑")))
        .maybe("daysSupply", days)
        .text("whenHandedOver", &context.written(dispensing.at))
        .one("dosageInstruction", dosage(prescription));
    context.made(Of { domain: DOMAIN, level, withdrawn: dispensing.withdrawn }, key, &resource)
}

/// What every request has.
fn request(context: &Context<'_>, key: &RecordKey, prescription: &Prescription, words: &[String]) -> Object {
    let gone = prescription.withdrawn || context.is_withdrawn();
    let status = match context.record.status {
        _ if gone => "entered-in-error",
        Status::Preliminary => "draft",
        Status::Final | Status::Amended | Status::Withdrawn => "active",
    };
    context
        .resource(key)
        .put("text", narrative(words))
        .one("identifier", identifier(&context.urn("prescription"), prescription.number.expose()))
        .text("status", status)
        .text("intent", "order")
        .put("subject", context.subject())
        .put("encounter", context.visit())
        .text("authoredOn", &context.written(context.record.visit.start))
        .put("requester", context.practitioner())
}

/// The Medication of a prescription: herbs with the dose of one pack, and products.
fn compound(context: &Context<'_>, prescription: &Prescription) -> (Object, Level) {
    let mut level = Level::Coded;
    let mut ingredients = Vec::new();
    for herb in &prescription.herbs {
        let (code, system) =
            (herb.code.as_ref().map(|code| code.expose()), herb.system.as_ref().map(|name| name.expose()));
        let coded = context.concept(DOMAIN, "herbs", [herb.name.expose(), &processing(herb)], code, system);
        level = level.min(coded.level.max(Level::Structured));
        let one_pack = Object::sized(2).put("value", 1_u32).text("unit", "劑");
        let strength = Object::sized(2).put("numerator", amount(herb)).put("denominator", one_pack);
        let made =
            Object::sized(3).put("itemCodeableConcept", coded.concept).put("isActive", true).put("strength", strength);
        ingredients.push(made.into());
    }
    for product in &prescription.products {
        let code = product.registration.as_ref().map(|number| coding(REGISTER, number.expose(), product.name.expose()));
        if code.is_none() {
            level = level.min(Level::Structured);
        }
        let item = Object::sized(2).list("coding", code.into_iter().map(Json::from).collect());
        ingredients.push(Object::sized(1).put("itemCodeableConcept", item.text("text", product.name.expose())).into());
    }
    let formula = prescription.formula.as_ref().map(|term| context.coded(DOMAIN, "formula", term).concept);
    let medication = Object::sized(5)
        .text("resourceType", "Medication")
        .text("id", "medication")
        .put("code", formula.unwrap_or_else(|| text_concept(prescription.form.zh())))
        .put("form", Context::own(prescription.form.as_str(), prescription.form.zh()))
        .list("ingredient", ingredients);
    (medication, level)
}

fn amount(herb: &Herb) -> Object {
    let value = herb.dose.number().clone();
    match herb.unit {
        Unit::Gram => ucum(value, "g", "g"),
        Unit::Milligram => ucum(value, "mg", "mg"),
        Unit::Millilitre => ucum(value, "mL", "mL"),
        Unit::Piece => Object::sized(2).put("value", value).text("unit", Unit::Piece.zh()),
    }
}

fn processing(herb: &Herb) -> String {
    herb.processing.as_ref().map(|text| format!("（{}）", text.expose())).unwrap_or_default()
}

fn quantity(count: u32, unit: &str) -> Object {
    Object::sized(2).put("value", count).text("unit", unit)
}

fn supply(quantity: Option<Object>, days: Option<u32>) -> Object {
    Object::sized(2).maybe("quantity", quantity).maybe("expectedSupplyDuration", days.map(|days| ucum(days, "日", "d")))
}

fn dosage(prescription: &Prescription) -> Object {
    let special = prescription.herbs.iter().filter_map(|herb| {
        let special = herb.special?;
        let concept = Context::own(special.as_str(), special.zh());
        Some(concept.text("text", &format!("{}：{}", herb.name.expose(), special.zh())).into())
    });
    let (times, days) = (prescription.times_per_day.map(|times| times.get()), prescription.days.map(|days| days.get()));
    Object::sized(4)
        .text("text", prescription.taking.as_ref().map(|text| text.expose()).unwrap_or_default())
        .list("additionalInstruction", special.collect())
        .put("timing", timing(times, days))
        .put("route", oral(prescription.form))
}

fn timing(times: Option<u32>, days: Option<u32>) -> Object {
    let mut repeat = Object::sized(4).maybe("boundsDuration", days.map(|days| ucum(days, "日", "d")));
    if let Some(times) = times {
        repeat = repeat.put("frequency", times).put("period", 1_u32).text("periodUnit", "d");
    }
    Object::sized(1).put("repeat", repeat)
}

fn oral(form: Form) -> Object {
    match form {
        Form::External => text_concept(Form::External.zh()),
        Form::Decoction | Form::Granule | Form::Proprietary => {
            concept("http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration", "PO", "Swallow, oral")
        }
    }
}

fn notes(prescription: &Prescription, findings: &[String]) -> Vec<Json> {
    let water = prescription.water_ml.map(|water| format!("加水{}毫升", water.get())).unwrap_or_default();
    let to = prescription.decoct_to_ml.map(|to| format!("煎至{}毫升", to.get())).unwrap_or_default();
    let times = prescription.decoct_times.map(|times| format!("每劑煎{}次", times.get()));
    let avoid = prescription.avoid.as_ref().map(|text| text.expose().to_owned());
    let all = [Some(water + &to), times, avoid].into_iter().flatten();
    all.chain(findings.iter().cloned()).filter(|text| !text.is_empty()).map(|text| noted(&text)).collect()
}

/// What people read of the herbs.
fn words(prescription: &Prescription) -> Vec<String> {
    let herbs = prescription.herbs.iter().map(|herb| {
        let special = herb.special.map(|special| format!("（{}）", special.zh())).unwrap_or_default();
        format!("{}{} {}{}{special}", herb.name.expose(), processing(herb), herb.dose.number(), herb.unit.zh())
    });
    let herbs: Vec<String> = herbs.collect();
    let products: Vec<&str> = prescription.products.iter().map(|product| product.name.expose()).collect();
    let formula = prescription.formula.as_ref().map(|term| format!("：{}", term.text.expose())).unwrap_or_default();
    let packs = prescription.packs.map(|packs| format!("{}劑", packs.get())).unwrap_or_default();
    let days = prescription.days.map(|days| format!("，{}日", days.get())).unwrap_or_default();
    let taking = prescription.taking.as_ref().map(|text| text.expose().to_owned()).unwrap_or_default();
    vec![format!("{}{formula}", prescription.form.zh()), herbs.join("、"), products.join("、"), packs + &days, taking]
}
