//! `causeway scope list|enable|disable`

use causeway_core::policy::MinimumLevels;
use causeway_core::scope::{Domain, Level};
use clap::{Args, Subcommand};
use jiff::civil;
use serde_json::json;

use super::context::Context;
use super::provider;
use crate::config::trouble::closest;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::Table;

/// Arguments of `causeway scope`.
#[derive(Debug, Args)]
pub(crate) struct Scope {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List the domains of the sharable scope.
    List,
    /// Let a provider share domains, from a day on.
    Enable {
        /// The provider's number.
        provider: String,
        /// The domains, as LABR; `all` for every one.
        #[arg(required = true, value_parser = domain)]
        domains: Vec<Domains>,
        /// From which day on.
        #[arg(long)]
        from: civil::Date,
        #[command(flatten)]
        at: Locations,
    },
    /// Let a provider share domains no longer. What is stored stays.
    Disable {
        /// The provider's number.
        provider: String,
        /// The domains, as LABR; `all` for every one.
        #[arg(required = true, value_parser = domain)]
        domains: Vec<Domains>,
        #[command(flatten)]
        at: Locations,
    },
}

/// Which service locations of the provider.
#[derive(Debug, Args)]
struct Locations {
    /// Of this service location alone, by its code as feeds send it (PV1-3.4, else MSH-4); may be repeated. Its day counts
    /// and not the provider's. Default: the provider's own day, which holds wherever no location has one.
    #[arg(long = "location", value_name = "CODE", value_parser = location)]
    codes: Vec<String>,
}

/// One domain, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Domains {
    All,
    One(Domain),
}

impl Domains {
    fn each(self) -> Vec<Domain> {
        match self {
            Self::All => Domain::ALL.to_vec(),
            Self::One(domain) => vec![domain],
        }
    }
}

/// Does what the verb says.
pub(crate) fn run(args: &Scope, context: &Context) -> Outcome {
    match &args.verb {
        Verb::List => list(context),
        Verb::Enable { provider, domains, from, at } => change(context, provider, domains, Some(*from), at),
        Verb::Disable { provider, domains, at } => change(context, provider, domains, None, at),
    }
}

fn list(context: &Context) -> Outcome {
    // Without a configuration: as the standard has them.
    let levels =
        context.found().map_or_else(|_| MinimumLevels::default(), |found| found.config().policy.rules().minimum_levels);
    let level = |level: Level| match level {
        Level::Document => "1, document",
        Level::Structured => "2, structured",
        Level::Coded => "3, coded",
    };
    if context.terminal.json {
        for domain in Domain::ALL {
            context.terminal.json_line(&json!({
                "domain": domain, "name": domain.name(), "name_zh": domain.name_zh(), "level_min": levels.of(*domain),
            }))?;
        }
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["domain", "name", "chinese", "least level"]);
    for domain in Domain::ALL {
        let (name, chinese) = (domain.name().to_owned(), domain.name_zh().to_owned());
        table.row([domain.code().to_owned(), name, chinese, level(levels.of(*domain)).to_owned()]);
    }
    context.terminal.table(&table)?;
    Ok(Exit::Done)
}

fn change(context: &Context, id: &str, domains: &[Domains], from: Option<civil::Date>, at: &Locations) -> Outcome {
    let mut provider = provider::find(context, id)?;
    let places: Vec<Option<&str>> =
        if at.codes.is_empty() { vec![None] } else { at.codes.iter().map(|code| Some(code.as_str())).collect() };
    for domain in domains.iter().flat_map(|domains| domains.each()) {
        places.iter().for_each(|place| provider.share(domain, *place, from));
    }
    context.store()?.repository.put_provider(&provider, &context.actor(), context.now())?;
    let locations = match provider.locations.len() {
        0 => String::new(),
        count => format!(", and has dates of its own for {count} locations"),
    };
    context.terminal.say(&format!("provider {id} shares {} domains{locations}", provider.domains.len()));
    Ok(Exit::Done)
}

/// For clap.
fn location(text: &str) -> Result<String, String> {
    let code = text.trim();
    if code.is_empty() { Err("a location has a code".to_owned()) } else { Ok(code.to_owned()) }
}

/// For clap.
fn domain(text: &str) -> Result<Domains, String> {
    let upper = text.to_ascii_uppercase();
    if upper == "ALL" {
        return Ok(Domains::All);
    }
    Domain::parse(&upper).map(Domains::One).ok_or_else(|| {
        let codes: Vec<_> = Domain::ALL.iter().map(|domain| domain.code()).collect();
        match closest(&upper, &codes) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the domains are {}", codes.join(", ")),
        }
    })
}
