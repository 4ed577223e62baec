//! What FHIR R4 asks of the resources we make, as far as it can be told without its definitions: members, required
//! members, codes of required value sets, the grammars of ids, dates, codes and URIs, nothing empty, references that
//! lead somewhere, and the invariants that concern us (ait-1, ait-2, con-5, cpt-2, obs-6, pat-1).

#[path = "shape/types.rs"]
mod types;

use std::collections::BTreeSet;

use causeway_core::mapped::Mapped;
use serde_json::{Map, Value};
use types::{COMMON, TYPES};

/// Everything wrong with the records of a message.
pub(crate) fn check(mapped: &Mapped) -> Vec<String> {
    let targets: BTreeSet<String> = mapped
        .records
        .iter()
        .map(|record| record.resource.value())
        .map(|resource| format!("{}/{}", text(&resource, "resourceType"), text(&resource, "id")))
        .collect();
    let mut faults = Vec::new();
    for record in &mapped.records {
        let resource = &record.resource.value();
        let mut checker = Checker {
            at: record.key.to_string(),
            targets: &targets,
            contained: contained(resource),
            faults: &mut faults,
        };
        if text(resource, "id") != record.key.resource_id() {
            checker.fault("", "the id is not that of the key");
        }
        if !record.key.0.starts_with(&format!("{}/", text(resource, "resourceType"))) {
            checker.fault("", "the key is of another type");
        }
        checker.resource(resource);
    }
    faults
}

struct Checker<'a> {
    at: String,
    targets: &'a BTreeSet<String>,
    contained: BTreeSet<String>,
    faults: &'a mut Vec<String>,
}

impl Checker<'_> {
    fn fault(&mut self, path: &str, what: &str) {
        self.faults.push(format!("{}{path}: {what}", self.at));
    }

    fn resource(&mut self, resource: &Value) {
        let kind = text(resource, "resourceType");
        let Some(rules) = TYPES.iter().find(|rules| rules.name == kind) else {
            return self.fault("", "a type that is not checked");
        };
        let members = resource.as_object().expect("an object");
        for name in rules.required {
            if !members.contains_key(*name) {
                self.fault("", &format!("{name} is missing"));
            }
        }
        for name in members.keys() {
            let known = |list: &[&str]| list.contains(&name.as_str());
            if !known(rules.required) && !known(rules.optional) && !known(COMMON) {
                self.fault("", &format!("{kind} has no member {name}"));
            }
        }
        for (name, codes) in rules.codes {
            if let Some(code) = members.get(*name).and_then(Value::as_str).filter(|code| !codes.contains(code)) {
                self.fault("", &format!("{name} cannot be {code}"));
            }
        }
        let choices = |of: &str| members.keys().filter(|name| name.starts_with(of)).count();
        for of in ["value", "effective", "onset", "occurrence", "performed", "deceased", "multipleBirth", "medication"]
        {
            if choices(of) > 1 {
                self.fault("", &format!("more than one of {of}[x]"));
            }
        }
        self.invariants(&kind, members);
        self.value("", resource);
        for inner in resource.get("contained").and_then(Value::as_array).into_iter().flatten() {
            self.resource(inner);
        }
    }

    fn invariants(&mut self, kind: &str, members: &Map<String, Value>) {
        let status = |name: &str| {
            members.get(name).and_then(|c| c.pointer("/coding/0/code")).and_then(Value::as_str).unwrap_or_default()
        };
        let in_error = status("verificationStatus") == "entered-in-error";
        let has_clinical = members.contains_key("clinicalStatus");
        if matches!(kind, "AllergyIntolerance" | "Condition") && in_error == has_clinical {
            self.fault("", "a clinical status, and no error, belong together (ait-1, ait-2, con-3, con-5)");
        }
        let has_value = members.keys().any(|name| name.starts_with("value"));
        if kind == "Observation" && has_value && members.contains_key("dataAbsentReason") {
            self.fault("", "a value, and a reason why there is none (obs-6)");
        }
        let drugs = ["medicationCodeableConcept", "medicationReference"];
        if kind.starts_with("Medication")
            && kind != "Medication"
            && !drugs.iter().any(|name| members.contains_key(*name))
        {
            self.fault("", "no medication");
        }
        if kind == "Immunization" && !members.keys().any(|name| name.starts_with("occurrence")) {
            self.fault("", "no occurrence");
        }
        let is_of = |parent: &str, all: &[&str]| {
            let of = members.get(parent);
            of.is_some_and(|of| !all.iter().any(|name| of.get(name).is_some()))
        };
        if kind == "MedicationAdministration"
            && (!members.keys().any(|name| name.starts_with("effective")) || is_of("dosage", &["dose", "rateRatio"]))
        {
            self.fault("", "no time, or a dosage without a dose (mad-1)");
        }
        for education in members.get("education").and_then(Value::as_array).into_iter().flatten() {
            if education.get("documentType").is_none() {
                self.fault("/education", "a statement without its type (imm-1)");
            }
        }
        for protocol in members.get("protocolApplied").and_then(Value::as_array).into_iter().flatten() {
            if protocol.get("doseNumberPositiveInt").is_none() && protocol.get("doseNumberString").is_none() {
                self.fault("/protocolApplied", "no number of the dose");
            }
        }
        for dosage in members.get("dosageInstruction").and_then(Value::as_array).into_iter().flatten() {
            self.dosage(dosage);
        }
        for contact in members.get("contact").and_then(Value::as_array).into_iter().flatten() {
            if !["name", "telecom", "address", "organization"].iter().any(|way| contact.get(way).is_some()) {
                self.fault("/contact", "no way to reach anybody (pat-1)");
            }
        }
        for telecom in members.get("telecom").and_then(Value::as_array).into_iter().flatten() {
            if telecom.get("value").is_some() && telecom.get("system").is_none() {
                self.fault("/telecom", "a value without a system (cpt-2)");
            }
        }
        for reaction in members.get("reaction").and_then(Value::as_array).into_iter().flatten() {
            if kind == "AllergyIntolerance" && reaction.get("manifestation").is_none() {
                self.fault("/reaction", "no manifestation");
            }
        }
    }

    /// The invariants of Timing (tim-1, tim-2, tim-10) and of Ratio (rat-1).
    fn dosage(&mut self, dosage: &Value) {
        let repeat = dosage.pointer("/timing/repeat");
        let has = |name: &str| repeat.is_some_and(|repeat| repeat.get(name).is_some());
        if has("duration") != has("durationUnit")
            || has("period") != has("periodUnit")
            || (has("when") && has("timeOfDay"))
        {
            self.fault(
                "/dosageInstruction",
                "a number without its unit, or two ways to say when (tim-1, tim-2, tim-10)",
            );
        }
        let most = dosage.get("maxDosePerPeriod");
        if most.is_some_and(|most| most.get("numerator").is_none() || most.get("denominator").is_none()) {
            self.fault("/dosageInstruction", "half a ratio (rat-1)");
        }
        if dosage.get("asNeededBoolean").is_some() && dosage.get("asNeededCodeableConcept").is_some() {
            self.fault("/dosageInstruction", "more than one of asNeeded[x]");
        }
    }

    fn value(&mut self, path: &str, value: &Value) {
        match value {
            Value::Null => self.fault(path, "null"),
            Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => self.string(path, text),
            Value::Array(list) => {
                if list.is_empty() {
                    self.fault(path, "an empty list");
                }
                list.iter().zip(0..).for_each(|(item, n)| self.value(&format!("{path}/{n}"), item));
            }
            Value::Object(members) => {
                if members.is_empty() {
                    self.fault(path, "an empty object");
                }
                members.iter().for_each(|(name, member)| self.value(&format!("{path}/{name}"), member));
            }
        }
    }

    fn string(&mut self, path: &str, text: &str) {
        let name = path.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or_default();
        let good = match name {
            "id" => is_id(text),
            "birthDate" => is_date(text),
            "issued" => is_date_time(text) && text.len() > 19,
            "start" | "end" | "receivedTime" | "recordedDate" | "time" => is_date_time(text),
            "date" => is_date_time(text) && text.len() > 19,
            name if name.ends_with("DateTime") => is_date_time(text),
            "system" if path.contains("telecom") => ["phone", "fax", "email", "pager", "other"].contains(&text),
            "url" if text.starts_with("Binary/") => is_id(text.trim_start_matches("Binary/")),
            "system" | "url" | "source" => is_uri(text),
            "code" | "use" | "status" | "comparator" => text.split(' ').all(|word| !word.is_empty()),
            "valueTime" => text.len() >= 8,
            "reference" => self.leads_somewhere(text),
            _ => true,
        };
        if !good {
            self.fault(path, &format!("not of the grammar: {text}"));
        }
        if text.trim() != text || text.is_empty() {
            self.fault(path, "blanks around it, or nothing at all");
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.fault(path, "a control character");
        }
    }

    fn leads_somewhere(&self, reference: &str) -> bool {
        match reference.strip_prefix('#') {
            Some(id) => self.contained.contains(id),
            // What is related by a number of its own may come by another message.
            None => {
                let elsewhere = ["DocumentReference/", "ImagingStudy/"];
                elsewhere.iter().any(|kind| reference.starts_with(kind)) || self.targets.contains(reference)
            }
        }
    }
}

fn contained(resource: &Value) -> BTreeSet<String> {
    let list = resource.get("contained").and_then(Value::as_array);
    list.into_iter().flatten().map(|inner| text(inner, "id")).collect()
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// `[A-Za-z0-9\-\.]{1,64}`
fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

fn is_uri(text: &str) -> bool {
    text.contains(':') && text.bytes().all(|b| b.is_ascii_graphic()) || text == "code"
}

fn is_date(text: &str) -> bool {
    let mut parts = text.split('-').map(|part| (part.len(), part.bytes().all(|b| b.is_ascii_digit())));
    parts.next() == Some((4, true)) && parts.all(|part| part == (2, true)) && text.len() <= 10
}

/// A date, or a date with a time to the second and an offset.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else { return is_date(text) };
    let Some(at) = time.find(['+', '-', 'Z']) else { return false };
    let (clock, zone) = time.split_at(at);
    let zone_good = zone == "Z" || (zone.len() == 6 && zone.as_bytes()[3] == b':');
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let clock_good = whole.split(':').count() == 3 && whole.split(':').all(|part| part.len() == 2 && digits(part));
    date.len() == 10 && is_date(date) && zone_good && clock_good && digits(fraction)
}
