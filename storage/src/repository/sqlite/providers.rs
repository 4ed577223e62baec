//! Providers of the registry, with every former version kept.

use causeway_core::port::{Actor, AuditEntry};
use causeway_core::provider::{Provider, ProviderId};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::codec::micros;
use super::error::{Result, StoreError};
use super::resolve::read_provider;
use super::tickets;
use super::unit::Unit;
use crate::repository::snapshot::{check_provider, provider_seal};

/// Adds or changes a provider. One that is the same changes nothing.
pub(super) fn put(unit: &mut Unit<'_>, provider: &Provider, actor: &Actor, at: Timestamp) -> Result<()> {
    check_provider(provider)?;
    if find(&unit.tx, &provider.id)?.as_ref() == Some(provider) {
        return Ok(());
    }
    let snapshot = serde_json::to_string(provider)
        .ok()
        .ok_or_else(|| StoreError::Invalid(format!("provider {} cannot be stored", provider.id)))?;
    let sql = "INSERT INTO provider (id, revision, snapshot, seal) VALUES (?1, 1, ?2, ?3) ON CONFLICT (id) DO UPDATE \
               SET revision = provider.revision + 1, snapshot = excluded.snapshot, seal = excluded.seal";
    let seal = provider_seal(&provider.id, &snapshot);
    unit.tx.prepare_cached(sql)?.execute(params![provider.id.0, snapshot, seal])?;
    let sql = "INSERT INTO provider_history (provider, revision, at, actor, snapshot) \
               SELECT id, revision, ?2, ?3, snapshot FROM provider WHERE id = ?1";
    unit.tx.prepare_cached(sql)?.execute(params![provider.id.0, micros(at), actor.0])?;
    let detail = [("provider".to_owned(), provider.id.0.clone()), ("snapshot".to_owned(), snapshot)];
    let (actor, action) = (actor.clone(), "provider".to_owned());
    unit.audit(&AuditEntry { at, actor, action, person: None, detail: detail.into() })?;
    tickets::open_for_provider(unit, &provider.id)
}

/// One provider.
pub(super) fn find(connection: &Connection, id: &ProviderId) -> Result<Option<Provider>> {
    let mut statement = connection.prepare_cached("SELECT snapshot, seal FROM provider WHERE id = ?1")?;
    let mut rows = statement.query([&id.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    read_provider(id, row.get_ref(0)?, row.get_ref(1)?).map(Some)
}

/// All of them, by number.
pub(super) fn all(connection: &Connection, limit: u32) -> Result<Vec<Provider>> {
    let mut statement = connection.prepare_cached("SELECT id, snapshot, seal FROM provider ORDER BY id LIMIT ?1")?;
    let mut rows = statement.query([limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read_provider(&ProviderId(row.get(0)?), row.get_ref(1)?, row.get_ref(2)?)?);
    }
    Ok(found)
}
