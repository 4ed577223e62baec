//! `causeway version`

use serde_json::json;

use super::context::Context;
use crate::diagnostic::Outcome;
use crate::exit::Exit;

/// The version of the program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Prints the version.
pub(crate) fn run(context: &Context) -> Outcome {
    if context.terminal.json {
        context.terminal.json_line(&json!({ "v": 1, "name": "causeway", "version": VERSION }))?;
    } else {
        context.terminal.line(&format!("causeway {VERSION}"))?;
    }
    Ok(Exit::Done)
}
