//! Studies of which nothing came for a while, or whose report is written: they are complete, and say so.

use std::time::Duration;

use causeway_core::dicom::instance::{OpenStudy, StudyQuery};
use causeway_core::dicom::study::dated;
use causeway_core::outcome::Outcome;
use causeway_core::port::{Actor, Images, Lookup, RedoMode, Repository, RepositoryError};
use causeway_core::record::{Record, RecordKey, Resource, VersionClock};
use causeway_core::scope::Domain;
use jiff::Timestamp;
use serde_json::json;

/// Studies completed at once.
const STUDIES_MAX: u32 = 100;

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    /// Studies it looked at: 0 when there are none left.
    pub seen: usize,
    /// Of these, those that became complete. Of the others nothing is shown, or their last message was decided otherwise.
    pub completed: usize,
}

/// Makes studies `available` of which nothing came for `quiet`, or of which a final report was stored. It is a step of the last message of the study, under the permit that one was stored
/// by, and needs neither the log nor the mapper: nothing enters that was not permitted. A crash in between does it again, which
/// changes nothing.
///
/// # Errors
/// Those of the repository; studies not reached stay as they are.
pub fn complete_studies(
    repository: &dyn Repository,
    images: &dyn Images,
    now: Timestamp,
    quiet: Duration,
) -> Result<Round, RepositoryError> {
    let before = now.checked_sub(quiet).unwrap_or(Timestamp::MIN);
    let studies = images.open_studies(before, STUDIES_MAX)?;
    let mut round = Round { seen: studies.len(), completed: 0 };
    for study in &studies {
        if let Some(outcome) = completion(repository, images, study)? {
            let lookups = [Lookup { provider: &study.provider, identity: None, message: None }];
            let actor = Actor("completion".to_owned());
            let mut decide = |_: &_| Ok(vec![outcome.clone()]);
            repository.redo(&actor, RedoMode::Commit, &lookups, now, &mut decide)?;
            round.completed += 1;
        }
        images.close_study(study)?;
    }
    Ok(round)
}

/// The step by which the study is complete; `None` when nothing of it is shown, or its message was decided otherwise since.
fn completion(
    repository: &dyn Repository,
    images: &dyn Images,
    study: &OpenStudy,
) -> Result<Option<Outcome>, RepositoryError> {
    let query =
        StudyQuery { study: Some(study.study.clone()), person: Some(study.person), limit: 1, ..StudyQuery::default() };
    let Some(shown) = images.studies(&query)?.into_iter().next() else { return Ok(None) };
    let messages = repository.trace(&study.position.to_string())?;
    let Some(message) = messages.into_iter().find(|message| message.row.facts.position == study.position) else {
        return Ok(None);
    };
    let key = RecordKey::new("ImagingStudy", &study.provider.0, &[study.study.as_str()]);
    let says = json!({ "resourceType": "ImagingStudy", "id": key.resource_id(), "status": "available" });
    let (clinical_date, level) = dated(&shown.date, !shown.modalities.is_empty());
    let record = Record {
        domain: Domain::RadiologyImage,
        key,
        clock: VersionClock { rank: 0, at: study.at, offset: 0 },
        clinical_date,
        level,
        lacks: None,
        retracted: false,
        resource: Resource::of(&says),
    };
    Ok(Outcome::step(message, study.person, record))
}
