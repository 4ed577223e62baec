//! `causeway person import`

use std::path::{Path, PathBuf};

use causeway_core::feed::FeedSettings;
use causeway_core::policy::PolicyVersion;
use clap::Args;
use serde_json::json;

use super::super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::import::{self, BadRow, Join, Row, Tally, hl7, jsonl, table};
use crate::input;
use crate::output::{Table, grouped, progress};

/// So many bad rows are listed for people; JSON has them all.
const BAD_ROWS_SHOWN: usize = 20;

/// Arguments of `causeway person import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// Files: `.csv`, or JSON lines; with --from-hl7 files and folders with HL7 v2 messages.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Take the patients of HL7 messages of this feed, with the sender's own numbers linked.
    #[arg(long, value_name = "FEED")]
    from_hl7: Option<String>,
    /// Let everyone join, under this policy: 2019 or 2025.
    #[arg(long, value_name = "POLICY", value_parser = policy)]
    join: Option<PolicyVersion>,
}

/// Imports persons.
pub(crate) fn run(args: &Import, context: &Context) -> Outcome {
    let rows = match &args.from_hl7 {
        Some(feed) => patients(args, feed, context)?,
        None => {
            let mut rows = Vec::new();
            for file in &args.files {
                rows.extend(file_rows(file)?);
            }
            rows
        }
    };
    let registry = &context.make_store()?.repository;
    let bar = progress::bar(&context.terminal, u64::try_from(rows.len()).unwrap_or(u64::MAX), "importing");
    let mut tally = Tally::default();
    let actor = context.actor();
    for row in rows {
        match row {
            Ok(row) => {
                let joining = args.join.map(|policy| Join { policy, at: None });
                let row = Row { join: row.join.or(joining), ..row };
                import::import(registry.as_ref(), &row, &actor, context.now(), &mut tally);
            }
            Err(bad) => tally.bad.push(bad),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    tell(context, &tally)?;
    Ok(if tally.bad.is_empty() { Exit::Done } else { Exit::Partly })
}

fn patients(args: &Import, feed: &str, context: &Context) -> Outcome<Vec<Result<Row, BadRow>>> {
    let settings = feed_settings(context, feed)?;
    let join = args.join.map(|policy| Join { policy, at: None });
    Ok(hl7::read(&input::read(&args.files)?, &settings, join, context.now()))
}

/// The settings of a feed of the configuration.
pub(in crate::cli) fn feed_settings(context: &Context, name: &str) -> Outcome<FeedSettings> {
    let config = context.found()?.config();
    match config.feed(name) {
        Some(feed) => Ok(config.settings_of(feed)),
        None => {
            if let Some(settings) = config.feed_settings().find(|feed| feed.name.as_str() == name) {
                return Ok(settings);
            }
            let names: Vec<_> = config.all_feeds().map(|feed| feed.name.to_string()).collect();
            let told = Diagnostic::new(Code::Nothing, format!("there is no feed `{name}`"));
            Err(told.fix(format!("the feeds are {}", names.join(", "))).into())
        }
    }
}

fn file_rows(file: &Path) -> Outcome<Vec<Result<Row, BadRow>>> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Diagnostic::new(Code::Input, "the file cannot be read").at(file.display().to_string()).because(&error)
    })?;
    let is_csv = file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if !is_csv {
        return Ok(jsonl::read(&text).collect());
    }
    table::read(&text).map_err(|bad| {
        let told = Diagnostic::new(Code::Invalid, bad.why).at(format!("{}, {}", file.display(), bad.place));
        told.fix(bad.fix).into()
    })
}

fn tell(context: &Context, tally: &Tally) -> Outcome<()> {
    let terminal = &context.terminal;
    if terminal.json {
        return terminal.json_line(&json!({
            "v": 1, "added": tally.added, "known": tally.known, "linked": tally.linked, "joined": tally.joined,
            "shared": tally.shared, "bad": tally.bad,
        }));
    }
    let Tally { added, known, linked, joined, shared, bad } = tally;
    terminal.line(&format!(
        "{} persons added, {} known already; {} numbers linked, {} joined, {} sharing consents; {} rows left out",
        grouped(*added),
        grouped(*known),
        grouped(*linked),
        grouped(*joined),
        grouped(*shared),
        grouped(u64::try_from(bad.len()).unwrap_or(u64::MAX)),
    ))?;
    if !bad.is_empty() {
        let mut table = Table::new(&["place", "why", "fix"]);
        bad.iter().take(BAD_ROWS_SHOWN).for_each(|b| table.row([b.place.clone(), b.why.clone(), b.fix.clone()]));
        terminal.table(&table)?;
        let more = bad.len().saturating_sub(BAD_ROWS_SHOWN);
        if more > 0 {
            terminal.say(&format!("and {more} more; --json lists them all"));
        }
    }
    Ok(())
}

/// For clap.
pub(in crate::cli) fn policy(text: &str) -> Result<PolicyVersion, String> {
    PolicyVersion::parse(text).ok_or_else(|| "the policies are 2019 and 2025".to_owned())
}
