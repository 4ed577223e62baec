//! `causeway message discard`

use clap::Args;
use serde_json::json;

use super::super::context::Context;
use super::find_one;
use crate::diagnostic::Outcome;
use crate::exit::Exit;

/// Arguments of `causeway message discard`.
#[derive(Debug, Args)]
pub(crate) struct Discard {
    /// The message.
    id: String,
    /// Why; it is kept with the message and in the audit. Write nothing about the patient.
    #[arg(long)]
    comment: String,
}

/// Gives up a message. Its bytes stay in the log until retention removes them.
pub(crate) fn run(args: &Discard, context: &Context) -> Outcome {
    let row = find_one(context, &args.id)?.row;
    let position = row.facts.position;
    context.store()?.repository.discard(position, &args.comment, &context.actor(), context.now())?;
    if context.terminal.json {
        context.terminal.json_line(&json!({ "position": position.to_string(), "state": "discarded" }))?;
    } else {
        context.terminal.line(&format!("{position} is discarded"))?;
    }
    Ok(Exit::Done)
}
