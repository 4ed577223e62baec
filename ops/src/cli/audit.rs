//! `causeway audit find|verify|export`

use std::io::Write as _;
use std::path::PathBuf;

use causeway_core::person::PersonId;
use causeway_core::port::{AuditLine, AuditQuery};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::Context;
use super::time::When;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::{Table, grouped};

/// Lines read at once while exporting.
const EXPORT_MAX: u32 = 1_000_000;

/// Arguments of `causeway audit`.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Find audit lines, newest first.
    Find(Find),
    /// Check the whole chain.
    Verify,
    /// Write lines to a file, oldest first, as JSON lines with their hashes.
    Export {
        #[command(flatten)]
        which: Which,
        /// The file, which must not be there.
        #[arg(long)]
        out: PathBuf,
    },
}

/// Which lines. All conditions given must hold.
#[derive(Debug, Args)]
struct Which {
    /// About this person, by the registry's number.
    #[arg(long)]
    person: Option<i64>,
    /// Of this action: deposit, read-records, consent, person, replay, discard.
    #[arg(long)]
    action: Option<String>,
    /// Since: a time, a day, or how long ago.
    #[arg(long, value_parser = When::parse, value_name = "WHEN")]
    since: Option<When>,
}

/// Arguments of `causeway audit find`.
#[derive(Debug, Args)]
struct Find {
    #[command(flatten)]
    which: Which,
    /// At most so many.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

impl Which {
    fn query(&self, context: &Context, limit: u32) -> Outcome<AuditQuery> {
        Ok(AuditQuery {
            person: self.person.map(PersonId),
            action: self.action.clone(),
            since: self.since.map(|when| context.resolve(when)).transpose()?,
            limit,
        })
    }
}

/// Does what the verb says.
pub(crate) fn run(args: &Audit, context: &Context) -> Outcome {
    match &args.verb {
        Verb::Find(find) => self::find(find, context),
        Verb::Verify => verify(context),
        Verb::Export { which, out } => export(which, out, context),
    }
}

fn find(args: &Find, context: &Context) -> Outcome {
    let lines = context.store()?.repository.audit_lines(&args.which.query(context, args.limit)?)?;
    let terminal = context.screen()?;
    if terminal.json {
        lines.iter().try_for_each(|line| terminal.json_line(&as_json(line)))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&[">no", "at", "who", "action", "person", "detail"]);
    for line in &lines {
        let detail: Vec<_> = line.entry.detail.iter().map(|(key, value)| format!("{key}={value}")).collect();
        table.row([
            line.seq.to_string(),
            terminal.time(line.entry.at),
            line.entry.actor.0.clone(),
            line.entry.action.clone(),
            line.entry.person.map_or_else(String::new, |person| person.to_string()),
            detail.join(" "),
        ]);
    }
    terminal.table(&table)?;
    Ok(Exit::Done)
}

fn verify(context: &Context) -> Outcome {
    let report = context.store()?.repository.verify_audit()?;
    let head = report.head.map(|head| head.to_string());
    if context.terminal.json {
        let ok = report.first_bad.is_none();
        let told = json!({ "v": 1, "ok": ok, "lines": report.lines, "head": head, "first_bad": report.first_bad });
        context.terminal.json_line(&told)?;
    } else if let Some(bad) = report.first_bad {
        context.terminal.line(&format!("the chain does not hold from line {bad} on, of {}", grouped(report.lines)))?;
    } else {
        let head = head.unwrap_or_else(|| "none".to_owned());
        context.terminal.line(&format!("the chain holds: {} lines, head {head}", grouped(report.lines)))?;
    }
    Ok(if report.first_bad.is_none() { Exit::Done } else { Exit::Failed })
}

fn export(which: &Which, out: &PathBuf, context: &Context) -> Outcome {
    let mut lines = context.store()?.repository.audit_lines(&which.query(context, EXPORT_MAX)?)?;
    lines.reverse();
    let trouble = |error: std::io::Error| {
        let told = Diagnostic::new(Code::Output, "the audit cannot be written").at(out.display().to_string());
        told.because(&error)
    };
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(out).map_err(trouble)?;
    for line in &lines {
        writeln!(file, "{}", as_json(line)).map_err(trouble)?;
    }
    file.sync_all().map_err(trouble)?;
    let count = grouped(u64::try_from(lines.len()).unwrap_or(u64::MAX));
    context.terminal.say(&format!("{count} lines written to {}", out.display()));
    Ok(Exit::Done)
}

fn as_json(line: &AuditLine) -> Value {
    json!({ "seq": line.seq, "entry": line.entry, "hash": line.hash.to_string() })
}
