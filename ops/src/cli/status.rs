//! `causeway status`

use std::thread;
use std::time::Duration;

use clap::Args;

use super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::http::client;
use crate::metrics::Prometheus;
use crate::output::{Table, Terminal, grouped, seconds};
use crate::status::gather::{Doors, Gatherer, Sources};
use crate::status::{FeedStatus, Headline, Level, Snapshot};

/// Arguments of `causeway status`.
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Draw it anew every two seconds, until interrupted.
    #[arg(long)]
    watch: bool,
}

/// How often a watched status is drawn.
const WATCH_EVERY: Duration = Duration::from_secs(2);

/// Prints the status; ends with 1 when somebody must act.
pub(crate) fn run(args: &Status, context: &Context) -> Outcome {
    loop {
        let snapshot = take(context)?;
        let terminal = context.screen()?;
        if args.watch && !terminal.json {
            // Clears the screen and begins at its top.
            terminal.bytes(b"\x1b[2J\x1b[H")?;
        }
        if terminal.json {
            terminal.json_line(&snapshot)?;
        } else {
            print(&terminal, &snapshot)?;
        }
        if !args.watch {
            return Ok(match snapshot.headline.level() {
                Level::Good | Level::Warning => Exit::Done,
                Level::Bad => Exit::Failed,
            });
        }
        thread::park_timeout(WATCH_EVERY);
    }
}

/// The snapshot of the hub that runs, else what its files say.
pub(super) fn take(context: &Context) -> Outcome<Snapshot> {
    let config = context.found()?.config();
    let home = context.home()?;
    if let Some(pages) = home.pages() {
        return Ok(client::get_json::<Snapshot>(pages, "/api/v1/status").map_err(|error| {
            let told = Diagnostic::new(Code::HubGone, "the hub runs and does not answer").at(pages.to_string());
            told.because(&error).fix("look at its log; if it just starts or stops, try again")
        })?);
    }
    let repository = context.store()?.repository.clone();
    let mut gatherer = Gatherer::new(config, None, Doors::Here);
    let metrics = std::sync::Arc::new(Prometheus::new()?);
    let log = context.log()?.clone();
    log.state()?;
    Ok(gatherer.draw(&Sources { metrics, log, commitments: repository.clone(), repository }, context.now())?)
}

/// The one sentence.
pub(crate) fn sentence(headline: &Headline) -> String {
    match headline {
        Headline::Flowing { feeds } => format!("{}, and messages flow.", all_open(*feeds)),
        Headline::NothingYet { feeds } => format!("{}; nothing was received yet.", all_open(*feeds)),
        Headline::Silent { feed, seconds: silent, expected_seconds } => format!(
            "{feed} is silent for {}, expected every {}.",
            seconds(precise(*silent)),
            seconds(precise(*expected_seconds))
        ),
        Headline::Down { feed } => format!("The door of {feed} is not open."),
        Headline::Behind { seconds: age, messages } => {
            format!(
                "The walk is behind: {} messages wait, the oldest for {}.",
                grouped(*messages),
                seconds(precise(*age))
            )
        }
        Headline::Stopped => "The hub does not run; these numbers are from its files.".to_owned(),
    }
}

/// That every feed is open, however many there are.
fn all_open(feeds: u64) -> String {
    match feeds {
        1 => "The one feed is open".to_owned(),
        feeds => format!("All {feeds} feeds are open"),
    }
}

fn print(terminal: &Terminal, snapshot: &Snapshot) -> Outcome<()> {
    terminal.heading(&sentence(&snapshot.headline))?;
    terminal.line("")?;
    terminal.table(&feeds(terminal, snapshot))?;
    let pipeline = &snapshot.pipeline;
    let lag = if pipeline.lag_messages == 0 {
        "nothing waits".to_owned()
    } else {
        format!("{} wait, the oldest for {}", grouped(pipeline.lag_messages), seconds(pipeline.lag_seconds))
    };
    let rates: Vec<_> = pipeline
        .stages
        .iter()
        .map(|stage| format!("{} {:.1}/s", stage.stage.as_str(), stage.rate_per_second))
        .collect();
    terminal.line(&format!("\npipeline: {}; {lag}", rates.join(" > ")))?;
    let to_renew: Vec<_> = snapshot.certificates.iter().filter(|certificate| !certificate.is_well()).collect();
    if !to_renew.is_empty() {
        terminal.line("")?;
    }
    for certificate in to_renew {
        terminal.line(&format!("certificate: {}", certificate.sentence(snapshot.at)))?;
    }
    if !snapshot.held.is_empty() {
        terminal.line("")?;
        let mut table = Table::new(&["held for", "feed", ">messages", "since", "meaning"]);
        for group in &snapshot.held {
            table.row([
                group.reason.code().to_owned(),
                group.feed.to_string(),
                grouped(group.count),
                terminal.time(group.first),
                group.reason.text().to_owned(),
            ]);
        }
        terminal.table(&table)?;
    }
    Ok(())
}

/// The feeds as a table.
pub(super) fn feeds(terminal: &Terminal, snapshot: &Snapshot) -> Table {
    let mut table = Table::new(&[
        "feed",
        "state",
        "last message",
        ">per second",
        ">accepted",
        ">withheld",
        ">held",
        ">rejected",
        ">oldest waiting",
        ">ack p99",
    ]);
    let age = |value: Option<f64>| value.map_or_else(String::new, seconds);
    for feed in &snapshot.feeds {
        let FeedStatus { accepted, withheld, held, rejected, .. } = *feed;
        table.row([
            feed.name.to_string(),
            feed.state.as_str().to_owned(),
            feed.last_message_at.map_or_else(|| "never".to_owned(), |at| terminal.time(at)),
            format!("{:.1}", feed.rate_per_second),
            grouped(accepted),
            grouped(withheld),
            grouped(held),
            grouped(rejected),
            age(feed.oldest_unprocessed_seconds),
            age(feed.ack_p99_seconds),
        ]);
    }
    table
}

#[expect(clippy::cast_precision_loss, reason = "seconds below 2^53 are exact")]
const fn precise(seconds: u64) -> f64 {
    seconds as f64
}
