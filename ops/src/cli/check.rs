//! `causeway check`

use clap::Args;
use serde_json::json;

use super::context::Context;
use crate::diagnostic::Outcome;
use crate::exit::Exit;

/// Arguments of `causeway check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Dial each peer the hub would dial, too.
    #[arg(long)]
    online: bool,
}

/// Checks the configuration.
pub(crate) fn run(args: &Check, context: &Context) -> Outcome {
    let found = context.found()?;
    let config = found.config();
    let feeds = config.feeds().count();
    let file = found.file.path.display().to_string();
    if context.terminal.json {
        context.terminal.json_line(&json!({
            "v": 1, "ok": true, "file": file, "doors": config.door.len(), "feeds": feeds, "online": args.online,
        }))?;
    } else {
        context.terminal.line(&format!("{file} is well formed: {} doors, {feeds} feeds", config.door.len()))?;
        if config.door.is_empty() {
            context.terminal.say("note: there is no [[door]], so nothing can come in");
        }
    }
    Ok(Exit::Done)
}
