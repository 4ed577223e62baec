//! The types of a record. What is optional may be left out and is never null; lists may be left out when empty. The
//! comments are the descriptions of the JSON Schema that clinics read.

use jiff::Timestamp;
use jiff::civil::Date;
#[cfg(feature = "schema")]
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bounded::{Amount, Count, List, Moment, Text};
pub use super::words::{AllergyCategory, Certainty, Form, Format, Method, Side, Special, Status, Unit, VisitKind};
use crate::from_objects_alone;
use crate::person::{BirthDate, DocumentKind, Sex};
use crate::phi::Phi;

/// Words of one line.
pub type Line = Text<200>;
/// Words of a paragraph.
pub type Paragraph = Text<4000>;
/// A number or code.
pub type Code = Text<64>;

macro_rules! plain {
    ($($(#[$about:meta])* $kind:ident $name:ident $body:tt)+) => {
        $(
            $(#[$about])*
            #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
            #[cfg_attr(feature = "schema", derive(JsonSchema))]
            #[serde(deny_unknown_fields, remote = "Self")]
            pub $kind $name $body
        )+

        from_objects_alone! { $($name)+ }
    };
}

plain! {
    /// A Chinese-medicine record: one version of one visit.
    struct Record {
        /// The format and its version.
        pub format: Format,
        /// The version of the record, counted from 1. A later version replaces an earlier one as a whole; what it no
        /// longer says keeps its place with `withdrawn`.
        pub version: Count<9999>,
        /// What this version is. A withdrawal repeats the record.
        pub status: Status,
        /// When this version was made. Of two versions of one status the one issued later counts.
        #[cfg_attr(feature = "schema", schemars(with = "IssuedSchema"))]
        pub issued: Timestamp,
        /// Whom it is about.
        pub patient: Patient,
        /// The visit; its number is the key of the record.
        pub visit: Visit,
        /// Who saw the patient.
        pub practitioner: Practitioner,
        /// The disease (病).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub disease: Option<Term>,
        /// The syndromes (證).
        #[serde(default, skip_serializing_if = "List::is_empty")]
        pub syndromes: List<Term, 10>,
        /// The principle of treatment (治則治法).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub principle: Option<Term>,
        /// The tongue (舌象).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub tongue: Option<Term>,
        /// The pulse (脈象).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pulse: Option<Term>,
        /// The four examinations (四診).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub examinations: Option<Examinations>,
        /// The prescriptions (處方).
        #[serde(default, skip_serializing_if = "List::is_empty")]
        pub prescriptions: List<Prescription, 10>,
        /// What was dispensed (配藥).
        #[serde(default, skip_serializing_if = "List::is_empty")]
        pub dispensings: List<Dispensing, 20>,
        /// Acupuncture, moxibustion and cupping (針灸).
        #[serde(default, skip_serializing_if = "List::is_empty")]
        pub acupuncture: List<Acupuncture, 10>,
        /// Bone-setting (正骨).
        #[serde(default, skip_serializing_if = "List::is_empty")]
        pub bone_setting: List<Treatment, 10>,
        /// Tui na (推拿).
        #[serde(default, skip_serializing_if = "List::is_empty")]
        pub tui_na: List<Treatment, 10>,
        /// Allergies (過敏).
        #[serde(default, skip_serializing_if = "List::is_empty")]
        pub allergies: List<Allergy, 20>,
    }

    /// Whom a record is about: the clinic's own number, identity documents, or both.
    struct Patient {
        /// The clinic's own number of the patient.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub number: Option<Code>,
        /// Identity documents.
        #[serde(default, skip_serializing_if = "List::is_empty")]
        pub documents: List<IdentityDocument, 5>,
        /// The English family name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub family: Option<Line>,
        /// The English given names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub given: Option<Line>,
        /// The Chinese name, family name first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub chinese: Option<Line>,
        /// The birth date: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(with = "Option<BirthSchema>"))]
        pub birth: Option<Phi<BirthDate>>,
        /// The sex: M, F, O (other) or U (unknown).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(with = "Option<SexSchema>"))]
        pub sex: Option<Sex>,
    }

    /// An identity document.
    struct IdentityDocument {
        /// What it is.
        #[cfg_attr(feature = "schema", schemars(with = "DocumentKindSchema"))]
        pub kind: DocumentKind,
        /// Its number; that of an HKID with its check digit.
        pub number: Code,
        /// The issuing country, region or authority; not for HKID and HKBC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub issuer: Option<Code>,
    }

    /// A visit.
    struct Visit {
        /// The clinic's own number of the visit: the key of the record.
        pub number: Code,
        /// When it began.
        pub start: Moment,
        /// When it ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub end: Option<Moment>,
        /// What sort.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub kind: Option<VisitKind>,
        /// The chief complaint (主訴).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub complaint: Option<Paragraph>,
        /// Where.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub location: Option<Line>,
        /// Whether the patient is pregnant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub pregnant: Option<bool>,
    }

    /// A Chinese-medicine practitioner.
    struct Practitioner {
        /// The registration number.
        pub registration: Code,
        /// The last day of the registration or practising certificate.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "schema", schemars(with = "Option<DaySchema>"))]
        pub registered_until: Option<Date>,
        /// The English name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<Line>,
        /// The Chinese name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name_zh: Option<Line>,
    }

    /// A term: its words, and its code when there is one.
    struct Term {
        /// The words.
        pub text: Text<1000>,
        /// The code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub code: Option<Code>,
        /// The system of the code, as `GB/T 15657-2021`, `ICD-11` or `HKCTT`; without one the code is the clinic's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub system: Option<Code>,
        /// Taken back by this version.
        #[serde(default, skip_serializing_if = "is_false")]
        pub withdrawn: bool,
    }

    /// The four examinations.
    struct Examinations {
        /// Inspection (望).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub inspection: Option<Paragraph>,
        /// Listening and smelling (聞).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub listening: Option<Paragraph>,
        /// Inquiry (問).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub inquiry: Option<Paragraph>,
        /// Palpation (切).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub palpation: Option<Paragraph>,
    }

    /// A prescription: herbs, products, or both.
    struct Prescription {
        /// The number of the prescription, unique within the clinic.
        pub number: Code,
        /// Its form.
        pub form: Form,
        /// The formula it follows, as 六君子湯加減.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub formula: Option<Term>,
        /// The herbs of one pack (劑).
        #[serde(default, skip_serializing_if = "List::is_empty")]
        pub herbs: List<Herb, 60>,
        /// Registered products: proprietary medicines.
        #[serde(default, skip_serializing_if = "List::is_empty")]
        pub products: List<Product, 20>,
        /// How many packs (劑數).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub packs: Option<Count<365>>,
        /// For how many days.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub days: Option<Count<365>>,
        /// How many times a day.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub times_per_day: Option<Count<24>>,
        /// The water for one decoction, in millilitres.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub water_ml: Option<Count<20000>>,
        /// To how much it is decocted, in millilitres.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub decoct_to_ml: Option<Count<20000>>,
        /// How often one pack is decocted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub decoct_times: Option<Count<10>>,
        /// How it is taken, as 飯後溫服.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub taking: Option<Text<1000>>,
        /// What to avoid (禁忌).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub avoid: Option<Text<1000>>,
        /// Taken back by this version.
        #[serde(default, skip_serializing_if = "is_false")]
        pub withdrawn: bool,
    }

    /// A herb of a prescription.
    struct Herb {
        /// Its Chinese name.
        pub name: Line,
        /// Its code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub code: Option<Code>,
        /// The system of the code; without one the code is the clinic's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub system: Option<Code>,
        /// How it is processed (炮製), as 炙.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub processing: Option<Line>,
        /// The dose of one pack.
        pub dose: Amount,
        /// The unit of the dose.
        pub unit: Unit,
        /// How it is decocted apart from the others.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub special: Option<Special>,
    }

    /// A proprietary medicine of a prescription.
    struct Product {
        /// Its name.
        pub name: Line,
        /// Its registration number, as `HKC-00001`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub registration: Option<Code>,
        /// The dose at a time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub dose: Option<Amount>,
        /// The unit of the dose, as 粒.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub unit: Option<Text<20>>,
        /// How many times a day.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub times_per_day: Option<Count<24>>,
        /// For how many days.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub days: Option<Count<365>>,
    }

    /// Medicines handed over.
    struct Dispensing {
        /// The number of the dispensing, unique within the clinic.
        pub number: Code,
        /// The number of the prescription, which stands in the same record.
        pub prescription: Code,
        /// When they were handed over.
        pub at: Moment,
        /// How many packs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub packs: Option<Count<365>>,
        /// For how many days.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub days: Option<Count<365>>,
        /// Who dispensed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub by: Option<Line>,
        /// Taken back by this version.
        #[serde(default, skip_serializing_if = "is_false")]
        pub withdrawn: bool,
    }

    /// A treatment of points.
    struct Acupuncture {
        /// The method.
        pub method: Method,
        /// The points.
        pub points: List<TreatedPoint, 60>,
        /// For how many minutes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub minutes: Option<Count<1440>>,
        /// A note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub note: Option<Text<1000>>,
        /// Taken back by this version.
        #[serde(default, skip_serializing_if = "is_false")]
        pub withdrawn: bool,
    }

    /// A treated point: by its WHO code, its name, or both.
    struct TreatedPoint {
        /// The code of the Standard Acupuncture Nomenclature (WHO 1991), as `ST36` or `EX-HN5`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub code: Option<Text<8>>,
        /// The name, as 足三里 or 阿是穴.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub name: Option<Line>,
        /// The side.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub side: Option<Side>,
        /// The manipulation (手法), as 補 or 瀉.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub manipulation: Option<Line>,
        /// How long the needle is retained, in minutes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub minutes: Option<Count<1440>>,
    }

    /// A treatment by hand.
    struct Treatment {
        /// What was done.
        pub procedure: Term,
        /// Where on the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub site: Option<Line>,
        /// The side.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub side: Option<Side>,
        /// For how many minutes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub minutes: Option<Count<1440>>,
        /// A note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub note: Option<Text<1000>>,
    }

    /// An allergy.
    struct Allergy {
        /// The clinic's own number of the entry, unique for the patient.
        pub number: Code,
        /// What it is to.
        pub substance: Term,
        /// What sort of substance.
        pub category: AllergyCategory,
        /// How it shows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub reaction: Option<Line>,
        /// How sure it is.
        pub certainty: Certainty,
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(feature = "schema")]
mod schema;
#[cfg(feature = "schema")]
use schema::{BirthSchema, DaySchema, DocumentKindSchema, IssuedSchema, SexSchema};
