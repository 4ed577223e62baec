//! `causeway record list|count|document`

mod document;

use causeway_core::port::{AccessGrant, RecordQuery, RecordRow};
use causeway_core::scope::Domain;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::consent::explain::domain;
use super::context::Context;
use super::person;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::{Table, grouped};

/// Arguments of `causeway record`.
#[derive(Debug, Args)]
pub(crate) struct Record {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List a person's records. The audit line of the reading is written first.
    List(List),
    /// Count current records by domain.
    Count,
    /// Write a document a record points to into a file. The audit lines of the reading are written first.
    Document(document::Document),
}

/// Arguments of `causeway record list`.
#[derive(Debug, Args)]
struct List {
    /// The person.
    #[arg(long)]
    person: String,
    /// Of this domain only, as LABR.
    #[arg(long, value_parser = domain)]
    domain: Option<Domain>,
    /// Older versions too, newest first.
    #[arg(long)]
    history: bool,
    /// Those the sender took back, too.
    #[arg(long)]
    retracted: bool,
    /// At most so many.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Show keys and content; without it only what kind of record there is, and where it came from.
    #[arg(long)]
    reveal: bool,
}

/// Does what the verb says.
pub(crate) fn run(args: &Record, context: &Context) -> Outcome {
    match &args.verb {
        Verb::List(args) => list(args, context),
        Verb::Count => count(context),
        Verb::Document(args) => document::run(args, context),
    }
}

fn list(args: &List, context: &Context) -> Outcome {
    let participant = person::find(context, &args.person)?;
    let how = if args.reveal { "record list --reveal" } else { "record list" };
    let grant = AccessGrant::operator(context.actor(), how.to_owned());
    let query = RecordQuery {
        person: Some(participant.person.id),
        domain: args.domain,
        key: None,
        history: args.history,
        retracted: args.retracted,
        limit: args.limit,
    };
    let rows = context.store()?.repository.records(&grant, &query, context.now())?;
    let terminal = context.screen()?;
    if terminal.json {
        rows.iter().try_for_each(|row| terminal.json_line(&as_json(row, args.reveal)))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["domain", "resource", "what", ">version", "standing", "stored", "by", "message"]);
    for row in &rows {
        let standing = match (row.retracted, row.current) {
            (true, _) => "retracted",
            (false, true) => "current",
            (false, false) => "history",
        };
        let what = if args.reveal { told(&row.resource) } else { "***".to_owned() };
        table.row([
            row.domain.code().to_owned(),
            kind(row).to_owned(),
            what,
            row.version.to_string(),
            standing.to_owned(),
            terminal.time(row.stored_at),
            row.feed.to_string(),
            row.source.to_string(),
        ]);
    }
    terminal.table(&table)?;
    if !args.reveal {
        terminal.say("what they say is masked; --reveal shows it and is audited, with --json as FHIR");
    }
    Ok(Exit::Done)
}

fn kind(row: &RecordRow) -> &str {
    row.key.0.split('/').next().unwrap_or_default()
}

fn as_json(row: &RecordRow, reveal: bool) -> Value {
    let mut value = json!({
        "domain": row.domain, "type": kind(row), "id": row.key.resource_id(), "version": row.version,
        "current": row.current, "retracted": row.retracted, "stored_at": row.stored_at, "feed": row.feed,
        "source": row.source.to_string(), "trace": row.trace,
    });
    if reveal && let Some(object) = value.as_object_mut() {
        object.insert("key".to_owned(), json!(row.key));
        object.insert("resource".to_owned(), row.resource.clone());
    }
    value
}

/// The gist of a resource: its code, and its value where it has one.
fn told(resource: &Value) -> String {
    let text = |pointer: &str| resource.pointer(pointer).and_then(Value::as_str);
    let code = text("/code/text")
        .or_else(|| text("/code/coding/0/display"))
        .or_else(|| text("/code/coding/0/code"))
        .or_else(|| text("/medicationCodeableConcept/text"))
        .or_else(|| text("/medicationCodeableConcept/coding/0/display"))
        .or_else(|| text("/contained/0/code/text"))
        .or_else(|| text("/class/display"))
        .or_else(|| text("/class/code"))
        .unwrap_or_default();
    let quantity = resource.pointer("/valueQuantity/value").map(|value| {
        format!("{value} {}", text("/valueQuantity/unit").or_else(|| text("/valueQuantity/code")).unwrap_or_default())
    });
    let value =
        quantity.or_else(|| text("/valueString").map(str::to_owned)).or_else(|| text("/status").map(str::to_owned));
    format!("{code} {}", value.unwrap_or_default()).trim().to_owned()
}

fn count(context: &Context) -> Outcome {
    let counts = context.store()?.repository.count_records()?;
    if context.terminal.json {
        let by_domain: serde_json::Map<_, _> =
            counts.iter().map(|(domain, count)| (domain.code().to_owned(), json!(count))).collect();
        let total: u64 = counts.iter().map(|(_, count)| count).sum();
        context.terminal.json_line(&json!({ "v": 1, "domains": by_domain, "total": total }))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["domain", "name", ">records"]);
    for (domain, count) in &counts {
        table.row([domain.code().to_owned(), domain.name().to_owned(), grouped(*count)]);
    }
    context.terminal.table(&table)?;
    Ok(Exit::Done)
}
