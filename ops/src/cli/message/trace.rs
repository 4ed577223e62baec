//! `causeway message trace`

use causeway_core::decision::Verdict;
use causeway_core::port::{Effects, MessageDetail};
use clap::Args;

use super::super::context::Context;
use super::{find, json, tries};
use crate::diagnostic::Outcome;
use crate::exit::Exit;
use crate::output::{Table, Terminal, grouped};

/// Arguments of `causeway message trace`.
#[derive(Debug, Args)]
pub(crate) struct Trace {
    /// The message: control id, trace id, or `partition:offset`.
    id: String,
}

/// Tells the way of a message; of several, when its control id was used more than once.
pub(crate) fn run(args: &Trace, context: &Context) -> Outcome {
    let terminal = context.screen()?;
    for (number, detail) in find(context, &args.id)?.iter().enumerate() {
        if terminal.json {
            let mut value = json::detail(detail);
            if let Some(object) = value.as_object_mut() {
                object.insert("fetches".to_owned(), tries::json(detail, &tries::of(context, detail)?));
            }
            terminal.json_line(&value)?;
            continue;
        }
        if number > 0 {
            terminal.line("")?;
        }
        tell(context, &terminal, detail)?;
    }
    Ok(Exit::Done)
}

fn tell(context: &Context, terminal: &Terminal, detail: &MessageDetail) -> Outcome<()> {
    let row = &detail.row;
    let facts = &row.facts;
    terminal.heading(&format!("{} {}", facts.kind, facts.control_id))?;
    terminal.line(&format!("from     {} by feed {}, provider {}", facts.sender, facts.feed, facts.provider))?;
    terminal.line(&format!("bytes    {}, sha256 {}", grouped(facts.bytes), facts.digest))?;
    terminal.line(&format!("trace    {}", facts.trace))?;
    if let Some(person) = row.person {
        terminal.line(&format!("person   {person}"))?;
    }
    if facts.control_id_reused {
        terminal.line("note     this sender had used the control id before, for other bytes")?;
    }
    terminal.line("")?;
    way(context, terminal, detail)?;
    if let Some(reason) = row.reason {
        let place = if row.place.is_empty() { String::new() } else { format!(" at {}", row.place) };
        terminal.line(&format!("\n{reason}{place}: {}\nfix: {}", reason.text(), reason.fix()))?;
    }
    tries::tell(terminal, detail, &tries::of(context, detail)?)?;
    decisions(terminal, detail)?;
    records(terminal, detail)?;
    if !detail.notes.is_empty() {
        let mut table = Table::new(&["note", "place", "what"]);
        detail.notes.iter().for_each(|note| table.row([note.code.clone(), note.place.clone(), note.text.clone()]));
        terminal.line("")?;
        terminal.table(&table)?;
    }
    Ok(())
}

/// Every step, oldest first.
fn way(context: &Context, terminal: &Terminal, detail: &MessageDetail) -> Outcome<()> {
    let facts = &detail.row.facts;
    let mut table = Table::new(&["when", "step", "what"]);
    table.row([
        terminal.time(facts.received_at),
        "received".to_owned(),
        format!("last byte read, from {}", facts.sender),
    ]);
    let logged = match context.log().map(|log| log.entry(facts.position)) {
        Ok(Ok(entry)) => (terminal.time(entry.appended_at), format!("durable at {}", facts.position)),
        Ok(Err(_)) | Err(_) => {
            (String::new(), format!("was durable at {}; the log no longer holds it", facts.position))
        }
    };
    table.row([logged.0, "logged".to_owned(), logged.1]);
    for step in &detail.transitions {
        let mut what = format!("by {}", step.actor.0);
        if let Some(reason) = step.reason {
            what = format!("{what}: {reason}");
        }
        if !step.comment.is_empty() {
            what = format!("{what}, \"{}\"", step.comment);
        }
        table.row([terminal.time(step.at), step.state.as_str().to_owned(), what]);
    }
    terminal.table(&table)
}

fn decisions(terminal: &Terminal, detail: &MessageDetail) -> Outcome<()> {
    if detail.decisions.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(&["domain", "decision", "rule", "policy", "reason"]);
    for decision in &detail.decisions {
        let (word, reason) = match decision.verdict {
            Verdict::Permit => ("permit", String::new()),
            Verdict::Withhold(reason) => ("withhold", reason.code().to_owned()),
        };
        table.row([
            decision.domain.code().to_owned(),
            word.to_owned(),
            decision.rule.to_string(),
            decision.policy.as_str().to_owned(),
            reason,
        ]);
    }
    terminal.line("")?;
    terminal.table(&table)
}

fn records(terminal: &Terminal, detail: &MessageDetail) -> Outcome<()> {
    let Effects { created, updated, unchanged, late } = detail.row.effects;
    if created + updated + unchanged + late == 0 && detail.records.is_empty() {
        return Ok(());
    }
    terminal.line(&format!("\nrecords: {created} new, {updated} updated, {unchanged} unchanged, {late} late"))?;
    let mut table = Table::new(&["domain", "resource", "id", ">version", "standing"]);
    for record in &detail.records {
        let standing = match (record.retracted, record.current) {
            (true, true) => "current, retracted",
            (true, false) => "retracted",
            (false, true) => "current",
            (false, false) => "history",
        };
        let kind = record.key.0.split('/').next().unwrap_or_default();
        table.row([
            record.domain.code().to_owned(),
            kind.to_owned(),
            record.key.resource_id(),
            record.version.to_string(),
            standing.to_owned(),
        ]);
    }
    terminal.table(&table)
}
