//! `causeway send dicom`: images by C-STORE, in memory that does not depend on them, with a journal to go on from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use causeway_core::disposition::Disposition;
use causeway_core::human;
use causeway_dicom::client::{Client, ClientError, ClientSettings};
use causeway_dicom::pdu::Proposal;
use causeway_dicom::survey::{Survey, survey};
use causeway_dicom::syntax::Syntax;
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use crate::cli::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::input;
use crate::output::{Table, grouped, progress};

/// Contexts of one association: the odd numbers of a byte.
const CONTEXTS_MAX: usize = 128;
/// So many that were not taken are listed for people; JSON has them all.
const SHOWN: usize = 20;

/// Arguments of `causeway send dicom`.
#[derive(Debug, Args)]
pub(super) struct Dicom {
    /// Files and folders; folders inside are looked through. What is no DICOM file is told and left out.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Where to, as `AE@host:port`.
    #[arg(long, value_name = "AE@ADDR", value_parser = target)]
    to: Target,
    /// What we call ourselves.
    #[arg(long, default_value = "CAUSEWAY-SCU", value_name = "AE")]
    calling: String,
    /// How long to wait for an answer.
    #[arg(long, default_value = "60s", value_parser = human::parse_duration)]
    timeout: Duration,
    /// Note every instance that was taken in this file, and leave out those it names already: to go on after a break.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

/// An AE title and its address.
#[derive(Debug, Clone)]
struct Target {
    title: String,
    address: String,
}

fn target(text: &str) -> Result<Target, String> {
    match text.split_once('@') {
        Some((title, address)) if !title.is_empty() && title.len() <= 16 && address.contains(':') => {
            Ok(Target { title: title.to_owned(), address: address.to_owned() })
        }
        Some(_) | None => Err("expected an AE title and an address, as CAUSEWAY@127.0.0.1:11112".to_owned()),
    }
}

/// A file to be sent.
struct Image {
    path: PathBuf,
    survey: Survey,
}

/// What became of the files.
#[derive(Default)]
struct Report {
    taken: usize,
    skipped: usize,
    by_status: BTreeMap<String, usize>,
    /// File, and why it was not taken.
    refused: Vec<(PathBuf, String)>,
    broken: Option<ClientError>,
}

/// Sends images.
pub(super) fn run(args: &Dicom, context: &Context) -> Outcome {
    let began = Instant::now();
    let mut report = Report::default();
    let images = look(args, &mut report)?;
    let bar = progress::bar(&context.terminal, u64::try_from(images.len()).unwrap_or(u64::MAX), "sending");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(send(args, &images, &mut report, &bar))?;
    bar.finish_and_clear();
    tell(&report, began.elapsed(), context)?;
    match &report.broken {
        Some(error) => {
            let left = images.len().saturating_sub(report.taken);
            let code = if matches!(error, ClientError::TimedOut) { Code::NoAnswer } else { Code::Unreachable };
            let told = Diagnostic::new(code, format!("{left} instances have no answer from {}", args.to.address));
            Err(told
                .why(error.to_string())
                .fix("try again; with --journal FILE what was taken is not sent twice")
                .into())
        }
        None if report.refused.is_empty() => Ok(Exit::Done),
        None => Ok(Exit::Partly),
    }
}

/// The files, with what they hold, without those the journal has.
fn look(args: &Dicom, report: &mut Report) -> Outcome<Vec<Image>> {
    let known: BTreeSet<String> = match &args.journal {
        Some(path) if path.exists() => fs::read_to_string(path)?.lines().map(str::to_owned).collect(),
        Some(_) | None => BTreeSet::new(),
    };
    let mut images = Vec::new();
    for path in &args.paths {
        for file in input::files_where(path, |_any| true)? {
            match File::open(&file).map_err(Into::into).and_then(|mut opened| survey(&mut opened)) {
                Ok(survey) if known.contains(&entry(&survey, &file)) => report.skipped += 1,
                Ok(survey) => images.push(Image { path: file, survey }),
                Err(fault) => report.refused.push((file, fault.to_string())),
            }
        }
    }
    Ok(images)
}

/// How the journal names an instance: another file under its UID is another line.
fn entry(survey: &Survey, file: &std::path::Path) -> String {
    format!("{} {}", survey.sop_instance, file.display())
}

/// Sends them, with as many associations as their classes and syntaxes need.
async fn send(args: &Dicom, images: &[Image], report: &mut Report, bar: &ProgressBar) -> Outcome<()> {
    let mut journal = match &args.journal {
        Some(path) => Some(OpenOptions::new().create(true).append(true).open(path)?),
        None => None,
    };
    let mut rest = images;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(fitting(rest));
        rest = later;
        let settings = ClientSettings {
            calling: args.calling.clone(),
            called: args.to.title.clone(),
            timeout: args.timeout,
            tls: None,
        };
        let opened = Client::open(&args.to.address, &settings, proposals(now), Vec::new()).await;
        let mut client = match opened {
            Ok(client) => client,
            Err(error) => {
                report.broken = Some(error);
                return Ok(());
            }
        };
        for image in now {
            let answered = store(&mut client, image).await;
            bar.inc(1);
            match answered {
                Ok((0, _)) => {
                    report.taken += 1;
                    *report.by_status.entry("0000".to_owned()).or_default() += 1;
                    if let Some(journal) = &mut journal {
                        writeln!(journal, "{}", entry(&image.survey, &image.path))?;
                    }
                }
                Ok((status, comment)) => {
                    *report.by_status.entry(format!("{status:04X}")).or_default() += 1;
                    let blank = if comment.is_empty() { "" } else { ": " };
                    let why = format!("status {status:04X}, {}{blank}{comment}", meaning(status));
                    report.refused.push((image.path.clone(), why));
                }
                Err(error) if error.disposition() == Disposition::Retry => {
                    report.broken = Some(error);
                    return Ok(());
                }
                Err(error) => report.refused.push((image.path.clone(), error.to_string())),
            }
        }
        // Everything was answered: how the association ends changes nothing.
        drop(client.release().await);
    }
    Ok(())
}

/// The status, and what the receiver says about it.
async fn store(client: &mut Client, image: &Image) -> Result<(u16, String), ClientError> {
    let survey = &image.survey;
    let mut file = File::open(&image.path).map_err(ClientError::Source)?;
    let bytes = file.metadata().map_err(ClientError::Source)?.len().saturating_sub(survey.data_set_at);
    file.seek(SeekFrom::Start(survey.data_set_at)).map_err(ClientError::Source)?;
    // A data set is of even length (PS3.5 section 7.1.1): a deflated one is padded, another one is not whole.
    let padding: &[u8] = if bytes.is_multiple_of(2) { &[] } else { &[0] };
    if !padding.is_empty() && !Syntax::of(&survey.transfer_syntax).deflated {
        return Ok((0xC000, "not sent: its data set has an odd length".to_owned()));
    }
    let mut source = std::io::BufReader::new(file).chain(padding);
    let answer = client.store(&survey.sop_class, &survey.sop_instance, &survey.transfer_syntax, &mut source).await?;
    Ok((answer.status.unwrap_or(0xFFFF), answer.comment))
}

/// How many of the images fit into one association.
fn fitting(images: &[Image]) -> usize {
    let mut contexts = BTreeSet::new();
    for (place, image) in images.iter().enumerate() {
        contexts.insert((&image.survey.sop_class, &image.survey.transfer_syntax));
        if contexts.len() > CONTEXTS_MAX {
            return place;
        }
    }
    images.len()
}

/// A context for each class in each syntax, so that nothing has to be written anew.
fn proposals(images: &[Image]) -> Vec<Proposal> {
    let contexts: BTreeSet<_> =
        images.iter().map(|image| (&image.survey.sop_class, &image.survey.transfer_syntax)).collect();
    let numbered = (1..=u8::MAX).step_by(2).zip(contexts);
    numbered
        .map(|(id, (class, syntax))| Proposal {
            id,
            abstract_syntax: class.clone(),
            transfer_syntaxes: vec![syntax.clone()],
        })
        .collect()
}

fn tell(report: &Report, took: Duration, context: &Context) -> Outcome<()> {
    let (terminal, seconds) = (&context.terminal, took.as_secs_f64());
    if terminal.json {
        let refused: Vec<_> = report
            .refused
            .iter()
            .map(|(file, why)| json!({ "file": file.display().to_string(), "why": why }))
            .collect();
        return terminal.json_line(&json!({
            "v": 1, "taken": report.taken, "skipped": report.skipped, "by_status": report.by_status, "refused": refused,
            "seconds": seconds,
        }));
    }
    if !report.refused.is_empty() {
        let mut table = Table::new(&["not taken", "why"]);
        for (file, why) in report.refused.iter().take(SHOWN) {
            table.row([file.display().to_string(), why.clone()]);
        }
        terminal.table(&table)?;
        let more = report.refused.len().saturating_sub(SHOWN);
        if more > 0 {
            terminal.say(&format!("and {more} more; --json lists them all"));
        }
    }
    let count = |number: usize| grouped(u64::try_from(number).unwrap_or(u64::MAX));
    let skipped =
        if report.skipped == 0 { String::new() } else { format!(", {} by the journal before", count(report.skipped)) };
    terminal.say(&format!("{} instances taken in {seconds:.1} s{skipped}", count(report.taken)));
    Ok(())
}

/// What a status means (PS3.4 annex B.2.3, PS3.7 annex C).
const fn meaning(status: u16) -> &'static str {
    match status {
        0x0117 => "the SOP Instance UID is none",
        0x0122 => "the SOP class is not taken",
        0x0124 => "we may not",
        0xA700..=0xA7FF => "there is no room now; try again later",
        0xA900..=0xA9FF => "the data set is not what the command says",
        0xB000..=0xBFFF => "taken with a warning",
        0xC000..=0xCFFF => "the data set cannot be understood",
        _ => "refused",
    }
}
