//! Chinese medicine: one record of a visit (`causeway_core::chinese_medicine`) to its FHIR resources.

mod context;
mod diagnosis;
mod medicine;
mod narrative;
mod note;
mod person;
mod safety;
mod table;
mod treatment;
mod visit;

use causeway_core::chinese_medicine::{Fault as RecordFault, FaultCode, read};
use causeway_core::feed::FeedSettings;
use causeway_core::mapped::{Fault, Mapped};
use causeway_core::reason::Reason;
use jiff::tz::TimeZone;

use context::Context;
pub use note::NoteCode;

/// What the records are called in the log: the kind of their envelopes.
pub const KIND: &str = "CM^VISIT";

/// Maps the bytes of one record. `offset` is its place in the log.
///
/// Never fails and never panics: what keeps the record from being mapped is in `faults`.
pub fn map(body: &[u8], feed: &FeedSettings, offset: u64) -> Mapped {
    match crate::hl7v2::zone_of(feed) {
        Ok(zone) => map_in(body, feed, &zone, offset),
        Err(fault) => Mapped { kind: KIND.to_owned(), faults: vec![fault], ..Mapped::default() },
    }
}

/// As [`map`], with the time zone looked up before.
pub(crate) fn map_in(body: &[u8], feed: &FeedSettings, zone: &TimeZone, offset: u64) -> Mapped {
    let record = match read(body) {
        Ok(record) => record,
        Err(faults) => return refused(faults),
    };
    let patient = person::read(&record.patient, feed);
    let context = Context::new(feed, zone, &record, &patient, offset);
    let mut records = vec![person::patient(&context, &patient), visit::encounter(&context)];
    records.extend(diagnosis::records(&context));
    records.extend(medicine::records(&context));
    records.extend(treatment::records(&context));
    let control_id = format!("{}/{}", record.visit.number.expose(), record.version.get());
    let location = record.visit.location.as_ref().map(|place| place.expose().trim().to_owned()).unwrap_or_default();
    let (notes, unmapped) = context.into_reports();
    let identity = Some(patient.identity);
    Mapped { control_id, kind: KIND.to_owned(), location, identity, records, notes, unmapped, ..Mapped::default() }
}

/// What is said of a record that cannot be read.
pub fn refused(faults: Vec<RecordFault>) -> Mapped {
    let faults = faults.into_iter().map(fault).collect();
    Mapped { kind: KIND.to_owned(), faults, ..Mapped::default() }
}

/// A fault of a record as one of a message.
fn fault(found: RecordFault) -> Fault {
    let reason = match found.code {
        FaultCode::NoPatient => Reason::NoIdentifier,
        FaultCode::MissingField => Reason::MissingField,
        FaultCode::Encoding => Reason::Undecodable,
        FaultCode::TooLong => Reason::TooLong,
        FaultCode::NotJson
        | FaultCode::CutShort
        | FaultCode::TooDeep
        | FaultCode::UnknownField
        | FaultCode::DuplicateField
        | FaultCode::WrongType
        | FaultCode::BadValue
        | FaultCode::OutOfRange
        | FaultCode::UnknownPoint
        | FaultCode::NothingRecorded
        | FaultCode::UnknownReference
        | FaultCode::SameNumber
        | FaultCode::BadRow => Reason::BadValue,
    };
    Fault { reason, place: found.pointer, offset: None, text: format!("{}: {}", found.code.as_str(), found.detail) }
}
