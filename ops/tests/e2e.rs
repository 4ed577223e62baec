//! The real binary, end to end: exit codes, what is printed, and the walk of a message.

#[cfg(test)]
#[path = "e2e/clinic_bad.rs"]
mod clinic_bad;
#[cfg(test)]
#[path = "e2e/clinic_files.rs"]
mod clinic_files;
#[cfg(test)]
#[path = "e2e/clinics.rs"]
mod clinics;
#[cfg(test)]
#[path = "e2e/codes.rs"]
mod codes;
#[cfg(test)]
#[path = "e2e/commands.rs"]
mod commands;
#[cfg(test)]
#[path = "e2e/commitment.rs"]
mod commitment;
#[cfg(test)]
#[path = "e2e/conflicts.rs"]
mod conflicts;
#[cfg(test)]
#[path = "e2e/demo.rs"]
mod demo;
#[cfg(test)]
#[path = "e2e/dicom_bad.rs"]
mod dicom_bad;
#[cfg(test)]
#[path = "e2e/dicom_flood.rs"]
mod dicom_flood;
#[cfg(test)]
#[path = "e2e/dicom_tls.rs"]
mod dicom_tls;
#[cfg(test)]
#[path = "e2e/fetching.rs"]
mod fetching;
#[cfg(test)]
#[path = "e2e/files.rs"]
mod files;
#[cfg(test)]
#[path = "e2e/hl7_http.rs"]
mod hl7_http;
#[cfg(test)]
#[path = "e2e/hub.rs"]
mod hub;
#[cfg(test)]
#[path = "e2e/images.rs"]
mod images;
#[cfg(test)]
#[path = "e2e/importing.rs"]
mod importing;
#[cfg(test)]
#[path = "e2e/joining.rs"]
mod joining;
#[cfg(test)]
#[path = "e2e/keeping.rs"]
mod keeping;
#[cfg(test)]
#[path = "e2e/listing.rs"]
mod listing;
#[cfg(test)]
#[path = "e2e/mapping.rs"]
mod mapping;
#[cfg(test)]
#[expect(unreachable_pub, reason = "it is a public module of the tests' crate")]
#[path = "../../tests/src/ports.rs"]
mod ports;
#[cfg(test)]
#[path = "e2e/reading.rs"]
mod reading;
#[cfg(test)]
#[path = "e2e/rulings.rs"]
mod rulings;
#[cfg(test)]
#[path = "e2e/scope.rs"]
mod scope;
#[cfg(test)]
#[path = "e2e/sequence.rs"]
mod sequence;
#[cfg(test)]
#[path = "e2e/stow.rs"]
mod stow;
#[cfg(test)]
#[path = "e2e/stow_bad.rs"]
mod stow_bad;
#[cfg(test)]
#[path = "e2e/tls.rs"]
mod tls;
#[cfg(test)]
#[path = "e2e/walk.rs"]
mod walk;
