//! `causeway map`

mod explain;
pub(crate) mod reading;

use std::path::PathBuf;

use causeway_core::mapped::Mapped;
use clap::{Args, Subcommand};

use self::reading::Reading;
use super::context::Context;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::input::{self, Input};
use crate::output::Table;

/// Arguments of `causeway map`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Map {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Files and folders with HL7 v2 messages or Chinese-medicine records, and CSV files by the template.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

/// What else to do than to map.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Explain field by field what becomes of one message.
    Explain(explain::Explain),
}

/// Maps messages and stores nothing. Faults are data, so they are no failure.
pub(crate) fn run(args: &Map, context: &Context) -> Outcome {
    match &args.verb {
        Some(Verb::Explain(args)) => explain::run(args, context),
        None => map(args, context),
    }
}

fn map(args: &Map, context: &Context) -> Outcome {
    let settings = args.reading.settings(context)?;
    let inputs = input::read_whatever(&args.paths, &settings)?;
    let now = context.now();
    let mut table = Table::new(&["input", "type", "control id", "records", ">notes", "faults"]);
    for input in &inputs {
        let mapped = match &input.rows {
            Some(faults) if !faults.is_empty() => causeway_mappers::chinese_medicine::refused(faults.clone()),
            Some(_) => causeway_mappers::chinese_medicine::map(&input.bytes, &settings, 0),
            None if input::is_record(&input.bytes) => {
                causeway_mappers::chinese_medicine::map(&input.bytes, &settings, 0)
            }
            None => causeway_mappers::hl7v2::map(&input.bytes, &settings, 0, now),
        };
        if context.terminal.json {
            context.terminal.json_line(&causeway_mappers::json::line(&input.name(), &mapped))?;
        } else {
            table.row(cells(input, &mapped));
        }
    }
    if !context.terminal.json {
        context.terminal.table(&table)?;
        context
            .terminal
            .say("nothing was stored; --json prints the FHIR resources, `causeway map explain FILE` says why");
    }
    Ok(Exit::Done)
}

fn cells(input: &Input, mapped: &Mapped) -> [String; 6] {
    let mut domains: Vec<(&str, usize)> = Vec::new();
    for record in &mapped.records {
        match domains.iter_mut().find(|(domain, _)| *domain == record.domain.code()) {
            Some((_, count)) => *count += 1,
            None => domains.push((record.domain.code(), 1)),
        }
    }
    let records: Vec<_> = domains.iter().map(|(domain, count)| format!("{count} {domain}")).collect();
    let faults: Vec<_> = mapped
        .faults
        .iter()
        .map(|fault| {
            if fault.place.is_empty() { fault.reason.to_string() } else { format!("{} {}", fault.reason, fault.place) }
        })
        .collect();
    [
        input.name(),
        mapped.kind.clone(),
        mapped.control_id.clone(),
        records.join(", "),
        mapped.notes.len().to_string(),
        faults.join(", "),
    ]
}
