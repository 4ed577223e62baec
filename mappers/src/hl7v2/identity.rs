//! The numbers of a patient: which of them are identity documents, which the sender's own, and what the patient is
//! keyed by.

use std::borrow::Cow;

use causeway_core::feed::dialect::{IdentityDialect, NumberPlace};
use causeway_core::hkid::{Hkid, HkidError};
use causeway_core::mapped::Prior;
use causeway_core::person::{Document, DocumentKind, LocalNumber};
use causeway_core::phi::Phi;
use causeway_core::provider::ProviderId;

use super::context::Context;
use super::datatype::{cwe, cx};
use super::reader::{Seg, Value};
use crate::codes;
use crate::fhir::{Json, Object, reference};
use crate::hl7v2::note::NoteCode;

/// Names of Hong Kong as an assigning authority or jurisdiction.
pub(crate) const HONG_KONG: &[&str] = &["HKSAR", "HKG", "HK", "HKSARG", "IMMD"];

/// The numbers of one patient.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// As FHIR Identifiers, each once.
    pub(crate) identifiers: Vec<Json>,
    /// Identity documents.
    pub(crate) documents: Vec<Document>,
    /// The sender's own numbers.
    pub(crate) local_numbers: Vec<LocalNumber>,
    /// Whether a number sent as an HKID is none.
    pub(crate) hkid_check_failed: bool,
}

/// Whom the records of a message are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Authority and number, or kind of document and number.
    pub(crate) parts: [String; 2],
    /// A Reference to the Patient.
    reference: Json,
}

impl Subject {
    /// A Reference to the Patient.
    pub(crate) fn reference(&self) -> Json {
        self.reference.clone()
    }

    /// The id of the Patient.
    pub(crate) fn id(&self) -> &str {
        let target = self.reference.get("reference").and_then(Json::as_str).unwrap_or_default();
        target.strip_prefix("Patient/").unwrap_or_default()
    }

    /// What records are keyed by that have no number of their own.
    pub(crate) fn key(&self) -> String {
        let [authority, number] = &self.parts;
        format!("{authority}:{number}")
    }
}

/// Reads the numbers in the fields of a segment, in this order.
pub(crate) fn read<'m>(context: &Context<'m>, segment: &Seg<'m>, fields: &[usize]) -> Numbers {
    let mut numbers = Numbers::default();
    for field in fields {
        let place = NumberPlace::of(segment.name(), *field);
        for value in segment.all(context, *field) {
            numbers.take(&value, place);
        }
    }
    numbers
}

impl Numbers {
    /// Whom they name: the sender's first own number, or else the first document. `None` when there is neither.
    pub(crate) fn subject(&self, context: &Context<'_>) -> Option<Subject> {
        let local = self.local_numbers.first().map(|local| [local.authority.clone(), local.number.expose().clone()]);
        let parts = local.or_else(|| {
            let document = self.documents.first()?;
            Some([document.kind.as_str().to_owned(), document.number.expose().clone()])
        })?;
        let [authority, number] = &parts;
        let id = context.key("Patient", &[authority, number]).resource_id();
        Some(Subject { parts, reference: Json::shared(reference("Patient", &id)) })
    }

    /// As what a patient was also known by.
    pub(crate) fn prior(&self, merged: bool) -> Prior {
        Prior { documents: self.documents.clone(), local_numbers: self.local_numbers.clone(), merged }
    }

    /// Takes one CX in.
    fn take(&mut self, value: &Value<'_, '_>, place: Option<NumberPlace>) {
        let Some(mut cx) = cx::read(value) else { return };
        let context = value.context();
        let dialect = &context.dialect().identity;
        let kind = classify(&cx, dialect, place);
        if place == Some(NumberPlace::Pid19) && kind != Kind::Hkid {
            value.note(NoteCode::UnusedField, "what is no HKID here has no use");
            return;
        }
        let identifier = match kind {
            Kind::Hkid => self.hkid(value, &cx),
            Kind::Document(kind, code) => self.document(&cx, kind, code),
            Kind::Local(code) => {
                if cx.authority.is_empty() {
                    cx.authority = Cow::Borrowed(&dialect.default_authority);
                }
                self.local(context, &cx, code)
            }
            Kind::Other(code) => cx.identifier(&context.urn("id", &cx.authority), code),
        };
        if kind == Kind::Local("") && !cx.kind.is_empty() {
            cwe::unmapped(value);
        }
        let identifier = Json::from(identifier);
        if !self.identifiers.contains(&identifier) {
            self.identifiers.push(identifier);
        }
    }

    fn hkid(&mut self, value: &Value<'_, '_>, cx: &cx::Cx<'_>) -> Object {
        let bare = without_prefix(&cx.number, &value.context().dialect().identity).unwrap_or(&cx.number);
        let sent = with_check_digit(&cx.number, &cx.check_digit);
        let number = match Hkid::parse(&with_check_digit(bare, &cx.check_digit)) {
            Ok(hkid) => hkid.as_str().to_owned(),
            Err(fault @ (HkidError::CheckDigit | HkidError::Form)) => {
                self.hkid_check_failed = true;
                value.note(NoteCode::BadHkid, &fault.to_string());
                sent.into_owned()
            }
        };
        let document = Document { kind: DocumentKind::Hkid, issuer: String::new(), number: Phi::new(number.clone()) };
        push_once(&mut self.documents, document);
        let kind = crate::fhir::typed("NI").text("text", "HKID");
        Object::sized(4)
            .text("use", "official")
            .put("type", kind)
            .text("system", "urn:causeway:identifier:HKID")
            .text("value", &number)
    }

    fn document(&mut self, cx: &cx::Cx<'_>, kind: DocumentKind, code: &str) -> Object {
        let issuer = match kind {
            DocumentKind::Hkbc => String::new(),
            DocumentKind::Hkid
            | DocumentKind::Passport
            | DocumentKind::Exemption
            | DocumentKind::ReentryPermit
            | DocumentKind::DocI
            | DocumentKind::OneWayPermit
            | DocumentKind::Other => {
                let named = [country(&cx.kind).unwrap_or_default(), &*cx.jurisdiction, &*cx.authority];
                named.into_iter().find(|name| !name.is_empty()).unwrap_or_default().to_owned()
            }
        };
        let mut system = format!("urn:causeway:identifier:{}", kind.as_str());
        if !issuer.is_empty() {
            system = format!("{system}:{}", crate::fhir::urn_part(&issuer));
        }
        push_once(&mut self.documents, Document { kind, issuer, number: Phi::new(cx.number.to_string()) });
        cx.identifier(&system, code)
    }

    fn local(&mut self, context: &Context<'_>, cx: &cx::Cx<'_>, code: &str) -> Object {
        let local = LocalNumber {
            provider: ProviderId(context.provider_id().to_owned()),
            authority: cx.authority.to_string(),
            number: Phi::new(cx.number.to_string()),
        };
        push_once(&mut self.local_numbers, local);
        cx.identifier(&context.urn("id", &cx.authority), code)
    }
}

/// What a number is, with its type of table 0203 where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Hkid,
    Document(DocumentKind, &'static str),
    Local(&'static str),
    Other(&'static str),
}

/// Tells what a number is by its prefix, its type, its authority and, where these are silent, its form.
fn classify(cx: &cx::Cx<'_>, dialect: &IdentityDialect, place: Option<NumberPlace>) -> Kind {
    let of_hong_kong = |name: &str| HONG_KONG.contains(&name);
    let looks_right = || Hkid::parse(&with_check_digit(&cx.number, &cx.check_digit)).is_ok();
    if without_prefix(&cx.number, dialect).is_some() {
        return Kind::Hkid;
    }
    if cx.kind.is_empty() {
        let named_hkid = cx.authority == "HKID" || of_hong_kong(&cx.authority);
        let may_be_bare = place.is_some_and(|place| dialect.bare_hkid_in.contains(&place));
        let bare = may_be_bare && cx.authority.is_empty() && looks_right();
        return if named_hkid || bare { Kind::Hkid } else { Kind::Local("") };
    }
    let Some([_, usage, code]) = codes::IDENTIFIER_TYPE.row(&cx.kind) else {
        return country(&cx.kind).map_or(Kind::Local(""), |_country| Kind::Document(DocumentKind::Other, "NI"));
    };
    match *usage {
        "other" if dialect.own_number_types.iter().any(|own| *own == cx.kind) => Kind::Local(code),
        "HKID" => Kind::Hkid,
        "NATIONAL" if of_hong_kong(&cx.authority) || of_hong_kong(&cx.jurisdiction) => Kind::Hkid,
        "NATIONAL" if cx.authority.is_empty() && cx.jurisdiction.is_empty() && looks_right() => Kind::Hkid,
        "NATIONAL" => Kind::Document(DocumentKind::Other, code),
        "HKBC" if !cx.authority.is_empty() && !of_hong_kong(&cx.authority) => Kind::Document(DocumentKind::Other, code),
        "local" => Kind::Local(code),
        "other" => Kind::Other(code),
        word => DocumentKind::parse(word).map_or(Kind::Other(code), |kind| Kind::Document(kind, code)),
    }
}

/// A number of which the dialect says by what stands in front that it is an HKID; without that.
pub(crate) fn without_prefix<'n>(number: &'n str, dialect: &IdentityDialect) -> Option<&'n str> {
    dialect.hkid_prefixes.iter().find_map(|prefix| {
        let (front, rest) = number.split_at_checked(prefix.len())?;
        (!prefix.is_empty() && front.eq_ignore_ascii_case(prefix)).then_some(rest)
    })
}

/// The country of a type `NNxxx`, a national person identifier: its code of three letters in ISO 3166.
fn country(kind: &str) -> Option<&str> {
    let country = kind.strip_prefix("NN")?;
    (country.len() == 3 && country.bytes().all(|b| b.is_ascii_uppercase())).then_some(country)
}

/// A number whose check digit may stand in CX.2.
fn with_check_digit<'a>(number: &'a str, check_digit: &str) -> Cow<'a, str> {
    if check_digit.is_empty() || number.contains('(') || Hkid::parse(number).is_ok() {
        return Cow::Borrowed(number);
    }
    Cow::Owned(format!("{number}{check_digit}"))
}

fn push_once<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    use causeway_core::feed::dialect::Base;

    use super::*;

    fn generic() -> &'static IdentityDialect {
        &Base::Generic.dialect().identity
    }

    fn number(number: &str, check_digit: &str, authority: &str, kind: &str) -> cx::Cx<'static> {
        let own = |text: &str| Cow::Owned(text.to_owned());
        cx::Cx {
            number: own(number),
            check_digit: own(check_digit),
            authority: own(authority),
            kind: own(kind),
            jurisdiction: own(""),
            period: Object::new(),
        }
    }

    #[test]
    fn the_three_dialects_of_the_hkid_are_known() {
        for (sent, check, authority, kind) in [
            ("A1234563", "", "", "HKID"),
            ("HKID:A1234563", "", "", ""),
            ("A123456(3)", "", "HKSAR", "HKID"),
            ("A1234563", "", "HKSAR", "NI"),
            ("A1234563", "", "", "NI"),
            ("A123456", "3", "HKSAR", ""),
            ("A1234563", "", "", "NNHKG"),
        ] {
            assert_eq!(
                classify(&number(sent, check, authority, kind), generic(), None),
                Kind::Hkid,
                "{sent} {authority} {kind}"
            );
        }
    }

    #[test]
    fn a_number_that_only_looks_like_an_hkid_is_local_unless_the_feed_is_a_public_hospital() {
        let bare = number("A1234563", "", "", "");
        assert_eq!(classify(&bare, generic(), Some(NumberPlace::Pid3)), Kind::Local(""));
        let hospital = &Base::HkPublicHospital.dialect().identity;
        assert_eq!(classify(&bare, hospital, Some(NumberPlace::Pid3)), Kind::Hkid);
        assert_eq!(classify(&bare, hospital, Some(NumberPlace::Pid19)), Kind::Local(""));
        assert_eq!(classify(&bare, hospital, None), Kind::Local(""));
        let of_somebody = number("A1234563", "", "QMH", "");
        assert_eq!(classify(&of_somebody, hospital, Some(NumberPlace::Pid3)), Kind::Local(""));
    }

    #[test]
    fn documents_and_local_numbers_are_told_apart() {
        for (kind, authority, expected) in [
            ("PPN", "GBR", Kind::Document(DocumentKind::Passport, "PPN")),
            ("NI", "GBR", Kind::Document(DocumentKind::Other, "NI")),
            ("BCT", "", Kind::Document(DocumentKind::Hkbc, "BCT")),
            ("BCT", "GBR", Kind::Document(DocumentKind::Other, "BCT")),
            ("MR", "QMH", Kind::Local("MR")),
            ("PATKEY", "", Kind::Local("PI")),
            ("WHATEVER", "X", Kind::Local("")),
            ("AN", "X", Kind::Other("AN")),
            ("VN", "X", Kind::Other("VN")),
            ("JHN", "X", Kind::Local("JHN")),
            ("NNCHN", "", Kind::Document(DocumentKind::Other, "NI")),
            ("NNchn", "", Kind::Local("")),
            ("NNXX", "", Kind::Local("")),
        ] {
            assert_eq!(
                classify(&number("12345", "", authority, kind), generic(), None),
                expected,
                "{kind} {authority}"
            );
        }
    }

    #[test]
    fn a_dialect_has_prefixes_and_own_numbers_of_its_own() {
        let dialect = IdentityDialect {
            hkid_prefixes: vec!["ID no. ".to_owned(), String::new()],
            own_number_types: vec!["AN".to_owned()],
            ..IdentityDialect::default()
        };
        assert_eq!(classify(&number("id NO. A1234563", "", "", ""), &dialect, None), Kind::Hkid);
        assert_eq!(without_prefix("id NO. A1234563", &dialect), Some("A1234563"));
        assert_eq!(classify(&number("HKID:A1234563", "", "", ""), &dialect, None), Kind::Local(""));
        assert_eq!(classify(&number("12345", "", "X", "AN"), &dialect, None), Kind::Local("AN"));
        assert_eq!(classify(&number("12345", "", "X", "VN"), &dialect, None), Kind::Other("VN"));
    }
}
