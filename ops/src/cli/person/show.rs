//! `causeway person show`

use clap::Args;

use super::super::context::Context;
use super::{describe, find};
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::Table;
use crate::output::mask::Sight;

/// Arguments of `causeway person show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The person.
    person: String,
    /// Show what is protected; an audit line is written first.
    #[arg(long)]
    reveal: bool,
}

/// Shows a person.
pub(crate) fn run(args: &Show, context: &Context) -> Outcome {
    let participant = find(context, &args.person)?;
    let (person, standing) = (&participant.person, &participant.standing);
    let sight = if args.reveal {
        context.audit_reveal("show-person", Some(person.id), "demographics and numbers")?;
        Sight::Revealed
    } else {
        Sight::Masked
    };
    let terminal = context.screen()?;
    if terminal.json {
        terminal.json_line(&describe::person(&participant, sight))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["what", "value"]);
    let mut row = |what: &str, value: String| table.row([what.to_owned(), value]);
    row("person", person.id.to_string());
    row("ehr number", person.ehr_number.clone());
    row("name", format!("{} {}", sight.name(&person.demographics), sight.show(&person.demographics.chinese)));
    row("birth", sight.birth(&person.demographics));
    row("sex", person.demographics.sex.map_or_else(String::new, |sex| sex.as_str().to_owned()));
    person.documents.iter().for_each(|document| row("document", sight.document(document)));
    person.local_numbers.iter().for_each(|number| row("linked", describe::local_number(number, sight)));
    row("registration", standing.registration.as_str().to_owned());
    if let (Some(policy), Some(joined)) = (standing.policy, standing.joined_at) {
        row("joined", format!("{} under policy {}", terminal.time(joined), policy.as_str()));
    }
    for (provider, sharing) in &standing.sharing {
        row("shares with", format!("{provider}, {}", describe::sharing(sharing.state)));
    }
    terminal.table(&table)?;
    Ok(Exit::Done)
}
