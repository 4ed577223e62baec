//! `causeway feed test`: a linter for the samples of a site.

mod finding;
mod line;

use std::collections::BTreeMap;
use std::path::PathBuf;

use causeway_core::envelope::FeedName;
use causeway_core::feed::FeedSettings;
use causeway_core::fetch;
use causeway_core::mapped::Pending;
use causeway_hl7::config::{CharsetSetting, FeedConfig, Pattern, SenderPattern};
use causeway_hl7::trial;
use clap::Args;

use self::finding::{Finding, Severity};
use crate::cli::context::Context;
use crate::cli::map::reading::Reading;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::input::{self, Input, with_carriage_returns};
use crate::output::mask::Sight;
use crate::output::{Table, grouped};
use crate::wiring::supports;

/// How many findings of one code are told in full without `--all`.
const TOLD_MAX: usize = 3;

/// Arguments of `causeway feed test`.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// Files and folders with sample messages or Chinese-medicine records, and CSV files by the template.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Show the values of the lines pointed into. They are masked otherwise, but for those of the header.
    #[arg(long)]
    reveal: bool,
    /// Tell every finding in full, not only the first three of each code.
    #[arg(long)]
    all: bool,
}

/// Tries the messages and stores nothing. Ends with 5 when one of them would be refused or held.
pub(super) fn run(args: &Test, context: &Context) -> Outcome {
    let settings = args.reading.settings(context)?;
    let feed = feed(args, &settings, context)?;
    let inputs = input::read_whatever(&args.paths, &settings)?;
    let sight = if args.reveal { Sight::Revealed } else { Sight::Masked };
    let mut summary = Summary::default();
    for (place, input) in inputs.iter().enumerate() {
        let is_first =
            place.checked_sub(1).and_then(|before| inputs.get(before)).is_none_or(|it| it.path != input.path);
        if is_first {
            tell(&of_batch(input)?, &input.path.display().to_string(), sight, args, &mut summary, context)?;
        }
        let findings = findings(input, &feed, &settings, context);
        summary.message(&findings);
        tell(&findings, &input.name(), sight, args, &mut summary, context)?;
    }
    if !context.terminal.json {
        summary.print(inputs.len(), args.all, context)?;
    }
    Ok(if summary.bad == 0 { Exit::Done } else { Exit::Partly })
}

/// Tells findings, and counts them.
fn tell(
    findings: &[Finding],
    input: &str,
    sight: Sight,
    args: &Test,
    summary: &mut Summary,
    context: &Context,
) -> Outcome<()> {
    for finding in findings {
        let told = summary.count(finding);
        if context.terminal.json {
            context.terminal.json_line(&finding.as_json(input, sight))?;
        } else if args.all || told <= TOLD_MAX {
            context.terminal.line(&finding.render(input, sight, context.terminal.colors()))?;
        }
    }
    Ok(())
}

/// What the headers and trailers of a batch have against the file an input comes from.
fn of_batch(input: &Input) -> Outcome<Vec<Finding>> {
    if input.rows.is_some() {
        return Ok(Vec::new());
    }
    let file = input::read_file(&input.path)?;
    Ok(trial::batch_faults(&file).iter().map(Finding::of_batch).collect())
}

/// The feed whose door is asked: the one of the configuration, or one that hears any sender in the profile given.
fn feed(args: &Test, settings: &FeedSettings, context: &Context) -> Outcome<FeedConfig> {
    let charset = CharsetSetting::of(settings.charset.clone());
    if let Some(feed) = args.reading.feed.as_deref().and_then(|name| context.found().ok()?.config().feed(name)) {
        return Ok(FeedConfig { charset, ..feed.clone() });
    }
    let internal = |error: &dyn std::fmt::Display| Diagnostic::new(Code::Internal, error.to_string());
    let name = FeedName::parse("samples").map_err(|error| internal(&error))?;
    let config = FeedConfig::new(name, settings.provider.clone(), vec![SenderPattern::any()]);
    // Samples are mostly marked as tests.
    let processing_ids = vec![Pattern::any()];
    Ok(FeedConfig { charset, profile: settings.profile.clone(), processing_ids, ..config })
}

/// What the door has against a message, what the mapper cannot use of it, and what it notes; each once.
fn findings(input: &Input, feed: &FeedConfig, settings: &FeedSettings, context: &Context) -> Vec<Finding> {
    if input.rows.is_some() || input::is_record(&input.bytes) {
        // The door refuses what the mapper could not read, by the same reader.
        let mapped = match &input.rows {
            Some(faults) if !faults.is_empty() => causeway_mappers::chinese_medicine::refused(faults.clone()),
            Some(_) | None => causeway_mappers::chinese_medicine::map(&input.bytes, settings, 0),
        };
        let faults = mapped.faults.iter().map(Finding::fault);
        return faults.chain(mapped.notes.iter().map(Finding::note)).collect();
    }
    // As it would go over the wire.
    let bytes = with_carriage_returns(&input.bytes);
    let mapped = causeway_mappers::hl7v2::map(&bytes, settings, 0, context.now());
    let refusals = trial::refusals(feed, &supports, &bytes);
    let mut findings: Vec<Finding> = refusals.iter().map(Finding::refused).collect();
    for fault in &mapped.faults {
        // The door and the mapper say the same of what neither can read.
        if !refusals.iter().any(|refusal| refusal.reason == fault.reason) {
            findings.push(Finding::fault(fault));
        }
    }
    let is_listed = |pending: &Pending| fetch::place(&settings.fetch, pending.url.expose()).is_some();
    findings.extend(mapped.pending.iter().map(|pending| Finding::pending(pending, is_listed(pending))));
    findings.extend(mapped.notes.iter().map(Finding::note));
    let lines = line::Lines::new(&bytes, settings);
    for finding in &mut findings {
        finding.line = lines.find(&finding.place);
    }
    findings
}

/// What was found, by code.
#[derive(Debug, Default)]
struct Summary {
    codes: BTreeMap<(Severity, String), usize>,
    bad: usize,
}

impl Summary {
    fn message(&mut self, findings: &[Finding]) {
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            self.bad = self.bad.saturating_add(1);
        }
    }

    /// Counts one, and says the how-manieth of its code it is.
    fn count(&mut self, finding: &Finding) -> usize {
        let count = self.codes.entry((finding.severity, finding.code.clone())).or_default();
        *count = count.saturating_add(1);
        *count
    }

    fn print(&self, messages: usize, all: bool, context: &Context) -> Outcome<()> {
        let number = |count: usize| grouped(u64::try_from(count).unwrap_or(u64::MAX));
        let mut table = Table::new(&["severity", "code", ">findings", "what"]);
        for ((severity, code), count) in &self.codes {
            table.row([severity.as_str().to_owned(), code.clone(), number(*count), finding::meaning(code).to_owned()]);
        }
        if !table.is_empty() {
            context.terminal.table(&table)?;
            context.terminal.line("")?;
        }
        let plural = if messages == 1 { "" } else { "s" };
        let bad = if self.bad == 0 { "none".to_owned() } else { number(self.bad) };
        let messages = number(messages);
        context
            .terminal
            .line(&format!("{messages} message{plural}, {bad} would be refused or held, in whole or in part"))?;
        if !all && self.codes.values().any(|count| *count > TOLD_MAX) {
            context.terminal.say("of each code the first three are told; --all tells every one");
        }
        Ok(())
    }
}
