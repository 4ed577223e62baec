//! `causeway image rulings`

use causeway_core::dicom::ruling::{Ruling, RulingQuery};
use clap::Args;
use serde_json::{Value, json};

use super::super::context::Context;
use super::uid;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::Table;

/// Rulings read at once.
const PAGE: u32 = 200;

/// Arguments of `causeway image rulings`.
#[derive(Debug, Args)]
pub(super) struct Rulings {
    /// Those about this SOP Instance, Series or Study UID alone.
    #[arg(long, value_name = "UID")]
    uid: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: u32,
}

/// Lists them.
pub(super) fn run(args: &Rulings, context: &Context) -> Outcome {
    let about = args.uid.as_deref().map(uid).transpose()?;
    let store = context.store()?;
    let screen = context.screen()?;
    let mut table = Table::new(&["at", "verdict", "uid", "by", "reason"]);
    let (mut before, mut left) = (None, args.limit);
    while left > 0 {
        let query = RulingQuery { uid: about.clone(), before, limit: left.min(PAGE) };
        let rows = store.repository.rulings(&query)?;
        let Some(last) = rows.last() else { break };
        before = Some(last.row);
        left = left.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
        for ruling in rows.into_iter().map(|row| row.ruling) {
            if context.terminal.json {
                context.terminal.json_line(&as_json(&ruling))?;
                continue;
            }
            let (at, verdict) = (screen.time(ruling.at), ruling.verdict.as_str().to_owned());
            table.row([at, verdict, ruling.uid.to_string(), ruling.by.0, ruling.reason]);
        }
    }
    if !context.terminal.json {
        screen.table(&table)?;
    }
    Ok(Exit::Done)
}

/// A ruling as data.
pub(super) fn as_json(ruling: &Ruling) -> Value {
    let Ruling { uid, verdict, by, at, reason } = ruling;
    json!({ "v": 1, "uid": uid, "verdict": verdict.as_str(), "by": by, "at": at, "reason": reason })
}
