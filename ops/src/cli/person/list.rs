//! `causeway person list`

use causeway_core::person::PersonId;
use causeway_core::phi::Phi;
use causeway_core::port::PersonQuery;
use clap::Args;

use super::super::context::Context;
use super::describe;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::Table;
use crate::output::mask::Sight;

/// Arguments of `causeway person list`. All conditions given must hold.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Whose English or Chinese name contains this.
    #[arg(long)]
    name: Option<String>,
    /// With this document number.
    #[arg(long)]
    document: Option<String>,
    /// With this linked number of any provider.
    #[arg(long)]
    number: Option<String>,
    /// After the person of this number, for the next page.
    #[arg(long)]
    after: Option<i64>,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Show what is protected; an audit line is written first.
    #[arg(long)]
    reveal: bool,
}

/// Lists persons.
pub(crate) fn run(args: &List, context: &Context) -> Outcome {
    let protect = |text: &Option<String>| text.clone().map(Phi::new);
    let query = PersonQuery {
        document_number: protect(&args.document),
        ehr_number: None,
        local_number: protect(&args.number),
        name: protect(&args.name),
        after: args.after.map(PersonId),
        limit: args.limit,
    };
    let found = context.store()?.repository.persons(&query)?;
    let sight = if args.reveal {
        context.audit_reveal("list-persons", None, &format!("{} persons", found.len()))?;
        Sight::Revealed
    } else {
        Sight::Masked
    };
    let terminal = context.screen()?;
    if terminal.json {
        found.iter().try_for_each(|one| terminal.json_line(&describe::person(one, sight)))?;
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(&["person", "ehr number", "name", "chinese", "birth", "sex", "document", "registration"]);
    for participant in &found {
        let person = &participant.person;
        let demographics = &person.demographics;
        table.row([
            person.id.to_string(),
            person.ehr_number.clone(),
            sight.name(demographics),
            sight.show(&demographics.chinese),
            sight.birth(demographics),
            demographics.sex.map_or_else(String::new, |sex| sex.as_str().to_owned()),
            person.documents.first().map_or_else(String::new, |document| sight.document(document)),
            participant.standing.registration.as_str().to_owned(),
        ]);
    }
    terminal.table(&table)?;
    Ok(Exit::Done)
}
