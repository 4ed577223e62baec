//! `causeway feed codes [--unmapped]`

use causeway_core::port::UnmappedCount;
use serde_json::json;

use super::configured;
use crate::cli::context::Context;
use crate::config::code_tables::Known;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::Table;

/// Lists the tables of feeds.
pub(super) fn tables(feed: Option<&str>, context: &Context) -> Outcome {
    let config = context.found()?.config();
    let only = feed.map(|name| configured(name, context)).transpose()?.map(|(name, _)| name);
    let mut table = Table::new(&["feed", "rows", "tables"]);
    let hl7 = config.feeds().map(|feed| (config.settings_of(feed), &feed.code_tables));
    let clinics = config.clinics().map(|feed| (config.settings_of_clinic(feed), &feed.code_tables));
    for (settings, paths) in hl7.chain(clinics).filter(|(feed, _)| only.as_ref().is_none_or(|only| *only == feed.name))
    {
        let (name, rows) = (settings.name, settings.code_tables.len());
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        if context.terminal.json {
            context.terminal.json_line(&json!({ "v": 1, "feed": name, "rows": rows, "tables": paths }))?;
        } else {
            table.row([name.to_string(), rows.to_string(), paths.join(", ")]);
        }
    }
    if !context.terminal.json {
        context.terminal.table(&table)?;
    }
    Ok(Exit::Done)
}

/// Lists the codes that no table knew when their messages came, but not those that one knows today.
pub(super) fn unmapped(feed: Option<&str>, all: bool, limit: u32, context: &Context) -> Outcome {
    let only = feed.map(|name| configured(name, context)).transpose()?.map(|(name, _)| name);
    let counts = context.store()?.repository.unmapped_codes(only.as_ref(), u32::MAX)?;
    let (known, now) = (Known::of(context.found()?.config()), context.now());
    let listed = counts.iter().map(|count| (count, known.knows(count, now)));
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let listed: Vec<_> = listed.filter(|(_, known)| all || !known).take(limit).collect();
    let screen = context.screen()?;
    let mut table =
        Table::new(&["feed", "domain", "field", "system", "code", "name", "messages", "last seen", "known"]);
    for (UnmappedCount { feed, code, count, last_seen }, known) in listed {
        if context.terminal.json {
            let row = json!({
                "v": 1, "feed": feed, "domain": code.domain, "field": code.field, "system": code.system,
                "code": code.code, "display": code.display, "count": count, "last_seen": last_seen, "known": known,
            });
            context.terminal.json_line(&row)?;
            continue;
        }
        let known = if known { "yes: replay" } else { "no" };
        table.row([
            feed.to_string(),
            code.domain.to_string(),
            code.field.clone(),
            code.system.clone(),
            code.code.clone(),
            code.display.clone(),
            count.to_string(),
            screen.time(*last_seen),
            known.to_owned(),
        ]);
    }
    if !context.terminal.json {
        screen.table(&table)?;
    }
    Ok(Exit::Done)
}
