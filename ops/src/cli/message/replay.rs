//! `causeway message replay`

use causeway_core::outcome::State;
use causeway_core::port::RedoMode;
use causeway_router::{ReplayReport, Selection};
use clap::Args;
use serde_json::json;

use super::super::context::Context;
use super::super::feed::configured;
use super::filter::Filter;
use super::find;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::grouped;

/// Arguments of `causeway message replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The messages; or choose them by a filter.
    ids: Vec<String>,
    #[command(flatten)]
    filter: Filter,
    /// Do it.
    #[arg(long)]
    yes: bool,
    /// At most so many, when chosen by a filter.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
}

/// Replays messages, or tells what that would do.
pub(crate) fn run(args: &Replay, context: &Context) -> Outcome {
    let selection = selection(args, context)?;
    let mode = if args.yes { RedoMode::Commit } else { RedoMode::Preview };
    let report = context.router()?.replay(selection, mode, &context.actor()).map_err(Diagnostic::from)?;
    if context.terminal.json {
        context.terminal.json_line(&json!({
            "v": 1, "done": args.yes, "messages": report.messages, "new": report.new, "updated": report.updated,
            "unchanged": report.unchanged, "late": report.late, "gone": report.gone, "unknown": report.unknown,
            "states": states(&report),
        }))?;
    } else {
        context.terminal.line(&told(&report, args.yes))?;
        if !args.yes && report.messages > 0 {
            context.terminal.say("nothing was changed; run it again with --yes to do it");
        }
    }
    let still = |state| report.states.get(&state).copied().unwrap_or(0);
    let left = still(State::Held) + still(State::Rejected) + report.gone + report.unknown;
    Ok(if left > 0 { Exit::Partly } else { Exit::Done })
}

fn selection(args: &Replay, context: &Context) -> Outcome<Selection> {
    match (args.ids.is_empty(), args.filter.is_empty()) {
        (true, true) => {
            let fix = "name messages, or choose them: `causeway message replay --state held --reason IDENTITY_REVIEW`";
            Err(Diagnostic::new(Code::Argument, "no message is chosen").fix(fix).into())
        }
        (false, false) => {
            let fix = "give either ids or a filter";
            Err(Diagnostic::new(Code::Argument, "messages are chosen in two ways").fix(fix).into())
        }
        (false, true) => {
            let mut positions = Vec::new();
            for id in &args.ids {
                positions.extend(find(context, id)?.into_iter().map(|detail| detail.row.facts.position));
            }
            Ok(Selection::Positions(positions))
        }
        (true, false) => {
            let query = args.filter.query(context, args.limit)?;
            let found = context.store()?.repository.count_messages(&query)?;
            // A feed that is no longer configured may have messages; one that never was has none.
            if let Some(feed) = query.feed.as_ref().filter(|_| found == 0) {
                configured(feed.as_str(), context)?;
            }
            if found > u64::from(args.limit) {
                let (found, limit) = (grouped(found), grouped(u64::from(args.limit)));
                context.terminal.say(&format!("note: {found} messages are found; the newest {limit} are taken"));
            }
            Ok(Selection::Query(query))
        }
    }
}

fn states(report: &ReplayReport) -> serde_json::Map<String, serde_json::Value> {
    report.states.iter().map(|(state, count)| (state.as_str().to_owned(), json!(count))).collect()
}

fn told(report: &ReplayReport, done: bool) -> String {
    let states: Vec<_> =
        report.states.iter().map(|(state, count)| format!("{} {}", grouped(*count), state.as_str())).collect();
    let verb = if done { "replayed" } else { "would be replayed" };
    let mut text = format!(
        "{} messages {verb}: {} new, {} updated, {} unchanged, {} late records",
        grouped(report.messages),
        grouped(report.new),
        grouped(report.updated),
        grouped(report.unchanged),
        grouped(report.late),
    );
    if !states.is_empty() {
        text = format!("{text}; {}", states.join(", "));
    }
    if report.gone > 0 {
        text = format!("{text}; {} are no longer in the log", grouped(report.gone));
    }
    if report.unknown > 0 {
        text = format!("{text}; {} were not processed yet", grouped(report.unknown));
    }
    text
}
