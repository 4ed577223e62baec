//! The checker: compares what was acknowledged with what is stored, and names what is wrong.

use std::collections::BTreeMap;

use causeway_core::envelope::PartitionId;
use causeway_core::outcome::State;
use causeway_core::port::{
    AccessGrant, Actor, MessageQuery, MessageRow, RecordQuery, RecordRow, Repository, RepositoryError,
};
use causeway_core::scope::Domain;
use jiff::Timestamp;

use crate::journal::Event;
use crate::patient::{Numbered, Patient};

/// Something that must never happen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anomaly {
    /// Acknowledged, and not there.
    Lost(Numbered),
    /// There more than once.
    Duplicate(Numbered),
    /// There, and never sent.
    Phantom(String),
    /// Only a part of its records is there.
    Torn(Numbered),
    /// A patient's messages took effect in another order than they were sent.
    Reorder(Numbered),
    /// The processed offset and the messages of a partition do not agree.
    OffsetSkip {
        /// The partition.
        partition: u16,
        /// Messages stored for it.
        messages: u64,
        /// Its next offset.
        next: u64,
    },
    /// Something of a person who takes no part was stored.
    ConsentLeak(u32),
}

/// The log of a run.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Its partitions.
    pub partitions: u16,
    /// How many copies of messages it may hold: none where it recognises resends, else no more than there were resends.
    pub copies_max: u64,
}

/// Compares a finished run with the repository. Messages of other senders are ignored, save for the offsets.
pub fn check(
    events: &BTreeMap<Numbered, Vec<Event>>,
    patients: &[Patient],
    seed: u64,
    repository: &dyn Repository,
    log: Extent,
    now: Timestamp,
) -> Result<Vec<Anomaly>, RepositoryError> {
    let rows = all_messages(repository)?;
    let mut found = Vec::new();
    let stored = by_number(&rows, seed, events, &mut found);
    for (numbered, history) in events {
        let copies = stored.get(numbered).map_or(0, Vec::len);
        if copies == 0 && history.contains(&Event::Acknowledged) {
            found.push(Anomaly::Lost(*numbered));
        }
        if copies > 1 {
            found.push(Anomaly::Duplicate(*numbered));
        }
    }
    for patient in patients {
        check_patient(*patient, &stored, repository, now, &mut found)?;
    }
    check_offsets(&rows, repository, log, &mut found)?;
    found.sort();
    Ok(found)
}

/// Order, completeness and consent of one patient.
fn check_patient(
    patient: Patient,
    stored: &BTreeMap<Numbered, Vec<&MessageRow>>,
    repository: &dyn Repository,
    now: Timestamp,
    found: &mut Vec<Anomaly>,
) -> Result<(), RepositoryError> {
    let first = Numbered { patient: patient.number, counter: 0 };
    let last = Numbered { patient: patient.number, counter: u32::MAX };
    let mut mine: Vec<(Numbered, &MessageRow)> =
        stored.range(first..=last).flat_map(|(n, rows)| rows.iter().map(|row| (*n, *row))).collect();
    mine.sort_by_key(|(_, row)| row.row);
    if !patient.participant {
        if mine.iter().any(|(_, row)| row.state == State::Accepted || row.person.is_some()) {
            found.push(Anomaly::ConsentLeak(patient.number));
        }
        return Ok(());
    }
    for pair in mine.windows(2) {
        if let [(before, _), (after, _)] = pair
            && before.counter >= after.counter
        {
            found.push(Anomaly::Reorder(*after));
        }
    }
    let Some(person) = mine.iter().find_map(|(_, row)| row.person) else { return Ok(()) };
    for (domain, resource) in [(Domain::Identification, "Patient"), (Domain::Encounter, "Encounter")] {
        let grant = AccessGrant::operator(Actor("hubcheck".to_owned()), "load and check".to_owned());
        let query = RecordQuery {
            person: Some(person),
            domain: Some(domain),
            history: true,
            limit: u32::MAX,
            ..RecordQuery::default()
        };
        let versions: Vec<RecordRow> = repository.records(&grant, &query, now)?;
        let mut counters: Vec<(u32, u32, bool)> = versions
            .iter()
            .filter(|row| row.resource.get("resourceType").is_some_and(|kind| kind == resource))
            .map(|row| (row.version, counter_of(row), row.current))
            .collect();
        counters.sort_unstable();
        check_versions(&mine, &counters, found);
    }
    Ok(())
}

/// Every message made one version, in order, and the last one is current.
fn check_versions(mine: &[(Numbered, &MessageRow)], counters: &[(u32, u32, bool)], found: &mut Vec<Anomaly>) {
    for (numbered, row) in mine.iter().filter(|(_, row)| row.state == State::Accepted) {
        match counters.iter().filter(|(_, counter, _)| *counter == numbered.counter).count() {
            0 => found.push(Anomaly::Torn(*numbered)),
            1 => {}
            _ => found.push(Anomaly::Duplicate(*numbered)),
        }
        let is_last = mine.last().is_some_and(|(_, last)| last.row == row.row);
        let is_current = counters.iter().any(|(_, counter, current)| *current && *counter == numbered.counter);
        if is_last != is_current {
            found.push(Anomaly::Reorder(*numbered));
        }
    }
}

/// The counter a record version carries: the bed of an Encounter, the flat of a Patient.
fn counter_of(row: &RecordRow) -> u32 {
    let text = row.resource.to_string();
    let after = |mark: &str| {
        let rest = text.split(mark).nth(1)?;
        rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    };
    after("FLAT ").or_else(|| after("W1/")).unwrap_or(0)
}

fn check_offsets(
    rows: &[MessageRow],
    repository: &dyn Repository,
    log: Extent,
    found: &mut Vec<Anomaly>,
) -> Result<(), RepositoryError> {
    let mut copies = log.copies_max;
    for partition in 0..log.partitions {
        let next = repository.next_offset(PartitionId(partition))?.0;
        let mut offsets: Vec<u64> = rows
            .iter()
            .filter(|row| row.facts.position.partition.0 == partition)
            .map(|row| row.facts.position.offset.0)
            .collect();
        offsets.sort_unstable();
        offsets.dedup();
        let messages = offsets.len() as u64;
        let more = next.checked_sub(messages);
        if let Some(left) = more.and_then(|more| copies.checked_sub(more)) {
            copies = left;
        } else {
            found.push(Anomaly::OffsetSkip { partition, messages, next });
        }
    }
    Ok(())
}

/// The stored messages of this run by number; control ids that were never sent are phantoms.
fn by_number<'r>(
    rows: &'r [MessageRow],
    seed: u64,
    events: &BTreeMap<Numbered, Vec<Event>>,
    found: &mut Vec<Anomaly>,
) -> BTreeMap<Numbered, Vec<&'r MessageRow>> {
    let mut stored: BTreeMap<Numbered, Vec<&MessageRow>> = BTreeMap::new();
    for row in rows {
        match Numbered::parse(&row.facts.control_id, seed) {
            Some(numbered) if events.contains_key(&numbered) => stored.entry(numbered).or_default().push(row),
            Some(_) | None if row.facts.sender.starts_with("LOAD|") => {
                found.push(Anomaly::Phantom(row.facts.control_id.clone()));
            }
            Some(_) | None => {}
        }
    }
    stored
}

/// Every message, page by page, oldest first.
fn all_messages(repository: &dyn Repository) -> Result<Vec<MessageRow>, RepositoryError> {
    let mut rows: Vec<MessageRow> = Vec::new();
    loop {
        let after_row = Some(rows.last().map_or(0, |row| row.row));
        let page = repository.messages(&MessageQuery { after_row, limit: 5_000, ..MessageQuery::default() })?;
        if page.is_empty() {
            return Ok(rows);
        }
        rows.extend(page);
    }
}
