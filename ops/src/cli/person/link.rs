//! `causeway person document`, `link` and `unlink`

use causeway_core::person::{Document, LocalNumber};
use causeway_core::phi::Phi;
use causeway_core::provider::ProviderId;
use clap::Args;

use super::super::context::Context;
use super::{add, find};
use crate::diagnostic::Outcome;
use crate::exit::Exit;

/// Arguments of `causeway person document`.
#[derive(Debug, Args)]
pub(crate) struct AddDocument {
    /// The person.
    person: String,
    /// The document, as `PASSPORT:K1234567@CHN`.
    #[arg(value_name = "KIND:NUMBER[@ISSUER]", value_parser = add::document)]
    document: Document,
}

/// Arguments of `causeway person link` and `unlink`.
#[derive(Debug, Args)]
pub(crate) struct Link {
    /// The person.
    person: String,
    /// The provider whose system gives the number.
    #[arg(long)]
    provider: String,
    /// The assigning authority as sent in PID-3.4.
    #[arg(long, default_value = "")]
    authority: String,
    /// The number, as sent in PID-3.1.
    #[arg(long)]
    number: String,
}

impl Link {
    fn number(&self) -> LocalNumber {
        LocalNumber {
            provider: ProviderId(self.provider.clone()),
            authority: self.authority.clone(),
            number: Phi::new(self.number.clone()),
        }
    }
}

/// Adds a document.
pub(crate) fn document(args: &AddDocument, context: &Context) -> Outcome {
    let id = find(context, &args.person)?.person.id;
    context.store()?.repository.add_document(id, &args.document, &context.actor(), context.now())?;
    context.terminal.say(&format!("the document is added to person {id}"));
    Ok(Exit::Done)
}

/// Links a number.
pub(crate) fn link(args: &Link, context: &Context) -> Outcome {
    let id = find(context, &args.person)?.person.id;
    context.store()?.repository.link(id, &args.number(), &context.actor(), context.now())?;
    context.terminal.say(&format!("the number is linked to person {id}; held messages can be replayed"));
    Ok(Exit::Done)
}

/// Takes a link back.
pub(crate) fn unlink(args: &Link, context: &Context) -> Outcome {
    let id = find(context, &args.person)?.person.id;
    context.store()?.repository.unlink(id, &args.number(), &context.actor(), context.now())?;
    context.terminal.say(&format!("the number is no longer linked to person {id}"));
    Ok(Exit::Done)
}
