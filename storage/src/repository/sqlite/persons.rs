//! Persons of the registry: adding, correcting, finding. Every change is kept in the history tables and audited.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::consent::Standing;
use causeway_core::hkid::Hkid;
use causeway_core::identity::{document_key, look_alike_key};
use causeway_core::person::{Demographics, Document, Person, PersonId};
use causeway_core::phi::Phi;
use causeway_core::port::{Actor, AuditEntry, NewPerson, Participant, PersonQuery};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::super::person::{DOCUMENTS_MAX, check_demographics, checked, fold_name};
pub(super) use super::super::person::{TEXT_BYTES_MAX, fold_number};
use super::codec::micros;
use super::error::{Result, StoreError};
use super::resolve::read_participant;
use super::unit::Unit;
use super::{links, tickets};
use crate::repository::ehr_number;
use crate::repository::snapshot::participant_seal;
use crate::repository::wanted::{DOCUMENT, LOOK_ALIKE};

/// Adds a person.
pub(super) fn add(unit: &mut Unit<'_>, new: &NewPerson, actor: &Actor, at: Timestamp) -> Result<Participant> {
    if new.documents.is_empty() || new.documents.len() > DOCUMENTS_MAX {
        return Err(StoreError::Invalid(format!("a person has 1 to {DOCUMENTS_MAX} identity documents")));
    }
    check_demographics(&new.demographics)?;
    // The number is given by the row; what depends on it is written right after.
    let sql = "INSERT INTO person (ehr_number, revision, snapshot, seal) VALUES ('', 0, '', x'')";
    unit.tx.prepare_cached(sql)?.execute([])?;
    let id = PersonId(unit.tx.last_insert_rowid());
    let ehr_number =
        ehr_number(id).ok_or_else(|| StoreError::Invalid("the registry has no numbers left".to_owned()))?;
    unit.tx.prepare_cached("UPDATE person SET ehr_number = ?2 WHERE id = ?1")?.execute(params![id.0, ehr_number])?;
    let mut participant = Participant {
        person: Person {
            id,
            ehr_number,
            documents: Vec::new(),
            demographics: new.demographics.clone(),
            local_numbers: Vec::new(),
        },
        standing: Standing::default(),
    };
    for document in &new.documents {
        add_document_to(unit, &mut participant.person, document, actor, at)?;
    }
    for number in &new.local_numbers {
        links::link_to(unit, &mut participant.person, number, actor, at)?;
    }
    keep_demographics(unit, &participant.person, actor, at)?;
    save(unit, &participant)?;
    tell(unit, id, "add", actor, at, [])?;
    tickets::open_for_person(unit, &participant.person)?;
    Ok(participant)
}

/// Corrects names, birth date or sex.
pub(super) fn correct(
    unit: &mut Unit<'_>,
    id: PersonId,
    to: &Demographics,
    actor: &Actor,
    at: Timestamp,
) -> Result<()> {
    check_demographics(to)?;
    let mut participant = load(&unit.tx, id)?;
    if participant.person.demographics == *to {
        return Ok(());
    }
    if let Some(key) = look_alike_key(&participant.person.demographics) {
        remove_key(&unit.tx, id, LOOK_ALIKE, key)?;
    }
    participant.person.demographics = to.clone();
    keep_demographics(unit, &participant.person, actor, at)?;
    save(unit, &participant)?;
    tell(unit, id, "correct", actor, at, [])?;
    tickets::open_for_person(unit, &participant.person)
}

/// Adds a document. One the person has already changes nothing.
pub(super) fn add_document(
    unit: &mut Unit<'_>,
    id: PersonId,
    document: &Document,
    actor: &Actor,
    at: Timestamp,
) -> Result<()> {
    let mut participant = load(&unit.tx, id)?;
    if participant.person.documents.len() >= DOCUMENTS_MAX {
        return Err(StoreError::Invalid(format!("a person has at most {DOCUMENTS_MAX} documents")));
    }
    if !add_document_to(unit, &mut participant.person, document, actor, at)? {
        return Ok(());
    }
    save(unit, &participant)?;
    tell(unit, id, "add-document", actor, at, [("kind", document.kind.as_str())])?;
    tickets::open_for_person(unit, &participant.person)
}

/// One person as stored.
pub(super) fn load(connection: &Connection, id: PersonId) -> Result<Participant> {
    find(connection, id)?.ok_or_else(|| StoreError::NotFound(format!("person {id}")))
}

/// One person as stored, if there is one.
pub(super) fn find(connection: &Connection, id: PersonId) -> Result<Option<Participant>> {
    let mut statement = connection.prepare_cached("SELECT snapshot, seal FROM person WHERE id = ?1")?;
    let mut rows = statement.query([id.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    read_participant(id, row.get_ref(0)?, row.get_ref(1)?).map(Some)
}

/// Persons that fulfil a query, by number.
pub(super) fn query(connection: &Connection, query: &PersonQuery, limit: u32) -> Result<Vec<Arc<Participant>>> {
    let mut conditions = vec!["p.id > :after"];
    if query.ehr_number.is_some() {
        conditions.push("p.ehr_number = :ehr_number");
    }
    if query.document_number.is_some() {
        conditions
            .push("p.id IN (SELECT person FROM person_number WHERE folded IN (:document, :canonical) AND sort = 0)");
    }
    if query.local_number.is_some() {
        conditions.push("p.id IN (SELECT person FROM person_number WHERE folded = :local AND sort = 1)");
    }
    if query.name.is_some() {
        conditions.push("p.id IN (SELECT person FROM person_name WHERE person > :after AND instr(folded, :name) > 0)");
    }
    let sql = format!(
        "SELECT p.id, p.snapshot, p.seal FROM person AS p WHERE {} ORDER BY p.id LIMIT :limit",
        conditions.join(" AND ")
    );
    let document = query.document_number.as_ref().map(Phi::expose);
    let canonical = document.and_then(|number| Hkid::parse(number).ok());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut bind = super::posting::Binder::new(&mut statement);
    bind.set(":after", Some(query.after.map_or(0, |after| after.0)))?;
    bind.set(":ehr_number", query.ehr_number.as_deref())?;
    bind.set(":document", document.map(|number| fold_number(number)))?;
    bind.set(":canonical", canonical.as_ref().map(|hkid| fold_number(hkid.as_str())))?;
    bind.set(":local", query.local_number.as_ref().map(|number| fold_number(number.expose())))?;
    bind.set(":name", query.name.as_ref().map(|name| fold_name(name.expose())))?;
    bind.set(":limit", Some(limit))?;
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Arc::new(read_participant(PersonId(row.get(0)?), row.get_ref(1)?, row.get_ref(2)?)?));
    }
    Ok(found)
}

/// Writes the snapshot and what finds the person by name.
pub(super) fn save(unit: &Unit<'_>, participant: &Participant) -> Result<()> {
    let id = participant.person.id;
    let snapshot = serde_json::to_string(participant)
        .ok()
        .ok_or_else(|| StoreError::Invalid(format!("person {id} cannot be stored")))?;
    let seal = participant_seal(id, &snapshot);
    let sql = "UPDATE person SET revision = revision + 1, snapshot = ?2, seal = ?3 WHERE id = ?1";
    unit.tx.prepare_cached(sql)?.execute(params![id.0, snapshot, seal])?;
    Ok(())
}

/// Writes an audit line about a person.
pub(super) fn tell<const N: usize>(
    unit: &mut Unit<'_>,
    id: PersonId,
    change: &str,
    actor: &Actor,
    at: Timestamp,
    detail: [(&str, &str); N],
) -> Result<()> {
    let detail = detail.into_iter().chain([("change", change)]);
    let detail: BTreeMap<String, String> = detail.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (actor, action) = (actor.clone(), "person".to_owned());
    unit.audit(&AuditEntry { at, actor, action, person: Some(id), detail })
}

/// Adds a key under which messages find the person.
pub(super) fn add_key(connection: &Connection, id: PersonId, sort: i64, key: i64) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO subject (key, sort, person) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute([key, sort, id.0])?;
    Ok(())
}

/// Takes a key away.
pub(super) fn remove_key(connection: &Connection, id: PersonId, sort: i64, key: i64) -> Result<()> {
    let sql = "DELETE FROM subject WHERE key = ?1 AND sort = ?2 AND person = ?3";
    connection.prepare_cached(sql)?.execute([key, sort, id.0])?;
    Ok(())
}

/// Who has a number.
pub(super) fn owner(connection: &Connection, sort: i64, key: i64) -> Result<Option<PersonId>> {
    let sql = "SELECT person FROM subject WHERE key = ?1 AND sort = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([key, sort], |row| row.get(0)).optional()?.map(PersonId))
}

/// Appends to the history of documents and linked numbers.
pub(super) fn keep_number(
    connection: &Connection,
    id: PersonId,
    change: &str,
    value: &impl serde::Serialize,
    actor: &Actor,
    at: Timestamp,
) -> Result<()> {
    let value = serde_json::to_string(value)
        .ok()
        .ok_or_else(|| StoreError::Invalid("the number cannot be stored".to_owned()))?;
    let sql = "INSERT INTO number_history (person, number, at, actor, change, value) VALUES (?1, \
               (SELECT coalesce(max(number), 0) + 1 FROM number_history WHERE person = ?1), ?2, ?3, ?4, ?5)";
    connection.prepare_cached(sql)?.execute(params![id.0, micros(at), actor.0, change, value])?;
    Ok(())
}

/// Whether the person did not have the document yet.
fn add_document_to(
    unit: &Unit<'_>,
    person: &mut Person,
    document: &Document,
    actor: &Actor,
    at: Timestamp,
) -> Result<bool> {
    let document = checked(document)?;
    let key = document_key(&document).0;
    match owner(&unit.tx, DOCUMENT, key)? {
        Some(owner) if owner == person.id => return Ok(false),
        Some(owner) => return Err(StoreError::Taken { what: "document", owner }),
        None => {}
    }
    add_key(&unit.tx, person.id, DOCUMENT, key)?;
    let sql = "INSERT OR IGNORE INTO person_number (folded, sort, person) VALUES (?1, ?2, ?3)";
    let folded = fold_number(document.number.expose());
    unit.tx.prepare_cached(sql)?.execute(params![folded, DOCUMENT, person.id.0])?;
    keep_number(&unit.tx, person.id, "document", &document, actor, at)?;
    person.documents.push(document);
    Ok(true)
}

fn keep_demographics(unit: &Unit<'_>, person: &Person, actor: &Actor, at: Timestamp) -> Result<()> {
    let text = serde_json::to_string(&person.demographics)
        .ok()
        .ok_or_else(|| StoreError::Invalid("the names cannot be stored".to_owned()))?;
    let sql = "INSERT INTO demographics_history (person, number, at, actor, demographics) VALUES (?1, \
               (SELECT coalesce(max(number), 0) + 1 FROM demographics_history WHERE person = ?1), ?2, ?3, ?4)";
    unit.tx.prepare_cached(sql)?.execute(params![person.id.0, micros(at), actor.0, text])?;
    let Demographics { family, given, chinese, .. } = &person.demographics;
    let english = fold_name(&format!("{} {}", family.expose(), given.expose()));
    let folded = format!("{english}\n{}", fold_name(chinese.expose()));
    let sql = "INSERT INTO person_name (person, folded) VALUES (?1, ?2) \
               ON CONFLICT (person) DO UPDATE SET folded = excluded.folded";
    unit.tx.prepare_cached(sql)?.execute(params![person.id.0, folded])?;
    match look_alike_key(&person.demographics) {
        Some(key) => add_key(&unit.tx, person.id, LOOK_ALIKE, key),
        None => Ok(()),
    }
}
