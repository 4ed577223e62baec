//! `causeway log list|verify`

use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::{Table, grouped, size};

/// Arguments of `causeway log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List the lanes of the log: what they hold, and how far they are processed.
    List,
    /// Read every entry and check its checksum, sequence and chain.
    Verify,
}

/// Does what the verb says.
pub(crate) fn run(args: &LogArgs, context: &Context) -> Outcome {
    match &args.verb {
        Verb::List => list(context),
        Verb::Verify => verify(context),
    }
}

fn list(context: &Context) -> Outcome {
    let (log, repository) = (context.log()?, &context.store()?.repository);
    let mut table = Table::new(&[">lane", ">first", ">processed", ">end", ">waiting"]);
    for lane in log.state()? {
        let next = repository.next_offset(lane.partition)?;
        let waiting = lane.end.0.saturating_sub(next.0);
        if context.terminal.json {
            context.terminal.json_line(&json!({
                "partition": lane.partition, "first": lane.first, "next": next, "end": lane.end, "waiting": waiting,
            }))?;
        }
        let number = |number: u64| grouped(number);
        let partition = lane.partition.0.to_string();
        table.row([partition, number(lane.first.0), number(next.0), number(lane.end.0), number(waiting)]);
    }
    if !context.terminal.json {
        context.terminal.table(&table)?;
        context.terminal.say(&format!("{} on disk", size(log.size_bytes()?)));
    }
    Ok(Exit::Done)
}

fn verify(context: &Context) -> Outcome {
    let entries = context.log()?.verify()?;
    if context.terminal.json {
        context.terminal.json_line(&json!({ "v": 1, "ok": true, "entries": entries }))?;
    } else {
        context.terminal.line(&format!("every entry holds: {} read", grouped(entries)))?;
    }
    Ok(Exit::Done)
}
