//! `causeway check`

use std::collections::BTreeMap;
use std::time::Duration;

use causeway_hl7::client::{Client, ClientSettings};
use causeway_tls::{ClientTlsSettings, Connector};
use clap::Args;
use serde_json::json;

use super::context::Context;
use crate::certificates::{Standing, standings};
use crate::config::{BlobEngine, Config, LogEngine, RepositoryEngine};
use crate::diagnostic::{Code, Diagnostic, Outcome, Stop};
use crate::exit::Exit;
use crate::sending::chain;

/// Arguments of `causeway check`.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Dial each peer the hub would dial, and the servers of its engines, too.
    #[arg(long)]
    online: bool,
}

/// How long a peer may take to take a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// Checks the configuration; with `--online` it ends with 4 when a peer cannot be reached.
pub(crate) fn run(args: &Check, context: &Context) -> Outcome {
    let found = context.found()?;
    let config = found.config();
    let feeds = config.all_feeds().count();
    let doors = config.doors().count() + config.file_door.len();
    let file = found.file.path.display().to_string();
    let certificates = standings(config, context.now());
    if let Some(unusable) = certificates.iter().find(|certificate| certificate.standing == Standing::Unusable) {
        return Err(Diagnostic::new(Code::Certificate, unusable.told.clone()).at(unusable.name.clone()).into());
    }
    let soon = certificates.iter().filter(|certificate| !certificate.is_well());
    let soon = soon.map(|certificate| certificate.sentence(context.now()));
    let notes: Vec<String> = notes(context)?.into_iter().chain(soon).collect();
    let peers: Vec<(String, Result<(), String>)> =
        if args.online { dial(config).into_iter().chain(servers(context)).collect() } else { Vec::new() };
    let all_reached = peers.iter().all(|(_, reached)| reached.is_ok());
    if context.terminal.json {
        let peers: Vec<_> =
            peers.iter().map(|(peer, reached)| json!({ "peer": peer, "why": reached.as_ref().err() })).collect();
        context.terminal.json_line(&json!({
            "v": 1, "ok": all_reached, "file": file, "doors": doors, "feeds": feeds, "notes": notes,
            "peers": peers,
        }))?;
    } else {
        context.terminal.line(&format!("{file} is well formed; doors: {doors}, feeds: {feeds}"))?;
        for (peer, reached) in &peers {
            let told = reached.as_ref().map_or_else(|why| format!("is not ready: {why}"), |()| "answers".to_owned());
            context.terminal.line(&format!("{peer} {told}"))?;
        }
        notes.iter().for_each(|note| context.terminal.say(&format!("note: {note}")));
    }
    Ok(if all_reached { Exit::Done } else { Exit::Unreachable })
}

/// What is well formed and yet may not be meant.
fn notes(context: &Context) -> Outcome<Vec<String>> {
    let config = context.found()?.config();
    let mut notes = Vec::new();
    let elsewhere = config.log.engine == LogEngine::Kafka && config.repository.engine == RepositoryEngine::Postgres;
    if elsewhere && config.blobs.engine == BlobEngine::Folder {
        let told =
            "documents are kept in a folder of this machine, which other machines do not see: [blobs] engine = \"s3\"";
        notes.push(told.to_owned());
    }
    if config.all_feeds().next().is_none() {
        let told = "there is no [[door]], [[dicom_door]], [[cm_door]], [[file_door]] or [[cm_file_door]], so nothing can come in";
        notes.push(told.to_owned());
    }
    if context.home()?.has_repository() {
        let providers = context.store()?.repository.providers()?;
        for feed in config.all_feeds() {
            if !providers.iter().any(|provider| provider.id == *feed.provider) {
                let (name, provider) = (&feed.name, &feed.provider);
                notes.push(format!("feed {name}: provider {provider} is not registered, so everything is withheld"));
            }
        }
    }
    Ok(notes)
}

/// Dials every peer the hub would dial: those who want application acknowledgements on a connection of ours, by TLS
/// where the hub would.
fn dial(config: &Config) -> Vec<(String, Result<(), String>)> {
    let peers: BTreeMap<&String, Option<&ClientTlsSettings>> = config
        .feeds()
        .filter_map(|feed| Some((feed.application_ack_to.as_ref()?, feed.application_ack_tls.as_ref())))
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let reach = |peer: &str, tls: Option<&ClientTlsSettings>| {
        let runtime = runtime.as_ref().map_err(ToString::to_string)?;
        let tls = tls.map(Connector::open).transpose().map_err(|error| error.to_string())?;
        let settings = ClientSettings { connect_timeout: PATIENCE, tls, ..ClientSettings::default() };
        runtime.block_on(Client::connect(peer, settings)).map(drop).map_err(|error| chain(&error))
    };
    peers.into_iter().map(|(peer, tls)| (peer.clone(), reach(peer, tls))).collect()
}

/// Asks the servers of the engines: the brokers for the topic, the database for its schema.
fn servers(context: &Context) -> Vec<(String, Result<(), String>)> {
    let Ok(found) = context.found() else { return Vec::new() };
    let config = found.config();
    let mut servers = Vec::new();
    let said = |stop: Stop| match stop {
        Stop::Told(diagnostic) => diagnostic.what,
        Stop::Several(several) => several.into_iter().map(|diagnostic| diagnostic.what).collect::<Vec<_>>().join("; "),
        Stop::ReaderGone => String::new(),
    };
    if config.log.engine == LogEngine::Kafka {
        let asked = context.log().and_then(|log| Ok(log.state()?));
        servers.push((format!("kafka {}", config.log.kafka.bootstrap_servers), asked.map(drop).map_err(said)));
    }
    if config.repository.engine == RepositoryEngine::Postgres {
        servers.push(("postgresql".to_owned(), context.store().map(drop).map_err(said)));
    }
    let asked = context.blobs_if_any().and_then(|blobs| Ok(blobs.map_or(Ok(()), |blobs| blobs.probe())?));
    servers.push(("blob store".to_owned(), asked.map_err(said)));
    servers
}
