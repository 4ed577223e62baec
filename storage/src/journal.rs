//! How the journal of an SQLite file is changed.

use rusqlite::Connection;

/// Changes the journal of `store` to `mode`; gives the mode it has then, which is the old one where that cannot be.
///
/// # Errors
/// When the change could not be made durable. SQLite commits it after the row that tells the mode, so that who reads that row
/// and no further hears nothing of a failed sync, and goes on in the old mode.
pub(crate) fn change(store: &Connection, mode: &'static str) -> rusqlite::Result<String> {
    let mut change = store.prepare(&format!("PRAGMA journal_mode = {mode}"))?;
    let mut rows = change.query([])?;
    let mut told = String::new();
    while let Some(row) = rows.next()? {
        told = row.get(0)?;
    }
    Ok(told)
}
