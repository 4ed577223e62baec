//! `causeway db sweep`

use std::time::Duration;

use causeway_core::port::BlobRow;
use serde_json::json;

use crate::cli::context::Context;
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::orphans::{Holds, Mode, Swept, Walk};
use crate::output::{Table, grouped, size};

/// Tells what nothing points to, and removes it when told to.
pub(super) fn run(yes: bool, context: &Context) -> Outcome {
    let orphans = context.orphans()?;
    let mut found: Vec<(Holds, BlobRow)> = Vec::new();
    let mode = if yes { Mode::Remove } else { Mode::Tell };
    let mut each = |holds, row: &BlobRow| found.push((holds, *row));
    let mut walk = Walk { now: context.now(), mode, since: Duration::MAX, stop: &|| false, each: &mut each };
    let swept = orphans.walk(&mut walk)?;
    if context.terminal.json {
        return as_json(&swept, &found, context);
    }
    let mut table = Table::new(&["store", ">blobs", ">nothing points to", ">bytes", ">removed"]);
    for store in &swept {
        let count = |number: u64| grouped(number);
        let name = store.holds.as_str().to_owned();
        table.row([name, count(store.blobs), count(store.orphans), size(store.bytes), count(store.removed)]);
    }
    context.terminal.table(&table)?;
    if swept.iter().any(|store| store.held_back) {
        context.terminal.say("messages wait to be processed: what one of them may point to was not judged");
    }
    if swept.iter().any(|store| store.cut_short) {
        context.terminal.say("there are more than are swept at once (`blobs.sweep_count_max`): run it again");
    } else if !yes && swept.iter().any(|store| store.orphans > 0) {
        context.terminal.say("nothing was removed; `--yes` removes them, and `--json` names each");
    }
    Ok(Exit::Done)
}

fn as_json(swept: &[Swept], found: &[(Holds, BlobRow)], context: &Context) -> Outcome {
    for (holds, row) in found {
        context.terminal.json_line(&json!({
            "v": 1, "store": holds.as_str(), "sha256": row.blob.digest.to_string(), "bytes": row.blob.bytes,
            "stored_at": row.stored_at,
        }))?;
    }
    for store in swept {
        context.terminal.json_line(&json!({
            "v": 1, "store": store.holds.as_str(), "blobs": store.blobs, "orphans": store.orphans,
            "orphan_bytes": store.bytes, "removed": store.removed, "cut_short": store.cut_short,
            "held_back": store.held_back,
        }))?;
    }
    Ok(Exit::Done)
}
