//! `causeway message tail`

use std::thread;
use std::time::{Duration, Instant};

use causeway_core::human;
use causeway_core::port::MessageQuery;
use clap::Args;

use super::super::context::Context;
use super::filter::Filter;
use super::{json, list};
use crate::diagnostic::Outcome;
use crate::exit::Exit;

/// How often it is asked for new messages.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// How many are printed at a look.
const PAGE: u32 = 500;

/// Arguments of `causeway message tail`.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    #[command(flatten)]
    filter: Filter,
    /// Begin with so many that are there already.
    #[arg(long, short = 'n', default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    lines: u32,
    /// End after so long.
    #[arg(long = "for", value_name = "DURATION", value_parser = human::parse_duration)]
    limit: Option<Duration>,
}

/// Prints messages as they come, until interrupted.
pub(crate) fn run(args: &Tail, context: &Context) -> Outcome {
    let repository = &context.store()?.repository;
    let query = args.filter.query(context, PAGE)?;
    let newest = repository.messages(&MessageQuery { limit: 1, ..MessageQuery::default() })?;
    let mut after = newest.first().map_or(0, |row| row.row);
    let mut rows = match args.lines {
        0 => Vec::new(),
        lines => repository.messages(&MessageQuery { limit: lines, ..query.clone() })?,
    };
    rows.reverse();
    let terminal = context.screen()?;
    let deadline = args.limit.map(|limit| Instant::now() + limit);
    loop {
        for row in &rows {
            if terminal.json {
                terminal.json_line(&json::row(row))?;
            } else {
                terminal.line(&list::cells(&terminal, row).map(|cell| or_dash(&cell)).join("  "))?;
            }
        }
        if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Ok(Exit::Done);
            }
            thread::park_timeout(LOOK_EVERY);
        }
        rows = repository.messages(&MessageQuery { after_row: Some(after), ..query.clone() })?;
        after = rows.last().map_or(after, |row| row.row.max(after));
    }
}

fn or_dash(cell: &str) -> String {
    if cell.is_empty() { "-".to_owned() } else { cell.to_owned() }
}
