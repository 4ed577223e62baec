//! PID, patient identification: IG map `PID[Patient]`.

use causeway_core::feed::dialect::NumberPlace;
use causeway_core::mapped::{Identity, Prior};
use causeway_core::person::{BirthDate, Demographics, Sex};
use causeway_core::phi::Phi;
use causeway_core::reason::Reason;

use crate::codes;
use crate::fhir::{Json, Object, coding};
use crate::hl7v2::context::Context;
use crate::hl7v2::datatype::xpn::{self, Name, Script};
use crate::hl7v2::datatype::{cwe, ts, xad, xtn};
use crate::hl7v2::identity::{self, Subject};
use crate::hl7v2::note::NoteCode;
use crate::hl7v2::profile::{SegmentUse, kept, required, used};
use crate::hl7v2::reader::{Seg, Value};

/// What is done with its fields.
pub(crate) const USE: SegmentUse = SegmentUse {
    name: "PID",
    title: "Patient identification",
    ig: "PID[Patient]",
    fields: &[
        kept(1, "Set id", ""),
        used(2, "Patient id", "Patient.identifier; the identity"),
        required(3, "Patient identifier list", "Patient.identifier; the identity; the key of the Patient")
            .but("CX.4 gives the system of the identifier, besides its assigner: numbers must be searchable"),
        used(4, "Alternate patient id", "Patient.identifier; the identity"),
        used(5, "Patient name", "Patient.name; the identity")
            .but("XPN.8, or the characters, give the extension iso21090-EN-representation: English and Chinese names"),
        used(6, "Mother's maiden name", "Patient.extension(patient-mothersMaidenName)"),
        used(7, "Date/time of birth", "Patient.birthDate, with extension patient-birthTime; the identity")
            .but("A time of midnight is padding and gives no birth time"),
        used(8, "Administrative sex", "Patient.gender; the identity"),
        used(9, "Patient alias", "Patient.name; a Chinese alias is the Chinese name where PID-5 has none"),
        used(11, "Patient address", "Patient.address"),
        used(13, "Phone number - home", "Patient.telecom, use home"),
        used(14, "Phone number - business", "Patient.telecom, use work"),
        used(15, "Primary language", "Patient.communication.language"),
        used(16, "Marital status", "Patient.maritalStatus"),
        used(17, "Religion", "Patient.extension(patient-religion)"),
        used(
            21,
            "Mother's identifier",
            "RelatedPerson.identifier: the mother, with what NK1 of relationship MTH says of her",
        )
        .but("The IG leaves it out. None but the child's own numbers identify the patient"),
        used(23, "Birth place", "Patient.extension(patient-birthPlace)"),
        used(24, "Multiple birth indicator", "Patient.multipleBirthBoolean, unless PID-25 is sent"),
        used(25, "Birth order", "Patient.multipleBirthInteger"),
        used(26, "Citizenship", "Patient.extension(patient-citizenship)"),
        used(28, "Nationality", "Patient.extension(patient-nationality)"),
        used(29, "Patient death date and time", "Patient.deceasedDateTime"),
        used(30, "Patient death indicator", "Patient.deceasedBoolean, unless PID-29 is sent"),
        used(40, "Patient telecommunication information", "Patient.telecom"),
    ],
};

/// A patient, read.
#[derive(Debug)]
pub(crate) struct Patient {
    /// Whom the records are about.
    pub(crate) subject: Subject,
    /// What identifies the person.
    pub(crate) identity: Identity,
    /// The resource so far; PD1, NK1 and MRG add to it.
    pub(crate) resource: Object,
}

/// Reads PID; `None`, with a fault, when it has no number of a patient.
pub(crate) fn patient<'m>(context: &Context<'m>, pid: &Seg<'m>) -> Option<Patient> {
    // PID-3, PID-2, PID-4 → identifier; PID-19 in dialects that have an HKID there
    let ssn_is_hkid = context.dialect().identity.bare_hkid_in.contains(&NumberPlace::Pid19);
    let numbers = identity::read(context, pid, if ssn_is_hkid { &[3, 2, 4, 19] } else { &[3, 2, 4] });
    let Some(subject) = numbers.subject(context) else {
        let text = "no identity document and no number of the sender's own";
        context.fault(Reason::NoIdentifier, pid.field_place(3), pid.offset(3), text);
        return None;
    };
    // PID-5, PID-9 → name
    let names: Vec<Name> = pid.all(context, 5).filter_map(|value| xpn::read(&value)).collect();
    let aliases: Vec<Name> = pid.all(context, 9).filter_map(|value| xpn::read(&value)).collect();
    // PID-7 → birthDate
    let born = pid.first(context, 7);
    let birth_time = born.as_ref().and_then(|value| {
        value.ask(2);
        ts::read(value, 1)
    });
    let birth = birth_time.as_ref().and_then(|time| BirthDate::parse(&time.to_fhir_date()));
    // PID-8 → gender
    let sex = pid.first(context, 8);
    let gender = sex.as_ref().and_then(gender);
    let identity = Identity {
        documents: numbers.documents,
        hkid_check_failed: numbers.hkid_check_failed,
        local_numbers: numbers.local_numbers,
        demographics: Demographics {
            birth: birth.map(Phi::new),
            sex: sex.as_ref().map(|value| Sex::from_hl7(&value.text(1))),
            ..demographics(&names, &aliases)
        },
        prior: Prior::default(),
    };
    let mut resource = context
        .resource("Patient", subject.id())
        .list("identifier", numbers.identifiers)
        .put("active", true)
        .list("name", names.into_iter().chain(aliases).map(|name| name.human_name.into()).collect())
        .list("telecom", telecom(context, pid))
        .maybe("gender", gender)
        .maybe("birthDate", birth_time.map(|time| time.to_fhir_date()));
    if let Some(time) = birth_time.filter(|time| time.civil().time() != jiff::civil::Time::midnight()) {
        // PID-7 longer than a date → birthDate.extension(patient-birthTime)
        let url = "http://hl7.org/fhir/StructureDefinition/patient-birthTime";
        let written = context.written(time);
        let extension = Object::sized(2).text("url", url).text("valueDateTime", &written);
        resource.set("_birthDate", Object::sized(1).one("extension", extension));
    }
    let resource = rest(context, pid, resource);
    Some(Patient { subject, identity, resource })
}

/// PID-8 and the like to `administrative-gender`.
pub(crate) fn gender(value: &Value<'_, '_>) -> Option<&'static str> {
    // Table 0001 was of type IS until v2.6: the words of a CWE may follow.
    [2, 3].into_iter().for_each(|component| value.ask(component));
    let found = codes::ADMINISTRATIVE_SEX.code(&value.text(1).to_ascii_uppercase());
    if found.is_none() {
        cwe::unmapped(value);
    }
    found
}

/// The names a person is matched by: the legal one before others.
fn demographics(names: &[Name], aliases: &[Name]) -> Demographics {
    let of = |script: Script| {
        let named = || names.iter().filter(move |name| name.script == script);
        named().find(|name| name.is_legal).or_else(|| named().next())
    };
    let english = of(Script::Alphabetic);
    let chinese = of(Script::Ideographic).or_else(|| aliases.iter().find(|name| name.script == Script::Ideographic));
    Demographics {
        family: Phi::new(english.map(|name| name.family.clone()).unwrap_or_default()),
        given: Phi::new(english.map(|name| name.given.clone()).unwrap_or_default()),
        chinese: Phi::new(chinese.map(|name| format!("{}{}", name.family, name.given)).unwrap_or_default()),
        birth: None,
        sex: None,
    }
}

/// PID-13, PID-14, PID-40 → telecom.
fn telecom<'m>(context: &Context<'m>, pid: &Seg<'m>) -> Vec<Json> {
    let mut telecom = Vec::new();
    for (field, usage) in [(13, "home"), (14, "work"), (40, "")] {
        telecom.extend(pid.all(context, field).map(|value| Json::from(xtn::read(&value, usage))));
    }
    telecom
}

/// What follows the birth date, in the order of R4's Patient.
fn rest<'m>(context: &Context<'m>, pid: &Seg<'m>, resource: Object) -> Object {
    // PID-29 → deceasedDateTime; PID-30 → deceasedBoolean
    let died = ts::date_time(pid, context, 29);
    let dead = yes_or_no(context, pid, 30).filter(|_| died.is_none());
    // PID-11 → address
    let addresses = pid.all(context, 11).map(|value| xad::read(&value).into()).collect();
    // PID-16 → maritalStatus
    let marital = pid.first(context, 16).map(|v| cwe::of_table(&v, |code| codes::MARITAL_STATUS.concept(code)));
    // PID-25 → multipleBirthInteger; PID-24 → multipleBirthBoolean
    let order = pid.first(context, 25).and_then(|value| {
        let order = value.text(1).parse::<u32>().ok().filter(|order| *order > 0);
        if order.is_none() {
            value.note(NoteCode::NotANumber, "the birth order is no number: left out");
        }
        order
    });
    let multiple = yes_or_no(context, pid, 24).filter(|_| order.is_none());
    let mut resource = resource
        .maybe("deceasedDateTime", died)
        .maybe("deceasedBoolean", dead)
        .list("address", addresses)
        .maybe("maritalStatus", marital)
        .maybe("multipleBirthInteger", order)
        .maybe("multipleBirthBoolean", multiple)
        .put("managingOrganization", context.provider());
    // PID-15 → communication.language
    if let Some(value) = pid.first(context, 15) {
        resource.push("communication", language(&value));
    }
    extensions(context, pid, &mut resource);
    resource
}

/// PID-6, PID-17, PID-23, PID-26, PID-28 → extensions of R4's own.
fn extensions<'m>(context: &Context<'m>, pid: &Seg<'m>, resource: &mut Object) {
    let url =
        |name: &str| Object::sized(2).text("url", &format!("http://hl7.org/fhir/StructureDefinition/patient-{name}"));
    if let Some(name) = pid.first(context, 6).and_then(|value| xpn::read(&value)) {
        let text = [name.given, name.family].join(" ");
        resource.push("extension", url("mothersMaidenName").text("valueString", &text));
    }
    if let Some(religion) = cwe::field(pid, context, 17) {
        resource.push("extension", url("religion").put("valueCodeableConcept", religion));
    }
    let place = pid.text(context, 23);
    if !place.is_empty() {
        resource.push("extension", url("birthPlace").put("valueAddress", Object::sized(1).text("text", &place)));
    }
    for (field, name) in [(26, "citizenship"), (28, "nationality")] {
        for concept in cwe::fields(pid, context, field) {
            let code = Object::sized(2).text("url", "code").put("valueCodeableConcept", concept);
            resource.push("extension", url(name).one("extension", code));
        }
    }
}

/// A language of table 0296, or ISO 639. R4 takes nothing but BCP 47 here, so others are left out.
fn language(value: &Value<'_, '_>) -> Object {
    [2, 3].into_iter().for_each(|component| value.ask(component));
    let Some([_, tag, name]) = codes::LANGUAGE.row(&value.text(1).to_ascii_uppercase()) else {
        cwe::unmapped(value);
        return Object::new();
    };
    Object::sized(1).put("language", Object::sized(1).one("coding", coding("urn:ietf:bcp:47", tag, name)))
}

/// Table 0136.
fn yes_or_no<'m>(context: &Context<'m>, pid: &Seg<'m>, field: usize) -> Option<bool> {
    let value = pid.first(context, field)?;
    match &*value.text(1) {
        "Y" | "y" => Some(true),
        "N" | "n" => Some(false),
        _ => {
            cwe::unmapped(&value);
            None
        }
    }
}
