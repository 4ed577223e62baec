//! What joins a report with its images: the accession number and the Study Instance UID, wherever a sender puts them, and
//! the modality.

use causeway_core::scope::Domain;

use super::context::Context;
use super::datatype::cwe;
use super::datatype::ei::{self, Entity};
use super::note::NoteCode;
use super::reader::{Seg, Value};
use crate::fhir::{Json, Object, concept, identifier, reference};

/// The codes under which an OBX holds a Study Instance UID (DICOM PS3.16, and IHE's structured export).
const STUDY_CODES: &[&str] = &["110180", "113014"];
/// DICOM PS3.5 §9.1.
const UID_MAX: usize = 64;

/// What a report says of its images.
#[derive(Debug, Default)]
pub(crate) struct Imaging {
    /// As FHIR Identifiers: accession numbers, then studies.
    pub(crate) identifiers: Vec<Json>,
    /// References to the studies.
    pub(crate) studies: Vec<Json>,
    /// What they were made with, as CodeableConcepts.
    pub(crate) modalities: Vec<Json>,
    /// Whether there is a study, whatever OBR-24 says.
    pub(crate) has_study: bool,
}

/// Whether a segment holds a Study Instance UID and no finding.
pub(crate) fn is_study(obx: &Seg<'_>) -> bool {
    let code = obx.field(3);
    let words = code.component(2).raw();
    STUDY_CODES.contains(&code.component(1).raw()) || words.eq_ignore_ascii_case("Study Instance UID")
}

/// Reads OBR-18 and OBR-20 of an imaging order, IPC, ZDS, and the OBX that hold a study.
pub(crate) fn read<'m>(
    context: &Context<'m>,
    obr: &Seg<'m>,
    controls: &[&Seg<'m>],
    observed: &[&Seg<'m>],
    domain: Domain,
) -> Imaging {
    let mut imaging = Imaging::default();
    for control in controls {
        if control.name() == "ZDS" {
            control.all(context, 1).for_each(|value| imaging.study(&value, 1));
            continue;
        }
        imaging.accession(context, control, 1);
        control.all(context, 3).for_each(|value| imaging.study(&value, 1));
        imaging.modalities.extend(cwe::field(control, context, 5).map(|sent| modality(sent).into()));
    }
    for obx in observed.iter().filter(|obx| is_study(obx)) {
        // The number is what the segment is for: status and time are those of the report.
        obx.all(context, 5).for_each(|value| imaging.study(&value, 1));
        obx.keep();
    }
    imaging.has_study = !imaging.studies.is_empty();
    if domain == Domain::RadiologyReport || imaging.has_study {
        [18, 20].into_iter().for_each(|field| imaging.accession(context, obr, field));
    }
    imaging
}

impl Imaging {
    /// An accession number, each once. The DICOM attribute has no authority: it is that of the provider.
    fn accession<'m>(&mut self, context: &Context<'m>, segment: &Seg<'m>, field: usize) {
        let Some(entity) = ei::field(segment, context, field) else { return };
        let own = Entity { namespace: String::new(), ..entity };
        self.identify(own.identifier(context, "accession", "ACSN"));
    }

    /// A Study Instance UID, each once.
    fn study(&mut self, value: &Value<'_, '_>, component: usize) {
        // Which application made it is the second component, whose name is `Application` and whose type is `DICOM`.
        [2, 3, 4].into_iter().for_each(|component| value.ask(component));
        let uid = value.text(component);
        if !is_uid(&uid) {
            value.note(NoteCode::BadUid, "no DICOM UID: the report is not joined with a study by it");
            return;
        }
        self.identify(identifier("urn:dicom:uid", &format!("urn:oid:{uid}")));
        let id = value.context().key("ImagingStudy", &[&uid]).resource_id();
        let study = Json::from(reference("ImagingStudy", &id));
        if !self.studies.contains(&study) {
            self.studies.push(study);
        }
    }

    fn identify(&mut self, identifier: Object) {
        let identifier = Json::from(identifier);
        if !self.identifiers.contains(&identifier) {
            self.identifiers.push(identifier);
        }
    }
}

/// A modality: one of DICOM's where it is among them, and else as sent.
fn modality(sent: Object) -> Object {
    let code = sent.get("coding").first().and_then(|coding| coding.get("code")).and_then(Json::as_str).unwrap_or("");
    match crate::codes::MODALITY.row(code) {
        Some([_, display, ..]) => concept("http://dicom.nema.org/resources/ontology/DCM", code, display),
        None => sent,
    }
}

/// Digits and dots, no component empty or with a zero in front (DICOM PS3.5 §9.1).
fn is_uid(text: &str) -> bool {
    let good = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    text.len() <= UID_MAX && text.contains('.') && text.split('.').all(good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_of_digits_and_dots() {
        assert!(is_uid("1.2.840.10008.1.0"));
        for bad in ["", "1", "1..2", "1.02", "1.2a", "1.2 ", &format!("1.{}", "2".repeat(63))] {
            assert!(!is_uid(bad), "{bad}");
        }
    }
}
