//! `causeway message list|show|trace|tail|replay|discard`

mod discard;
mod filter;
mod json;
mod list;
mod replay;
mod show;
mod tail;
mod trace;
mod tries;

use causeway_core::port::MessageDetail;
use clap::{Args, Subcommand};

use super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};

/// Arguments of `causeway message`.
#[derive(Debug, Args)]
pub(crate) struct Message {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do. A message is named by its control id, its trace id, or its place in the log as `partition:offset`.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List messages, newest first.
    List(list::List),
    /// Show a message: its fields, its bytes, or what is known of it.
    Show(show::Show),
    /// Tell a message's way from the first byte to the record or the reason.
    Trace(trace::Trace),
    /// Print messages as they get their outcome.
    Tail(tail::Tail),
    /// Run messages through mapping and decision again; without `--yes` it only tells what would happen.
    Replay(replay::Replay),
    /// Give up a held or rejected message, with a reason.
    Discard(discard::Discard),
}

/// Does what the verb says.
pub(crate) fn run(args: &Message, context: &Context) -> Outcome {
    match &args.verb {
        Verb::List(list) => list::run(list, context),
        Verb::Show(show) => show::run(show, context),
        Verb::Trace(trace) => trace::run(trace, context),
        Verb::Tail(tail) => tail::run(tail, context),
        Verb::Replay(replay) => replay::run(replay, context),
        Verb::Discard(discard) => discard::run(discard, context),
    }
}

/// The messages of an id; at least one.
fn find(context: &Context, id: &str) -> Outcome<Vec<MessageDetail>> {
    let found = context.store()?.repository.trace(id)?;
    if found.is_empty() {
        let what = format!("no message is known by `{id}`");
        let fix = "a message that just arrived may wait for its turn: see `causeway status`; or list what is there with `causeway message list`";
        return Err(Diagnostic::new(Code::Nothing, what).fix(fix).into());
    }
    Ok(found)
}

/// The one message of an id; several are told by their places.
fn find_one(context: &Context, id: &str) -> Outcome<MessageDetail> {
    let mut found = find(context, id)?;
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (last, _) => {
            let places: Vec<_> = found.iter().chain(&last).map(|d| d.row.facts.position.to_string()).collect();
            let what = format!("{} messages are known by `{id}`", places.len());
            Err(Diagnostic::new(Code::Argument, what)
                .fix(format!("name one by its place: {}", places.join(", ")))
                .into())
        }
    }
}
