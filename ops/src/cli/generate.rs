//! `causeway generate`

use std::path::PathBuf;

use clap::Args;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, civil};

use super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::generate::write::{self, World};
use crate::output::grouped;

/// Arguments of `causeway generate`.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// How many persons.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    persons: u32,
    /// How many messages, over all feeds.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    messages: u32,
    /// The same seed gives the same files.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The day of the first message.
    #[arg(long, default_value = "2026-03-02")]
    from: civil::Date,
    /// The folder to write to.
    #[arg(long, default_value = "synthetic", value_name = "DIR")]
    out: PathBuf,
}

/// Writes a synthetic world.
pub(crate) fn run(args: &Generate, context: &Context) -> Outcome {
    let world = World { seed: args.seed, persons: args.persons, messages: args.messages, start: start(args.from) };
    let written = write::write(world, &args.out).map_err(|error| {
        Diagnostic::new(Code::Output, format!("`{}` cannot be written", args.out.display())).because(&error)
    })?;
    if context.terminal.json {
        context.terminal.json_line(&written)?;
        return Ok(Exit::Done);
    }
    let folder = args.out.display();
    let count = |number: usize| grouped(u64::try_from(number).unwrap_or(u64::MAX));
    context.terminal.line(&format!(
        "{folder}: {} persons, {} providers, {} events of consent, {} messages; all made up, seed {}",
        count(written.persons),
        count(written.providers),
        count(written.consents),
        count(written.messages),
        args.seed,
    ))?;
    context.terminal.say(&format!(
        "next: causeway provider import {folder}/providers.jsonl && causeway person import {folder}/persons.jsonl && \
         causeway consent import {folder}/consents.jsonl"
    ));
    Ok(Exit::Done)
}

/// Eight in the morning in Hong Kong.
fn start(day: civil::Date) -> Timestamp {
    let morning = day.at(8, 0, 0, 0).to_zoned(TimeZone::fixed(Offset::constant(8)));
    morning.map_or_else(|_out_of_range| Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}
