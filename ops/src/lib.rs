//! The binary `causeway`: configuration, wiring, command line and operations. The one crate that knows everyone.

mod bench;
mod certificates;
mod cli;
mod clock;
mod config;
mod dashboard;
mod demo;
mod diagnostic;
#[cfg(test)]
mod documents;
mod engines;
mod exit;
mod generate;
mod health;
mod home;
mod http;
mod import;
mod input;
mod metrics;
mod orphans;
mod output;
mod sending;
mod status;
mod stop;
mod wiring;

use std::process::ExitCode;

/// Runs the command line and gives its exit code.
pub fn run() -> ExitCode {
    cli::run().into()
}
