//! What mapping gives: the records, whom they are about, and what could not be used. Nothing is dropped silently.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dicom::instance::Instance;
use crate::envelope::Digest;
use crate::person::{Demographics, Document, LocalNumber};
use crate::phi::Phi;
use crate::reason::Reason;
use crate::record::Record;
use crate::scope::Domain;

/// What a message says of its patient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// Identity documents, well formed or not; an HKID in canonical form when its check digit is right.
    pub documents: Vec<Document>,
    /// Set when a number sent as an HKID fails its check digit: no identity can be built on it.
    pub hkid_check_failed: bool,
    /// The sender's own numbers.
    pub local_numbers: Vec<LocalNumber>,
    /// Names, birth date, sex.
    pub demographics: Demographics,
    /// What the patient was also known by, says the message: no part of who it is, but it must be nobody else's.
    pub prior: Prior,
}

/// The numbers of a record that the sender says is of the same patient: of MRG, and of the second PID of A24 and A37.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prior {
    /// Identity documents.
    pub documents: Vec<Document>,
    /// The sender's own numbers.
    pub local_numbers: Vec<LocalNumber>,
    /// Whether they are this patient's from now on (a merge): an accepted message links them.
    pub merged: bool,
}

/// Something of the message that was not used, or used with a doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// A stable code in kebab case: `unused-field`, `unmapped-code`, `bad-date`, `trailing-escape`, …
    pub code: String,
    /// Where: `PID-13`, `OBX[3]-5`, counting segments of one name from 1.
    pub place: String,
    /// What about it; never the value of a field.
    pub text: String,
}

/// A fault that keeps a message, or a part of it, from being mapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The reason code.
    pub reason: Reason,
    /// Where, as in [`Note::place`].
    pub place: String,
    /// The byte offset in the decoded text, where there is one.
    pub offset: Option<usize>,
    /// What is wrong, without the value.
    pub text: String,
}

/// A part that must come by another way before the message is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Where the pointer stands.
    pub place: String,
    /// The pointer (OBX-5 of type RP).
    pub url: Phi<String>,
    /// The size the sender announces, in bytes.
    pub bytes: Option<u64>,
    /// Why it is not there: the mapper says [`Reason::DocumentPending`], and whoever knows more says more.
    pub reason: Reason,
    /// What is known beside the reason, without the pointer; empty when nothing is.
    pub text: String,
}

/// A document that came inside the message. Once its message is permitted, its bytes go to the blob store; the record
/// points there as `Binary/<digest>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// The media type, told from the bytes and not from what the sender says.
    pub content_type: String,
    /// The bytes, decoded.
    pub bytes: Phi<Arc<[u8]>>,
}

/// A local code that no table of its feed knows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UnmappedCode {
    /// The domain of the record it is in.
    pub domain: Domain,
    /// The field, as `OBX-3`.
    pub field: String,
    /// The name of the sender's system; `L` where none is sent.
    pub system: String,
    /// The code. `(text)` for what is too long for one, or holds more than letters, digits and a few signs.
    pub code: String,
    /// What the sender calls it; empty where that might be words about a patient.
    pub display: String,
}

/// The result of mapping one envelope.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Mapped {
    /// MSH-10.
    pub control_id: String,
    /// As `ADT^A01`.
    pub kind: String,
    /// The service location it comes from, as the scope of its provider names it: PV1-3.4, else MSH-4; that of a visit in
    /// Chinese medicine. Empty when none is said.
    pub location: String,
    /// Whom it is about; `None` when the message names nobody.
    pub identity: Option<Identity>,
    /// The records, in the order of the message.
    pub records: Vec<Record>,
    /// What was not used.
    pub notes: Vec<Note>,
    /// What kept it from being mapped. With faults and no records the message is held.
    pub faults: Vec<Fault>,
    /// What is still to come. Not empty: the message is held.
    pub pending: Vec<Pending>,
    /// Documents that came inside it.
    pub attachments: Vec<Attachment>,
    /// Local codes that no table of the feed knows, each once.
    pub unmapped: Vec<UnmappedCode>,
    /// The instance a claim is of.
    pub instance: Option<Box<Instance>>,
}
