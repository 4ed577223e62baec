//! `causeway send cm`: Chinese-medicine records of files to a door, as one batch.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use causeway_chinese_medicine::csv::Reading;
use causeway_chinese_medicine::documents::PATH;
use causeway_core::chinese_medicine::RECORD_BYTES_MAX;
use causeway_core::feed::CharsetRule;
use causeway_core::human;
use causeway_tls::Connector;
use clap::Args;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::charset;
use super::trust::Trust;
use crate::cli::context::Context;
use crate::diagnostic::{Code, Diagnostic, Outcome};
use crate::exit::Exit;
use crate::http::client::parted;
use crate::input::{self, Input};
use crate::output::Table;

/// The longest answer taken: a line a record.
const ANSWER_BYTES_MAX: u64 = 1 << 30;

/// Arguments of `causeway send cm`.
#[derive(Debug, Args)]
pub(super) struct Cm {
    /// Files with one record (JSON), one a line (NDJSON) or rows of the template (CSV), and folders with such files.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Where to, as `http://host:port` or `https://host:port`.
    #[arg(long, value_name = "URL")]
    to: String,
    /// The token of the feed.
    #[arg(long, env = "CAUSEWAY_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[command(flatten)]
    trust: Trust,
    /// How CSV files are encoded: auto, default:NAME or force:NAME, as in default:BIG-5.
    #[arg(long, default_value = "auto", value_parser = charset)]
    charset: CharsetRule,
    /// The time zone of the times in CSV files.
    #[arg(long, value_name = "IANA", default_value = "Asia/Hong_Kong")]
    time_zone: String,
    /// How long to wait for the whole answer.
    #[arg(long, default_value = "10m", value_parser = human::parse_duration)]
    timeout: Duration,
}

/// Sends records.
pub(super) fn run(args: &Cm, context: &Context) -> Outcome {
    let zone = TimeZone::get(&args.time_zone)
        .map_err(|error| Diagnostic::new(Code::Argument, "`--time-zone` is no IANA time zone").because(&error))?;
    let reading = Reading { charset: args.charset.clone(), zone, record_bytes_max: RECORD_BYTES_MAX };
    let (records, spoilt): (Vec<_>, Vec<_>) = input::records(&args.paths, &reading)?
        .into_iter()
        .partition(|input| input.rows.as_ref().is_none_or(Vec::is_empty));
    if records.is_empty() {
        return tell(&records, &spoilt, &[], context);
    }
    let target = target(args)?;
    let body = batch(&records);
    let token = args.token.as_ref().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\n{token}Content-Length: {}\r\n\r\n",
        target.address,
        body.len()
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = runtime.block_on(async {
        let asking = ask(&target, [head.into_bytes(), body].concat());
        tokio::time::timeout(args.timeout, asking).await.unwrap_or_else(|_elapsed| Err(io::ErrorKind::TimedOut.into()))
    });
    let answer = asked.map_err(|error| {
        let told = Diagnostic::new(Code::Unreachable, format!("no answer from {}", target.address)).because(&error);
        told.fix("send the files again: what was taken is known and has no second effect")
    })?;
    let (status, body) = parted(&answer)
        .map_err(|error| Diagnostic::new(Code::NoAnswer, "the answer cannot be read").because(&error))?;
    if status != 200 {
        return Err(refused(status, &body).into());
    }
    tell(&records, &spoilt, &body, context)
}

/// Where to, and how.
struct Target {
    address: String,
    host: String,
    tls: Option<Connector>,
}

fn target(args: &Cm) -> Outcome<Target> {
    let usage = |what: &str, fix: &str| Diagnostic::new(Code::Argument, what.to_owned()).fix(fix.to_owned());
    let (secure, rest) = match (args.to.strip_prefix("https://"), args.to.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err(usage("`--to` is no URL", "write http://host:port or https://host:port").into()),
    };
    let address = rest.split('/').next().unwrap_or_default().to_owned();
    let Some((host, _port)) = address.rsplit_once(':') else {
        return Err(usage("`--to` names no port", "write http://host:port or https://host:port").into());
    };
    let host = host.to_owned();
    let tls = args.trust.connector(secure, "https://")?;
    Ok(Target { address, host, tls })
}

/// One record a line. Line ends inside a record stand between its parts, never in a text, so blanks say the same.
fn batch(records: &[Input]) -> Vec<u8> {
    let mut body = Vec::new();
    for record in records {
        body.extend(record.bytes.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
        body.push(b'\n');
    }
    body
}

async fn ask(target: &Target, request: Vec<u8>) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(&target.address).await?;
    match &target.tls {
        None => exchange(stream, request).await,
        Some(tls) => {
            let stream = tls.connect(&target.host, stream).await.map_err(io::Error::other)?;
            exchange(stream, request).await
        }
    }
}

/// Writes and reads at once: the answers begin while the batch is still being sent.
async fn exchange<S: AsyncRead + AsyncWrite>(stream: S, request: Vec<u8>) -> io::Result<Vec<u8>> {
    let (reader, mut writer) = tokio::io::split(stream);
    let mut answer = Vec::new();
    let writing = async {
        // A door that answers no closes before it has read all; its answer tells why.
        let written = writer.write_all(&request).await;
        drop(written);
        let flushed = writer.flush().await;
        drop(flushed);
    };
    let mut reader = reader.take(ANSWER_BYTES_MAX);
    let reading = reader.read_to_end(&mut answer);
    let ((), read) = tokio::join!(writing, reading);
    match read {
        Err(error) if answer.is_empty() => Err(error),
        Ok(_) | Err(_) => Ok(answer),
    }
}

fn refused(status: u16, body: &[u8]) -> Diagnostic {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = told
        .get("detail")
        .and_then(Value::as_str)
        .or_else(|| told.get("title").and_then(Value::as_str))
        .unwrap_or("it does not say why")
        .to_owned();
    let fix = match status {
        401 => "give the feed's own token with `--token`, or its certificate with `--cert` and `--key`",
        404 => "check the address: this is no Chinese-medicine door",
        _ => "see docs/chinese-medicine.md",
    };
    Diagnostic::new(Code::Unreachable, format!("the door answered {status}")).why(said).fix(fix)
}

/// One line a record for programs; for people what was not taken, and a sum.
fn tell(records: &[Input], spoilt: &[Input], body: &[u8], context: &Context) -> Outcome {
    let mut counts = [0_usize; 4];
    let mut table = Table::new(&["record", "place", "code", "what", "fix"]);
    let mut answered = 0_usize;
    for line in body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let result: Value = serde_json::from_slice(line).unwrap_or_default();
        let number =
            result.get("line").and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok()).unwrap_or(0);
        let record = number.checked_sub(1).and_then(|at| records.get(at));
        let name = record.map(Input::name).unwrap_or_default();
        let status = result.get("status").and_then(Value::as_str).unwrap_or_default();
        let known = ["accepted", "resent", "rejected", "later"].iter().position(|word| *word == status);
        if let Some(count) = known.and_then(|at| counts.get_mut(at)) {
            *count = count.saturating_add(1);
        }
        answered = answered.saturating_add(1);
        if context.terminal.json {
            let mut result = result;
            if let Some(object) = result.as_object_mut() {
                object.insert("input".to_owned(), json!(name));
            }
            context.terminal.json_line(&result)?;
            continue;
        }
        for fault in result.get("errors").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| fault.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            table.row([name.clone(), text("pointer"), text("code"), text("detail"), text("fix")]);
        }
    }
    for visit in spoilt {
        let faults = visit.rows.as_deref().unwrap_or_default();
        if context.terminal.json {
            context.terminal.json_line(&json!({"input": visit.name(), "status": "rejected", "errors": faults}))?;
            continue;
        }
        for fault in faults {
            let code = fault.code.as_str().to_owned();
            table.row([
                visit.path.display().to_string(),
                fault.pointer.clone(),
                code,
                fault.detail.clone(),
                fault.fix.clone(),
            ]);
        }
    }
    let [accepted, resent, rejected, later] = counts;
    let rejected = rejected.saturating_add(spoilt.len());
    if !context.terminal.json {
        if !table.is_empty() {
            context.terminal.table(&table)?;
        }
        let told =
            format!("{accepted} accepted, {resent} known before, {rejected} not taken, {later} to be sent again");
        context.terminal.line(&told)?;
    }
    let all = answered == records.len() && rejected == 0 && later == 0;
    Ok(if all { Exit::Done } else { Exit::Partly })
}
