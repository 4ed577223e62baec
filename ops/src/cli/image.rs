//! `causeway image conflicts`

use causeway_core::dicom::instance::{ConflictQuery, InstanceRow};
use causeway_core::dicom::uid::Uid;
use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::Table;

/// Instances read at once.
const PAGE: u32 = 200;

/// Arguments of `causeway image`.
#[derive(Debug, Args)]
pub(crate) struct Image {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List images that contradict each other under one SOP Instance UID; all of them are kept. Images that stand for another
    /// person are held messages: `causeway message list --reason IMAGE_OF_TWO_PERSONS`.
    Conflicts(Conflicts),
}

/// Arguments of `causeway image conflicts`.
#[derive(Debug, Args)]
struct Conflicts {
    /// Those under this SOP Instance UID alone.
    #[arg(long, value_name = "UID")]
    instance: Option<String>,
    /// At most so many images.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: u32,
}

/// Does what the verb says.
pub(crate) fn run(args: &Image, context: &Context) -> Outcome {
    match &args.verb {
        Verb::Conflicts(conflicts) => list(conflicts, context),
    }
}

fn list(args: &Conflicts, context: &Context) -> Outcome {
    let wrong = |_fault| {
        Diagnostic::new(Code::Argument, "the SOP Instance UID is none")
            .fix("give it in digits and dots, as in the header")
    };
    let instance = args.instance.as_deref().map(Uid::parse).transpose().map_err(wrong)?;
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

fn one(row: &InstanceRow, context: &Context, screen: &crate::output::Terminal, table: &mut Table) -> Outcome<()> {
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
