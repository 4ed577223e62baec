//! What the types cannot say of a record: fields that need each other, points that exist, numbers that differ.

use std::collections::BTreeSet;

use super::fault::{Fault, FaultCode};
use super::point;
use super::record::{Prescription, Record, Term, TreatedPoint};

/// Everything that is wrong.
pub(super) fn check(record: &Record) -> Vec<Fault> {
    let mut faults = Vec::new();
    if record.patient.number.is_none() && record.patient.documents.is_empty() {
        faults.push(Fault::new(FaultCode::NoPatient, "/patient", "neither `number` nor `documents` is there"));
    }
    for (at, document) in record.patient.documents.iter().enumerate() {
        if document.number.expose().contains(char::is_control) {
            faults.push(Fault::new(
                FaultCode::BadValue,
                format!("/patient/documents/{at}/number"),
                "a control character",
            ));
        }
    }
    if is_empty(record) {
        faults.push(Fault::new(FaultCode::NothingRecorded, "", "the visit has no content"));
    }
    let single = [
        ("disease", &record.disease),
        ("principle", &record.principle),
        ("tongue", &record.tongue),
        ("pulse", &record.pulse),
    ];
    for (name, found) in single {
        faults.extend(found.as_ref().and_then(|found| system_alone(found, format!("/{name}"))));
    }
    for (at, syndrome) in record.syndromes.iter().enumerate() {
        faults.extend(system_alone(syndrome, format!("/syndromes/{at}")));
    }
    prescriptions(record, &mut faults);
    dispensings(record, &mut faults);
    for (at, treatment) in record.acupuncture.iter().enumerate() {
        if treatment.points.is_empty() {
            faults.push(Fault::new(FaultCode::MissingField, format!("/acupuncture/{at}/points"), "no point is named"));
        }
        for (index, treated) in treatment.points.iter().enumerate() {
            faults.extend(point_of(treated, format!("/acupuncture/{at}/points/{index}")));
        }
    }
    numbered_once(record.allergies.iter().map(|allergy| allergy.number.expose()), "/allergies", &mut faults);
    faults
}

fn is_empty(record: &Record) -> bool {
    let has_words = record.disease.is_some() || record.tongue.is_some() || record.pulse.is_some();
    let has_items = !(record.syndromes.is_empty()
        && record.prescriptions.is_empty()
        && record.acupuncture.is_empty()
        && record.bone_setting.is_empty()
        && record.tui_na.is_empty()
        && record.allergies.is_empty());
    !has_words && !has_items && record.examinations.is_none() && record.visit.complaint.is_none()
}

fn system_alone(term: &Term, place: String) -> Option<Fault> {
    let alone = term.system.is_some() && term.code.is_none();
    alone.then(|| Fault::new(FaultCode::MissingField, format!("{place}/code"), "`system` is there without `code`"))
}

fn prescriptions(record: &Record, faults: &mut Vec<Fault>) {
    numbered_once(record.prescriptions.iter().map(|one| one.number.expose()), "/prescriptions", faults);
    for (at, prescription) in record.prescriptions.iter().enumerate() {
        let place = format!("/prescriptions/{at}");
        let mut missing = |field: &str, why: &str| {
            faults.push(Fault::new(FaultCode::MissingField, format!("{place}/{field}"), why.to_owned()));
        };
        if prescription.herbs.is_empty() && prescription.products.is_empty() {
            missing("herbs", "the prescription has neither herbs nor products");
        }
        if !prescription.herbs.is_empty() && prescription.packs.is_none() {
            missing("packs", "herbs are prescribed without a number of packs");
        }
        for (index, product) in prescription.products.iter().enumerate() {
            let number = product.registration.as_ref().map(|number| number.expose());
            if number.is_some_and(|number| !is_registration(number)) {
                let place = format!("{place}/products/{index}/registration");
                let detail = "the number is not of the form HKC-00001 or HKP-00001";
                faults.push(Fault::new(FaultCode::BadValue, place, detail));
            }
        }
    }
}

fn is_registration(number: &str) -> bool {
    let digits = number.strip_prefix("HKC-").or_else(|| number.strip_prefix("HKP-"));
    digits.is_some_and(|digits| digits.len() == 5 && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn dispensings(record: &Record, faults: &mut Vec<Fault>) {
    numbered_once(record.dispensings.iter().map(|one| one.number.expose()), "/dispensings", faults);
    for (at, dispensing) in record.dispensings.iter().enumerate() {
        let of = |one: &Prescription| one.number == dispensing.prescription;
        if !record.prescriptions.iter().any(of) {
            let place = format!("/dispensings/{at}/prescription");
            faults.push(Fault::new(
                FaultCode::UnknownReference,
                place,
                "no prescription of the record has this number",
            ));
        }
    }
}

fn numbered_once<'n>(numbers: impl Iterator<Item = &'n str>, place: &str, faults: &mut Vec<Fault>) {
    let mut seen = BTreeSet::new();
    for (at, number) in numbers.enumerate() {
        if !seen.insert(number) {
            let place = format!("{place}/{at}/number");
            faults.push(Fault::new(FaultCode::SameNumber, place, "an earlier item has the same number"));
        }
    }
}

fn point_of(treated: &TreatedPoint, place: String) -> Option<Fault> {
    let Some(code) = &treated.code else {
        let none = || Fault::new(FaultCode::MissingField, place, "the point has neither `code` nor `name`");
        return treated.name.is_none().then(none);
    };
    let wrong = point::find(code.expose()).err()?;
    Some(Fault::new(FaultCode::UnknownPoint, format!("{place}/code"), wrong))
}
