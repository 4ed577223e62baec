//! What the mappers of one record share: the feed, the record, its version, and where notes are collected.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};

use causeway_core::chinese_medicine::record::{Record as CmRecord, Status, Term};
use causeway_core::chinese_medicine::{Moment, record};
use causeway_core::feed::FeedSettings;
use causeway_core::mapped::{Note, UnmappedCode};
use causeway_core::record::{Record, RecordKey, VersionClock};
use causeway_core::scope::{Domain, Level};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::note::NoteCode;
use super::person::Patient;
use super::table;
use crate::codes;
use crate::fhir::{Json, Object, coding, identifier, logical, reference, reference_to, urn_part};
use crate::hl7v2::context::key_part;
use crate::minimum;

/// Our own code system for what no other names.
const OWN: &str = "urn:causeway:code:chinese-medicine";
/// The longest code that is listed for operators, in bytes.
const CODE_MAX: usize = 40;

/// Shared by the mappers of one record.
#[derive(Debug)]
pub(super) struct Context<'m> {
    pub(super) feed: &'m FeedSettings,
    pub(super) record: &'m CmRecord,
    pub(super) zone: &'m TimeZone,
    /// The day of the visit.
    pub(super) day: Date,
    /// What every resource says of where it comes from, whom it is about, and of which visit by whom.
    meta: Json,
    subject: Json,
    visit: OnceCell<Json>,
    practitioner: OnceCell<Json>,
    offset: u64,
    notes: RefCell<Vec<Note>>,
    unmapped: RefCell<Vec<UnmappedCode>>,
    /// Where resources are written before their length is known.
    buffer: RefCell<String>,
}

/// A term as a CodeableConcept.
#[derive(Debug)]
pub(super) struct Coded {
    pub(super) concept: Object,
    pub(super) level: Level,
}

/// A URN of a provider.
fn urn(feed: &FeedSettings, kind: &str) -> String {
    let provider = urn_part(&feed.provider.0);
    ["urn:causeway:", &provider, ":", kind].concat()
}

/// What belongs to one record besides its resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of {
    pub(super) domain: Domain,
    pub(super) level: Level,
    /// Taken back by itself; with the whole record it is anyway.
    pub(super) withdrawn: bool,
}

impl<'m> Context<'m> {
    pub(super) fn new(
        feed: &'m FeedSettings,
        zone: &'m TimeZone,
        record: &'m CmRecord,
        patient: &'m Patient,
        offset: u64,
    ) -> Self {
        let context = Self {
            feed,
            record,
            zone,
            day: record.visit.start.day(zone),
            meta: Json::shared(Object::sized(1).put("source", urn(feed, "source:chinese-medicine"))),
            subject: Json::shared(reference("Patient", &patient.id)),
            visit: OnceCell::new(),
            practitioner: OnceCell::new(),
            buffer: RefCell::default(),
            offset,
            notes: RefCell::default(),
            unmapped: RefCell::default(),
        };
        if let Some(place) = &patient.bad_hkid {
            context.note(NoteCode::BadHkid, place, "");
        }
        context
    }

    /// Takes note of something. `more` names tables and rules, never a value.
    pub(super) fn note(&self, code: NoteCode, place: &str, more: &str) {
        let text = [code.text(), code.text_zh(), more].join(" ").trim_end().to_owned();
        self.notes.borrow_mut().push(Note { code: code.as_str().to_owned(), place: place.to_owned(), text });
    }

    pub(super) fn into_reports(self) -> (Vec<Note>, Vec<UnmappedCode>) {
        (self.notes.into_inner(), self.unmapped.into_inner())
    }

    /// Whether the whole record is taken back.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.record.status == Status::Withdrawn
    }

    /// The key of a resource of this provider.
    pub(super) fn key(&self, kind: &str, parts: &[&str]) -> RecordKey {
        let parts = parts.iter().map(|part| key_part(part));
        RecordKey::joined(kind, &self.feed.provider.0, std::iter::once(Cow::Borrowed("CM")).chain(parts))
    }

    /// The key of what has no number of its own: the visit, what it is, and its place in the list.
    pub(super) fn sequenced(&self, kind: &str, what: &str, at: usize) -> RecordKey {
        let number = at.saturating_add(1).to_string();
        self.key(kind, &[self.record.visit.number.expose(), what, &number])
    }

    /// The key of the Encounter.
    pub(super) fn encounter(&self) -> RecordKey {
        self.key("Encounter", &[self.record.visit.number.expose()])
    }

    /// A URN of this provider.
    pub(super) fn urn(&self, kind: &str) -> String {
        urn(self.feed, kind)
    }

    /// A resource with what all of them have.
    pub(super) fn resource(&self, key: &RecordKey) -> Object {
        let resource = Object::sized(16).text("resourceType", key.resource_type()).text("id", &key.resource_id());
        resource.put("meta", self.meta.clone())
    }

    /// A reference to the patient.
    pub(super) fn subject(&self) -> Json {
        self.subject.clone()
    }

    /// A reference to the visit.
    pub(super) fn visit(&self) -> Json {
        self.visit.get_or_init(|| Json::shared(reference_to(&self.encounter()))).clone()
    }

    /// A reference to the practitioner, by registration number.
    pub(super) fn practitioner(&self) -> Json {
        let told = || {
            let who = &self.record.practitioner;
            let name = who.name_zh.as_ref().or(who.name.as_ref()).map(|name| name.expose()).unwrap_or_default();
            Json::shared(logical("Practitioner", identifier(REGISTRATION, who.registration.expose()), name))
        };
        self.practitioner.get_or_init(told).clone()
    }

    /// A moment as FHIR `dateTime`.
    pub(super) fn written(&self, moment: Moment) -> String {
        match moment {
            Moment::Day(day) => day.to_string(),
            Moment::Time(time) => self.instant(time),
        }
    }

    /// A time with the offset of the feed's zone, to the second.
    pub(super) fn instant(&self, time: Timestamp) -> String {
        let zoned = time.to_zoned(self.zone.clone());
        zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// The status of an Observation.
    pub(super) fn observation_status(&self, withdrawn: bool) -> &'static str {
        match self.record.status {
            _ if withdrawn => "entered-in-error",
            Status::Preliminary => "preliminary",
            Status::Final => "final",
            Status::Amended => "amended",
            Status::Withdrawn => "entered-in-error",
        }
    }

    /// A record of the scope.
    pub(super) fn made(&self, of: Of, key: RecordKey, resource: &Object) -> Record {
        let rank = match self.record.status {
            Status::Preliminary => 1,
            Status::Final => 2,
            Status::Amended | Status::Withdrawn => 3,
        };
        let is_person = of.domain == Domain::Identification;
        let retracted = !is_person && (of.withdrawn || self.is_withdrawn());
        // Whom it is about is only named: the format asks for no more than a number.
        let lacks = if retracted || is_person { None } else { minimum::lack(of.domain, resource) };
        Record {
            domain: of.domain,
            key,
            // A patient's data are those of the registration desk, and no version of a visit retires them.
            clock: VersionClock { rank: if is_person { 0 } else { rank }, at: self.record.issued, offset: self.offset },
            clinical_date: (!is_person).then_some(self.day),
            level: if lacks.is_some() { Level::Document } else { of.level },
            lacks,
            retracted,
            resource: resource.written_in(&mut self.buffer.borrow_mut()),
        }
    }

    /// A term with what the tables of the feed say of its code.
    pub(super) fn coded(&self, domain: Domain, field: &'static str, term: &Term) -> Coded {
        let code = term.code.as_ref().map(record::Code::expose);
        self.concept(domain, field, [term.text.expose(), ""], code, term.system.as_ref().map(record::Code::expose))
    }

    /// As [`Self::coded`], of the parts; the second text is what follows the first in `text` alone.
    pub(super) fn concept(
        &self,
        domain: Domain,
        field: &'static str,
        [text, more]: [&str; 2],
        code: Option<&str>,
        system: Option<&str>,
    ) -> Coded {
        let words = Object::sized(2).text("text", &format!("{text}{more}"));
        let Some(code) = code else { return Coded { concept: words, level: Level::Document } };
        let (uri, recognised) = system.map_or_else(|| (self.urn("code:L"), false), |system| self.system(system));
        let name = system.unwrap_or("L");
        let found = self.feed.code_tables.find(name, code, self.day);
        let mut own = coding(uri, code, text);
        let mut level = if recognised { Level::Coded } else { Level::Structured };
        if recognised && self.feed.code_tables.has(name) {
            // The terminology itself is loaded, and says which codes there are on the day.
            match found {
                Some(target) => own = own.text("version", &target.version),
                None => {
                    level = Level::Structured;
                    self.note(NoteCode::UnknownCode, &format!("/{field}"), "");
                    self.unmapped(domain, field, name, code);
                }
            }
        }
        let mut concept = Object::sized(2).one("coding", own);
        if !recognised {
            match found {
                Some(target) => {
                    level = Level::Coded;
                    let found =
                        coding(target.system.clone(), &target.code, &target.display).text("version", &target.version);
                    concept.push("coding", found);
                }
                None => self.unmapped(domain, field, name, code),
            }
        }
        Coded { concept: concept.merge(words), level }
    }

    /// A concept of our own system.
    pub(super) fn own(code: &str, words: &str) -> Object {
        Object::sized(2).one("coding", coding(OWN, code, words)).text("text", words)
    }

    /// The URI of a terminology, and whether it is recognised.
    fn system(&self, name: &str) -> (String, bool) {
        if let Some((uri, recognised)) = table::SYSTEM.get(name) {
            return ((*uri).to_owned(), *recognised);
        }
        if let Some([_, uri, recognised]) = codes::CODE_SYSTEM.row(name) {
            return ((*uri).to_owned(), *recognised == "y");
        }
        (format!("{}:{}", self.urn("code"), urn_part(name)), false)
    }

    fn unmapped(&self, domain: Domain, field: &str, system: &str, code: &str) {
        let good = |text: &str| text.len() <= CODE_MAX && text.bytes().all(|b| b.is_ascii_graphic());
        let shown = |text: &str| if good(text) { text.to_owned() } else { "(text)".to_owned() };
        let (field, display) = (field.to_owned(), String::new());
        let found = UnmappedCode { domain, field, system: shown(system), code: shown(code), display };
        let mut unmapped = self.unmapped.borrow_mut();
        if !unmapped.contains(&found) {
            unmapped.push(found);
        }
    }
}

/// The registration numbers of Chinese-medicine practitioners.
pub(super) const REGISTRATION: &str = "urn:causeway:identifier:CMP";

/// A quantity of UCUM.
pub(super) fn ucum(value: impl Into<Json>, unit: &str, code: &str) -> Object {
    Object::sized(4)
        .put("value", value)
        .text("unit", unit)
        .text("system", "http://unitsofmeasure.org")
        .text("code", code)
}

/// An Annotation in an item of a list.
pub(super) fn noted(text: &str) -> Json {
    crate::fhir::annotation(text).into()
}
