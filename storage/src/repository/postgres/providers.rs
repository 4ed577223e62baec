//! Providers of the registry, with every former version kept.

use causeway_core::port::{Actor, AuditEntry};
use causeway_core::provider::{Provider, ProviderId};
use jiff::Timestamp;
use postgres::Row;

use super::session::{Session, get};
use super::text::put;
use super::tickets;
use super::unit::Unit;
use crate::repository::codec::micros;
use crate::repository::error::{Result, StoreError};
use crate::repository::snapshot::{check_provider, provider_seal, read_provider};

/// Adds or changes a provider. One that is the same changes nothing.
pub(super) fn put_provider(unit: &mut Unit<'_>, provider: &Provider, actor: &Actor, at: Timestamp) -> Result<()> {
    check_provider(provider)?;
    if provider.id.0.contains('\0') {
        return Err(StoreError::Invalid("a provider's number has no zero character".to_owned()));
    }
    let sql = "SELECT snapshot, seal FROM provider WHERE id = $1 FOR NO KEY UPDATE";
    let stored = unit.session.first(sql, &[&provider.id.0])?;
    let stored = stored.map(|row| read_provider(&provider.id, get(&row, 0)?, get(&row, 1)?)).transpose()?;
    if stored.as_ref() == Some(provider) {
        return Ok(());
    }
    let snapshot = serde_json::to_string(provider)
        .ok()
        .ok_or_else(|| StoreError::Invalid(format!("provider {} cannot be stored", provider.id)))?;
    let seal = provider_seal(&provider.id, &snapshot);
    unit.execute(
        "INSERT INTO provider (id, revision, snapshot, seal) VALUES ($1, 1, $2, $3) ON CONFLICT (id) DO UPDATE \
         SET revision = provider.revision + 1, snapshot = excluded.snapshot, seal = excluded.seal",
        &[&provider.id.0, &snapshot, &seal.as_slice()],
    )?;
    unit.execute(
        "INSERT INTO provider_history (provider, revision, at, actor, snapshot) \
         SELECT id, revision, $2, $3, snapshot FROM provider WHERE id = $1",
        &[&provider.id.0, &micros(at), &put(&actor.0)],
    )?;
    let detail = [("provider".to_owned(), provider.id.0.clone()), ("snapshot".to_owned(), snapshot)];
    let (actor, action) = (actor.clone(), "provider".to_owned());
    unit.audit(AuditEntry { at, actor, action, person: None, detail: detail.into() });
    tickets::open_for_provider(unit, &provider.id)
}

/// One provider.
pub(super) fn find(session: &mut Session, id: &ProviderId) -> Result<Option<Provider>> {
    let row = session.first("SELECT snapshot, seal FROM provider WHERE id = $1", &[&put(&id.0)])?;
    row.map(|row| read_provider(id, get(&row, 0)?, get(&row, 1)?)).transpose()
}

/// All of them, by number.
pub(super) fn all(session: &mut Session, limit: u32) -> Result<Vec<Provider>> {
    let sql = "SELECT id, snapshot, seal FROM provider ORDER BY id COLLATE \"C\" LIMIT $1";
    let one = |row: &Row| read_provider(&ProviderId(get(row, 0)?), get(row, 1)?, get(row, 2)?);
    session.query(sql, &[&i64::from(limit)])?.iter().map(one).collect()
}
