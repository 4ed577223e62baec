//! Instances as stored, the same on every engine.

use std::collections::BTreeSet;

use causeway_core::dicom::instance::{Instance, InstanceRow, StudyRow};
use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::{Digest, Position};
use causeway_core::outcome::{Outcome, State};
use causeway_core::person::PersonId;
use causeway_core::phi::Phi;
use causeway_core::provider::ProviderId;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use sha2::{Digest as _, Sha256};

use super::error::{Result, damaged};

/// A little work makes a fifth of it; more makes no less.
const LEVEL: u8 = 3;
/// The longest metadata of one instance, in bytes.
const METADATA_BYTES_MAX: usize = 16 << 20;

/// Studies whose instances changed in a transaction.
pub(super) type Touched = BTreeSet<(Uid, PersonId)>;

/// What is stored of an outcome, if anything.
pub(super) fn of(outcome: &Outcome) -> Option<(PersonId, &Instance)> {
    let stored = outcome.state == State::Accepted;
    Some((outcome.person?, outcome.instance.as_deref()?)).filter(|_| stored)
}

/// The columns `facts` and `metadata`.
pub(super) fn write(instance: &Instance) -> (String, Vec<u8>) {
    let facts = serde_json::to_string(instance).unwrap_or_default();
    (facts, compress_to_vec(instance.metadata.expose().as_bytes(), LEVEL))
}

/// A row; without metadata where they are not given.
pub(super) fn read(
    position: Position,
    person: i64,
    provider: String,
    facts: &str,
    metadata: Option<&[u8]>,
) -> Result<InstanceRow> {
    let mut instance: Instance =
        serde_json::from_str(facts).map_err(|error| damaged(format!("the facts of an instance: {error}")))?;
    if let Some(metadata) = metadata {
        let inflated = decompress_to_vec_with_limit(metadata, METADATA_BYTES_MAX).ok();
        let text = inflated.and_then(|bytes| String::from_utf8(bytes).ok());
        instance.metadata = Phi::new(text.ok_or_else(|| damaged("the metadata of an instance"))?);
    }
    Ok(InstanceRow { position, person: PersonId(person), provider: ProviderId(provider), instance })
}

/// A row of the studies: study, person, date, modalities joined by commas in any order, series, instances.
pub(super) fn study(
    (study, person, date, modalities, series, instances): (&str, i64, String, &str, u64, u64),
) -> Result<StudyRow> {
    let study = Uid::parse(study).ok().ok_or_else(|| damaged("the UID of a study"))?;
    let modalities: BTreeSet<&str> = modalities.split(',').filter(|word| !word.is_empty()).collect();
    let modalities = modalities.into_iter().map(str::to_owned).collect();
    Ok(StudyRow { study, person: PersonId(person), date, modalities, series, instances })
}

/// Adds a row to the digest of all content.
pub(super) fn add(hasher: &mut Sha256, row: &InstanceRow) {
    let (facts, _) = write(&Instance { metadata: Phi::default(), ..row.instance.clone() });
    let texts = [row.position.to_string(), row.provider.0.clone(), facts];
    hasher.update(row.person.0.to_be_bytes());
    for text in texts.iter().map(String::as_str).chain([row.instance.metadata.expose().as_str()]) {
        hasher.update(text.len().to_be_bytes());
        hasher.update(text.as_bytes());
    }
}

/// The digest of all content, of that of the records and that of the instances; without instances that of the records.
pub(super) fn together(records: Digest, instances: Option<Sha256>) -> Digest {
    let Some(mut hasher) = instances else { return records };
    hasher.update(records.0);
    Digest(hasher.finalize().into())
}
