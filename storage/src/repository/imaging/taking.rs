//! Instances of a batch on their way into the index: those of two persons wait, the others are stored, and what they do to
//! each other is told anew ([`causeway_core::dicom::change`]).

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::dicom::change;
use causeway_core::dicom::instance::InstanceRow;
use causeway_core::dicom::tag;
use causeway_core::dicom::uid::Uid;
use causeway_core::envelope::Position;
use causeway_core::outcome::{Outcome, State};
use causeway_core::person::PersonId;
use causeway_core::reason::Reason;

use super::index::Index;
use super::{Touched, of};
use crate::repository::error::Result;

/// Takes the instances of a batch. Gives the studies in which something is hidden, or was until now.
pub(in crate::repository) fn take(outcomes: &mut [Outcome], index: &mut impl Index) -> Result<Touched> {
    let (mut studies, mut instances) = (BTreeSet::new(), BTreeSet::new());
    for (_, instance) in outcomes.iter().filter_map(of) {
        studies.insert(instance.study.clone());
        instances.insert(instance.instance.clone());
    }
    if instances.is_empty() {
        return Ok(Touched::new());
    }
    let owners = index.owners(&studies)?;
    let twins = index.twins(&instances)?;
    hold(outcomes, owners, &twins);
    let mut changes = store(outcomes, &twins, index)?;
    let mut uneven = Touched::new();
    for (study, person) in &changes.touched {
        let hides = changes.odd.contains(&(study.clone(), *person)) || index.hides(study, *person)?;
        if hides {
            hide(index, study, *person, &mut changes.doubtful)?;
            uneven.insert((study.clone(), *person));
        }
        index.count(study, *person, hides)?;
    }
    contradict(index, &changes.doubtful)?;
    Ok(uneven)
}

/// Holds instances of a study, or under a UID, that readers find for another person: nobody's images are shown as those of
/// someone else. What was accepted before stays so, since its study was lawfully stored.
fn hold(outcomes: &mut [Outcome], mut owners: BTreeMap<Uid, BTreeSet<PersonId>>, twins: &[InstanceRow]) {
    let mut holders: BTreeMap<Uid, BTreeSet<PersonId>> = BTreeMap::new();
    let mut known: BTreeSet<Position> = BTreeSet::new();
    for twin in twins {
        known.insert(twin.position);
        if twin.hidden.is_none() {
            holders.entry(twin.instance.instance.clone()).or_default().insert(twin.person);
        }
    }
    for outcome in outcomes {
        let Some((person, instance)) = of(outcome) else { continue };
        let others = |by: &BTreeMap<Uid, BTreeSet<PersonId>>, uid: &Uid| {
            by.get(uid).is_some_and(|persons| persons.iter().any(|other| *other != person))
        };
        let place = if others(&owners, &instance.study) {
            tag::STUDY_INSTANCE_UID
        } else if others(&holders, &instance.instance) {
            tag::SOP_INSTANCE_UID
        } else {
            owners.entry(instance.study.clone()).or_default().insert(person);
            holders.entry(instance.instance.clone()).or_default().insert(person);
            continue;
        };
        if !known.contains(&outcome.facts.position) {
            outcome.state = State::Held;
            outcome.reason = Some(Reason::ImageOfTwoPersons);
            outcome.place = place.to_string();
            outcome.person = None;
            outcome.decisions.clear();
            outcome.records.clear();
            outcome.links.clear();
            outcome.unmapped.clear();
            outcome.instance = None;
        }
    }
}

/// What a batch changed.
#[derive(Default)]
struct Changes {
    touched: Touched,
    /// Studies in which something may have to be hidden that was not.
    odd: Touched,
    /// SOP Instance UIDs that may stand for several instances.
    doubtful: BTreeSet<Uid>,
}

fn store(outcomes: &[Outcome], twins: &[InstanceRow], index: &mut impl Index) -> Result<Changes> {
    let mut changes = Changes::default();
    let own: BTreeSet<Position> = outcomes.iter().map(|outcome| outcome.facts.position).collect();
    let others = twins.iter().filter(|twin| !own.contains(&twin.position));
    changes.doubtful.extend(others.map(|twin| twin.instance.instance.clone()));
    let mut seen = BTreeSet::new();
    for outcome in outcomes {
        let Some((person, instance)) = of(outcome) else { continue };
        changes.touched.extend(index.put(outcome, person, instance)?);
        let study = (instance.study.clone(), person);
        if !seen.insert(&instance.instance) {
            changes.doubtful.insert(instance.instance.clone());
        }
        if instance.change.rejects.is_some() || changes.doubtful.contains(&instance.instance) {
            changes.odd.insert(study.clone());
        }
        changes.touched.insert(study);
    }
    Ok(changes)
}

/// Tells anew which instances of a study are hidden.
fn hide(index: &mut impl Index, study: &Uid, person: PersonId, doubtful: &mut BTreeSet<Uid>) -> Result<()> {
    let rows: Vec<InstanceRow> = index.of_study(study, person, false)?.into_iter().map(|(row, _)| row).collect();
    let told = change::hidden(&rows);
    for mut row in rows {
        let hidden = told.get(&row.position).copied();
        if row.hidden != hidden {
            doubtful.insert(row.instance.instance.clone());
            row.hidden = hidden;
            index.mark(&row)?;
        }
    }
    Ok(())
}

/// Tells anew which instances contradict each other.
fn contradict(index: &mut impl Index, doubtful: &BTreeSet<Uid>) -> Result<()> {
    if doubtful.is_empty() {
        return Ok(());
    }
    let mut by_uid: BTreeMap<Uid, Vec<InstanceRow>> = BTreeMap::new();
    for row in index.twins(doubtful)? {
        by_uid.entry(row.instance.instance.clone()).or_default().push(row);
    }
    for rows in by_uid.into_values() {
        let told = change::conflicts(&rows);
        for mut row in rows {
            let conflict = told.get(&row.position).copied();
            if row.conflict != conflict {
                row.conflict = conflict;
                index.mark(&row)?;
            }
        }
    }
    Ok(())
}
