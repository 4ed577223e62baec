//! `causeway consent list`

use clap::Args;
use serde_json::json;

use super::super::context::Context;
use super::super::person;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::Table;

/// Arguments of `causeway consent list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The person.
    person: String,
}

/// Lists the events of a person.
pub(crate) fn run(args: &List, context: &Context) -> Outcome {
    let participant = person::find(context, &args.person)?;
    let events = context.store()?.repository.events(participant.person.id)?;
    let terminal = context.screen()?;
    if terminal.json {
        terminal.json_line(&json!({ "v": 1, "events": events, "standing": participant.standing }))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&[">no", "at", "event", "provider", "policy", "by", "channel"]);
    for event in &events {
        table.row([
            event.seq.to_string(),
            terminal.time(event.at),
            event.kind.to_string(),
            event.provider.as_ref().map_or_else(String::new, ToString::to_string),
            event.policy.as_str().to_owned(),
            event.by.clone(),
            event.channel.clone(),
        ]);
    }
    terminal.table(&table)?;
    terminal.say(&format!("the registration is {}", participant.standing.registration.as_str()));
    Ok(Exit::Done)
}
