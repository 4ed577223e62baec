//! DICOM: the claim of one instance to the ImagingStudy it is a part of. The repository joins what the instances of one
//! study say ([`causeway_core::dicom::study`]), so that there is one record a study, whatever the order of arrival.

mod header;
mod identity;
mod instance;
mod model;
mod rejection;
mod study;

use causeway_core::dicom::change::Change;
use causeway_core::dicom::claim::Claim;
use causeway_core::envelope::Envelope;
use causeway_core::feed::FeedSettings;
use causeway_core::mapped::{Fault, Mapped};
use causeway_core::reason::Reason;
use jiff::tz::TimeZone;

use header::Header;

/// The kinds of message taken, as the door names them.
pub const KINDS: &[&str] = &["C-STORE"];

/// Maps the claim of one envelope. Never fails and never panics: what keeps it from being mapped is in `faults`.
pub(crate) fn map_in(envelope: &Envelope, feed: &FeedSettings, zone: &TimeZone) -> Mapped {
    let stub = Mapped { control_id: envelope.control_id.clone(), kind: envelope.kind.clone(), ..Mapped::default() };
    let fault =
        |reason: Reason, place: String, text: &str| Fault { reason, place, offset: None, text: text.to_owned() };
    let claim = match Claim::read(envelope.body.expose()) {
        Ok(claim) => claim,
        Err(error) => {
            let faults = vec![fault(Reason::Unmappable, String::new(), &error.to_string())];
            return Mapped { faults, ..stub };
        }
    };
    let header = Header::new(&claim, feed);
    let patient = match identity::read(&header, feed) {
        Ok(patient) => patient,
        Err(identity::Unknown { reason, tag, text }) => {
            let faults = vec![fault(reason, tag.to_string(), text)];
            return Mapped { faults, notes: header.into_notes(), ..stub };
        }
    };
    let rejects = match rejection::read(&header) {
        Ok(rejects) => rejects,
        Err(rejection::Unreadable) => {
            let text = "the Key Object Selection Document is too long to be read, and may be a rejection note";
            let faults = vec![fault(Reason::Unmappable, rejection::EVIDENCE.to_string(), text)];
            return Mapped { faults, notes: header.into_notes(), ..stub };
        }
    };
    let change = Change { received_at: Some(envelope.received_at), corrects: feed.corrections, rejects };
    let record = study::record(&header, &patient, feed, zone, envelope);
    let instance = Some(Box::new(instance::instance(&header, feed, change)));
    Mapped { identity: Some(patient.identity), records: vec![record], instance, notes: header.into_notes(), ..stub }
}

#[cfg(test)]
mod tests;
