//! `causeway man`

use super::context::Context;
use crate::diagnostic::Outcome;
use crate::exit::Exit;

/// Writes the manual page: the program, then every command.
pub(crate) fn run(context: &Context) -> Outcome {
    let mut page = Vec::new();
    clap_mangen::Man::new(super::tree()).render(&mut page)?;
    for command in super::tree().get_subcommands() {
        let name = format!("causeway-{}", command.get_name());
        clap_mangen::Man::new(command.clone().display_name(name)).render(&mut page)?;
    }
    context.terminal.bytes(&page)?;
    Ok(Exit::Done)
}
