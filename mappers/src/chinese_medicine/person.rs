//! Whom a record is about.

use causeway_core::chinese_medicine::record::{Line, Patient as Sent};
use causeway_core::feed::FeedSettings;
use causeway_core::hkid::Hkid;
use causeway_core::mapped::Identity;
use causeway_core::person::{Demographics, Document, DocumentKind, LocalNumber, Sex};
use causeway_core::phi::Phi;
use causeway_core::provider::ProviderId;
use causeway_core::record::{Record, RecordKey};
use causeway_core::scope::{Domain, Level};

use super::context::{Context, Of};
use crate::fhir::{Json, Object, identifier, logical, typed, urn_part};
use crate::hl7v2::context::key_part;

/// The patient of a record.
#[derive(Debug)]
pub(super) struct Patient {
    pub(super) identity: Identity,
    /// The id of the Patient, the one that HL7 messages with the same number make.
    pub(super) id: String,
    /// Where a number stands that was sent as an HKID and is none.
    pub(super) bad_hkid: Option<String>,
    key: RecordKey,
}

/// Reads the patient. The reader saw to it that there is a number or a document.
pub(super) fn read(sent: &Sent, feed: &FeedSettings) -> Patient {
    let (provider, authority) = (feed.provider.0.as_str(), feed.patient_id_issuer.as_str());
    let mut identity = Identity { demographics: demographics(sent), ..Identity::default() };
    let mut bad_hkid = None;
    for (at, document) in sent.documents.iter().enumerate() {
        let mut number = document.number.expose().to_owned();
        if document.kind == DocumentKind::Hkid {
            match Hkid::parse(&number) {
                Ok(hkid) => hkid.as_str().clone_into(&mut number),
                Err(_fault) => {
                    identity.hkid_check_failed = true;
                    bad_hkid = Some(format!("/patient/documents/{at}/number"));
                }
            }
        }
        let issuer = document.issuer.as_ref().map(|issuer| issuer.expose().to_owned()).unwrap_or_default();
        identity.documents.push(Document { kind: document.kind, issuer, number: Phi::new(number) });
    }
    if let Some(number) = &sent.number {
        let number = Phi::new(number.expose().to_owned());
        identity.local_numbers.push(LocalNumber {
            provider: ProviderId(provider.to_owned()),
            authority: authority.to_owned(),
            number,
        });
    }
    let local = identity.local_numbers.first().map(|local| [authority, local.number.expose().as_str()]);
    let document = || identity.documents.first().map(|one| [one.kind.as_str(), one.number.expose().as_str()]);
    let [authority, number] = local.or_else(document).unwrap_or_default();
    let key = RecordKey::new("Patient", provider, &[&format!("{}|{}", key_part(authority), key_part(number))]);
    Patient { id: key.resource_id(), identity, bad_hkid, key }
}

/// The Patient.
pub(super) fn patient(context: &Context<'_>, patient: &Patient) -> Record {
    let identity = &patient.identity;
    let about = &identity.demographics;
    let documents = identity.documents.iter().map(document);
    let local = identity.local_numbers.iter().map(|local| {
        let made = Object::sized(3).put("type", typed("MR"));
        made.merge(identifier(&context.urn("id"), local.number.expose())).into()
    });
    let names = [english(about), chinese(about)].into_iter().map(Json::from).collect();
    let birth = about.birth.as_ref().map(|birth| birth.expose().to_string());
    let provider = identifier("urn:causeway:provider", &context.feed.provider.0);
    let resource = context
        .resource(&patient.key)
        .list("identifier", local.chain(documents).collect())
        .put("active", true)
        .list("name", names)
        .maybe("gender", about.sex.map(gender))
        .maybe("birthDate", birth)
        .put("managingOrganization", logical("Organization", provider, ""));
    let of = Of { domain: Domain::Identification, level: Level::Structured, withdrawn: false };
    context.made(of, patient.key.clone(), &resource)
}

fn document(document: &Document) -> Json {
    let mut system = format!("urn:causeway:identifier:{}", document.kind.as_str());
    if !document.issuer.is_empty() {
        system = format!("{system}:{}", urn_part(&document.issuer));
    }
    let (usage, code) = match document.kind {
        DocumentKind::Hkid => ("official", "NI"),
        DocumentKind::Hkbc => ("", "BCT"),
        DocumentKind::Passport => ("", "PPN"),
        DocumentKind::Exemption
        | DocumentKind::ReentryPermit
        | DocumentKind::DocI
        | DocumentKind::OneWayPermit
        | DocumentKind::Other => ("", ""),
    };
    let kind = typed(code).text("text", document.kind.as_str());
    let made = Object::sized(4).text("use", usage).put("type", kind);
    made.merge(identifier(&system, document.number.expose())).into()
}

fn demographics(sent: &Sent) -> Demographics {
    let text = |line: &Option<Line>| Phi::new(line.as_ref().map(|line| line.expose().to_owned()).unwrap_or_default());
    Demographics {
        family: text(&sent.family),
        given: text(&sent.given),
        chinese: text(&sent.chinese),
        birth: sent.birth.clone(),
        sex: sent.sex,
    }
}

fn english(about: &Demographics) -> Object {
    let (family, given) = (about.family.expose(), about.given.expose());
    if family.is_empty() && given.is_empty() {
        return Object::new();
    }
    let name = representation("ABC").text("use", "official").text("family", family);
    if given.is_empty() { name } else { name.one("given", given.as_str()) }
}

fn chinese(about: &Demographics) -> Object {
    let name = about.chinese.expose();
    if name.is_empty() { Object::new() } else { representation("IDE").text("use", "official").text("text", name) }
}

fn representation(code: &str) -> Object {
    let url = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";
    Object::sized(4).one("extension", Object::sized(2).text("url", url).text("valueCode", code))
}

const fn gender(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "male",
        Sex::Female => "female",
        Sex::Other => "other",
        Sex::Unknown => "unknown",
    }
}
