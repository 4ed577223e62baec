//! `causeway db migrate|status|backup|restore|digest|rebuild|sweep`

#[cfg(feature = "postgres")]
mod postgres;
mod rebuild;
mod sweep;

use std::path::{Path, PathBuf};

use causeway_core::envelope::Digest;
use causeway_storage::repository::sqlite::{FileReport, SqliteRepository};
use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::{Table, grouped, progress, size};

/// Arguments of `causeway db`.
#[derive(Debug, Args)]
pub(crate) struct Db {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Bring the repository's schema up to date; `serve` does so by itself.
    Migrate,
    /// Check the repository: its schema, its pages, its audit chain.
    Status,
    /// Copy the repository to a file while the hub runs.
    Backup {
        /// The file, which must not be there.
        file: PathBuf,
    },
    /// Put a backup in the place of the repository; the hub must not run. The repository that was there is kept beside
    /// it.
    Restore {
        /// The backup.
        file: PathBuf,
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
    /// Tell a digest of all that the log and the registry determine: the same content has the same digest on every engine.
    Digest,
    /// Look for documents, images and large messages that are stored although nothing points to them, also while the hub runs,
    /// which removes them by itself once a day.
    Sweep {
        /// Remove them.
        #[arg(long)]
        yes: bool,
    },
    /// Make the records anew from the log, with today's mappers; the hub must not run. Persons, consents and the audit
    /// are kept, and the repository that was there is kept beside it.
    Rebuild {
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
}

/// Does what the verb says.
pub(crate) fn run(args: &Db, context: &Context) -> Outcome {
    #[cfg(feature = "postgres")]
    if context.found()?.config().repository.engine == crate::config::RepositoryEngine::Postgres {
        return match &args.verb {
            Verb::Migrate => postgres::migrate(context),
            Verb::Status => postgres::status(context),
            Verb::Backup { file } => postgres::backup(file, context),
            Verb::Restore { file, yes } => postgres::restore(file, *yes, context),
            Verb::Digest => tell_digest(postgres::digest(context)?, context),
            Verb::Sweep { yes } => sweep::run(*yes, context),
            Verb::Rebuild { yes } => rebuild::run(*yes, context),
        };
    }
    match &args.verb {
        Verb::Migrate => migrate(context),
        Verb::Status => status(context),
        Verb::Backup { file } => backup(file, context),
        Verb::Restore { file, yes } => restore(file, *yes, context),
        Verb::Digest => tell_digest(digest(context)?, context),
        Verb::Sweep { yes } => sweep::run(*yes, context),
        Verb::Rebuild { yes } => rebuild::run(*yes, context),
    }
}

fn digest(context: &Context) -> Outcome<Digest> {
    context.store()?;
    let settings = context.found()?.config().repository.sqlite.clone();
    Ok(SqliteRepository::open(&context.home()?.repository(), settings)?.canonical_dump_hash()?)
}

fn tell_digest(digest: Digest, context: &Context) -> Outcome {
    if context.terminal.json {
        context.terminal.json_line(&json!({ "v": 1, "digest": digest.to_string() }))?;
    } else {
        context.terminal.line(&digest.to_string())?;
    }
    Ok(Exit::Done)
}

fn migrate(context: &Context) -> Outcome {
    // Opening brings the schema up to date.
    context.make_store()?;
    let report = SqliteRepository::check_file(&context.home()?.repository())?;
    context.terminal.say(&format!("the schema is version {} of {}", report.schema, report.schema_known));
    Ok(Exit::Done)
}

fn status(context: &Context) -> Outcome {
    context.store()?;
    let path = context.home()?.repository();
    let report = SqliteRepository::check_file(&path)?;
    tell(context, &path, &report)?;
    Ok(if report.is_sound() { Exit::Done } else { Exit::Failed })
}

fn tell(context: &Context, path: &Path, report: &FileReport) -> Outcome<()> {
    let rows = report.rows;
    if context.terminal.json {
        return context.terminal.json_line(&json!({
            "v": 1, "ok": report.is_sound(), "file": path, "schema": report.schema, "schema_known": report.schema_known,
            "bytes": report.bytes, "findings": report.findings, "audit_lines": report.audit.lines,
            "audit_first_bad": report.audit.first_bad, "rows": rows,
        }));
    }
    let mut table = Table::new(&["what", "value"]);
    let mut row = |what: &str, value: String| table.row([what.to_owned(), value]);
    row("file", path.display().to_string());
    row("size", size(report.bytes));
    row("schema", format!("version {} of {}", report.schema, report.schema_known));
    row("messages", grouped(rows.messages));
    row("records", format!("{}, {} versions", grouped(rows.records), grouped(rows.versions)));
    row("persons", grouped(rows.persons));
    row(
        "audit",
        match report.audit.first_bad {
            None => format!("{} lines, the chain holds", grouped(report.audit.lines)),
            Some(bad) => format!("the chain does not hold from line {bad} on"),
        },
    );
    context.terminal.table(&table)?;
    report.findings.iter().try_for_each(|finding| context.terminal.line(&format!("finding: {finding}")))
}

fn backup(file: &Path, context: &Context) -> Outcome {
    let bar = progress::bar(&context.terminal, 1, "copying");
    context.store()?;
    let settings = context.found()?.config().repository.sqlite.clone();
    let repository = SqliteRepository::open(&context.home()?.repository(), settings)?;
    let report = repository.backup(file, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    let hash = report.audit_hash.to_string();
    if context.terminal.json {
        let told =
            json!({ "v": 1, "file": file, "bytes": report.bytes, "audit_seq": report.audit_seq, "audit_hash": hash });
        context.terminal.json_line(&told)?;
    } else {
        context.terminal.line(&format!("{}: {}", file.display(), size(report.bytes)))?;
        let told = format!("the audit stands at line {} with {hash}: note it elsewhere", report.audit_seq);
        context.terminal.say(&told);
    }
    Ok(Exit::Done)
}

fn restore(file: &Path, yes: bool, context: &Context) -> Outcome {
    let home = context.home()?;
    let report = SqliteRepository::check_file(file)?;
    if !yes {
        tell(context, file, &report)?;
        return Err(Diagnostic::new(Code::Confirm, "the repository would be replaced by this backup").into());
    }
    home.make()?;
    let _lock = home.lock()?;
    let target = home.repository();
    let aside = put_aside(&target, "restore", context)?;
    let bar = progress::bar(&context.terminal, 1, "restoring");
    SqliteRepository::restore(file, &target, &mut |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    context.terminal.say(&format!(
        "{} is restored; the one before is kept as {}. Start the hub: it reads the log on from there",
        target.display(),
        aside.display(),
    ));
    Ok(Exit::Done)
}

/// Renames the repository, with what belongs to it. Gives its new name.
fn put_aside(target: &Path, before: &str, context: &Context) -> Outcome<PathBuf> {
    let stamp = context.now().strftime("%Y%m%dT%H%M%SZ");
    let aside = with_ending(target, &format!(".before-{before}-{stamp}"));
    for ending in ["", "-wal", "-shm", ".head"] {
        let from = with_ending(target, ending);
        if from.exists() {
            std::fs::rename(&from, with_ending(&aside, ending)).map_err(|error| {
                let told = Diagnostic::new(Code::DataFolder, "the repository cannot be put aside");
                told.at(from.display().to_string()).because(&error)
            })?;
        }
    }
    Ok(aside)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
