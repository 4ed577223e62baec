//! `causeway feed list|show|codes|profiles|pause|resume|template|test|import`

mod test;

mod codes;
mod import;
mod profiles;

use causeway_chinese_medicine::csv::{Language, template};
use causeway_chinese_medicine::documents::EXAMPLE_CSV;
use causeway_core::envelope::FeedName;
use clap::{Args, Subcommand};
use serde_json::json;

use super::context::Context;
use super::status;
use crate::config::trouble::closest;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::Table;

/// Arguments of `causeway feed`.
#[derive(Debug, Args)]
pub(crate) struct Feed {
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// List feeds: state, last message, rate, and what became of their messages.
    List,
    /// Show a feed with its configuration.
    Show {
        /// Its name.
        name: String,
    },
    /// List the code tables of feeds, or the local codes that none of them knows.
    Codes {
        /// The codes that no table knows, the most frequent first, instead of the tables.
        #[arg(long)]
        unmapped: bool,
        /// Of this feed only.
        #[arg(long)]
        feed: Option<String>,
        /// Those a table has come to know since, too.
        #[arg(long, requires = "unmapped")]
        all: bool,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// List the dialects feeds may speak, or show one of them as the file it is.
    Profiles {
        /// Show this one: generic, hk-public-hospital, or a file that ends in .toml.
        name: Option<String>,
    },
    /// Answer "not now" to everything the feed sends, until it is resumed.
    Pause {
        /// Its name.
        name: String,
    },
    /// Take its messages again.
    Resume {
        /// Its name.
        name: String,
    },
    /// Print the CSV template of Chinese-medicine records (docs/chinese-medicine.md), or its example.
    Template {
        /// With the Chinese names of the columns.
        #[arg(long)]
        zh: bool,
        /// A filled-in example instead.
        #[arg(long, conflicts_with = "zh")]
        example: bool,
    },
    /// Try a site's sample messages: what its door would refuse, what would be held, and what is not used.
    Test(test::Test),
    /// Take DICOM files and folders into a feed while no hub runs, and go on after a break.
    Import(import::Import),
}

/// Does what the verb says.
pub(crate) fn run(args: &Feed, context: &Context) -> Outcome {
    match &args.verb {
        Verb::List => list(context),
        Verb::Show { name } => show(name, context),
        Verb::Codes { unmapped: false, feed, .. } => codes::tables(feed.as_deref(), context),
        Verb::Codes { unmapped: true, feed, all, limit } => codes::unmapped(feed.as_deref(), *all, *limit, context),
        Verb::Profiles { name: None } => profiles::list(context),
        Verb::Profiles { name: Some(name) } => profiles::show(name, context),
        Verb::Pause { name } => pause(name, true, context),
        Verb::Resume { name } => pause(name, false, context),
        Verb::Template { example: true, .. } => print(EXAMPLE_CSV, context),
        Verb::Template { zh, example: false } => {
            print(&template(if *zh { Language::Chinese } else { Language::English }), context)
        }
        Verb::Test(args) => test::run(args, context),
        Verb::Import(args) => import::run(args, context),
    }
}

/// Prints a file as it is.
fn print(text: &str, context: &Context) -> Outcome {
    context.terminal.line(text.trim_end())?;
    Ok(Exit::Done)
}

fn list(context: &Context) -> Outcome {
    let snapshot = status::take(context)?;
    if context.terminal.json {
        snapshot.feeds.iter().try_for_each(|feed| context.terminal.json_line(feed))?;
    } else {
        context.screen()?.table(&status::feeds(&context.screen()?, &snapshot))?;
    }
    Ok(Exit::Done)
}

fn show(name: &str, context: &Context) -> Outcome {
    let (name, settings) = configured(name, context)?;
    let snapshot = status::take(context)?;
    let feed = snapshot.feeds.iter().find(|feed| feed.name == name);
    if context.terminal.json {
        context.terminal.json_line(&json!({ "v": 1, "config": settings, "status": feed }))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["setting", "value"]);
    for (key, value) in settings.as_object().into_iter().flatten() {
        table.row([key.clone(), value.to_string()]);
    }
    context.terminal.table(&table)?;
    if let Some(feed) = feed {
        let (state, last) = (feed.state.as_str(), feed.last_message_at);
        let last = last.map_or_else(|| "never".to_owned(), |at| context.terminal.time(at));
        context.terminal.line(&format!("\nstate {state}, last message {last}"))?;
    }
    Ok(Exit::Done)
}

fn pause(name: &str, paused: bool, context: &Context) -> Outcome {
    let (feed, _) = configured(name, context)?;
    context.make_store()?.repository.pause_feed(&feed, paused, &context.actor(), context.now())?;
    let told = if paused { "is paused: its sender is told to come back later" } else { "takes messages again" };
    context.terminal.say(&format!("feed {name} {told}"));
    Ok(Exit::Done)
}

/// The feed of this name and its settings, whatever it speaks.
pub(super) fn configured(name: &str, context: &Context) -> Outcome<(FeedName, serde_json::Value)> {
    let config = context.found()?.config();
    let hl7 = config.feed(name).map(|feed| (feed.name.clone(), serde_json::to_value(feed)));
    let mut dicom = config.dicom_door.iter().flat_map(|door| &door.feeds);
    let dicom = dicom.find(|feed| feed.name.as_str() == name);
    let clinic = config.clinics().find(|feed| feed.name.as_str() == name);
    let found = hl7.or_else(|| dicom.map(|feed| (feed.name.clone(), serde_json::to_value(feed))));
    let found = found.or_else(|| clinic.map(|feed| (feed.name.clone(), serde_json::to_value(feed))));
    if let Some((name, settings)) = found {
        let settings =
            settings.map_err(|error| Diagnostic::new(Code::Internal, "the feed cannot be shown").because(&error))?;
        return Ok((name, settings));
    }
    Err({
        let names: Vec<_> = config.all_feeds().map(|feed| feed.name.as_str()).collect();
        let told = Diagnostic::new(Code::Nothing, format!("there is no feed `{name}`"));
        let fix = match closest(name, &names) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the feeds are {}", names.join(", ")),
        };
        told.fix(fix).into()
    })
}
