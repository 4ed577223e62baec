//! Instances of a batch on their way into the index: those that an operator deleted are turned away, those of two persons wait,
//! the others are stored, and what they do to each other is told anew ([`causeway_core::dicom::change`]).

use std::collections::{BTreeMap, BTreeSet};

use causeway_core::dicom::change::{self, Hidden};
use causeway_core::dicom::instance::{Instance, InstanceRow};
use causeway_core::dicom::ruling::Verdict;
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
    let (mut studies, mut instances, mut uids) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (_, instance) in outcomes.iter().filter_map(of) {
        studies.insert(instance.study.clone());
        instances.insert(instance.instance.clone());
        uids.extend(instance.uids().map(Uid::clone));
    }
    if instances.is_empty() {
        return Ok(Touched::new());
    }
    let owners = index.owners(&studies)?;
    let ruled = index.ruled(&uids)?;
    let twins = index.twins(&instances)?;
    leave_out(outcomes, &ruled);
    hold(outcomes, owners, &twins);
    let mut changes = store(outcomes, &twins, &ruled, index)?;
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

/// Discards instances that an operator deleted, by whatever message they come.
fn leave_out(outcomes: &mut [Outcome], ruled: &BTreeMap<Uid, Verdict>) {
    if ruled.is_empty() {
        return;
    }
    for outcome in outcomes {
        let Some((_, instance)) = of(outcome) else { continue };
        if covers(ruled, instance, Verdict::Deleted) {
            turn_away(outcome, State::Discarded, Reason::ImageDeleted);
        }
    }
}

/// Whether a ruling of one of the UIDs of an instance says so.
fn covers(ruled: &BTreeMap<Uid, Verdict>, instance: &Instance, verdict: Verdict) -> bool {
    instance.uids().into_iter().any(|uid| ruled.get(uid) == Some(&verdict))
}

/// Nothing is stored of it.
fn turn_away(outcome: &mut Outcome, state: State, reason: Reason) {
    outcome.state = state;
    outcome.reason = Some(reason);
    outcome.place = String::new();
    outcome.person = None;
    outcome.decisions.clear();
    outcome.records.clear();
    outcome.links.clear();
    outcome.unmapped.clear();
    outcome.instance = None;
}

/// Holds instances of a study, or under a UID, that readers find for another person: nobody's images are shown as those of
/// someone else. Those that an operator rejected stand for their person all the same: they may be restored. What was accepted
/// before stays so, since its study was lawfully stored.
fn hold(outcomes: &mut [Outcome], mut owners: BTreeMap<Uid, BTreeSet<PersonId>>, twins: &[InstanceRow]) {
    let mut holders: BTreeMap<Uid, BTreeSet<PersonId>> = BTreeMap::new();
    let mut known: BTreeSet<Position> = BTreeSet::new();
    for twin in twins {
        known.insert(twin.position);
        if matches!(twin.hidden, None | Some(Hidden::ByHand)) {
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
            turn_away(outcome, State::Held, Reason::ImageOfTwoPersons);
            outcome.place = place.to_string();
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

fn store(
    outcomes: &[Outcome],
    twins: &[InstanceRow],
    ruled: &BTreeMap<Uid, Verdict>,
    index: &mut impl Index,
) -> Result<Changes> {
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
        let is_ruled = covers(ruled, instance, Verdict::Rejected);
        if is_ruled || instance.change.rejects.is_some() || changes.doubtful.contains(&instance.instance) {
            changes.odd.insert(study.clone());
        }
        changes.touched.insert(study);
    }
    Ok(changes)
}

/// How many instances readers do not find any more, and how many they find that they did not.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Turned {
    pub(super) hidden: u64,
    pub(super) shown: u64,
}

/// Tells anew which instances of a study are hidden.
pub(super) fn hide(
    index: &mut impl Index,
    study: &Uid,
    person: PersonId,
    doubtful: &mut BTreeSet<Uid>,
) -> Result<Turned> {
    let rows: Vec<InstanceRow> = index.of_study(study, person, false)?.into_iter().map(|(row, _)| row).collect();
    let uids: BTreeSet<Uid> = rows.iter().flat_map(|row| row.instance.uids()).cloned().collect();
    let told = change::hidden(&rows, &index.ruled(&uids)?.into_keys().collect());
    let mut turned = Turned::default();
    for mut row in rows {
        let hidden = told.get(&row.position).copied();
        match (row.hidden, hidden) {
            (None, Some(_)) => turned.hidden = turned.hidden.saturating_add(1),
            (Some(_), None) => turned.shown = turned.shown.saturating_add(1),
            (None, None) | (Some(_), Some(_)) => {}
        }
        if row.hidden != hidden {
            doubtful.insert(row.instance.instance.clone());
            row.hidden = hidden;
            index.mark(&row)?;
        }
    }
    Ok(turned)
}

/// Tells anew which instances contradict each other.
pub(super) fn contradict(index: &mut impl Index, doubtful: &BTreeSet<Uid>) -> Result<()> {
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
