//! `causeway send`

mod cm;
mod dicom;
mod trust;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use causeway_core::feed::CharsetRule;
use causeway_core::hl7v2::header::Header;
use causeway_core::human;
use causeway_hl7::client::ClientSettings;
use causeway_hl7::config::CharsetSetting;
use causeway_tls::Connector;
use clap::{Args, Subcommand};
use serde_json::json;

use self::trust::Trust;
use super::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::input::{self, Input};
use crate::output::{Table, grouped, progress};
use crate::sending::{self, Plan, Refused, Report};

/// So many refusals are listed for people; JSON has them all.
const REFUSALS_SHOWN: usize = 20;

/// Arguments of `causeway send`.
#[derive(Debug, Args)]
pub(crate) struct Send {
    #[command(subcommand)]
    what: What,
}

/// What to send.
#[derive(Debug, Subcommand)]
enum What {
    /// Send HL7 v2 messages over MLLP: files with one or many messages, folders, captures of MLLP.
    Hl7(Hl7),
    /// Send DICOM images by C-STORE: files with or without meta information, folders.
    Dicom(dicom::Dicom),
    /// Send Chinese-medicine records by HTTP: files with one record (JSON), one a line (NDJSON) or rows (CSV), folders.
    Cm(cm::Cm),
}

/// Arguments of `causeway send hl7`.
#[derive(Debug, Args)]
struct Hl7 {
    /// Files and folders.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Where to, as `host:port`, or `tls://host:port` for TLS.
    #[arg(long, value_name = "ADDR")]
    to: String,
    #[command(flatten)]
    trust: Trust,
    /// Send everything so many times. Without --renumber the later ones are resends, which have no second effect.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repeat: u32,
    /// Give every message a control id of its own, so that it counts as new.
    #[arg(long)]
    renumber: bool,
    /// Connections; the messages of one patient stay on one of them.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Messages of a connection that may wait for their answer.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    window: u16,
    /// How long to wait for an answer.
    #[arg(long, default_value = "30s", value_parser = human::parse_duration)]
    timeout: Duration,
    /// Wait for the application acknowledgement too, where MSH-16 asks for one.
    #[arg(long)]
    outcome: bool,
    /// How the messages are encoded, as far as MSH-18 does not say: auto, default:NAME or force:NAME.
    #[arg(long, default_value = "auto", value_parser = charset)]
    charset: CharsetRule,
}

/// Sends messages.
pub(crate) fn run(args: &Send, context: &Context) -> Outcome {
    match &args.what {
        What::Hl7(hl7) => send(hl7, context),
        What::Dicom(dicom) => dicom::run(dicom, context),
        What::Cm(cm) => cm::run(cm, context),
    }
}

fn send(args: &Hl7, context: &Context) -> Outcome {
    let inputs = input::read(&args.paths)?;
    let messages = Arc::new(prepared(args, &inputs, context));
    let (to, tls) = address(args)?;
    let plan = Plan {
        to,
        connections: args.connections.into(),
        window: args.window.into(),
        client: ClientSettings {
            answer_timeout: args.timeout,
            wait_for_outcome: args.outcome,
            charset: args.charset.clone(),
            tls,
            ..ClientSettings::default()
        },
    };
    let total = messages.len();
    let bar = progress::bar(&context.terminal, u64::try_from(total).unwrap_or(u64::MAX), "sending");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let first = messages.first().map(|message| control_id(message, &args.charset)).unwrap_or_default();
    let report = runtime.block_on(sending::send(Arc::clone(&messages), &plan, &bar));
    bar.finish_and_clear();
    tell(context, &report, &inputs, total)?;
    if let Some(broken) = &report.broken {
        let code = if report.unreachable { Code::Unreachable } else { Code::NoAnswer };
        let what = format!("{} of {total} messages have no answer from {}", total - report.done, args.to);
        let told = Diagnostic::new(code, what).why(broken.clone());
        return Err(advice(broken, args).into_iter().fold(told, Diagnostic::fix).into());
    }
    if !first.is_empty() {
        context.terminal.say(&format!("follow one: causeway message trace {first}"));
    }
    Ok(if report.refused.is_empty() { Exit::Done } else { Exit::Partly })
}

/// What to do about a connection that broke, where trying again does not help.
fn advice(broken: &str, args: &Hl7) -> Option<&'static str> {
    let is_secure = args.to.starts_with("tls://");
    if is_secure && broken.contains("CertificateRequired") {
        return Some("give the certificate of the feed and its key: --cert FILE --key FILE");
    }
    if is_secure && broken.contains("received fatal alert") {
        return Some("the receiver does not take this certificate: see its log, and its audit for `refuse-peer`");
    }
    if is_secure && broken.starts_with("no TLS with") {
        return Some(
            "if the door speaks no TLS, send to host:port; else see that --ca is the authority of its certificate",
        );
    }
    let is_foreign = !is_secure && broken.contains("not framed");
    is_foreign.then_some("if the door speaks TLS, send to tls://host:port with --ca; this answer is none of MLLP")
}

/// Where to, and how: `tls://` asks for TLS.
fn address(args: &Hl7) -> Outcome<(String, Option<Connector>)> {
    let secure = args.to.strip_prefix("tls://");
    let connector = args.trust.connector(secure.is_some(), "tls://")?;
    Ok((secure.unwrap_or(&args.to).to_owned(), connector))
}

/// The messages as they go out, in the order they go out.
fn prepared(args: &Hl7, inputs: &[Input], context: &Context) -> Vec<Vec<u8>> {
    let run = context.now().strftime("%y%m%d%H%M%S%3f").to_string();
    let mut messages = Vec::new();
    for _ in 0..args.repeat {
        for input in inputs {
            let bytes = input::with_carriage_returns(&input.bytes);
            let number = messages.len() + 1;
            messages.push(if args.renumber {
                renumbered(&bytes, &args.charset, &format!("{run}-{number}"))
            } else {
                bytes
            });
        }
    }
    messages
}

/// The message with another MSH-10; one whose header cannot be read goes out as it is.
fn renumbered(bytes: &[u8], rule: &CharsetRule, control_id: &str) -> Vec<u8> {
    let parts = Header::peek(bytes, rule).ok().and_then(|header| {
        let text = header.charset().decode(bytes).ok()?.into_owned();
        Some((header.charset(), text))
    });
    let Some((charset, text)) = parts else { return bytes.to_vec() };
    let Some(separator) = text.chars().nth(3) else { return bytes.to_vec() };
    let (header, rest) = text.split_once('\r').unwrap_or((&text, ""));
    let mut fields: Vec<&str> = header.split(separator).collect();
    // The name and MSH-2 are the first two pieces, so MSH-10 is the tenth.
    let Some(field) = fields.get_mut(9) else { return bytes.to_vec() };
    *field = control_id;
    let header: String = fields.join(&separator.to_string());
    charset.encode(&format!("{header}\r{rest}")).unwrap_or_else(|_fault| bytes.to_vec())
}

fn tell(context: &Context, report: &Report, inputs: &[Input], total: usize) -> Outcome<()> {
    let terminal = &context.terminal;
    let name = |refused: &Refused| {
        let place = if inputs.is_empty() { 0 } else { refused.number % inputs.len() };
        inputs.get(place).map(Input::name).unwrap_or_default()
    };
    let seconds = report.took.as_secs_f64();
    if terminal.json {
        let refused: Vec<_> = report
            .refused
            .iter()
            .map(|refused| {
                json!({
                    "input": name(refused), "control_id": refused.control_id, "code": refused.code.as_str(),
                    "error": refused.error, "place": refused.place, "text": refused.text, "fix": refused.fix,
                })
            })
            .collect();
        return terminal.json_line(&json!({
            "v": 1, "messages": total, "answered": report.done, "unanswered": total - report.done,
            "by_code": report.by_code, "refused": refused, "seconds": seconds,
        }));
    }
    let mut table = Table::new(&["answer", ">messages", "meaning"]);
    for (code, count) in &report.by_code {
        table.row([code.clone(), count_of(*count), meaning(code).to_owned()]);
    }
    if !table.is_empty() {
        terminal.table(&table)?;
    }
    if !report.refused.is_empty() {
        let mut table = Table::new(&["refused", "control id", "code", "error", "place", "text", "fix"]);
        for refused in report.refused.iter().take(REFUSALS_SHOWN) {
            let Refused { control_id, error, place, text, fix, code, .. } = refused.clone();
            table.row([name(refused), control_id, code.as_str().to_owned(), error, place, text, fix]);
        }
        terminal.line("")?;
        terminal.table(&table)?;
        let more = report.refused.len().saturating_sub(REFUSALS_SHOWN);
        if more > 0 {
            terminal.say(&format!("and {} more; --json lists them all", count_of(more)));
        }
    }
    terminal.say(&format!("{} of {} messages answered in {seconds:.1} s", count_of(report.done), count_of(total)));
    Ok(())
}

fn meaning(code: &str) -> &'static str {
    match code {
        "AA" => "taken",
        "AE" => "refused: an error in the message",
        "AR" => "refused: not this message, or not now",
        "CA" => "taken into safe storage",
        "CE" => "refused at safe storage: an error",
        "CR" => "refused at safe storage: not this message",
        _ => "asked for no answer",
    }
}

fn control_id(message: &[u8], rule: &CharsetRule) -> String {
    Header::peek(message, rule).map(|header| header.control_id().into_owned()).unwrap_or_default()
}

fn count_of(number: usize) -> String {
    grouped(u64::try_from(number).unwrap_or(u64::MAX))
}

/// Reads `auto`, `default:NAME` or `force:NAME`.
pub(super) fn charset(text: &str) -> Result<CharsetRule, String> {
    let setting: Result<CharsetSetting, serde_json::Error> = serde_json::from_value(json!(text));
    setting.map(|setting| setting.rule().clone()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_gets_another_control_id_and_nothing_else_changes() {
        let message = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|old|P|2.5\rPID|1||7\r";
        let out = renumbered(message, &CharsetRule::Auto, "new-1");
        assert_eq!(out, b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|new-1|P|2.5\rPID|1||7\r");
        assert_eq!(renumbered(b"MSH|^~\\&|A\r", &CharsetRule::Auto, "x"), b"MSH|^~\\&|A\r");
    }
}
