//! `causeway kafka plan|apply`: what the topic must be, and making it so.

use clap::{Args, Subcommand};

use super::context::Context;
use crate::diagnostic::Outcome;

/// Arguments of `causeway kafka`.
#[derive(Debug, Args)]
pub(crate) struct Kafka {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Tell what the topic lacks. Ends with 1 when it lacks something.
    Plan,
    /// Create the topic, or mend its settings.
    Apply {
        /// Do it.
        #[arg(long)]
        yes: bool,
    },
}

/// Does what the verb says.
pub(crate) fn run(args: &Kafka, context: &Context) -> Outcome {
    match &args.verb {
        Verb::Plan => topic::show(context),
        Verb::Apply { yes } => topic::mend(*yes, context),
    }
}

#[cfg(feature = "kafka")]
mod topic {
    use causeway_storage::log::kafka::topic::{Difference, apply, inspect, plan};
    use serde_json::json;

    use crate::cli::context::Context;
    use crate::diagnostic::{Code, Diagnostic, Outcome};
    use crate::exit::Exit;

    /// Tells what is not as it must be.
    pub(super) fn show(context: &Context) -> Outcome {
        let settings = &context.found()?.config().log.kafka;
        let differences = plan(settings, &inspect(settings)?);
        tell(context, &settings.topic, &differences)?;
        Ok(if differences.is_empty() { Exit::Done } else { Exit::Failed })
    }

    /// Mends what can be mended; tells what is left.
    pub(super) fn mend(yes: bool, context: &Context) -> Outcome {
        let settings = &context.found()?.config().log.kafka;
        let differences = plan(settings, &inspect(settings)?);
        if differences.is_empty() {
            tell(context, &settings.topic, &differences)?;
            return Ok(Exit::Done);
        }
        if !yes {
            tell(context, &settings.topic, &differences)?;
            let what = format!("the topic `{}` would be created or changed", settings.topic);
            return Err(Diagnostic::new(Code::Confirm, what).into());
        }
        let left = apply(settings, &differences)?;
        tell(context, &settings.topic, &left)?;
        Ok(if left.is_empty() { Exit::Done } else { Exit::Failed })
    }

    fn tell(context: &Context, topic: &str, differences: &[Difference]) -> Outcome<()> {
        if context.terminal.json {
            let said: Vec<_> = differences
                .iter()
                .map(|difference| json!({ "what": difference.to_string(), "mended_by_apply": difference.is_mended() }))
                .collect();
            return context.terminal.json_line(&json!({ "v": 1, "topic": topic, "differences": said }));
        }
        if differences.is_empty() {
            return context.terminal.line(&format!("topic `{topic}` is as it must be"));
        }
        differences.iter().try_for_each(|difference| context.terminal.line(&format!("topic `{topic}`: {difference}")))
    }
}

#[cfg(not(feature = "kafka"))]
mod topic {
    use crate::cli::context::Context;
    use crate::diagnostic::Outcome;
    use crate::engines::not_built;

    pub(super) fn show(_: &Context) -> Outcome {
        Err(not_built("Kafka", "kafka").into())
    }

    pub(super) fn mend(_: bool, _: &Context) -> Outcome {
        Err(not_built("Kafka", "kafka").into())
    }
}
