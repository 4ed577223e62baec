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
    },
    /// Let a provider share domains no longer. What is stored stays.
    Disable {
        /// The provider's number.
        provider: String,
        /// The domains, as LABR; `all` for every one.
        #[arg(required = true, value_parser = domain)]
        domains: Vec<Domains>,
    },
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
        Verb::Enable { provider, domains, from } => change(context, provider, domains, Some(*from)),
        Verb::Disable { provider, domains } => change(context, provider, domains, None),
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

fn change(context: &Context, id: &str, domains: &[Domains], from: Option<civil::Date>) -> Outcome {
    let mut provider = provider::find(context, id)?;
    for domain in domains.iter().flat_map(|domains| domains.each()) {
        match from {
            Some(from) => provider.domains.insert(domain, from),
            None => provider.domains.remove(&domain),
        };
    }
    context.store()?.repository.put_provider(&provider, &context.actor(), context.now())?;
    context.terminal.say(&format!("provider {id} shares {} domains", provider.domains.len()));
    Ok(Exit::Done)
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
