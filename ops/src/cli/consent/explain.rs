//! `causeway consent explain`

use causeway_core::consent::standing_at;
use causeway_core::decision::{Decision, Verdict};
use causeway_core::policy::{Access, Deposit, access_under, deposit};
use causeway_core::provider::Provider;
use causeway_core::scope::Domain;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::context::Context;
use super::super::person;
use super::super::time::When;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::Table;

/// Arguments of `causeway consent explain`.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// The person.
    person: String,
    /// The provider's number.
    #[arg(long)]
    provider: String,
    /// What it wants.
    #[arg(long, value_enum, default_value_t = Action::Deposit)]
    action: Action,
    /// One domain, as LABR. Default: all of the scope.
    #[arg(long, value_parser = domain)]
    domain: Option<Domain>,
    /// At this service location of the provider, by its code.
    #[arg(long, value_name = "CODE", default_value = "", hide_default_value = true)]
    location: String,
    /// At this instant: a time, a day, or how long ago. Default: now.
    #[arg(long, value_parser = When::parse, value_name = "WHEN")]
    at: Option<When>,
}

/// What a provider wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Action {
    /// Put a record in.
    Deposit,
    /// See it.
    Access,
}

/// Explains the decision; ends with 6 when every domain is withheld.
pub(crate) fn run(args: &Explain, context: &Context) -> Outcome {
    let participant = person::find(context, &args.person)?;
    let registry = &context.store()?.repository;
    let providers = registry.providers()?;
    let by_id = |id: &_| providers.iter().find(|provider: &&Provider| provider.id == *id);
    let provider = providers.iter().find(|provider| provider.id.0 == args.provider);
    let at = args.at.map_or_else(|| Ok(context.now()), |when| context.resolve(when))?;
    let standing = standing_at(&registry.events(participant.person.id)?, by_id, at);
    let domains = args.domain.map_or_else(|| Domain::ALL.to_vec(), |domain| vec![domain]);
    let rules = context.found()?.config().policy.rules();
    let date = at.to_zoned(context.zone()?).date();
    let decide = |domain: &Domain| match args.action {
        Action::Deposit => {
            let (level, lacks) = (rules.minimum_levels.of(*domain), None);
            let standing = Some(&standing);
            let (domain, location) = (*domain, args.location.trim());
            deposit(&Deposit { provider, standing, domain, location, date, level, lacks, at }, rules)
        }
        Action::Access => access_under(&Access { provider, standing: Some(&standing), domain: *domain, at }, rules),
    };
    let decisions: Vec<Decision> = domains.iter().map(decide).collect();
    tell(context, &decisions)?;
    Ok(if decisions.iter().any(Decision::permits) { Exit::Done } else { Exit::Refused })
}

fn tell(context: &Context, decisions: &[Decision]) -> Outcome<()> {
    if context.terminal.json {
        return decisions.iter().try_for_each(|decision| context.terminal.json_line(&json!(decision)));
    }
    let mut table = Table::new(&["domain", "decision", "rule", "policy", "why"]);
    for decision in decisions {
        let (word, why) = match decision.verdict {
            Verdict::Permit => ("permit", String::new()),
            Verdict::Withhold(reason) => ("withhold", format!("{reason}: {}", reason.text())),
        };
        let policy = decision.policy.as_str().to_owned();
        table.row([decision.domain.code().to_owned(), word.to_owned(), decision.rule.to_string(), policy, why]);
    }
    context.terminal.table(&table)?;
    context.terminal.say("the rules are numbered in docs/decisions/0002-deposit-and-access.md");
    Ok(())
}

/// For clap.
pub(in crate::cli) fn domain(text: &str) -> Result<Domain, String> {
    Domain::parse(&text.to_ascii_uppercase()).ok_or_else(|| "`causeway scope list` lists the domains".to_owned())
}
