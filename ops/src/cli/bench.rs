//! `causeway bench door|map|persist`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::context::Context;
use super::map::reading::Reading;
use crate::bench::Found;
use crate::bench::door::{self, Door};
use crate::bench::map::{self, FoundMap, Mapping};
use crate::bench::persist::{self, Persist};
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::Table;
use crate::wiring::{self, Verbosity};

/// Arguments of `causeway bench`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

/// What to measure. Only ratios within one run on one machine mean anything.
#[derive(Debug, Subcommand)]
enum What {
    /// Messages a second made durable and answered, over MLLP.
    Door {
        /// Measure a hub that runs, as `host:port`; without it one is started in a folder that is gone afterwards.
        #[arg(long, value_name = "ADDR")]
        to: Option<String>,
        /// Messages a second over all connections; as fast as answers come, without it.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        rate: Option<u32>,
        /// For how many seconds.
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
        seconds: u64,
        /// Connections; each waits for its answer.
        #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
        connections: u32,
        /// Another message; `{ID}` and `{PAT}` in it are filled in.
        #[arg(long)]
        message: Option<PathBuf>,
        /// On the disk of this folder. Default: the one at hand.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
    /// Messages a second mapped to FHIR on one core, and how long each domain takes; nothing is stored.
    Map {
        /// Files and folders with HL7 v2 messages or Chinese-medicine records. Default: a laboratory report.
        paths: Vec<PathBuf>,
        /// For how many seconds.
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=86_400))]
        seconds: u64,
        /// Another message; `{ID}` and `{PAT}` in it are filled in.
        #[arg(long, conflicts_with = "paths")]
        message: Option<PathBuf>,
        #[command(flatten)]
        reading: Reading,
    },
    /// Messages a second from the first byte to the committed record, identity, consent and audit included.
    Persist {
        /// How many messages.
        #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
        messages: u64,
        /// Connections; each waits for its answer.
        #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1024))]
        connections: u32,
        /// Another message; `{ID}` and `{PAT}` in it are filled in.
        #[arg(long)]
        message: Option<PathBuf>,
        /// On the disk of this folder. Default: the one at hand.
        #[arg(long)]
        dir: Option<PathBuf>,
    },
}

/// Measures; ends with 5 when messages failed.
pub(crate) fn run(args: &Bench, context: &Context) -> Outcome {
    wiring::log_to_stderr(Verbosity::Errors);
    let found = match &args.what {
        What::Door { to, rate, seconds, connections, message, dir } => door::run(&Door {
            to: to.clone(),
            connections: *connections,
            rate: *rate,
            seconds: *seconds,
            message: message.clone(),
            dir: dir.clone(),
        })?,
        What::Map { paths, seconds, message, reading } => {
            let found = map::run(Mapping {
                settings: reading.settings(context)?,
                paths: paths.clone(),
                message: message.clone(),
                seconds: *seconds,
                now: context.now(),
            })?;
            tell_map(context, &found)?;
            return Ok(ended(&found.all));
        }
        What::Persist { messages, connections, message, dir } => persist::run(&Persist {
            messages: *messages,
            connections: *connections,
            message: message.clone(),
            dir: dir.clone(),
        })?,
    };
    if context.terminal.json {
        context.terminal.json_line(&found)?;
    } else {
        tell(context, &found)?;
    }
    Ok(ended(&found))
}

const fn ended(found: &Found) -> Exit {
    if found.failed == 0 { Exit::Done } else { Exit::Partly }
}

/// All messages, and then each domain.
fn tell_map(context: &Context, found: &FoundMap) -> Outcome<()> {
    if context.terminal.json {
        return context.terminal.json_line(found);
    }
    tell(context, &found.all)?;
    let per_core =
        format!("{:.0} messages a second of processor time; the time of each domain is processor time", found.per_core);
    context.terminal.say(&per_core);
    let mut table = Table::new(&["domain", "", ">messages", ">bytes each", ">µs each"]);
    for of in &found.domains {
        table.row([
            of.domain.code().to_owned(),
            of.domain.name().to_owned(),
            of.inputs.to_string(),
            format!("{:.0}", of.bytes),
            format!("{:.1}", of.us),
        ]);
    }
    if table.is_empty() {
        return Ok(());
    }
    context.terminal.line("")?;
    context.terminal.table(&table)
}

fn tell(context: &Context, found: &Found) -> Outcome<()> {
    let mut table = Table::new(&["bench", ">messages", ">seconds", ">per second", ">p50", ">p99", ">failed"]);
    table.row([
        found.bench.to_owned(),
        found.messages.to_string(),
        format!("{:.1}", found.seconds),
        format!("{:.0}", found.rate),
        format!("{:.3} ms", found.p50_ms),
        format!("{:.3} ms", found.p99_ms),
        found.failed.to_string(),
    ]);
    context.terminal.table(&table)
}
