//! Persons of the registry: adding, correcting, finding. Every change is kept in the history tables and audited.
//!
//! Who changes a person holds its row locked from reading to commit, so that changes of one person follow one another.

use std::collections::BTreeMap;
use std::sync::Arc;

use causeway_core::consent::Standing;
use causeway_core::hkid::Hkid;
use causeway_core::identity::{document_key, look_alike_key};
use causeway_core::person::{Demographics, Document, Person, PersonId};
use causeway_core::phi::Phi;
use causeway_core::port::{Actor, AuditEntry, NewPerson, Participant, PersonQuery};
use jiff::Timestamp;
use postgres::Row;

use super::conditions::Conditions;
use super::session::{Session, get};
use super::text::put;
use super::unit::Unit;
use super::{links, tickets};
use crate::repository::codec::micros;
use crate::repository::ehr_number;
use crate::repository::error::{Result, StoreError, damaged};
use crate::repository::person::{DOCUMENTS_MAX, check_demographics, checked, fold_name, fold_number};
use crate::repository::snapshot::{participant_seal, read_participant};
use crate::repository::wanted::{DOCUMENT, LOOK_ALIKE};

/// Adds a person.
pub(super) fn add(unit: &mut Unit<'_>, new: &NewPerson, actor: &Actor, at: Timestamp) -> Result<Participant> {
    if new.documents.is_empty() || new.documents.len() > DOCUMENTS_MAX {
        return Err(StoreError::Invalid(format!("a person has 1 to {DOCUMENTS_MAX} identity documents")));
    }
    check_demographics(&new.demographics)?;
    // The number is given by the row; what depends on it is written right after.
    let sql = "INSERT INTO person (revision, snapshot, seal) VALUES (0, '', '') RETURNING id";
    let row = unit.session.first(sql, &[])?.ok_or_else(|| damaged("a person got no number"))?;
    let id = PersonId(get(&row, 0)?);
    let ehr_number =
        ehr_number(id).ok_or_else(|| StoreError::Invalid("the registry has no numbers left".to_owned()))?;
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
    tell(unit, id, "add", actor, at, []);
    tickets::open_for_persons(unit, &[id])?;
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
    let mut participant = load(unit, id)?;
    if participant.person.demographics == *to {
        return Ok(());
    }
    if let Some(key) = look_alike_key(&participant.person.demographics) {
        remove_key(unit, id, LOOK_ALIKE, key)?;
    }
    participant.person.demographics = to.clone();
    keep_demographics(unit, &participant.person, actor, at)?;
    save(unit, &participant)?;
    tell(unit, id, "correct", actor, at, []);
    tickets::open_for_persons(unit, &[id])
}

/// Adds a document. One the person has already changes nothing.
pub(super) fn add_document(
    unit: &mut Unit<'_>,
    id: PersonId,
    document: &Document,
    actor: &Actor,
    at: Timestamp,
) -> Result<()> {
    let mut participant = load(unit, id)?;
    if participant.person.documents.len() >= DOCUMENTS_MAX {
        return Err(StoreError::Invalid(format!("a person has at most {DOCUMENTS_MAX} documents")));
    }
    if !add_document_to(unit, &mut participant.person, document, actor, at)? {
        return Ok(());
    }
    save(unit, &participant)?;
    tell(unit, id, "add-document", actor, at, [("kind", document.kind.as_str())]);
    tickets::open_for_persons(unit, &[id])
}

/// One person as stored, locked until the transaction ends.
pub(super) fn load(unit: &mut Unit<'_>, id: PersonId) -> Result<Participant> {
    let sql = "SELECT snapshot, seal FROM person WHERE id = $1 FOR NO KEY UPDATE";
    match unit.session.first(sql, &[&id.0])? {
        Some(row) => read_participant(id, get(&row, 0)?, get(&row, 1)?),
        None => Err(StoreError::NotFound(format!("person {id}"))),
    }
}

/// One person as stored, if there is one.
pub(super) fn find(session: &mut Session, id: PersonId) -> Result<Option<Participant>> {
    let row = session.first("SELECT snapshot, seal FROM person WHERE id = $1", &[&id.0])?;
    row.map(|row| read_participant(id, get(&row, 0)?, get(&row, 1)?)).transpose()
}

/// Persons that fulfil a query, by number.
pub(super) fn query(session: &mut Session, query: &PersonQuery, limit: u32) -> Result<Vec<Arc<Participant>>> {
    let document = query.document_number.as_ref().map(Phi::expose);
    let canonical = document.and_then(|number| Hkid::parse(number).ok());
    let documents = document.map(|number| {
        let hkid = canonical.as_ref().map(|hkid| fold_number(hkid.as_str()));
        [Some(fold_number(number)), hkid].into_iter().flatten().map(|text| put(&text).into_owned()).collect::<Vec<_>>()
    });
    let local = query.local_number.as_ref().map(|number| put(&fold_number(number.expose())).into_owned());
    let name = query.name.as_ref().map(|name| put(&fold_name(name.expose())).into_owned());
    let (after, limit) = (query.after.map_or(0, |after| after.0), i64::from(limit));
    let mut conditions = Conditions::default();
    conditions.given("p.id > ?", Some(&after));
    conditions.given("p.ehr_number = ?", query.ehr_number.as_ref());
    conditions
        .given("p.id IN (SELECT person FROM person_number WHERE folded = ANY (?) AND sort = 0)", documents.as_ref());
    conditions.given("p.id IN (SELECT person FROM person_number WHERE folded = ? AND sort = 1)", local.as_ref());
    conditions.given("p.id IN (SELECT person FROM person_name WHERE strpos(folded, ?) > 0)", name.as_ref());
    let limit = conditions.param(&limit);
    let sql = format!(
        "SELECT p.id, p.snapshot, p.seal FROM person AS p WHERE {} ORDER BY p.id LIMIT {limit}",
        conditions.sql()
    );
    let one = |row: &Row| read_participant(PersonId(get(row, 0)?), get(row, 1)?, get(row, 2)?).map(Arc::new);
    session.query(&sql, conditions.params())?.iter().map(one).collect()
}

/// Writes the snapshot.
pub(super) fn save(unit: &mut Unit<'_>, participant: &Participant) -> Result<()> {
    let id = participant.person.id;
    let snapshot = serde_json::to_string(participant)
        .ok()
        .ok_or_else(|| StoreError::Invalid(format!("person {id} cannot be stored")))?;
    let seal = participant_seal(id, &snapshot);
    unit.execute(
        "UPDATE person SET revision = revision + 1, snapshot = $2, seal = $3, ehr_number = $4 WHERE id = $1",
        &[&id.0, &snapshot, &seal.as_slice(), &participant.person.ehr_number],
    )?;
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
) {
    let detail = detail.into_iter().chain([("change", change)]);
    let detail: BTreeMap<String, String> = detail.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let (actor, action) = (actor.clone(), "person".to_owned());
    unit.audit(AuditEntry { at, actor, action, person: Some(id), detail });
}

/// Adds a key under which messages find the person. A document or number that another process gives away at the same
/// time makes one of the two transactions start again.
pub(super) fn add_key(unit: &mut Unit<'_>, id: PersonId, sort: i64, key: i64) -> Result<()> {
    let sql = "INSERT INTO subject (key, sort, person) VALUES ($1, $2::int8, $3) \
               ON CONFLICT (key, sort, person) DO NOTHING";
    unit.execute(sql, &[&key, &sort, &id.0])?;
    Ok(())
}

/// Takes a key away.
pub(super) fn remove_key(unit: &mut Unit<'_>, id: PersonId, sort: i64, key: i64) -> Result<()> {
    let sql = "DELETE FROM subject WHERE key = $1 AND sort = $2::int8 AND person = $3";
    unit.execute(sql, &[&key, &sort, &id.0])?;
    Ok(())
}

/// Adds a number as people type it.
pub(super) fn add_number(unit: &mut Unit<'_>, id: PersonId, sort: i64, number: &str) -> Result<()> {
    let folded = fold_number(number);
    let sql = "INSERT INTO person_number (folded, sort, person) VALUES ($1, $2::int8, $3) ON CONFLICT DO NOTHING";
    unit.execute(sql, &[&put(&folded), &sort, &id.0])?;
    Ok(())
}

/// Who has a number.
pub(super) fn owner(unit: &mut Unit<'_>, sort: i64, key: i64) -> Result<Option<PersonId>> {
    let sql = "SELECT person FROM subject WHERE key = $1 AND sort = $2::int8";
    unit.session.first(sql, &[&key, &sort])?.map(|row| get(&row, 0).map(PersonId)).transpose()
}

/// Appends to the history of documents and linked numbers.
pub(super) fn keep_number(
    unit: &mut Unit<'_>,
    id: PersonId,
    change: &str,
    value: &impl serde::Serialize,
    actor: &Actor,
    at: Timestamp,
) -> Result<()> {
    let value = serde_json::to_string(value)
        .ok()
        .ok_or_else(|| StoreError::Invalid("the number cannot be stored".to_owned()))?;
    unit.execute(
        "INSERT INTO number_history (person, number, at, actor, change, value) SELECT $1, \
         coalesce(max(number), 0) + 1, $2, $3, $4, $5 FROM number_history WHERE person = $1",
        &[&id.0, &micros(at), &put(&actor.0), &change, &value],
    )?;
    Ok(())
}

/// Whether the person did not have the document yet.
fn add_document_to(
    unit: &mut Unit<'_>,
    person: &mut Person,
    document: &Document,
    actor: &Actor,
    at: Timestamp,
) -> Result<bool> {
    let document = checked(document)?;
    let key = document_key(&document).0;
    match owner(unit, DOCUMENT, key)? {
        Some(owner) if owner == person.id => return Ok(false),
        Some(owner) => return Err(StoreError::Taken { what: "document", owner }),
        None => {}
    }
    add_key(unit, person.id, DOCUMENT, key)?;
    add_number(unit, person.id, DOCUMENT, document.number.expose())?;
    keep_number(unit, person.id, "document", &document, actor, at)?;
    person.documents.push(document);
    Ok(true)
}

fn keep_demographics(unit: &mut Unit<'_>, person: &Person, actor: &Actor, at: Timestamp) -> Result<()> {
    let text = serde_json::to_string(&person.demographics)
        .ok()
        .ok_or_else(|| StoreError::Invalid("the names cannot be stored".to_owned()))?;
    unit.execute(
        "INSERT INTO demographics_history (person, number, at, actor, demographics) SELECT $1, \
         coalesce(max(number), 0) + 1, $2, $3, $4 FROM demographics_history WHERE person = $1",
        &[&person.id.0, &micros(at), &put(&actor.0), &text],
    )?;
    let Demographics { family, given, chinese, .. } = &person.demographics;
    let english = fold_name(&format!("{} {}", family.expose(), given.expose()));
    let folded = format!("{english}\n{}", fold_name(chinese.expose()));
    let sql = "INSERT INTO person_name (person, folded) VALUES ($1, $2) \
               ON CONFLICT (person) DO UPDATE SET folded = excluded.folded";
    unit.execute(sql, &[&person.id.0, &put(&folded)])?;
    match look_alike_key(&person.demographics) {
        Some(key) => add_key(unit, person.id, LOOK_ALIKE, key),
        None => Ok(()),
    }
}
