//! `causeway map explain`

use std::collections::BTreeMap;
use std::path::PathBuf;

use causeway_core::phi::Phi;
use causeway_mappers::hl7v2::explain::{self, Effect, Explanation, Story};
use causeway_mappers::hl7v2::profile::Usage;
use clap::Args;
use serde_json::{Value, json};

use super::reading::Reading;
use crate::cli::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::input;
use crate::output::mask::Sight;
use crate::output::{Table, grouped};

/// How many places a value leads to are shown in a line; `--json` has them all.
const PLACES_SHOWN: usize = 4;

/// Arguments of `causeway map explain`.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A file with HL7 v2 messages.
    file: PathBuf,
    /// Which of its messages, from 1.
    #[arg(long, value_name = "N", default_value_t = 1)]
    message: usize,
    /// Show the values. They are masked otherwise, but for those of the header.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Explains one message; stores nothing. The file is the caller's own, so showing what stands in it is no reading of
/// records and is not audited.
pub(super) fn run(args: &Explain, context: &Context) -> Outcome {
    let settings = args.reading.settings(context)?;
    let inputs = input::read_whatever(std::slice::from_ref(&args.file), &settings)?;
    let Some(input) = args.message.checked_sub(1).and_then(|at| inputs.get(at)) else {
        let told = format!("there is no message {} in the file", args.message);
        let fix = format!("it has {}", inputs.len());
        return Err(Diagnostic::new(Code::NoMessage, told).at(args.file.display().to_string()).fix(fix).into());
    };
    let explanation = explain::explain(&input.bytes, &settings, context.now());
    let sight = if args.reveal { Sight::Revealed } else { Sight::Masked };
    if context.terminal.json {
        context.terminal.json_line(&as_json(&input.name(), &explanation, sight))?;
    } else {
        print(&explanation, sight, context)?;
    }
    if inputs.len() > 1 {
        let count = u64::try_from(inputs.len()).unwrap_or(u64::MAX);
        context.terminal.say(&format!("message {} of {}; --message N explains another", args.message, grouped(count)));
    }
    Ok(Exit::Done)
}

fn print(explanation: &Explanation, sight: Sight, context: &Context) -> Outcome<()> {
    let terminal = &context.terminal;
    let mapped = &explanation.mapped;
    terminal.heading(&format!(
        "{}, control id {}",
        shown_or(&mapped.kind, "no type"),
        shown_or(&mapped.control_id, "none")
    ))?;
    let mut records = Table::new(&["record", "domain", "resource", "key"]);
    for (record, number) in mapped.records.iter().zip(1_usize..) {
        let kind = record.key.resource_type().to_owned();
        records.row([format!("#{number}"), record.domain.code().to_owned(), kind, shown_key(&record.key.0, sight)]);
    }
    if !records.is_empty() {
        terminal.line("")?;
        terminal.table(&records)?;
    }
    let (used, others): (Vec<_>, Vec<_>) = explanation.values.iter().partition(|story| !story.effects.is_empty());
    let (read, unused): (Vec<_>, Vec<_>) = others.into_iter().partition(|story| is_read(story));
    for (title, stories) in
        [("Used", used), ("Read, with nothing to decide in this message", read), ("Not used", unused)]
    {
        if stories.is_empty() {
            continue;
        }
        terminal.line("")?;
        terminal.heading(title)?;
        let mut table = Table::new(&["place", "field", "value", "becomes", "rule"]);
        for story in &stories {
            let value = shown(story, sight);
            let name = story.rule.map_or("", |rule| rule.name).to_owned();
            table.row([story.place.clone(), name, value, becomes(story, explanation), rule(story)]);
        }
        terminal.table(&table)?;
    }
    deviations(explanation, context)?;
    rest(explanation, context)
}

/// Where a used field goes another way than the guide says, each field once.
fn deviations(explanation: &Explanation, context: &Context) -> Outcome<()> {
    let mut told: BTreeMap<String, &str> = BTreeMap::new();
    for story in &explanation.values {
        if let Some(rule) = story.rule.filter(|rule| !rule.deviation.is_empty()) {
            told.insert(format!("{}-{:02}", story.segment, rule.number), rule.deviation);
        }
    }
    if told.is_empty() {
        return Ok(());
    }
    context.terminal.line("")?;
    context.terminal.heading("Where this differs from the HL7 v2-to-FHIR guide")?;
    let mut table = Table::new(&["field", "how, and why"]);
    for (field, deviation) in told {
        table.row([field.replace("-0", "-"), deviation.to_owned()]);
    }
    context.terminal.table(&table)
}

/// What has no place among the values, and what was not tried.
fn rest(explanation: &Explanation, context: &Context) -> Outcome<()> {
    let terminal = &context.terminal;
    let placed = |list: fn(&Story) -> &Vec<usize>, number: usize| {
        explanation.values.iter().any(|story| list(story).contains(&number))
    };
    let mapped = &explanation.mapped;
    let faults = mapped.faults.iter().zip(0..).filter(|(_, number)| !placed(|story| &story.faults, *number));
    let notes = mapped.notes.iter().zip(0..).filter(|(_, number)| !placed(|story| &story.notes, *number));
    let faults = faults.map(|(fault, _)| [fault.place.clone(), fault.reason.to_string(), fault.text.clone()]);
    let notes = notes.map(|(note, _)| [note.place.clone(), note.code.clone(), note.text.clone()]);
    let mut table = Table::new(&["place", "code", "what"]);
    faults.chain(notes).for_each(|row| table.row(row));
    if !table.is_empty() {
        terminal.line("")?;
        terminal.heading("Of the message")?;
        terminal.table(&table)?;
    }
    if explanation.untried > 0 {
        let count = grouped(u64::try_from(explanation.untried).unwrap_or(u64::MAX));
        terminal.say(&format!("the message is very large: of its last {count} values only the rule is told"));
    }
    Ok(())
}

/// Whether a mapper reads the field, though here all comes out the same without the value.
fn is_read(story: &Story) -> bool {
    story.rule.is_some_and(|rule| match rule.usage {
        Usage::Required | Usage::Used => story.notes.is_empty() && story.faults.is_empty(),
        Usage::Kept => false,
    })
}

fn shown_or(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
}

/// The header is no patient's.
fn shown(story: &Story, sight: Sight) -> String {
    let sight = if story.segment == "MSH" { Sight::Revealed } else { sight };
    sight.show(&story.value).replace(['\r', '\n', '\t'], " ")
}

/// A key has the patient's numbers in it: masked it ends with its provider.
fn shown_key(key: &str, sight: Sight) -> String {
    let Some((end, _)) = key.match_indices('/').nth(1) else { return sight.show(&Phi::new(key.to_owned())) };
    let (provider, own) = key.split_at_checked(end.saturating_add(1)).unwrap_or((key, ""));
    format!("{provider}{}", sight.show(&Phi::new(own.to_owned())))
}

/// Where a value goes, and what was noted on it.
fn becomes(story: &Story, explanation: &Explanation) -> String {
    let mut parts = effects(&story.effects);
    let faults = story.faults.iter().filter_map(|number| explanation.mapped.faults.get(*number));
    parts.extend(faults.map(|fault| format!("fault {}: {}", fault.reason, fault.text)));
    let notes = story.notes.iter().filter_map(|number| explanation.mapped.notes.get(*number));
    parts.extend(notes.map(|note| format!("{}: {}", note.code, note.text)));
    if parts.is_empty() {
        let otherwise = story.rule.map_or("ignored", |rule| match rule.usage {
            Usage::Required | Usage::Used => "the same without it",
            Usage::Kept => "kept with the message",
        });
        parts.push(otherwise.to_owned());
    }
    parts.join("; ")
}

/// Effects of one kind on several records are told once, and members of one element as the element.
fn effects(effects: &[Effect]) -> Vec<String> {
    let mut told: Vec<Told<'_>> = Vec::new();
    for effect in effects {
        let (kind, text, record) = match effect {
            Effect::Path { record, path } => {
                let (kind, path) = path.split_once('.').unwrap_or((path, ""));
                (kind, element(path, effects).to_owned(), Some(*record))
            }
            Effect::Key { record } => ("", "the key".to_owned(), Some(*record)),
            Effect::Made { record } => ("", "whether it is made".to_owned(), Some(*record)),
            Effect::Version { record, part } => ("", (*part).to_owned(), Some(*record)),
            Effect::Identity(what) => ("", format!("whom the message is about: {what}"), None),
            Effect::Message(what) => ("", format!("the message's {what}"), None),
            Effect::References(1) => ("", "1 reference between records".to_owned(), None),
            Effect::References(count) => ("", format!("{count} references between records"), None),
        };
        match told.iter_mut().find(|same| same.text == text) {
            Some(same) => same.records.extend(record.filter(|record| !same.records.contains(record))),
            None => told.push(Told { kind, text, records: record.into_iter().collect() }),
        }
    }
    let more = told.len().saturating_sub(PLACES_SHOWN);
    let mut parts: Vec<String> = told.iter().take(PLACES_SHOWN).map(Told::line).collect();
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    parts
}

/// What is told of one or several records.
struct Told<'e> {
    /// The resource's type, where a place in it is told.
    kind: &'e str,
    text: String,
    records: Vec<usize>,
}

impl Told<'_> {
    fn line(&self) -> String {
        let records = of_records(&self.records);
        match self.kind {
            "" => records + &self.text,
            _ if self.records.len() > 1 => records + &self.text,
            kind => format!("{records}{kind}.{}", self.text),
        }
    }
}

/// The path of the element when the value decides more than one of its members.
fn element<'p>(path: &'p str, effects: &[Effect]) -> &'p str {
    let Some((parent, _)) = path.rsplit_once('.') else { return path };
    let beside = effects.iter().filter(|effect| match effect {
        Effect::Path { path: other, .. } => {
            let other = other.split_once('.').map_or("", |(_, other)| other);
            other != path && other.rsplit_once('.').is_some_and(|(other, _)| other == parent)
        }
        Effect::Key { .. }
        | Effect::Made { .. }
        | Effect::Version { .. }
        | Effect::Identity(_)
        | Effect::Message(_)
        | Effect::References(_) => false,
    });
    if beside.count() > 0 { parent } else { path }
}

/// `#1 `, `#1 #2 `, `#1…#12 `.
fn of_records(records: &[usize]) -> String {
    match records {
        [] => String::new(),
        [one] => format!("#{} ", one + 1),
        [first, second] => format!("#{} #{} ", first + 1, second + 1),
        [first, .., last] => format!("#{}…#{} ", first + 1, last + 1),
    }
}

/// The row of the guide, and the code tables.
fn rule(story: &Story) -> String {
    if story.effects.is_empty() {
        return story.rule.map_or(String::new(), |rule| rule.usage.as_str().to_owned());
    }
    let guide = if story.guide.is_empty() { "no map of the guide" } else { story.guide };
    let tables = story.tables.join(" or ");
    if tables.is_empty() { guide.to_owned() } else { format!("{guide}, {tables}") }
}

fn as_json(input: &str, explanation: &Explanation, sight: Sight) -> Value {
    let mapped = &explanation.mapped;
    let records = mapped.records.iter().zip(1_usize..).map(|(record, number)| {
        json!({
            "record": number,
            "domain": record.domain,
            "resource": record.key.resource_type(),
            "id": record.key.resource_id(),
            "key": shown_key(&record.key.0, sight),
        })
    });
    let values = explanation.values.iter().map(|story| {
        json!({
            "place": story.place,
            "field": story.rule.map(|rule| rule.name),
            "value": shown(story, sight),
            "use": story.rule.map_or("ignored", |rule| rule.usage.as_str()),
            "target": story.rule.map(|rule| rule.target),
            "guide": story.guide,
            "deviation": story.rule.map(|rule| rule.deviation).filter(|text| !text.is_empty()),
            "tables": story.tables,
            "effects": story.effects.iter().map(effect).collect::<Vec<_>>(),
            "notes": story.notes.iter().filter_map(|number| mapped.notes.get(*number)).collect::<Vec<_>>(),
            "faults": story.faults.iter().filter_map(|number| mapped.faults.get(*number)).collect::<Vec<_>>(),
        })
    });
    json!({
        "v": 1,
        "input": input,
        "control_id": mapped.control_id,
        "type": mapped.kind,
        "records": records.collect::<Vec<_>>(),
        "values": values.collect::<Vec<_>>(),
        "notes": mapped.notes,
        "faults": mapped.faults,
        "untried": explanation.untried,
    })
}

fn effect(effect: &Effect) -> Value {
    match effect {
        Effect::Path { record, path } => json!({"kind": "path", "record": record + 1, "path": path}),
        Effect::Key { record } => json!({"kind": "key", "record": record + 1}),
        Effect::Made { record } => json!({"kind": "made", "record": record + 1}),
        Effect::Version { record, part } => json!({"kind": "version", "record": record + 1, "part": part}),
        Effect::Identity(part) => json!({"kind": "identity", "part": part}),
        Effect::Message(part) => json!({"kind": "message", "part": part}),
        Effect::References(count) => json!({"kind": "references", "count": count}),
    }
}
