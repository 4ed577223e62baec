//! `causeway completions SHELL`

use clap::Args;
use clap_complete::Shell;

use super::context::Context;
use crate::diagnostic::Outcome;
use crate::exit::Exit;

/// Arguments of `causeway completions`.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

/// Writes completions.
pub(crate) fn run(args: &Completions, context: &Context) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::tree(), "causeway", &mut script);
    context.terminal.bytes(&script)?;
    Ok(Exit::Done)
}
