//! Rulings of operators about images, carried out: what they hide, show and delete, and the studies that are another thing
//! then. What comes later under a UID that is ruled about obeys in [`super::taking`].

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::dicom::change::came;
use causeway_core::dicom::instance::{InstanceRow, OpenStudy};
use causeway_core::dicom::ruling::{REASON_BYTES_MAX, Ruling, RulingEffect, Verdict};
use causeway_core::dicom::study::dated;
use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::Position;
use causeway_core::outcome::Outcome;
use causeway_core::person::PersonId;
use causeway_core::port::AuditEntry;
use causeway_core::provider::ProviderId;
use causeway_core::record::{Record, RecordKey, Resource};

use super::index::Index;
use super::taking::{contradict, hide};
use crate::repository::error::{Result, damaged};
use crate::repository::growing;
use crate::repository::plan::check_comment;

/// What is left to do for the engine.
#[derive(Default)]
pub(in crate::repository) struct Done {
    /// What the ruling does.
    pub(in crate::repository) effect: RulingEffect,
    /// Steps of messages, each with a study as it is after the ruling.
    pub(in crate::repository) steps: Vec<Outcome>,
    /// Messages whose images were deleted: they are discarded, after their steps.
    pub(in crate::repository) deleted: Vec<Position>,
    /// What the audit says.
    pub(in crate::repository) lines: Vec<AuditEntry>,
}

/// A study as one provider sent it of a person: that is one record.
type Sent = (Uid, PersonId, ProviderId);

/// Carries a ruling out.
pub(in crate::repository) fn rule(ruling: &Ruling, index: &mut impl Index) -> Result<Done> {
    check_comment(&ruling.reason, REASON_BYTES_MAX)?;
    index.alone()?;
    let former = index.last_ruling(&ruling.uid)?;
    let rows = index.under(&ruling.uid)?;
    let uids: BTreeSet<Uid> = rows.iter().flat_map(|row| row.instance.uids()).cloned().collect();
    let mut others: BTreeSet<Uid> = index.ruled(&uids)?.into_keys().collect();
    others.remove(&ruling.uid);
    let follows = ruling.verdict.follows(former.as_ref().map(|former| former.verdict));
    let mut effect = RulingEffect {
        former,
        images: rows.len() as u64,
        studies: rows.iter().map(|row| row.instance.study.clone()).collect(),
        persons: rows.iter().map(|row| row.person).collect(),
        others,
        ..RulingEffect::default()
    };
    effect.made = follows && effect.is_known();
    if !effect.made {
        return Ok(Done { effect, ..Done::default() });
    }
    index.rule(ruling)?;
    let mut done = Done { effect, ..Done::default() };
    let mut doubtful = BTreeSet::new();
    if ruling.verdict == Verdict::Deleted {
        done.deleted = rows.iter().map(|row| row.position).collect();
        done.effect.deleted = done.effect.images;
        doubtful.extend(rows.iter().map(|row| row.instance.instance.clone()));
        index.remove(&done.deleted)?;
    }
    let mut sent: BTreeMap<Sent, Vec<&InstanceRow>> = BTreeMap::new();
    for row in &rows {
        sent.entry((row.instance.study.clone(), row.person, row.provider.clone())).or_default().push(row);
    }
    let studies: BTreeSet<(&Uid, PersonId)> = sent.keys().map(|(study, person, _)| (study, *person)).collect();
    for (study, person) in studies {
        let turned = hide(index, study, person, &mut doubtful)?;
        done.effect.hidden = done.effect.hidden.saturating_add(turned.hidden);
        done.effect.shown = done.effect.shown.saturating_add(turned.shown);
        index.count(study, person, true)?;
    }
    contradict(index, &doubtful)?;
    for (place, rows) in &sent {
        done.steps.extend(anew(ruling, place, rows, index)?);
    }
    done.lines = lines(ruling, &done.effect);
    Ok(done)
}

/// The step that writes a study anew, of which these instances were ruled about; `None` where it stays what it is.
fn anew(
    ruling: &Ruling,
    (study, person, provider): &Sent,
    ruled: &[&InstanceRow],
    index: &mut impl Index,
) -> Result<Option<Outcome>> {
    let key = RecordKey::new("ImagingStudy", &provider.0, &[study.as_str()]);
    let Some(stands) = index.standing(*person, &key)? else { return Ok(None) };
    let rows = index.of_study(study, *person, true)?;
    let left: Vec<&InstanceRow> = rows.iter().map(|(row, _)| row).filter(|row| row.provider == *provider).collect();
    let told_by = if left.is_empty() { ruled } else { left.as_slice() };
    let shown: Vec<&InstanceRow> = told_by.iter().copied().filter(|row| row.hidden.is_none()).collect();
    let told_by = if shown.is_empty() { told_by } else { shown.as_slice() };
    let Some(carrier) = told_by.iter().max_by_key(|row| came(row)).map(|row| row.position) else { return Ok(None) };
    let message = index.message(carrier)?.ok_or_else(|| damaged("an instance has no message"))?;
    if ruling.verdict != Verdict::Rejected && !left.is_empty() {
        // What it is complete by may be gone, or was not asked while nothing of it was there.
        let (study, provider, at) = (study.clone(), provider.clone(), message.row.facts.received_at);
        index.open(&OpenStudy { study, person: *person, provider, position: carrier, at })?;
    }
    let dates = told_by.iter().map(|row| row.instance.search.study_date.as_str()).filter(|date| !date.is_empty());
    let has_modality = told_by.iter().any(|row| !row.instance.search.modality.is_empty());
    let (clinical_date, level) = dated(dates.min().unwrap_or_default(), has_modality);
    let record = Record {
        domain: stands.domain,
        key,
        clock: stands.clock,
        clinical_date,
        level,
        lacks: None,
        retracted: false,
        resource: Resource::of(&stands.resource),
    };
    let record = growing::anew(rows, provider, &stands.resource, record);
    if record.retracted == stands.retracted && record.resource.value() == stands.resource {
        return Ok(None);
    }
    let step = Outcome::step(message, *person, record);
    step.map(Some).ok_or_else(|| damaged("the message of an instance is not accepted"))
}

/// A line for each person, or one about nobody.
fn lines(ruling: &Ruling, effect: &RulingEffect) -> Vec<AuditEntry> {
    let action = match ruling.verdict {
        Verdict::Rejected => "image-reject",
        Verdict::Deleted => "image-delete",
        Verdict::Restored => "image-restore",
    };
    let detail = [
        ("uid", ruling.uid.to_string()),
        ("reason", ruling.reason.clone()),
        ("images", effect.images.to_string()),
        ("studies", effect.studies.len().to_string()),
    ];
    let detail: BTreeMap<String, String> = detail.map(|(name, value)| (name.to_owned(), value)).into();
    let line = |person| AuditEntry {
        at: ruling.at,
        actor: ruling.by.clone(),
        action: action.to_owned(),
        person,
        detail: detail.clone(),
    };
    if effect.persons.is_empty() {
        return vec![line(None)];
    }
    effect.persons.iter().map(|person| line(Some(*person))).collect()
}
