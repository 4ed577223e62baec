//! `causeway message list`

use causeway_core::port::{MessageQuery, MessageRow};
use clap::Args;

use super::super::context::Context;
use super::filter::Filter;
use super::json;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::{Table, Terminal, grouped};

/// Arguments of `causeway message list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    filter: Filter,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Older than this row, for the next page: --json tells the rows.
    #[arg(long, value_name = "ROW")]
    before: Option<i64>,
}

/// Lists messages.
pub(crate) fn run(args: &List, context: &Context) -> Outcome {
    let repository = &context.store()?.repository;
    let query = args.filter.query(context, args.limit)?;
    let rows = repository.messages(&MessageQuery { before_row: args.before, ..query.clone() })?;
    let terminal = context.screen()?;
    if terminal.json {
        rows.iter().try_for_each(|row| terminal.json_line(&json::row(row)))?;
        return Ok(Exit::Done);
    }
    terminal.table(&table(&terminal, &rows))?;
    let all = repository.count_messages(&query)?;
    terminal.say(&format!("{} of {} messages", grouped(u64::try_from(rows.len()).unwrap_or(u64::MAX)), grouped(all)));
    Ok(Exit::Done)
}

/// Messages as a table; nothing of their content.
pub(super) fn table(terminal: &Terminal, rows: &[MessageRow]) -> Table {
    let mut table = Table::new(&[
        "received",
        "feed",
        "type",
        "control id",
        "state",
        "reason",
        "place",
        ">records",
        "person",
        "position",
    ]);
    for row in rows {
        table.row(cells(terminal, row));
    }
    table
}

/// The cells of a message.
pub(super) fn cells(terminal: &Terminal, row: &MessageRow) -> [String; 10] {
    let effects = row.effects;
    let stored = effects.created + effects.updated + effects.unchanged + effects.late;
    [
        terminal.time(row.facts.received_at),
        row.facts.feed.to_string(),
        row.facts.kind.clone(),
        row.facts.control_id.clone(),
        row.state.as_str().to_owned(),
        row.reason.map_or_else(String::new, |reason| reason.code().to_owned()),
        row.place.clone(),
        stored.to_string(),
        row.person.map_or_else(String::new, |person| person.to_string()),
        row.facts.position.to_string(),
    ]
}
