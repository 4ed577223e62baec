//! `causeway consent join|withdraw|give|revoke|list|explain|import` and the other steps of a registration

pub(super) mod explain;
mod import;
mod list;

use causeway_core::consent::ConsentEventKind;
use causeway_core::policy::PolicyVersion;
use causeway_core::port::NewEvent;
use causeway_core::provider::ProviderId;
use clap::{Args, Subcommand};

use super::context::Context;
use super::person;
use super::person::import::policy;
use super::time::When;
use crate::diagnostic::Outcome;
use crate::exit::Exit;

/// Arguments of `causeway consent`.
#[derive(Debug, Args)]
pub(crate) struct Consent {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do. A person is named by the registry's number or the eHR number.
#[derive(Debug, Subcommand)]
enum Verb {
    /// The person joins, registered in person: active at once.
    Join(Step),
    /// The person applied; identity is not authenticated yet.
    Apply(Step),
    /// The applicant's identity is authenticated: active.
    Activate(Step),
    /// The person leaves; every sharing consent ends.
    Withdraw(Step),
    /// The Commissioner suspends the registration.
    Suspend(Step),
    /// The suspension is lifted.
    Reinstate(Step),
    /// The Commissioner ends the registration.
    Cancel(Step),
    /// A trusted source recorded the person's death.
    Death(Step),
    /// The person shares with a provider.
    Give {
        #[command(flatten)]
        step: SharingStep,
        /// For one year, as policy 2019 allowed; otherwise until revoked.
        #[arg(long)]
        one_year: bool,
    },
    /// One more year.
    Renew(SharingStep),
    /// The person takes a sharing consent back.
    Revoke(SharingStep),
    /// List the events of a person, and where they lead.
    List(list::List),
    /// Tell whether a provider may deposit or see, by which rule and why.
    Explain(explain::Explain),
    /// Import events from JSON lines.
    Import(import::Import),
}

/// A step of a registration.
#[derive(Debug, Clone, Args)]
pub(crate) struct Step {
    /// The person.
    person: String,
    /// When it took effect: a time, a day, or how long ago. Default: now.
    #[arg(long, value_parser = When::parse, value_name = "WHEN")]
    at: Option<When>,
    /// The policy under which it is given: 2019 or 2025. Default: the one in force then.
    #[arg(long, value_parser = policy)]
    policy: Option<PolicyVersion>,
    /// Who gave it: SELF, SDM, HCP, COMMISSIONER.
    #[arg(long, default_value = "SELF")]
    by: String,
    /// How: HKIC_READER, ACCESS_KEY, FORM, APP, HOTLINE, COUNTER.
    #[arg(long, default_value = "COUNTER")]
    channel: String,
}

/// A step of a sharing consent.
#[derive(Debug, Clone, Args)]
pub(crate) struct SharingStep {
    #[command(flatten)]
    step: Step,
    /// The provider's number.
    #[arg(long)]
    provider: String,
}

/// Does what the verb says.
pub(crate) fn run(args: &Consent, context: &Context) -> Outcome {
    use ConsentEventKind as Kind;
    match &args.verb {
        Verb::Join(step) => record(context, step, None, Kind::RegisterInPerson),
        Verb::Apply(step) => record(context, step, None, Kind::SubmitApplication),
        Verb::Activate(step) => record(context, step, None, Kind::Activate),
        Verb::Withdraw(step) => record(context, step, None, Kind::Withdraw),
        Verb::Suspend(step) => record(context, step, None, Kind::Suspend),
        Verb::Reinstate(step) => record(context, step, None, Kind::Reinstate),
        Verb::Cancel(step) => record(context, step, None, Kind::Cancel),
        Verb::Death(step) => record(context, step, None, Kind::RecordDeath),
        Verb::Give { step, one_year: false } => shared(context, step, Kind::GiveIndefinite),
        Verb::Give { step, one_year: true } => shared(context, step, Kind::GiveOneYear),
        Verb::Renew(step) => shared(context, step, Kind::Renew),
        Verb::Revoke(step) => shared(context, step, Kind::Revoke),
        Verb::List(list) => list::run(list, context),
        Verb::Explain(explain) => explain::run(explain, context),
        Verb::Import(import) => import::run(import, context),
    }
}

fn shared(context: &Context, step: &SharingStep, kind: ConsentEventKind) -> Outcome {
    record(context, &step.step, Some(ProviderId(step.provider.clone())), kind)
}

fn record(context: &Context, step: &Step, provider: Option<ProviderId>, kind: ConsentEventKind) -> Outcome {
    let participant = person::find(context, &step.person)?;
    let at = step.at.map_or_else(|| Ok(context.now()), |when| context.resolve(when))?;
    let event = NewEvent {
        person: participant.person.id,
        kind,
        provider,
        at,
        policy: step.policy.unwrap_or_else(|| PolicyVersion::in_force(at)),
        by: step.by.clone(),
        channel: step.channel.clone(),
    };
    let standing = context.store()?.repository.record_event(&event, &context.actor())?;
    if context.terminal.json {
        context.terminal.json_line(&standing)?;
    } else {
        let (id, registration) = (participant.person.id, standing.registration.as_str());
        context.terminal.line(&format!("person {id}: {kind}; the registration is {registration}"))?;
    }
    Ok(Exit::Done)
}
