//! The audit chain: `h_n = SHA-256(0x00 ‖ n ‖ h_{n-1} ‖ entry)` with n as eight bytes, big end first, h_0 of zeros.

use causeway_core::envelope::Digest;
use causeway_core::port::AuditEntry;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::error::{Result, damaged};

/// The action of the line written for every decided message.
pub(in crate::repository) const DEPOSIT: &str = "deposit";
/// The action of a line about an image that stands for another person.
pub(in crate::repository) const IMAGE_CONFLICT: &str = "image-conflict";

/// The hash of a line: see the module.
pub(in crate::repository) fn link(seq: u64, former: Digest, entry: &str) -> Digest {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(seq.to_be_bytes());
    hasher.update(former.0);
    hasher.update(entry.as_bytes());
    Digest(hasher.finalize().into())
}

/// Canonical JSON: the members in alphabetical order, no blanks.
pub(in crate::repository) fn canonical(entry: &AuditEntry) -> Result<String> {
    #[derive(Serialize)]
    struct Canonical<'a> {
        action: &'a str,
        actor: &'a str,
        at: jiff::Timestamp,
        detail: &'a std::collections::BTreeMap<String, String>,
        person: Option<i64>,
    }
    let canonical = Canonical {
        action: &entry.action,
        actor: &entry.actor.0,
        at: entry.at,
        detail: &entry.detail,
        person: entry.person.map(|person| person.0),
    };
    serde_json::to_string(&canonical).ok().ok_or_else(|| damaged("an audit line cannot be written"))
}
