//! `causeway db` on PostgreSQL. Copies are made by PostgreSQL's own `pg_dump` and `pg_restore`: they know every version of
//! the server and copy one moment while writing goes on.

use std::path::Path;
use std::process::Command;

use causeway_core::envelope::Digest;
use causeway_storage::repository::postgres::{PostgresRepository, PostgresSettings};
use serde_json::json;

use crate::cli::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::{Table, grouped, size};

/// Brings the schema up to date.
pub(super) fn migrate(context: &Context) -> Outcome {
    let version = PostgresRepository::migrate(settings(context)?)?;
    context.terminal.say(&format!("the schema `{}` is version {version}", settings(context)?.schema));
    Ok(Exit::Done)
}

/// A digest of the content.
pub(super) fn digest(context: &Context) -> Outcome<Digest> {
    Ok(open(context)?.canonical_dump_hash()?)
}

/// The repository.
pub(super) fn open(context: &Context) -> Outcome<PostgresRepository> {
    Ok(PostgresRepository::open(settings(context)?.clone())?)
}

/// The repository anew without what the log brings, and the name of the schema that was there.
pub(super) fn without_records(context: &Context) -> Outcome<(PostgresRepository, String)> {
    let settings = settings(context)?;
    let aside = format!("{}_before_rebuild_{}", settings.schema, context.now().strftime("%Y%m%dt%H%M%Sz"));
    let repository = PostgresRepository::without_records(settings.clone(), &aside, &context.actor(), context.now())?;
    Ok((repository, aside))
}

/// Counts, and walks the audit chain.
pub(super) fn status(context: &Context) -> Outcome {
    let (schema, known) = PostgresRepository::schema_version(settings(context)?)?;
    let repository = &context.store()?.repository;
    let messages: u64 = repository.feed_counts()?.iter().map(|count| count.count).sum();
    let records: u64 = repository.count_records()?.iter().map(|(_, count)| count).sum();
    let audit = repository.verify_audit()?;
    let sound = schema == known && audit.first_bad.is_none();
    if context.terminal.json {
        context.terminal.json_line(&json!({
            "v": 1, "ok": sound, "schema": schema, "schema_known": known, "messages": messages, "records": records,
            "audit_lines": audit.lines, "audit_first_bad": audit.first_bad,
        }))?;
    } else {
        let mut table = Table::new(&["what", "value"]);
        let mut row = |what: &str, value: String| table.row([what.to_owned(), value]);
        row("schema", format!("`{}`, version {schema} of {known}", settings(context)?.schema));
        row("messages", grouped(messages));
        row("records", grouped(records));
        row(
            "audit",
            match audit.first_bad {
                None => format!("{} lines, the chain holds", grouped(audit.lines)),
                Some(bad) => format!("the chain does not hold from line {bad} on"),
            },
        );
        context.terminal.table(&table)?;
    }
    Ok(if sound { Exit::Done } else { Exit::Failed })
}

/// Copies the schema to a file, by `pg_dump`.
pub(super) fn backup(file: &Path, context: &Context) -> Outcome {
    if file.exists() {
        return Err(Diagnostic::new(Code::Exists, format!("`{}` is there already", file.display())).into());
    }
    let settings = settings(context)?;
    let partial = super::with_ending(file, ".partial");
    let mut command = Command::new("pg_dump");
    command
        .args(["--format=custom", "--no-owner", "--no-privileges", "--schema", &settings.schema, "--file"])
        .arg(&partial);
    // It appears under its name only when it is whole.
    let made = run(command, settings).and_then(|()| Ok(std::fs::rename(&partial, file)?));
    if made.is_err() && partial.exists() {
        std::fs::remove_file(&partial)?;
    }
    made?;
    let bytes = std::fs::metadata(file).map_or(0, |about| about.len());
    if context.terminal.json {
        context.terminal.json_line(&json!({ "v": 1, "file": file, "bytes": bytes }))?;
    } else {
        context.terminal.line(&format!("{}: {}", file.display(), size(bytes)))?;
    }
    Ok(Exit::Done)
}

/// Puts a backup into a database that does not have the schema, by `pg_restore`, whole or not at all.
pub(super) fn restore(file: &Path, yes: bool, context: &Context) -> Outcome {
    let settings = settings(context)?;
    if let (version @ 1.., _) = PostgresRepository::schema_version(settings)? {
        let what = format!("the schema `{}` is there already, at version {version}", settings.schema);
        let fix = "rename it first, in psql: ALTER SCHEMA … RENAME TO …; nothing is overwritten";
        return Err(Diagnostic::new(Code::Exists, what).fix(fix).into());
    }
    if !yes {
        let what = format!("the schema `{}` would be made from `{}`", settings.schema, file.display());
        return Err(Diagnostic::new(Code::Confirm, what).into());
    }
    let mut command = Command::new("pg_restore");
    let database = settings.environment()?.into_iter().find(|(name, _)| *name == "PGDATABASE");
    command.args(["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]);
    command.arg("--dbname").arg(database.map_or_else(|| "postgres".to_owned(), |(_, name)| name)).arg(file);
    run(command, settings)?;
    context.terminal.say("restored; start the hub: it reads the log on from there");
    Ok(Exit::Done)
}

/// Runs a program of PostgreSQL against the configured database. The password goes by the environment, since arguments are
/// seen by everyone on the machine.
fn run(mut command: Command, settings: &PostgresSettings) -> Outcome<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |why: String| {
        let fix = "install PostgreSQL's client programs, of the server's version or newer, and look at what they say";
        Diagnostic::new(Code::Repository, format!("`{program}` did not do it")).why(why).fix(fix)
    };
    let output = command.envs(settings.environment()?).output().map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    // The programs name tables and connections, never rows.
    let said = String::from_utf8_lossy(&output.stderr);
    Err(failed(said.lines().take(3).collect::<Vec<_>>().join("; ")).into())
}

fn settings(context: &Context) -> Outcome<&PostgresSettings> {
    Ok(&context.found()?.config().repository.postgres)
}
