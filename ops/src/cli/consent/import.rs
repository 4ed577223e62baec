//! `causeway consent import`

use std::path::PathBuf;

use causeway_core::consent::import::{self, EventLine};
use causeway_core::phi::Phi;
use causeway_core::port::{NewEvent, PersonQuery, Registry};
use clap::Args;
use serde_json::json;

use super::super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::import::BadRow;
use crate::output::{Table, grouped, progress};

/// So many bad lines are listed for people; JSON has them all.
const BAD_LINES_SHOWN: usize = 20;

/// Arguments of `causeway consent import`.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// JSON lines, one event a line: `{"type":"GiveIndefinite","hcr":"A1234563","hcp":"9265486345","at":"…"}`; `hcr` is a
    /// document number or an eHR number.
    file: PathBuf,
}

/// Imports events. One that is there already is left out without a word.
pub(crate) fn run(args: &Import, context: &Context) -> Outcome {
    let text = std::fs::read_to_string(&args.file).map_err(|error| {
        Diagnostic::new(Code::Input, "the file cannot be read").at(args.file.display().to_string()).because(&error)
    })?;
    let registry = context.make_store()?.repository.as_ref();
    let lines: Vec<_> = text.lines().zip(1_u32..).filter(|(line, _)| !line.trim().is_empty()).map(|(_, n)| n).collect();
    let bar = progress::bar(&context.terminal, u64::try_from(lines.len()).unwrap_or(u64::MAX), "importing");
    let (mut recorded, mut known, mut bad) = (0_u64, 0_u64, Vec::new());
    for (line, number) in import::read(&text).zip(lines) {
        let place = format!("line {number}");
        let result = match line {
            Ok(line) => one(context, registry, line, &place),
            Err(error) => Err(BadRow::new(&place, error.fault.to_string(), "correct the line; docs/importing.md")),
        };
        match result {
            Ok(true) => recorded += 1,
            Ok(false) => known += 1,
            Err(row) => bad.push(row),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    if context.terminal.json {
        context.terminal.json_line(&json!({ "v": 1, "recorded": recorded, "known": known, "bad": bad }))?;
    } else {
        let (recorded, known, left) = (grouped(recorded), grouped(known), bad.len());
        context.terminal.line(&format!("{recorded} events recorded, {known} known already; {left} lines left out"))?;
        let mut table = Table::new(&["place", "why", "fix"]);
        bad.iter().take(BAD_LINES_SHOWN).for_each(|b| table.row([b.place.clone(), b.why.clone(), b.fix.clone()]));
        if !table.is_empty() {
            context.terminal.table(&table)?;
        }
    }
    Ok(if bad.is_empty() { Exit::Done } else { Exit::Partly })
}

/// Records one event, unless it is there already.
fn one(context: &Context, registry: &dyn Registry, line: EventLine, place: &str) -> Result<bool, BadRow> {
    let told = |error: causeway_core::port::RegistryError| {
        BadRow::new(place, error.to_string(), "see where the person stands with `causeway consent list`")
    };
    let whom = line.hcr.expose().clone();
    let limit = 2;
    let by_document = PersonQuery { document_number: Some(Phi::new(whom.clone())), limit, ..PersonQuery::default() };
    let by_ehr_number = PersonQuery { ehr_number: Some(whom), limit, ..PersonQuery::default() };
    let mut found = registry.persons(&by_document).map_err(told)?;
    if found.is_empty() {
        found = registry.persons(&by_ehr_number).map_err(told)?;
    }
    let (Some(participant), None) = (found.first(), found.get(1)) else {
        let why = if found.is_empty() { "no such person" } else { "more than one person has that number" };
        return Err(BadRow::new(place, why, "import the persons first: `causeway person import`"));
    };
    let id = participant.person.id;
    let event = line.into_event(id);
    let same = |known: &causeway_core::consent::ConsentEvent| {
        known.kind == event.kind && known.at == event.at && known.provider == event.provider
    };
    if registry.events(id).map_err(told)?.iter().any(same) {
        return Ok(false);
    }
    let new = NewEvent {
        person: id,
        kind: event.kind,
        provider: event.provider,
        at: event.at,
        policy: event.policy,
        by: event.by,
        channel: event.channel,
    };
    registry.record_event(&new, &context.actor()).map(|_standing| true).map_err(told)
}
