//! `causeway doctor`

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use causeway_core::port::Log as _;
use causeway_storage::log::embedded::EmbeddedLog;
use causeway_storage::repository::sqlite::SqliteRepository;
use clap::Args;
use serde_json::json;

use super::context::Context;
use super::version::VERSION;
use crate::certificates::standings;
use crate::config::{LogEngine, RepositoryEngine};
use crate::diagnostic::{Diagnostic, Outcome, Stop};
use crate::exit::Exit;
use crate::home::Home;
use crate::output::{Table, grouped, size};

/// Arguments of `causeway doctor`.
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

/// How long a look at an address may take.
const PATIENCE: Duration = Duration::from_millis(500);
/// Fewer open files than this may not suffice for the connections allowed by default.
const OPEN_FILES_MIN: u64 = 4096;

/// One thing looked at.
struct Finding {
    what: &'static str,
    ok: bool,
    told: String,
}

/// Looks at everything the hub needs; ends with 1 when something is not well. It prints nothing about any patient.
pub(crate) fn run(_args: &Doctor, context: &Context) -> Outcome {
    let mut findings = vec![good("program", format!("causeway {VERSION}, {}", std::env::consts::ARCH)), open_files()];
    match context.found() {
        Ok(found) => {
            findings.push(good("configuration", found.file.path.display().to_string()));
            let home = context.home()?;
            let busy = home.is_busy();
            findings.push(good("hub", if busy { "runs" } else { "does not run" }.to_owned()));
            let addresses = found.config().doors().map(|(_key, listen)| listen).chain([found.config().server.listen]);
            // Port 0 means any free one: there is nothing to look at.
            let addresses = addresses.filter(|address| address.port() != 0);
            findings.extend(addresses.map(|address| listening(address, busy)));
            findings.extend(standings(found.config(), context.now()).into_iter().map(|certificate| Finding {
                what: "certificate",
                ok: certificate.is_well(),
                told: certificate.sentence(context.now()),
            }));
            findings.push(match found.config().repository.engine {
                RepositoryEngine::Sqlite => repository_file(&home),
                RepositoryEngine::Postgres => repository_server(context),
            });
            findings.push(match found.config().log.engine {
                LogEngine::Embedded => log_file(&home),
                LogEngine::Kafka => log_server(context),
            });
            findings.push(blobs(context));
        }
        Err(stop) => findings.push(bad("configuration", told(&stop))),
    }
    let all_well = findings.iter().all(|finding| finding.ok);
    if context.terminal.json {
        for Finding { what, ok, told } in &findings {
            context.terminal.json_line(&json!({ "what": what, "ok": ok, "told": told }))?;
        }
    } else {
        let mut table = Table::new(&["what", "", "told"]);
        for Finding { what, ok, told } in &findings {
            table.row([(*what).to_owned(), if *ok { "ok" } else { "BAD" }.to_owned(), told.clone()]);
        }
        context.terminal.table(&table)?;
    }
    Ok(if all_well { Exit::Done } else { Exit::Failed })
}

/// The file of the SQLite repository.
fn repository_file(home: &Home) -> Finding {
    if !home.has_repository() {
        return good("repository", "not there yet".to_owned());
    }
    match SqliteRepository::check_file(&home.repository()) {
        Ok(report) if report.is_sound() => {
            let rows = report.rows;
            let told = format!(
                "{}, {} messages, {} records, audit chain of {} lines holds",
                size(report.bytes),
                grouped(rows.messages),
                grouped(rows.records),
                grouped(report.audit.lines)
            );
            good("repository", told)
        }
        Ok(report) => bad("repository", report.findings.join("; ")),
        Err(error) => bad("repository", error.to_string()),
    }
}

/// The repository on a server: whether it answers, with the schema this program knows, and what it holds.
fn repository_server(context: &Context) -> Finding {
    let asked = context.store().and_then(|store| {
        let messages: u64 = store.repository.feed_counts()?.iter().map(|count| count.count).sum();
        let records: u64 = store.repository.count_records()?.iter().map(|(_, count)| count).sum();
        Ok((messages, records))
    });
    match asked {
        Ok((messages, records)) => {
            good("repository", format!("answers; {} messages, {} records", grouped(messages), grouped(records)))
        }
        Err(stop) => bad("repository", told(&stop)),
    }
}

/// The files of the embedded log.
fn log_file(home: &Home) -> Finding {
    if !home.has_log() {
        return good("log", "not there yet".to_owned());
    }
    let verified = EmbeddedLog::open_read_only(&home.log(), 1).and_then(|log| Ok((log.verify()?, log.size_bytes()?)));
    match verified {
        Ok((entries, bytes)) => good("log", format!("{}, {} entries hold", size(bytes), grouped(entries))),
        Err(error) => bad("log", error.to_string()),
    }
}

/// The topic of the log: whether the brokers answer, and it is as it must be.
fn log_server(context: &Context) -> Finding {
    match context.log().and_then(|log| Ok(log.state()?)) {
        Ok(lanes) => {
            let entries: u64 = lanes.iter().map(|lane| lane.end.0.saturating_sub(lane.first.0)).sum();
            good("log", format!("answers; {} partitions, {} entries", lanes.len(), grouped(entries)))
        }
        Err(stop) => bad("log", told(&stop)),
    }
}

/// The blob store: whether it takes documents.
fn blobs(context: &Context) -> Finding {
    match context.blobs_if_any().and_then(|blobs| Ok(blobs.map(|blobs| blobs.probe()).transpose()?)) {
        Ok(Some(())) => good("blobs", "can be written to".to_owned()),
        Ok(None) => good("blobs", "not there yet".to_owned()),
        Err(stop) => bad("blobs", told(&stop)),
    }
}

/// Whether something listens where it should, and nothing where it should not.
fn listening(address: SocketAddr, busy: bool) -> Finding {
    let answers = TcpStream::connect_timeout(&address, PATIENCE).is_ok();
    let told = match (busy, answers) {
        (true, true) => format!("{address} listens"),
        (true, false) => format!("{address} does not listen, though the hub runs"),
        (false, true) => format!("{address} is taken by another program"),
        (false, false) => format!("{address} is free"),
    };
    Finding { what: "address", ok: busy == answers, told }
}

/// The limit on open files, where the system tells it.
fn open_files() -> Finding {
    let limits = std::fs::read_to_string(Path::new("/proc/self/limits")).unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)).unwrap_or("unknown");
    let enough = soft.parse::<u64>().map_or(true, |soft| soft >= OPEN_FILES_MIN);
    let told = if enough { format!("{soft} open files") } else { format!("{soft} open files: raise `ulimit -n`") };
    Finding { what: "limits", ok: enough, told }
}

const fn good(what: &'static str, told: String) -> Finding {
    Finding { what, ok: true, told }
}

const fn bad(what: &'static str, told: String) -> Finding {
    Finding { what, ok: false, told }
}

fn told(stop: &Stop) -> String {
    let line = |diagnostic: &Diagnostic| format!("{} {}", diagnostic.code, diagnostic.what);
    match stop {
        Stop::Told(diagnostic) => line(diagnostic),
        Stop::Several(several) => several.iter().map(line).collect::<Vec<_>>().join("; "),
        Stop::ReaderGone => String::new(),
    }
}
