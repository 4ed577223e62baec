//! The tries to fetch what the pointers of a message lead to.

use causeway_core::port::{FetchRow, MessageDetail};
use causeway_core::reason::Reason;
use serde_json::{Value, json};

use super::super::context::Context;
use crate::diagnostic::Outcome;
use crate::output::{Table, Terminal};

/// What is remembered of them, in the order of the pointers' digests.
pub(super) fn of(context: &Context, detail: &MessageDetail) -> Outcome<Vec<FetchRow>> {
    Ok(context.store()?.repository.fetches(detail.row.facts.position)?)
}

/// As JSON; a pointer is told by its SHA-256, as the repository knows it.
pub(super) fn json(detail: &MessageDetail, rows: &[FetchRow]) -> Value {
    let one = |row: &FetchRow| {
        json!({
            "pointer": row.pointer.to_string(),
            "tries": row.tries,
            "next_at": is_awaited(detail, row).then_some(row.next_at),
            "last_error": row.failure,
            "document": row.document.map(|document| document.to_string()),
        })
    };
    rows.iter().map(one).collect()
}

/// As a table; nothing when no pointer was followed.
pub(super) fn tell(terminal: &Terminal, detail: &MessageDetail, rows: &[FetchRow]) -> Outcome<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&["report by pointer", "tries", "next try not before", "last error"]);
    for (number, row) in rows.iter().enumerate() {
        let next = match (row.document, is_awaited(detail, row)) {
            (Some(_), _) => "it came".to_owned(),
            (None, true) => terminal.time(row.next_at),
            (None, false) => "none; a replay begins anew".to_owned(),
        };
        let failure = row.failure.clone().unwrap_or_default();
        table.row([number.saturating_add(1).to_string(), row.tries.to_string(), next, failure]);
    }
    terminal.line("")?;
    terminal.table(&table)
}

fn is_awaited(detail: &MessageDetail, row: &FetchRow) -> bool {
    row.document.is_none() && detail.row.reason == Some(Reason::DocumentPending)
}
