//! Admissions, transfers, discharges and visits.

use jiff::Timestamp;

use super::super::dice::Dice;
use super::super::person::Synthetic;
use super::super::segment::{Segment, message};
use super::{Outgoing, Pen, Source, patient, stamp};

/// A stay in hospital, or a visit to a clinic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Visit {
    /// The case number, e.g. `HN26000123X`.
    pub(crate) case: String,
    /// I for an in-patient, O for an out-patient, E for the emergency department.
    pub(crate) class: char,
    /// Which ward, in [`WARDS`].
    pub(crate) ward: &'static str,
    /// Why.
    pub(crate) diagnosis: (&'static str, &'static str),
    /// Since when.
    pub(crate) since: Timestamp,
}

/// What happened in a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// Admitted: A01.
    Admit,
    /// Moved to another ward: A02.
    Transfer,
    /// Went home: A03.
    Discharge,
    /// Came to the out-patient clinic or the emergency department: A04.
    Register,
    /// Something about the patient or the visit was corrected: A08.
    Update,
}

impl Event {
    const fn code(self) -> &'static str {
        match self {
            Self::Admit => "A01",
            Self::Transfer => "A02",
            Self::Discharge => "A03",
            Self::Register => "A04",
            Self::Update => "A08",
        }
    }

    /// The structure of MSH-9.3: four events share that of A01 (HL7 v2.5.1, table 0354).
    const fn structure(self) -> &'static str {
        match self {
            Self::Admit | Self::Register | Self::Update => "ADT_A01",
            Self::Transfer => "ADT_A02",
            Self::Discharge => "ADT_A03",
        }
    }
}

/// The wards.
pub(crate) const WARDS: &[&str] = &["MED3", "MED5", "SUR2", "ORT1", "PAE1", "GYN1", "ICU"];

/// Diagnoses with their ICD-10 codes.
const DIAGNOSES: &[(&str, &str)] = &[
    ("J18.9", "Pneumonia, unspecified organism"),
    ("I10", "Essential (primary) hypertension"),
    ("E11.9", "Type 2 diabetes mellitus without complications"),
    ("I21.9", "Acute myocardial infarction, unspecified"),
    ("S72.00", "Fracture of neck of femur"),
    ("K80.2", "Calculus of gallbladder without cholecystitis"),
    ("N39.0", "Urinary tract infection, site not specified"),
    ("J06.9", "Acute upper respiratory infection, unspecified"),
    ("A09", "Gastroenteritis and colitis of unspecified origin"),
    ("M54.5", "Low back pain"),
];

/// Procedures with their ICD-9-CM codes.
const PROCEDURES: &[(&str, &str)] = &[
    ("45.23", "Colonoscopy"),
    ("51.23", "Laparoscopic cholecystectomy"),
    ("81.52", "Partial hip replacement"),
    ("36.06", "Insertion of coronary artery stent"),
    ("87.44", "Routine chest X-ray"),
];

/// Drug allergies as clinics write them.
const ALLERGIES: &[(&str, &str, &str)] =
    &[("DA", "PEN", "Penicillin"), ("DA", "ASP", "Aspirin"), ("FA", "PNT", "Peanut"), ("FA", "SHF", "Shellfish")];

/// A new visit.
pub(crate) fn visit(dice: &mut Dice, class: char, at: Timestamp) -> Visit {
    let prefix = match class {
        'I' => "HN",
        'E' => "AE",
        _ => "OP",
    };
    let letters = ['A', 'C', 'F', 'H', 'K', 'M', 'P', 'R', 'T', 'W', 'X'];
    let letter = dice.pick(&letters).copied().unwrap_or('X');
    let year = at.strftime("%y");
    Visit {
        case: format!("{prefix}{year}{:06}{letter}", dice.between(0, 999_999)),
        class,
        ward: dice.pick(WARDS).copied().unwrap_or("MED3"),
        diagnosis: dice.pick(DIAGNOSES).copied().unwrap_or(("R69", "Illness, unspecified")),
        since: at,
    }
}

/// One message of a visit.
pub(crate) fn write(
    pen: &mut Pen,
    dice: &mut Dice,
    source: Source,
    person: &Synthetic,
    visit: &Visit,
    event: Event,
    at: Timestamp,
) -> Outgoing {
    let kind = format!("ADT^{}^{}", event.code(), event.structure());
    let (header, control_id) = pen.header(source, &kind, at);
    let (_, facility) = source.sender();
    let bed = dice.between(1, 30);
    let mut pv1 = Segment::new("PV1")
        .set(1, "1")
        .set(2, visit.class)
        .set(3, format!("{}^{bed:02}^1^{facility}", visit.ward))
        .set(7, "D0042^LEE^SIU MING")
        .set(10, "MED")
        .set(19, visit.case.clone())
        .set(39, facility)
        .set(44, stamp(visit.since));
    if event == Event::Discharge {
        pv1 = pv1.set(36, "HOME").set(45, stamp(at));
    }
    let evn = Segment::new("EVN").set(1, event.code()).set(2, stamp(at));
    let mut segments = vec![header, evn, patient(source, person), pv1];
    segments.extend(clinical(dice, source, visit, event, at));
    Outgoing { source, control_id, text: message(&segments), mislabelled: false }
}

/// Diagnosis, procedure and allergy segments, where the event has them.
fn clinical(dice: &mut Dice, source: Source, visit: &Visit, event: Event, at: Timestamp) -> Vec<Segment> {
    let mut segments = Vec::new();
    let has_diagnosis = !matches!(event, Event::Transfer);
    if source == Source::Clinic && dice.percent(20) {
        let (kind, code, text) = dice.pick(ALLERGIES).copied().unwrap_or(("DA", "PEN", "Penicillin"));
        segments.push(
            Segment::new("AL1").set(1, "1").set(2, kind).set(3, format!("{code}^{text}^L")).set(4, "MO").set(5, "Rash"),
        );
    }
    if has_diagnosis {
        let (code, text) = visit.diagnosis;
        let kind = if event == Event::Discharge { "F" } else { "W" };
        segments.push(
            Segment::new("DG1")
                .set(1, "1")
                .set(3, format!("{code}^{text}^I10"))
                .set(5, stamp(visit.since))
                .set(6, kind),
        );
    }
    if visit.class == 'I' && event == Event::Discharge && dice.percent(50) {
        let (code, text) = dice.pick(PROCEDURES).copied().unwrap_or(("87.44", "Routine chest X-ray"));
        segments.push(Segment::new("PR1").set(1, "1").set(3, format!("{code}^{text}^I9C")).set(5, stamp(at)));
    }
    segments
}
