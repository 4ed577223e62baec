//! `causeway image conflicts`

use causeway_core::dicom::instance::{ConflictQuery, InstanceRow};
use causeway_core::dicom::uid::Uid;
use clap::Args;
use serde_json::json;

use super::super::context::Context;
use super::uid;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::{Table, Terminal};

/// Instances read at once.
const PAGE: u32 = 200;

/// Arguments of `causeway image conflicts`.
#[derive(Debug, Args)]
pub(super) struct Conflicts {
    /// Those under this SOP Instance UID alone.
    #[arg(long, value_name = "UID")]
    instance: Option<String>,
    /// At most so many images.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: u32,
}

/// Lists them.
pub(super) fn run(args: &Conflicts, context: &Context) -> Outcome {
    let instance: Option<Uid> = args.instance.as_deref().map(uid).transpose()?;
    let store = context.store()?;
    let screen = context.screen()?;
    let mut table = Table::new(&["instance", "conflict", "readers", "study", "feed", "received", "message"]);
    let (mut after, mut left) = (None, args.limit);
    while left > 0 {
        let query = ConflictQuery { instance: instance.clone(), after, limit: left.min(PAGE) };
        let rows = store.repository.conflicts(&query)?;
        let Some(last) = rows.last() else { break };
        after = Some((last.instance.instance.clone(), last.position));
        left = left.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        for row in &rows {
            one(row, context, &screen, &mut table)?;
        }
    }
    if !context.terminal.json {
        screen.table(&table)?;
    }
    Ok(Exit::Done)
}

fn one(row: &InstanceRow, context: &Context, screen: &Terminal, table: &mut Table) -> Outcome<()> {
    let message = context.store()?.repository.trace(&row.position.to_string())?.into_iter().next();
    let facts = message.map(|message| message.row.facts);
    let conflict = row.conflict.map_or("", |conflict| conflict.as_str());
    let readers = row.hidden.map_or("shown", |hidden| hidden.as_str());
    let instance = &row.instance;
    if context.terminal.json {
        return context.terminal.json_line(&json!({
            "v": 1, "instance": instance.instance, "series": instance.series, "study": instance.study,
            "conflict": conflict, "readers": readers, "provider": row.provider, "blob": instance.blob.to_string(),
            "position": row.position.to_string(), "feed": facts.as_ref().map(|facts| &facts.feed),
            "trace": facts.as_ref().map(|facts| facts.trace.to_string()),
            "received_at": facts.as_ref().map(|facts| facts.received_at),
        }));
    }
    table.row([
        instance.instance.to_string(),
        conflict.to_owned(),
        readers.to_owned(),
        instance.study.to_string(),
        facts.as_ref().map(|facts| facts.feed.to_string()).unwrap_or_default(),
        facts.as_ref().map(|facts| screen.time(facts.received_at)).unwrap_or_default(),
        row.position.to_string(),
    ]);
    Ok(())
}
