//! A record: one item of the sharable scope, as a FHIR R4 resource.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::{Timestamp, civil};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha1::{Digest as _, Sha1};
use uuid::Uuid;

use crate::scope::{Domain, Level};

/// Where the ids of our resources live among all UUIDs (version 5, RFC 9562 section 5.5).
const NAMESPACE: Uuid = Uuid::from_u128(0x6361_7573_6577_6179_8000_6865_616c_7468);

/// How long the business ids of keys mostly are at most, with what stands between the parts, in bytes.
const PARTS_USUALLY: usize = 64;

/// The business key of a record: `ResourceType/provider/business id`, unique in the repository. The same thing sent
/// again, in a later version or by a replay, has the same key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecordKey(pub String);

impl RecordKey {
    /// Builds a key. `parts` are joined by `|`.
    pub fn new(resource_type: &str, provider: &str, parts: &[&str]) -> Self {
        Self::joined(resource_type, provider, parts)
    }

    /// As [`Self::new`], of parts that are made one by one.
    pub fn joined(resource_type: &str, provider: &str, parts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut key = String::with_capacity(resource_type.len() + provider.len() + PARTS_USUALLY);
        for part in [resource_type, "/", provider, "/"] {
            key.push_str(part);
        }
        for (part, at) in parts.into_iter().zip(0..) {
            if at > 0 {
                key.push('|');
            }
            key.push_str(part.as_ref());
        }
        Self(key)
    }

    /// The FHIR type of the resource: the first part.
    pub fn resource_type(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(resource_type, _)| resource_type)
    }

    /// The FHIR id that belongs to the key: deterministic, so that a resend makes the same resource.
    pub fn resource_id(&self) -> String {
        // As `Uuid::new_v5`, with the processor's own instructions where it has them: ids are made for every reference.
        let digest = Sha1::new().chain_update(NAMESPACE.as_bytes()).chain_update(self.0.as_bytes()).finalize();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest).for_each(|(byte, digit)| *byte = digit);
        let id = uuid::Builder::from_sha1_bytes(bytes).into_uuid();
        id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).to_owned()
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
///
/// Two ranks have a meaning of their own for the numbers of patients (docs/decisions/0007): [`Self::RETIRES`] and
/// [`Self::LIFTS`]. With them the latest of two versions is not all there is to tell: [`standing`] tells it of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VersionClock {
    /// The rung on the result-status ladder: 0 no status, 1 registered or preliminary, 2 final, 3 corrected or
    /// cancelled (HL7 tables 0085 and 0123).
    pub rank: u8,
    /// EVN-2, OBR-22 or MSH-7: when the sender says this version was made.
    pub at: Timestamp,
    /// The place in the log; messages of one patient and feed share a partition, so their offsets are ordered.
    pub offset: u64,
}

impl VersionClock {
    /// The rank of a statement that a number of a patient or visit is no more (a merge, a deletion): no update of it wins
    /// against it, whenever it was made. The top of the ladder.
    pub const RETIRES: u8 = 3;
    /// The rank of a statement that adds a patient's number or takes its merge back: an ordinary one of the registration desk among
    /// the others, and it lifts every [`Self::RETIRES`] that was made before it.
    pub const LIFTS: u8 = 0x11;

    /// Whether a version of this rank may change which version of a history stands, besides being the latest itself.
    pub const fn asks_the_history(rank: u8, domain: Domain) -> bool {
        rank == Self::LIFTS || (rank == Self::RETIRES && matches!(domain, Domain::Identification))
    }

    /// What a rank weighs among others.
    pub const fn weight(rank: u8) -> u8 {
        if rank == Self::LIFTS { 1 } else { rank }
    }
}

impl Ord for VersionClock {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |clock: &Self| (Self::weight(clock.rank), clock.at, clock.offset, clock.rank);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for VersionClock {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Which version of a history stands: the latest; but while the latest retirement was made after the latest lifting, the
/// retirement, and otherwise none of the retirements. `None` of an empty history.
pub fn standing<T>(history: impl Iterator<Item = (VersionClock, T)> + Clone) -> Option<T> {
    let made = |clock: &VersionClock| (clock.at, clock.offset);
    let of_rank = |rank: u8| history.clone().filter(move |(clock, _)| clock.rank == rank);
    let lifted = of_rank(VersionClock::LIFTS).map(|(clock, _)| made(&clock)).max();
    let Some(lifted) = lifted else { return history.max_by_key(|(clock, _)| *clock).map(|(_, found)| found) };
    let retired = of_rank(VersionClock::RETIRES).filter(|(clock, _)| made(clock) > lifted);
    let others = history.clone().filter(|(clock, _)| clock.rank != VersionClock::RETIRES);
    let latest = retired.max_by_key(|(clock, _)| *clock).or_else(|| others.max_by_key(|(clock, _)| *clock));
    latest.map(|(_, found)| found)
}

/// What a record lacks to count as structured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// An element of the FHIR resource that its domain asks for, as `Patient.birthDate`.
    Element(&'static str),
    /// The numbers of a laboratory report, for which a document was sent.
    Numbers,
}

impl Lack {
    /// Where what is missing belongs.
    pub const fn place(self) -> &'static str {
        match self {
            Self::Element(place) => place,
            Self::Numbers => "Observation.value[x]",
        }
    }
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
    /// What it lacks of what its domain asks of structured records; then its level is the lowest.
    pub lacks: Option<Lack>,
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

    /// Of what is written as JSON already.
    pub fn from_json(text: &str) -> Self {
        Self(text.into())
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
    fn a_merge_stands_against_every_update_until_it_is_lifted() {
        let (add, merge, update, again) = (clock(17, 1, 1), clock(3, 2, 2), clock(1, 3, 3), clock(17, 4, 4));
        let stands = |history: &[VersionClock]| standing(history.iter().map(|clock| (*clock, *clock)));
        assert_eq!(stands(&[]), None);
        assert_eq!(stands(&[add, clock(1, 2, 2), clock(0, 9, 9)]), Some(clock(1, 2, 2)));
        assert_eq!(stands(&[update, merge, add]), Some(merge));
        assert_eq!(stands(&[update, again, merge, add]), Some(again));
        assert_eq!(stands(&[again, clock(1, 5, 5), merge]), Some(clock(1, 5, 5)));
        assert_eq!(stands(&[again, clock(3, 6, 6), clock(1, 7, 7)]), Some(clock(3, 6, 6)));
        assert!(add < update && again > update && merge > again, "as one clock against another");
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
        assert_eq!(key.resource_id(), Uuid::new_v5(&NAMESPACE, key.0.as_bytes()).to_string());
    }
}
