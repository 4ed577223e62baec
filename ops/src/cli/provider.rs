//! `causeway provider list|show|add|suspend|reinstate|withdraw|import`

use std::path::PathBuf;

use causeway_core::provider::{Provider, ProviderId, ProviderKind, ProviderStatus};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::context::Context;
use super::time::When;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::Table;

/// Arguments of `causeway provider`.
#[derive(Debug, Args)]
pub(crate) struct Providers {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List providers.
    List,
    /// Show a provider, with the domains it may share, and where.
    Show {
        /// Its number.
        id: String,
    },
    /// Add a provider, or change its names and kind.
    Add(Add),
    /// Nothing in, nothing out, consents untouched.
    Suspend {
        /// Its number.
        id: String,
    },
    /// Lift a suspension.
    Reinstate {
        /// Its number.
        id: String,
    },
    /// End the registration.
    Withdraw {
        /// Its number.
        id: String,
    },
    /// Import providers from JSON lines, one provider a line.
    Import {
        /// The file.
        file: PathBuf,
    },
}

/// Arguments of `causeway provider add`.
#[derive(Debug, Args)]
struct Add {
    /// Its number: ten digits, or a short name as HA.
    id: String,
    /// English name.
    #[arg(long)]
    name: String,
    /// Chinese name.
    #[arg(long, default_value = "")]
    name_zh: String,
    /// hospital, clinic, laboratory, radiology, chinese-medicine, welfare or public.
    #[arg(long, value_parser = kind)]
    kind: ProviderKind,
    /// Since when joining implies sharing consent to it.
    #[arg(long, value_parser = When::parse, value_name = "WHEN")]
    implied_since: Option<When>,
}

/// Does what the verb says.
pub(crate) fn run(args: &Providers, context: &Context) -> Outcome {
    match &args.verb {
        Verb::List => list(context),
        Verb::Show { id } => show(id, context),
        Verb::Add(add) => self::add(add, context),
        Verb::Suspend { id } => set_status(id, ProviderStatus::Suspended, context),
        Verb::Reinstate { id } => set_status(id, ProviderStatus::Registered, context),
        Verb::Withdraw { id } => set_status(id, ProviderStatus::Withdrawn, context),
        Verb::Import { file } => import(file, context),
    }
}

/// The provider of a number.
pub(super) fn find(context: &Context, id: &str) -> Outcome<Provider> {
    let found = context.store()?.repository.provider(&ProviderId(id.to_owned()))?;
    Ok(found.ok_or_else(|| Diagnostic::new(Code::NotRegistered, format!("there is no provider {id}")))?)
}

fn list(context: &Context) -> Outcome {
    let providers = context.store()?.repository.providers()?;
    if context.terminal.json {
        providers.iter().try_for_each(|provider| context.terminal.json_line(provider))?;
        return Ok(Exit::Done);
    }
    let headings = ["provider", "name", "chinese", "kind", "status", "implied since", ">domains", ">locations"];
    let mut table = Table::new(&headings);
    for provider in &providers {
        table.row([
            provider.id.to_string(),
            provider.name.clone(),
            provider.name_zh.clone(),
            word(json!(provider.kind)),
            word(json!(provider.status)),
            provider.implied_since.map_or_else(String::new, |at| context.terminal.time(at)),
            provider.domains.len().to_string(),
            provider.locations.len().to_string(),
        ]);
    }
    context.terminal.table(&table)?;
    Ok(Exit::Done)
}

fn show(id: &str, context: &Context) -> Outcome {
    let provider = find(context, id)?;
    if context.terminal.json {
        context.terminal.json_line(&provider)?;
        return Ok(Exit::Done);
    }
    let status = word(json!(provider.status));
    context.terminal.heading(&format!("{} {} {}: {status}", provider.id, provider.name, provider.name_zh))?;
    let mut table = Table::new(&["domain", "name", "location", "shared from"]);
    let everywhere = provider.domains.iter().map(|(domain, since)| (domain, "", since));
    let located = provider
        .locations
        .iter()
        .flat_map(|(location, domains)| domains.iter().map(move |(domain, since)| (domain, location.as_str(), since)));
    let mut dates: Vec<_> = everywhere.chain(located).collect();
    dates.sort_unstable();
    for (domain, location, since) in dates {
        let location = if location.is_empty() { "all others" } else { location };
        table.row([domain.code().to_owned(), domain.name().to_owned(), location.to_owned(), since.to_string()]);
    }
    context.terminal.table(&table)?;
    Ok(Exit::Done)
}

fn add(args: &Add, context: &Context) -> Outcome {
    let registry = &context.make_store()?.repository;
    let id = ProviderId(args.id.clone());
    let former = registry.provider(&id)?;
    let implied_since = args.implied_since.map(|when| context.resolve(when)).transpose()?;
    let provider = Provider {
        id,
        name: args.name.clone(),
        name_zh: args.name_zh.clone(),
        kind: args.kind,
        status: former.as_ref().map_or(ProviderStatus::Registered, |former| former.status),
        implied_since: implied_since.or(former.as_ref().and_then(|former| former.implied_since)),
        domains: former.as_ref().map(|former| former.domains.clone()).unwrap_or_default(),
        locations: former.map(|former| former.locations).unwrap_or_default(),
    };
    registry.put_provider(&provider, &context.actor(), context.now())?;
    if provider.domains.is_empty() && provider.locations.is_empty() {
        context.terminal.say(&format!("next: causeway scope enable {} LABR --from 2026-01-01", provider.id));
    }
    Ok(Exit::Done)
}

fn set_status(id: &str, status: ProviderStatus, context: &Context) -> Outcome {
    let provider = Provider { status, ..find(context, id)? };
    context.store()?.repository.put_provider(&provider, &context.actor(), context.now())?;
    context.terminal.say(&format!("provider {id} is {}", word(json!(status))));
    Ok(Exit::Done)
}

fn import(file: &PathBuf, context: &Context) -> Outcome {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Diagnostic::new(Code::Input, "the file cannot be read").at(file.display().to_string()).because(&error)
    })?;
    let registry = &context.make_store()?.repository;
    let (mut stored, mut bad) = (0_u64, Vec::new());
    for (line, number) in text.lines().zip(1_usize..).filter(|(line, _)| !line.trim().is_empty()) {
        let result = serde_json::from_str::<Provider>(line).map_err(|error| error.to_string()).and_then(|provider| {
            registry.put_provider(&provider, &context.actor(), context.now()).map_err(|error| error.to_string())
        });
        match result {
            Ok(()) => stored += 1,
            Err(why) => bad.push((number, why)),
        }
    }
    if context.terminal.json {
        let bad: Vec<Value> = bad.iter().map(|(line, why)| json!({ "line": line, "why": why })).collect();
        context.terminal.json_line(&json!({ "v": 1, "stored": stored, "bad": bad }))?;
    } else {
        context.terminal.line(&format!("{stored} providers stored, {} lines left out", bad.len()))?;
        bad.iter().for_each(|(line, why)| context.terminal.say(&format!("line {line}: {why}")));
    }
    Ok(if bad.is_empty() { Exit::Done } else { Exit::Partly })
}

/// For clap.
fn kind(text: &str) -> Result<ProviderKind, String> {
    serde_json::from_value(json!(text)).map_err(|_unknown| {
        "the kinds are hospital, clinic, laboratory, radiology, chinese-medicine, welfare, public".to_owned()
    })
}

/// The word of a value that is written as one.
fn word(value: Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
