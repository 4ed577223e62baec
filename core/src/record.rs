//! A record: one item of the sharable scope, as a FHIR R4 resource.

use std::sync::Arc;

use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::scope::{Domain, Level};

/// Where the ids of our resources live among all UUIDs (version 5, RFC 9562 section 5.5).
const NAMESPACE: Uuid = Uuid::from_u128(0x6361_7573_6577_6179_8000_6865_616c_7468);

/// The business key of a record: `ResourceType/provider/business id`, unique in the repository. The same thing sent
/// again, in a later version or by a replay, has the same key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordKey(pub String);

impl RecordKey {
    /// Builds a key. `parts` are joined by `|`.
    pub fn new(resource_type: &str, provider: &str, parts: &[&str]) -> Self {
        Self(format!("{resource_type}/{provider}/{}", parts.join("|")))
    }

    /// The FHIR type of the resource: the first part.
    pub fn resource_type(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(resource_type, _)| resource_type)
    }

    /// The FHIR id that belongs to the key: deterministic, so that a resend makes the same resource.
    pub fn resource_id(&self) -> String {
        Uuid::new_v5(&NAMESPACE, self.0.as_bytes()).to_string()
    }
}

impl std::fmt::Display for RecordKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Decides which of two versions of one record is the later one, whatever the order of arrival. Compared by status
/// first, then by the sender's clock, then by place in the log: a correction is never undone by the original arriving
/// late, and of two messages of one second the one sent later wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VersionClock {
    /// The rung on the result-status ladder: 0 no status, 1 registered or preliminary, 2 final, 3 corrected or
    /// cancelled (HL7 tables 0085 and 0123).
    pub rank: u8,
    /// EVN-2, OBR-22 or MSH-7: when the sender says this version was made.
    pub at: Timestamp,
    /// The place in the log; messages of one patient and feed share a partition, so their offsets are ordered.
    pub offset: u64,
}

/// One record as mapped.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its domain.
    pub domain: Domain,
    /// Its business key.
    pub key: RecordKey,
    /// Which version this is.
    pub clock: VersionClock,
    /// When the thing happened, for the effective-date rule; absent when not known.
    pub clinical_date: Option<civil::Date>,
    /// How structured it is.
    pub level: Level,
    /// Whether the sender took it back (deleted, cancelled, entered in error). Kept as a version, never erased.
    pub retracted: bool,
    /// The FHIR R4 resource, with `id` = [`RecordKey::resource_id`].
    pub resource: Resource,
}

/// A FHIR resource as its JSON text, written once by the mapper: a tenth of the tree in memory, cheap to share, and the
/// very bytes that are stored. `Debug` tells its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource(Arc<str>);

impl Resource {
    /// Writes a tree. One that cannot be written as JSON gives `null`; trees of text, numbers and lists all can.
    pub fn of(tree: &impl Serialize) -> Self {
        Self(serde_json::to_string(tree).unwrap_or_else(|_| "null".to_owned()).into())
    }

    /// The JSON text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The tree.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl From<Value> for Resource {
    fn from(value: Value) -> Self {
        Self::of(&value)
    }
}

impl Serialize for Resource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl std::fmt::Debug for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Resource({} bytes)", self.0.len())
    }
}

/// What storing a version would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The first version.
    Created,
    /// A newer version becomes current.
    Updated,
    /// The content is the same as the current one: no new version. If it is the newer of the two, the current one takes
    /// its clock over: said later, it also outlives what was said in between and arrives last.
    Unchanged,
    /// An older version: kept in the history, the current one stays.
    Late,
}

/// Judges a version against the current one. `same` says that the contents are equal.
pub fn effect(current: Option<VersionClock>, incoming: VersionClock, same: bool) -> Effect {
    match current {
        None => Effect::Created,
        Some(_) if same => Effect::Unchanged,
        Some(now) if incoming >= now => Effect::Updated,
        Some(_) => Effect::Late,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(rank: u8, second: i64, offset: u64) -> VersionClock {
        VersionClock { rank, at: Timestamp::from_second(second).expect("in range"), offset }
    }

    #[test]
    fn a_correction_is_not_undone_by_the_original_arriving_late() {
        let (corrected, original) = (clock(3, 100, 1), clock(2, 100, 2));
        assert_eq!(effect(None, corrected, false), Effect::Created);
        assert_eq!(effect(Some(corrected), original, false), Effect::Late);
        assert_eq!(effect(Some(original), corrected, false), Effect::Updated);
    }

    #[test]
    fn in_one_second_the_place_in_the_log_decides() {
        assert_eq!(effect(Some(clock(0, 5, 7)), clock(0, 5, 8), false), Effect::Updated);
        assert_eq!(effect(Some(clock(0, 5, 8)), clock(0, 5, 7), false), Effect::Late);
        assert_eq!(effect(Some(clock(0, 5, 8)), clock(0, 5, 8), true), Effect::Unchanged);
    }

    #[test]
    fn a_resource_keeps_its_order_and_its_digits_and_shows_nobody() {
        let text = r#"{"resourceType":"Observation","id":"x","valueQuantity":{"value":13.50},"code":"陳"}"#;
        let value: Value = serde_json::from_str(text).expect("json");
        let resource = Resource::of(&value);
        assert_eq!((resource.text(), resource.value()), (text, value));
        assert!(!format!("{resource:?}").contains('陳'));
    }

    #[test]
    fn ids_are_the_same_for_the_same_key() {
        let key = RecordKey::new("Patient", "9265486345", &["QMH", "H2001"]);
        assert_eq!(key.0, "Patient/9265486345/QMH|H2001");
        assert_eq!(key.resource_id(), RecordKey(key.0.clone()).resource_id());
    }
}
