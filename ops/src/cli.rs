//! The command line: one file a command. Data goes to standard output, talk to standard error; the exit codes are a
//! contract ([`crate::exit::Exit`]).

mod audit;
mod bench;
mod check;
mod completions;
mod config;
mod consent;
mod context;
mod db;
mod demo;
mod doctor;
mod explain;
mod feed;
mod generate;
mod image;
mod init;
mod kafka;
mod log;
mod man;
mod map;
mod message;
mod person;
mod provider;
mod record;
mod render_worker;
mod scope;
mod send;
mod serve;
mod status;
mod time;
mod version;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use self::context::Context;
pub(crate) use self::init::write_new;
pub(crate) use self::serve::Signals;
pub(crate) use self::version::VERSION;
use crate::config::find::Wanted;
use crate::diagnostic::{Outcome, Stop};
use crate::exit::Exit;
use crate::output::{Talk, Terminal};

/// Takes clinical messages, makes them durable, maps them to FHIR R4, checks consent and stores what is permitted.
#[derive(Debug, Parser)]
#[command(name = "causeway", version, long_about = None, arg_required_else_help = true, after_help = EXAMPLES)]
#[command(disable_help_subcommand = true, propagate_version = false, infer_subcommands = false)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Shown below the help.
const EXAMPLES: &str = "Examples:
  causeway demo                                   try it: synthetic persons, live feeds, pages
  causeway send hl7 FILE --to 127.0.0.1:2575      send the messages of a file
  causeway message trace CONTROL-ID               follow one message to its record or reason

Exit codes: 0 done, 1 failed, 2 usage, 3 configuration, 4 peer unreachable, 5 partly done, 6 refused by consent or
permission, 74 stopped because data could not be made durable.";

/// What every command takes.
#[derive(Debug, Clone, Args)]
struct Global {
    /// The configuration file, or the folder it is in.
    #[arg(long, global = true, value_name = "FILE", env = "CAUSEWAY_CONFIG", help_heading = "Everywhere")]
    config: Option<std::path::PathBuf>,
    /// Set one key above the file and the environment, as in `server.listen=127.0.0.1:9090`.
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = setting, help_heading = "Everywhere")]
    set: Vec<(String, String)>,
    /// Print data as JSON.
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,
    /// Say nothing but errors on standard error.
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    quiet: bool,
    /// Use no colours (also: NO_COLOR).
    #[arg(long, global = true, help_heading = "Everywhere")]
    no_color: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Try it: everything embedded, a synthetic world, live feeds.
    Demo(demo::Demo),
    /// Run the hub until it is told to stop.
    Serve(serve::Serve),
    /// Write a configuration to begin with.
    Init(init::Init),
    /// Check configuration, mappings and doors.
    Check(check::Check),
    /// Show on one screen how things stand.
    Status(status::Status),
    /// Look at everything the hub needs.
    Doctor(doctor::Doctor),
    /// Send messages to a door, this hub's or another's.
    Send(send::Send),
    /// Map messages and store nothing.
    Map(map::Map),
    /// Write a synthetic world to files: persons, providers, consents, messages.
    Generate(generate::Generate),
    /// Feeds: what they do, pause and resume.
    Feed(feed::Feed),
    /// Messages: find them, follow them, replay them.
    Message(message::Message),
    /// Images: those that contradict each other, and hiding, restoring and deleting them.
    Image(image::Image),
    /// Persons of the registry.
    Person(person::Person),
    /// Providers of the registry.
    Provider(provider::Providers),
    /// Registration and consent.
    Consent(consent::Consent),
    /// What providers may share.
    Scope(scope::Scope),
    /// Stored records.
    Record(record::Record),
    /// The audit.
    Audit(audit::Audit),
    /// The repository: its schema, copies of it, records anew from the log.
    Db(db::Db),
    /// The topic of the log on Kafka.
    Kafka(kafka::Kafka),
    /// The log.
    Log(log::LogArgs),
    /// Measure the door, the mapping, and the whole walk.
    Bench(bench::Bench),
    /// Show the configuration in force, or its schema.
    Config(config::Config),
    /// Explain an error code, the reason of a message, or an exit code.
    Explain(explain::Explain),
    /// Write completions for a shell to standard output.
    Completions(completions::Completions),
    /// Write the manual page to standard output.
    Man,
    /// Make one picture of a frame; the hub starts this.
    #[command(hide = true)]
    RenderWorker(render_worker::RenderWorker),
    /// Print the version.
    Version,
}

/// Runs what the command line says.
pub(crate) fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let talk = if cli.global.quiet { Talk::Quiet } else { Talk::Normal };
    let terminal = Terminal::new(cli.global.json, cli.global.no_color, talk);
    let wanted = Wanted { path: cli.global.config, set: cli.global.set };
    let context = Context::new(terminal.clone(), wanted);
    match dispatch(&cli.command, &context) {
        Ok(exit) => exit,
        Err(stop) => {
            tell(&terminal, &stop);
            stop.exit()
        }
    }
}

fn dispatch(command: &Command, context: &Context) -> Outcome {
    match command {
        Command::Demo(args) => demo::run(args, context),
        Command::Serve(args) => serve::run(args, context),
        Command::Init(args) => init::run(args, context),
        Command::Check(args) => check::run(args, context),
        Command::Status(args) => status::run(args, context),
        Command::Doctor(args) => doctor::run(args, context),
        Command::Send(args) => send::run(args, context),
        Command::Map(args) => map::run(args, context),
        Command::Generate(args) => generate::run(args, context),
        Command::Feed(args) => feed::run(args, context),
        Command::Message(args) => message::run(args, context),
        Command::Image(args) => image::run(args, context),
        Command::Person(args) => person::run(args, context),
        Command::Provider(args) => provider::run(args, context),
        Command::Consent(args) => consent::run(args, context),
        Command::Scope(args) => scope::run(args, context),
        Command::Record(args) => record::run(args, context),
        Command::Audit(args) => audit::run(args, context),
        Command::Db(args) => db::run(args, context),
        Command::Kafka(args) => kafka::run(args, context),
        Command::Log(args) => log::run(args, context),
        Command::Bench(args) => bench::run(args, context),
        Command::Config(args) => config::run(args, context),
        Command::Explain(args) => explain::run(args, context),
        Command::Completions(args) => completions::run(args, context),
        Command::Man => man::run(context),
        Command::RenderWorker(args) => render_worker::run(args),
        Command::Version => version::run(context),
    }
}

/// Tells on standard error why a command stopped.
fn tell(terminal: &Terminal, stop: &Stop) {
    match stop {
        Stop::Told(diagnostic) => terminal.tell(diagnostic),
        Stop::Several(several) => several.iter().for_each(|diagnostic| terminal.tell(diagnostic)),
        Stop::ReaderGone => {}
    }
}

/// Help and version go to standard output and are fine; anything else is a mistake.
fn usage(error: &clap::Error) -> Exit {
    let fine = !error.use_stderr();
    match error.print() {
        Ok(()) if fine => Exit::Done,
        Ok(()) | Err(_) => Exit::Usage,
    }
}

/// Reads `key=value`.
fn setting(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        Some(_) | None => Err("write KEY=VALUE, as in server.listen=127.0.0.1:9090".to_owned()),
    }
}

/// The command line as a tree, for completions and the manual.
fn tree() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        tree().debug_assert();
    }
}
