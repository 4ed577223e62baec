//! `causeway demo`

use std::path::PathBuf;
use std::time::Duration;

use causeway_core::human;
use clap::Args;

use super::context::Context;
use crate::config::find::DEMO_FOLDER;
use crate::demo::{self, Ports};
use crate::diagnostic::Outcome;

/// Arguments of `causeway demo`.
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// The folder; the same folder given again goes on where it was.
    #[arg(long, default_value = DEMO_FOLDER)]
    dir: PathBuf,
    /// End after so many seconds, with a summary.
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    limit: Option<Duration>,
    /// Let no synthetic feed send.
    #[arg(long)]
    no_feed: bool,
    /// The port of the MLLP door, or the next free one. Counts in a fresh folder.
    #[arg(long, default_value_t = 2575)]
    mllp_port: u16,
    /// The port of the pages, or the next free one. Counts in a fresh folder.
    #[arg(long, default_value_t = 8080)]
    http_port: u16,
    /// The port of the Chinese-medicine door, or the next free one. Counts in a fresh folder.
    #[arg(long, default_value_t = 8577)]
    cm_port: u16,
    /// The port of the DICOM door, or the next free one. Counts in a fresh folder.
    #[arg(long, default_value_t = 11112)]
    dicom_port: u16,
}

/// Runs the demo.
pub(crate) fn run(args: &Demo, context: &Context) -> Outcome {
    let demo = demo::Demo {
        dir: args.dir.clone(),
        limit: args.limit,
        feeds: !args.no_feed,
        ports: Ports {
            mllp: args.mllp_port,
            http: args.http_port,
            cm: Some(args.cm_port),
            dicom: Some(args.dicom_port),
        },
        set: context.wanted().set.clone(),
    };
    demo::run(&demo, &context.terminal)
}

/// A number of seconds, or a duration with its unit.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u64>() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_not_a_number) => human::parse_duration(text).map_err(|error| error.to_string()),
    }
}
