//! Instances as stored, the same on every engine.

pub(super) mod index;
pub(super) mod opening;
mod ruling;
mod taking;

use std::collections::BTreeSet;

use causeway_core::dicom::change::{Conflict, Hidden};
use causeway_core::dicom::instance::{Instance, InstanceRow, OpenStudy, StudyRow};
use causeway_core::dicom::ruling::{Ruling, Verdict};
use causeway_core::dicom::study::grows;
use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::{Digest, Position};
use causeway_core::outcome::{Outcome, State};
use causeway_core::person::PersonId;
use causeway_core::phi::Phi;
use causeway_core::port::Actor;
use causeway_core::provider::ProviderId;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::codec::timestamp;
use super::error::{Result, damaged};
pub(super) use ruling::rule;
pub(super) use taking::take;

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

/// The column `part`: the study's resource with the one instance alone.
pub(super) fn write_part(outcome: &Outcome) -> Option<Vec<u8>> {
    let study = outcome.records.iter().find(|record| grows(record.key.resource_type()))?;
    Some(compress_to_vec(study.resource.text().as_bytes(), LEVEL))
}

/// Reads it.
pub(super) fn read_part(part: &[u8]) -> Result<Value> {
    let inflated = decompress_to_vec_with_limit(part, METADATA_BYTES_MAX).ok();
    inflated.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(|| damaged("the study of an instance"))
}

/// A row; without metadata where they are not given. `marks` are the columns `hidden` and `conflict`, missing for most.
pub(super) fn read(
    (position, person, provider): (Position, i64, String),
    facts: &str,
    metadata: Option<&[u8]>,
    marks: (Option<&str>, Option<&str>),
) -> Result<InstanceRow> {
    let word = |column: Option<&str>| column.filter(|word| !word.is_empty()).map(str::to_owned);
    let unknown = || damaged("the mark of an instance");
    let hidden = word(marks.0).map(|word| Hidden::parse(&word).ok_or_else(unknown)).transpose()?;
    let conflict = word(marks.1).map(|word| Conflict::parse(&word).ok_or_else(unknown)).transpose()?;
    let mut instance: Instance =
        serde_json::from_str(facts).map_err(|error| damaged(format!("the facts of an instance: {error}")))?;
    if let Some(metadata) = metadata {
        let inflated = decompress_to_vec_with_limit(metadata, METADATA_BYTES_MAX).ok();
        let text = inflated.and_then(|bytes| String::from_utf8(bytes).ok());
        instance.metadata = Phi::new(text.ok_or_else(|| damaged("the metadata of an instance"))?);
    }
    let (person, provider) = (PersonId(person), ProviderId(provider));
    Ok(InstanceRow { position, person, provider, instance, hidden, conflict })
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

/// A row of the studies that may still grow: study, person, provider, position, time.
pub(super) fn open((study, person, provider, position, at): (&str, i64, String, Position, i64)) -> Result<OpenStudy> {
    let study = Uid::parse(study).ok().ok_or_else(|| damaged("the UID of a study"))?;
    Ok(OpenStudy { study, person: PersonId(person), provider: ProviderId(provider), position, at: timestamp(at)? })
}

/// A row of the rulings: UID, verdict, who, when, why.
pub(super) fn read_ruling((uid, verdict, by, at, reason): (&str, &str, String, i64, String)) -> Result<Ruling> {
    let unknown = || damaged("a ruling about images");
    let uid = Uid::parse(uid).ok().ok_or_else(unknown)?;
    let verdict = Verdict::parse(verdict).ok_or_else(unknown)?;
    Ok(Ruling { uid, verdict, by: Actor(by), at: timestamp(at)?, reason })
}

/// Adds a row to the digest of all content.
pub(super) fn add(hasher: &mut Sha256, row: &InstanceRow) {
    let (facts, _) = write(&Instance { metadata: Phi::default(), ..row.instance.clone() });
    let mut texts = vec![row.position.to_string(), row.provider.0.clone(), facts];
    texts.extend(row.hidden.map(|hidden| hidden.as_str().to_owned()));
    texts.extend(row.conflict.map(|conflict| conflict.as_str().to_owned()));
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
