//! `causeway feed profiles`: the dialects of the program and of the feeds, and what stands in one.

use std::collections::BTreeMap;
use std::fs;

use causeway_core::feed::Profile;
use causeway_core::feed::dialect::Base;
use serde_json::json;

use crate::cli::context::Context;
use crate::config::profiles::named;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::output::Table;

/// Lists those of the program, and those the feeds of the configuration name.
pub(super) fn list(context: &Context) -> Outcome {
    let mut feeds: BTreeMap<String, (Profile, Vec<String>)> = BTreeMap::new();
    for profile in Profile::NAMES.iter().filter_map(|name| Profile::named(name)) {
        feeds.insert(profile.name(), (profile, Vec::new()));
    }
    // Without a configuration there are those of the program.
    if let Ok(found) = context.found() {
        for feed in found.config().feed_settings() {
            let (_, users) = feeds.entry(feed.profile.name()).or_insert_with(|| (feed.profile.clone(), Vec::new()));
            users.push(feed.name.as_str().to_owned());
        }
    }
    let mut table = Table::new(&["profile", "what it is", "feeds"]);
    for (name, (profile, users)) in &feeds {
        let dialect = profile.dialect();
        if context.terminal.json {
            let line = json!({ "v": 1, "profile": name, "feeds": users, "dialect": dialect });
            context.terminal.json_line(&line)?;
        }
        table.row([name.clone(), dialect.summary.clone(), users.join(", ")]);
    }
    if !context.terminal.json {
        context.terminal.table(&table)?;
    }
    Ok(Exit::Done)
}

/// Shows the file of one; with `--json` everything that holds in it, that of its base too.
pub(super) fn show(name: &str, context: &Context) -> Outcome {
    let profile = named(name)?;
    if context.terminal.json {
        context.terminal.json_line(&json!({ "v": 1, "profile": profile.name(), "dialect": profile.dialect() }))?;
        return Ok(Exit::Done);
    }
    let text = match &profile {
        Profile::Generic => Base::Generic.text().to_owned(),
        Profile::HkPublicHospital => Base::HkPublicHospital.text().to_owned(),
        Profile::File { path, .. } => fs::read_to_string(path).map_err(|error| {
            Diagnostic::new(Code::ConfigFile, format!("`{}` cannot be read", path.display())).because(&error)
        })?,
    };
    context.terminal.line(text.trim_end())?;
    Ok(Exit::Done)
}
