//! `causeway map`

use std::path::PathBuf;

use causeway_core::envelope::{FeedName, Format};
use causeway_core::feed::{CharsetRule, FeedSettings, Profile};
use causeway_core::mapped::Mapped;
use causeway_core::provider::ProviderId;
use clap::Args;
use serde_json::json;

use super::context::Context;
use super::person::import::feed_settings;
use super::send::charset;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::input::{self, Input};
use crate::output::Table;

/// Arguments of `causeway map`.
#[derive(Debug, Args)]
pub(crate) struct Map {
    /// Files and folders with HL7 v2 messages.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// With the settings of this feed of the configuration.
    #[arg(long, conflicts_with_all = ["profile", "provider"])]
    feed: Option<String>,
    /// In this dialect: generic or hk-public-hospital.
    #[arg(long, value_parser = profile, default_value = "generic")]
    profile: Profile,
    /// As if it were this provider's.
    #[arg(long, default_value = "HA")]
    provider: String,
    /// How the text is encoded: auto, default:NAME or force:NAME.
    #[arg(long, value_parser = charset)]
    charset: Option<CharsetRule>,
}

/// Maps messages and stores nothing. Faults are data, so they are no failure.
pub(crate) fn run(args: &Map, context: &Context) -> Outcome {
    let settings = settings(args, context)?;
    let inputs = input::read_whatever(&args.paths)?;
    let now = context.now();
    let mut table = Table::new(&["input", "type", "control id", "records", ">notes", "faults"]);
    for input in &inputs {
        let mapped = causeway_mappers::hl7v2::map(&input.bytes, &settings, 0, now);
        if context.terminal.json {
            context.terminal.json_line(&causeway_mappers::json::line(&input.name(), &mapped))?;
        } else {
            table.row(cells(input, &mapped));
        }
    }
    if !context.terminal.json {
        context.terminal.table(&table)?;
        context.terminal.say("nothing was stored; --json prints the FHIR resources");
    }
    Ok(Exit::Done)
}

fn settings(args: &Map, context: &Context) -> Outcome<FeedSettings> {
    let settings = match &args.feed {
        Some(feed) => feed_settings(context, feed)?,
        None => {
            let name = FeedName::parse("map").map_err(|error| Diagnostic::new(Code::Internal, error.to_string()))?;
            let provider = ProviderId(args.provider.clone());
            FeedSettings { profile: args.profile, ..FeedSettings::new(name, Format::Hl7v2, provider) }
        }
    };
    Ok(match &args.charset {
        Some(rule) => FeedSettings { charset: rule.clone(), ..settings },
        None => settings,
    })
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

/// For clap.
fn profile(text: &str) -> Result<Profile, String> {
    serde_json::from_value(json!(text)).map_err(|_unknown| "the profiles are generic and hk-public-hospital".to_owned())
}
